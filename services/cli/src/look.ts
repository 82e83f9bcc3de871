export { freshnessNow, percent, readable, VERDICT_LOOK } from '@paceline/domain/look';
