import {
  type Bucket,
  bucketAt,
  bucketFrom,
  bucketOfLabel,
  bucketsBetween,
  type Calendar,
  type Catalog,
  calendarIn,
  EARLIEST,
  type Grain,
  type Grid,
  gridOf,
  type Instant,
  LATEST,
  type Metric,
  nextBucket,
  parseDate,
  previousBucket,
  readInstant,
  type Span,
  sourcesOf,
  suggestion,
  zoneNames,
  zoneOf,
} from '@paceline/domain';
import { refused } from './knowledge.ts';

export const GRAINS = [
  'hour',
  'day',
  'week',
  'month',
  'quarter',
  'year',
  'fiscal_quarter',
  'fiscal_year',
  'period',
] as const satisfies readonly Grain[];

/** How the caller wants time cut. */
export interface WindowsAsked {
  readonly window?: Grain | undefined;
  /** A day, an instant, or a label of the window's own kind such as 2026-11; the bucket that holds it is the first. */
  readonly from?: string | undefined;
  /** The same; buckets that start at or after it are left out. */
  readonly to?: string | undefined;
  readonly timezone?: string | undefined;
  readonly calendar?: string | undefined;
}

/** Buckets of about these sizes hold those of smaller ones; a table's periods are about months. */
const SIZE: Readonly<Record<Grain, number>> = {
  hour: 0,
  day: 1,
  week: 2,
  month: 3,
  period: 4,
  quarter: 5,
  fiscal_quarter: 5,
  year: 6,
  fiscal_year: 6,
};

/** How many windows are shown when no `from` is given. */
const SHOWN: Readonly<Record<Grain, number>> = {
  hour: 48,
  day: 31,
  week: 26,
  month: 24,
  period: 26,
  quarter: 12,
  fiscal_quarter: 12,
  year: 10,
  fiscal_year: 10,
};

/** The grid of a trend in the metric's calendar and zone, or in those asked for. Faults: `invalid_timezone`, `invalid_window`, `unknown_reference`. */
export function gridAsked(asked: WindowsAsked, own: Grid, catalog: Catalog): Grid {
  const grain = asked.window ?? own.grain;
  const calendar = calendarAsked(asked, own.calendar, catalog);
  if (grain === 'period' && calendar.periods === null) {
    const message = 'window=period needs a calendar with periods: give calendar=NAME, or a metric that has one';
    throw refused('invalid_window', 'window', message);
  }
  return gridOf(calendar, grain);
}

function calendarAsked({ timezone, calendar }: WindowsAsked, own: Calendar, catalog: Catalog): Calendar {
  const named = calendar === undefined ? own : catalog.calendars.get(calendar);
  if (named === undefined) {
    const near = suggestion(calendar ?? '', catalog.calendars.keys());
    throw refused('unknown_reference', 'calendar', `there is no calendar ${calendar}${near}`);
  }
  const zone = timezone === undefined ? own.zone : zoneOf(timezone);
  if (zone === undefined) {
    const near = suggestion(timezone ?? '', zoneNames());
    throw refused('invalid_timezone', 'timezone', `timezone "${timezone}" is no time zone${near}`);
  }
  return calendarIn(named, zone);
}

/** Values of whole buckets can be put together, never cut: refuses another zone and windows finer than they are. */
export function requireWhole(metric: Metric, grid: Grid): void {
  if (sourcesOf(metric).every(({ points }) => points === 'time')) return;
  const has = `${metric.name} has one value a ${metric.grain} in ${metric.zone.name}`;
  if (grid.zone.name !== metric.zone.name) {
    throw refused('invalid_window', 'timezone', `${has}; it cannot be cut in ${grid.zone.name}`);
  }
  if (SIZE[grid.grain] < SIZE[metric.grain]) {
    throw refused('invalid_window', 'window', `${has}; it cannot be cut by ${grid.grain}`);
  }
}

/** A metric of time points as if its grain were the grid's: it may be cut anywhere. */
export function regrid(metric: Metric, grid: Grid): Metric {
  const operands = new Map([...metric.operands].map(([name, operand]) => [name, regrid(operand, grid)]));
  return { ...metric, grid, grain: grid.grain, calendar: grid.calendar, zone: grid.zone, operands };
}

/** Whether all edges of the windows are edges of the metric's own buckets, so that its cells can be put together. */
export function areOwnEdges(metric: Metric, windows: readonly Span[]): boolean {
  const isEdge = (at: Instant): boolean => bucketAt(metric.grid, at)?.from === at;
  return windows.every(({ from, to }) => isEdge(from) && isEdge(to));
}

interface Known {
  readonly asOf: Instant;
  /** Where something is known, a value or that there is none: `until` is the end of the latest window of it. */
  readonly since: Instant | null;
  readonly until: Instant | null;
}

export interface Range {
  readonly windows: readonly Bucket[];
  /** Windows were left out at the end; the first of them starts here. */
  readonly next: Instant | null;
}

/**
 * The windows of a range; none begins after `asOf`. Without `from` the last few up to `to`, and without that the last few of
 * which something is known: they end with `until` and begin no earlier than `since`.
 */
export function rangeAsked(asked: WindowsAsked, grid: Grid, known: Known, max: number): Range {
  const written = { from: boundOf(grid, 'from', asked.from), to: boundOf(grid, 'to', asked.to) };
  if (written.from !== undefined && written.to !== undefined && written.from >= written.to) {
    throw refused('invalid_window', 'from', `from ${asked.from} does not lie before to ${asked.to}`);
  }
  const { from, to } = rangeOf(grid, written, known);
  const windows: Bucket[] = [];
  const start = bucketAt(grid, from) ?? bucketFrom(grid, from);
  for (let bucket = start; bucket !== undefined && bucket.from < to; bucket = nextBucket(grid, bucket)) {
    if (windows.length === max) return { windows, next: bucket.from };
    windows.push(bucket);
  }
  return { windows, next: null };
}

const MICROSECOND: Instant = 0.001;

function rangeOf(
  grid: Grid,
  { from, to }: { readonly from: Instant | undefined; readonly to: Instant | undefined },
  { asOf, since, until }: Known,
): Span {
  const end = Math.min(to ?? Number.POSITIVE_INFINITY, asOf + MICROSECOND);
  if (from !== undefined) return { from, to: end };
  const last = to === undefined && until !== null ? Math.min(until, end) : end;
  const first = stepBack(grid, last - MICROSECOND);
  return { from: since === null ? first : Math.max(first, since), to: last };
}

function stepBack(grid: Grid, at: Instant): Instant {
  let bucket = bucketAt(grid, at);
  for (let step = 1; step < SHOWN[grid.grain] && bucket !== undefined; step++) {
    bucket = previousBucket(grid, bucket) ?? bucket;
  }
  return bucket?.from ?? at;
}

function boundOf(grid: Grid, name: 'from' | 'to', written: string | undefined): Instant | undefined {
  if (written === undefined) return undefined;
  const day = parseDate(written);
  const at = bucketOfLabel(grid, written)?.from ?? (day === undefined ? readInstant(written) : grid.zone.dayStart(day));
  if (at !== undefined) return Math.min(LATEST, Math.max(EARLIEST, at));
  const message = `${name} "${written.slice(0, 40)}" is no day, no instant and no ${grid.grain} such as 2026-11-22`;
  throw refused('invalid_time', name, message);
}

/** Larger units by which a range may be compared, the largest first. */
const UNITS: readonly Grain[] = ['year', 'fiscal_year', 'quarter', 'fiscal_quarter', 'month', 'week', 'day'];

/**
 * The windows before, the i-th for the i-th: where the range is whole years, quarters, months, weeks or days (the last one may
 * be running), as many of these before; else as many windows before. A shorter month has fewer.
 */
export function windowsBefore(grid: Grid, windows: readonly Bucket[], asOf: Instant): readonly Bucket[] {
  const [first, last] = [windows[0], windows.at(-1)];
  if (first === undefined || last === undefined) return [];
  for (const grain of UNITS) {
    if (SIZE[grain] <= SIZE[grid.grain]) continue;
    const units = gridOf(grid.calendar, grain);
    const [start, end] = [bucketAt(units, first.from), bucketAt(units, last.from)];
    if (start === undefined || end === undefined || start.from !== first.from) continue;
    if (last.to !== end.to && last.to <= asOf) continue;
    const count = bucketsBetween(units, start.from, end.to).length;
    let before: Bucket | undefined = start;
    for (let step = 0; step < count && before !== undefined; step++) before = previousBucket(units, before);
    if (before === undefined) continue;
    return bucketsBetween(grid, before.from, first.from).slice(0, windows.length);
  }
  const before: Bucket[] = [];
  for (let bucket = previousBucket(grid, first); bucket !== undefined && before.length < windows.length; ) {
    before.unshift(bucket);
    bucket = previousBucket(grid, bucket);
  }
  return before;
}
