import type { Grain } from '../document.ts';
import type { Instant, Span } from '../instant.ts';
import type { Calendar } from './calendar.ts';
import { type Day, dayOf, firstDayOfMonth, monthIndexOf } from './date.ts';
import type { Zone } from './zone.ts';

/** One bucket of a grid. Equal buckets of one grid are the same object while cached; compare by `from`. */
export interface Bucket extends Span {
  /** Its place in the grid: ascending without holes for day to year, the row for a table; an hour's is its `from`. */
  readonly ordinal: number;
}

/** How a grain cuts time in a calendar's zone. Made by `gridOf`, one per calendar and grain. */
export interface Grid {
  readonly grain: Grain;
  readonly calendar: Calendar;
  readonly zone: Zone;
  /** Buckets by ordinal and by label, labels by ordinal; bounded, emptied when full. */
  readonly cache: Map<number, Bucket>;
  readonly labels: Map<string, Bucket>;
  readonly names: Map<number, string>;
  /** Where an instant was looked for last: at one instant all subjects of a grid ask for one bucket. */
  recent: Bucket | undefined;
  /** Where some buckets that end with one began. */
  run: BucketRun | undefined;
}

/** Buckets that follow one another. */
export interface BucketRun {
  readonly first: Bucket;
  readonly last: Bucket;
  /** As many as were asked for, or fewer where a table begins later. */
  readonly buckets: number;
  readonly asked: number;
}

export const CACHE_MAX = 20_000;
const HOUR_MS = 3_600_000;
const BUCKETS_MAX = 1_000_000;

const grids = new WeakMap<Calendar, Map<Grain, Grid>>();

export function gridOf(calendar: Calendar, grain: Grain): Grid {
  let byGrain = grids.get(calendar);
  if (byGrain === undefined) {
    byGrain = new Map();
    grids.set(calendar, byGrain);
  }
  let grid = byGrain.get(grain);
  if (grid === undefined) {
    grid = {
      grain,
      calendar,
      zone: calendar.zone,
      cache: new Map(),
      labels: new Map(),
      names: new Map(),
      recent: undefined,
      run: undefined,
    };
    byGrain.set(grain, grid);
  }
  return grid;
}

/** Two grids that cut time alike: values of the one are values of the other. */
export function sameGrid(left: Grid, right: Grid): boolean {
  if (left === right) return true;
  if (left.grain !== right.grain || left.zone.name !== right.zone.name) return false;
  const [a, b] = [left.calendar, right.calendar];
  switch (left.grain) {
    case 'week':
      return a.weekStart === b.weekStart;
    case 'fiscal_quarter':
    case 'fiscal_year':
      return a.fiscalYearStart === b.fiscalYearStart;
    case 'period':
      return JSON.stringify(a.periods) === JSON.stringify(b.periods);
    default:
      return true;
  }
}

/** The bucket that contains an instant; `undefined` only where a calendar's table has none. */
export function bucketAt(grid: Grid, at: Instant): Bucket | undefined {
  const { recent } = grid;
  if (recent !== undefined && at >= recent.from && at < recent.to) return recent;
  const bucket = findBucket(grid, at);
  grid.recent = bucket;
  return bucket;
}

function findBucket(grid: Grid, at: Instant): Bucket | undefined {
  if (grid.grain === 'hour') return hourAt(grid.zone, at);
  const ordinal = ordinalOfDay(grid, grid.zone.dayAt(at));
  return ordinal === undefined ? undefined : bucketOfOrdinal(grid, ordinal);
}

/** The next bucket that is not empty; `undefined` only at the end of a table. */
export function nextBucket(grid: Grid, bucket: Bucket): Bucket | undefined {
  return neighbour(grid, bucket, 1);
}

/** The previous bucket that is not empty; `undefined` only at the beginning of a table. */
export function previousBucket(grid: Grid, bucket: Bucket): Bucket | undefined {
  return neighbour(grid, bucket, -1);
}

/** The `count` buckets that end with one. */
export function bucketRun(grid: Grid, last: Bucket, count: number): BucketRun {
  if (grid.run?.last === last && grid.run.asked === count) return grid.run;
  let first = last;
  let buckets = 1;
  for (; buckets < count; buckets += 1) {
    const before = previousBucket(grid, first);
    if (before === undefined) break;
    first = before;
  }
  grid.run = { first, last, buckets, asked: count };
  return grid.run;
}

/** The first bucket that starts at or after an instant. */
export function bucketFrom(grid: Grid, at: Instant): Bucket | undefined {
  const bucket = bucketAt(grid, at);
  if (bucket === undefined) return nextInTable(grid, at);
  return bucket.from >= at ? bucket : nextBucket(grid, bucket);
}

/** The start of the first bucket that starts at or after an instant: where whole buckets of what lies before it end. */
export function bucketEdge(grid: Grid, at: Instant): Instant {
  return Number.isFinite(at) ? (bucketFrom(grid, at)?.from ?? at) : at;
}

/** The latest bucket that ends at or before an instant. */
export function bucketUntil(grid: Grid, at: Instant): Bucket | undefined {
  const bucket = bucketAt(grid, at);
  if (bucket !== undefined) return previousBucket(grid, bucket);
  const after = nextInTable(grid, at);
  if (after !== undefined) return previousBucket(grid, after);
  const rows = grid.calendar.periods?.length ?? 0;
  return rows === 0 ? undefined : bucketOfOrdinal(grid, rows - 1);
}

/**
 * The buckets whose start lies in [from, to), ascending: those that belong to a period. More than `max` is a bug of the
 * caller and throws.
 */
export function bucketsBetween(grid: Grid, from: Instant, to: Instant, max = BUCKETS_MAX): Bucket[] {
  const buckets: Bucket[] = [];
  for (let bucket = bucketFrom(grid, from); bucket !== undefined && bucket.from < to; ) {
    if (buckets.length >= max) throw new RangeError(`more than ${max} ${grid.grain} buckets between ${from} and ${to}`);
    buckets.push(bucket);
    bucket = nextBucket(grid, bucket);
  }
  return buckets;
}

/**
 * Ascending edges that cut [from, to) into buckets: from the start of the bucket at `from` to the end of the last one that starts
 * before `to`. Between two edges lies one bucket, or a gap of a calendar's table.
 */
export function boundaries(grid: Grid, from: Instant, to: Instant, max = BUCKETS_MAX): Instant[] {
  const edges: Instant[] = [];
  let bucket = bucketAt(grid, from) ?? nextInTable(grid, from);
  while (bucket !== undefined && bucket.from < to) {
    if (edges.length >= max) throw new RangeError(`more than ${max} ${grid.grain} edges between ${from} and ${to}`);
    if (edges.at(-1) !== bucket.from) edges.push(bucket.from);
    edges.push(bucket.to);
    bucket = nextBucket(grid, bucket);
  }
  return edges;
}

/** The first local day of a bucket. */
export function firstDayOf(grid: Grid, bucket: Span): Day {
  return grid.zone.dayAt(bucket.from);
}

/** The day after a bucket's last local day. */
export function endDayOf(grid: Grid, bucket: Span): Day {
  return grid.zone.dayAt(bucket.to);
}

/** The bucket at a place of a grid of days or longer; `undefined` outside a table and for a day the zone skipped. */
export function bucketOfOrdinal(grid: Grid, ordinal: number): Bucket | undefined {
  const cached = grid.cache.get(ordinal);
  if (cached !== undefined) return cached;
  const first = firstDayOfOrdinal(grid, ordinal);
  const end = endDayOfOrdinal(grid, ordinal);
  if (first === undefined || end === undefined) return undefined;
  const bucket = { from: grid.zone.dayStart(first), to: grid.zone.dayStart(end), ordinal };
  if (bucket.from >= bucket.to) return undefined;
  if (grid.cache.size >= CACHE_MAX) grid.cache.clear();
  grid.cache.set(ordinal, bucket);
  return bucket;
}

function neighbour(grid: Grid, bucket: Bucket, step: 1 | -1): Bucket | undefined {
  if (grid.grain === 'hour') return hourAt(grid.zone, step === 1 ? bucket.to : bucket.from - 1);
  const next = bucketOfOrdinal(grid, bucket.ordinal + step);
  // A day that the zone skipped (Apia, 30 December 2011) is no bucket.
  return next ?? (grid.grain === 'day' ? bucketOfOrdinal(grid, bucket.ordinal + 2 * step) : undefined);
}

/** A local hour under one offset: where clocks change inside an hour, the hour is cut there. */
function hourAt(zone: Zone, at: Instant): Bucket {
  const { from, to, offset } = zone.stretchAt(at);
  const start = Math.floor((at + offset) / HOUR_MS) * HOUR_MS - offset;
  const first = Math.max(start, from);
  return { from: first, to: Math.min(start + HOUR_MS, to), ordinal: first };
}

/** The first period of a table that starts at or after an instant. */
function nextInTable(grid: Grid, at: Instant): Bucket | undefined {
  const periods = grid.calendar.periods;
  if (grid.grain !== 'period' || periods === null) return undefined;
  const day = grid.zone.dayAt(at);
  const row = firstRow(periods, (period) => period.firstDay >= day);
  const bucket = bucketOfOrdinal(grid, row);
  return bucket !== undefined && bucket.from < at ? bucketOfOrdinal(grid, row + 1) : bucket;
}

function firstRow<Row>(rows: readonly Row[], holds: (row: Row) => boolean): number {
  let first = 0;
  let end = rows.length;
  while (first < end) {
    const middle = (first + end) >>> 1;
    if (holds(rows[middle]!)) end = middle;
    else first = middle + 1;
  }
  return first;
}

function ordinalOfDay(grid: Grid, day: Day): number | undefined {
  const { calendar } = grid;
  switch (grid.grain) {
    case 'day':
      return day;
    case 'week':
      // Day 0 is a Thursday: its week started on Monday, three days before.
      return Math.floor((day + 3 - calendar.weekStart) / 7);
    case 'month':
      return monthIndexOf(day);
    case 'quarter':
      return Math.floor(monthIndexOf(day) / 3);
    case 'year':
      return Math.floor(monthIndexOf(day) / 12);
    case 'fiscal_quarter':
      return Math.floor((monthIndexOf(day) - (calendar.fiscalYearStart - 1)) / 3);
    case 'fiscal_year':
      return Math.floor((monthIndexOf(day) - (calendar.fiscalYearStart - 1)) / 12);
    default: {
      const { periods } = calendar;
      if (periods === null) return undefined;
      const row = firstRow(periods, (period) => period.endDay > day);
      return row < periods.length && periods[row]!.firstDay <= day ? row : undefined;
    }
  }
}

function firstDayOfOrdinal(grid: Grid, ordinal: number): Day | undefined {
  const { calendar } = grid;
  switch (grid.grain) {
    case 'day':
      return ordinal;
    case 'week':
      return ordinal * 7 - 3 + calendar.weekStart;
    case 'month':
      return firstDayOfMonth(ordinal);
    case 'quarter':
      return firstDayOfMonth(ordinal * 3);
    case 'year':
      return dayOf(ordinal, 1, 1);
    case 'fiscal_quarter':
      return firstDayOfMonth(ordinal * 3 + calendar.fiscalYearStart - 1);
    case 'fiscal_year':
      return firstDayOfMonth(ordinal * 12 + calendar.fiscalYearStart - 1);
    default:
      return calendar.periods?.[ordinal]?.firstDay;
  }
}

function endDayOfOrdinal(grid: Grid, ordinal: number): Day | undefined {
  return grid.grain === 'period' ? grid.calendar.periods?.[ordinal]?.endDay : firstDayOfOrdinal(grid, ordinal + 1);
}
