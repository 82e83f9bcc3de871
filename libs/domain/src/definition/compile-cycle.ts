import type { CycleDocument, Grain } from '../document.ts';
import type { Instant, Span } from '../instant.ts';
import { bucketAt, type Grid, gridOf } from '../time/bucket.ts';
import { plainCalendar } from '../time/calendar.ts';
import { parseDate } from '../time/date.ts';
import { addDuration, parseDuration } from '../time/duration.ts';
import { type Zone, zoneOf } from '../time/zone.ts';
import type { CompiledCycle, Source } from './compiled.ts';

const CLOSE_AFTER = { months: 0, days: 7, ms: 0 };

/** From 00:00 of the first day to 24:00 of the last in the cycle's zone. `undefined` for days that do not exist. */
export function compileCycle(document: CycleDocument): CompiledCycle | undefined {
  const { firstDay, lastDay, timezone, closeAfter } = document.spec;
  const zone = zoneOf(timezone);
  const [first, last] = [parseDate(firstDay), parseDate(lastDay)];
  if (zone === undefined || first === undefined || last === undefined || last < first) return undefined;
  const span = { from: zone.dayStart(first), to: zone.dayStart(last + 1) };
  return {
    name: document.metadata.name,
    zone,
    span,
    closeAfter: (closeAfter === undefined ? undefined : parseDuration(closeAfter)) ?? CLOSE_AFTER,
    periods: calendarPeriods(zone, span),
  };
}

const PERIODS: readonly Grain[] = ['month', 'quarter', 'year'];

/** The grid a cycle is a bucket of, when it is a month, quarter or year of the calendar. */
function calendarPeriods(zone: Zone, span: Span): Grid | null {
  for (const grain of PERIODS) {
    const grid = gridOf(plainCalendar(zone), grain);
    const bucket = bucketAt(grid, span.from);
    if (bucket?.from === span.from && bucket.to === span.to) return grid;
  }
  return null;
}

/**
 * The instant from which a period is closed for what is read of it: the latest end of a bucket that starts in it (or its own
 * end), settled; check-in fed, `closeAfter` the end (EVALUATION §6).
 */
export function closeOf(period: Span, source: Source | null, cycle: CompiledCycle | null): Instant {
  if (source !== null) return source.metric.rhythm.ownBuckets(period).close;
  return cycle === null ? period.to : addDuration(cycle.zone, period.to, cycle.closeAfter);
}

/** 00:00 of a date in a zone; `undefined` where the text is no date. */
export function dayStartIn(zone: Zone): (date: string) => Instant | undefined {
  return (date) => {
    const day = parseDate(String(date));
    return day === undefined ? undefined : zone.dayStart(day);
  };
}

/** 24:00 of a date in a zone. */
export function dayEndIn(zone: Zone): (date: string) => Instant | undefined {
  return (date) => {
    const day = parseDate(String(date));
    return day === undefined ? undefined : zone.dayStart(day + 1);
  };
}
