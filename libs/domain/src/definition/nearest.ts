export { suggest as nearestName } from '../metric/suggest.ts';
