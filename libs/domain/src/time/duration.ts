import type { Instant } from '../instant.ts';
import { addMonths, DAY_MS } from './date.ts';
import type { Zone } from './zone.ts';

/** An ISO 8601 duration: months and days are the calendar's, in a zone; the rest is exact time. */
export interface Duration {
  readonly months: number;
  readonly days: number;
  readonly ms: number;
}

export const NO_TIME: Duration = { months: 0, days: 0, ms: 0 };

const DURATION =
  /^P(?:(\d{1,6})Y)?(?:(\d{1,6})M)?(?:(\d{1,6})W)?(?:(\d{1,6})D)?(?:T(?:(\d{1,6})H)?(?:(\d{1,6})M)?(?:(\d{1,6})S)?)?$/;

/** Reads `PT6H`, `P7D`, `P2W`, `P1DT12H`; `undefined` for any other text, and for negative or empty durations. */
export function parseDuration(text: string): Duration | undefined {
  const match = DURATION.exec(text);
  if (match === null || text.endsWith('T') || text === 'P') return undefined;
  const part = (index: number) => Number(match[index] ?? 0);
  return {
    months: part(1) * 12 + part(2),
    days: part(3) * 7 + part(4),
    ms: ((part(5) * 60 + part(6)) * 60 + part(7)) * 1000,
  };
}

/** `at` moved by `times` durations: months and days on the zone's calendar at the same wall time, then hours as they pass. */
export function addDuration(zone: Zone, at: Instant, duration: Duration, times = 1): Instant {
  let moved = at;
  if (duration.months !== 0 || duration.days !== 0) {
    const local = at + zone.offsetAt(at);
    const day = Math.floor(local / DAY_MS);
    const months = duration.months * times;
    const there = (months === 0 ? day : addMonths(day, months)) + duration.days * times;
    moved = zone.instantOfLocal(local + (there - day) * DAY_MS);
  }
  return moved + duration.ms * times;
}

/** For "the slowest of": months count as 30 days, days as 24 hours. */
export function approximateMs(duration: Duration): number {
  return (duration.months * 30 + duration.days) * DAY_MS + duration.ms;
}

export function longer(left: Duration, right: Duration): Duration {
  return approximateMs(right) > approximateMs(left) ? right : left;
}
