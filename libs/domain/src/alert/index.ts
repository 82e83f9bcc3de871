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
export { type AlertPoint, alertPoint, rankOf, type Standing, standingOf } from './point.ts';
