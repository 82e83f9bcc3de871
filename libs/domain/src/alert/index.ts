export { type Announced, type Announcement, announce, reminderDue } from './announce.ts';
export {
  ALERT_OK,
  type AlertState,
  type AlertStateName,
  type Episode,
  evolveAlert,
  foldAlert,
  openEpisode,
  type RuleOf,
  ruleOf,
} from './machine.ts';
export { type AlertPoint, type AlertStanding, alertPoint, rankOf, standingOf } from './point.ts';
export { byInstant, isContinuous, isFolded, type SeriesKey, seriesOf, watcherOf } from './series.ts';
