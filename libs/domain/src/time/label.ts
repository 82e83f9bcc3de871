import type { Grain } from '../document.ts';
import type { Instant, Span } from '../instant.ts';
import { type Bucket, bucketAt, bucketOfOrdinal, CACHE_MAX, firstDayOf, type Grid, nextBucket } from './bucket.ts';
import {
  DAY_MS,
  type Day,
  dayOfParts,
  firstDayOfMonth,
  formatDate,
  isoWeekOf,
  mondayOfIsoWeek,
  monthIndexOf,
  pad,
  parseDate,
} from './date.ts';
import { offsetText } from './instant-text.ts';

const HOUR_MS = 3_600_000;

/** `2026-11-22T14+01:00`, `2026-11-22`, `2026-W47`, `2026-11-15/P7D`, `2026-11`, `2026-Q4`, `2026`, `FY2026`, `FY2026-Q1`, a table's own. */
export function labelOf(grid: Grid, bucket: Bucket): string {
  let label = grid.names.get(bucket.ordinal);
  if (label === undefined) {
    label = nameOf(grid, bucket);
    if (grid.names.size >= CACHE_MAX) grid.names.clear();
    grid.names.set(bucket.ordinal, label);
  }
  return label;
}

function nameOf(grid: Grid, bucket: Bucket): string {
  const day = grid.grain === 'hour' ? 0 : firstLabelDay(grid, bucket);
  switch (grid.grain) {
    case 'hour':
      return hourLabel(grid, bucket.from);
    case 'day':
      return formatDate(day);
    case 'week': {
      if (grid.calendar.weekStart !== 0) return `${formatDate(day)}/P7D`;
      const { year, week } = isoWeekOf(day);
      return `${pad(year, 4)}-W${pad(week, 2)}`;
    }
    case 'month':
      return formatDate(day).slice(0, 7);
    case 'quarter':
      return `${pad(Math.floor(bucket.ordinal / 4), 4)}-Q${(bucket.ordinal % 4) + 1}`;
    case 'year':
      return pad(bucket.ordinal, 4);
    case 'fiscal_quarter':
      return `${fiscalYearLabel(grid, Math.floor(bucket.ordinal / 4))}-Q${(bucket.ordinal % 4) + 1}`;
    case 'fiscal_year':
      return fiscalYearLabel(grid, bucket.ordinal);
    default:
      return grid.calendar.periods?.[bucket.ordinal]?.label ?? formatDate(day);
  }
}

/**
 * The bucket of a label of this grid. Strict: `undefined` for labels of other grains, dates that do not exist, weeks the year
 * has not, days the zone skipped. Of an hour any offset is taken that names the start of one.
 */
export function bucketOfLabel(grid: Grid, label: string): Bucket | undefined {
  const cached = grid.labels.get(label);
  if (cached !== undefined) return cached;
  const bucket = readLabel(grid, label);
  if (bucket === undefined) return undefined;
  if (grid.labels.size >= CACHE_MAX) grid.labels.clear();
  grid.labels.set(label, bucket);
  return bucket;
}

function readLabel(grid: Grid, label: string): Bucket | undefined {
  switch (grid.grain) {
    case 'hour':
      return hourOfLabel(grid, label);
    case 'period': {
      const row = grid.calendar.periods?.findIndex((period) => period.label === label) ?? -1;
      return row < 0 ? undefined : bucketOfOrdinal(grid, row);
    }
    case 'fiscal_quarter':
    case 'fiscal_year':
      return fiscalOfLabel(grid, label);
    default: {
      const ordinal = ordinalOfLabel(grid, label);
      return ordinal === undefined ? undefined : bucketOfOrdinal(grid, ordinal);
    }
  }
}

/** The grains a label has the form of, whatever calendar or table; for saying what a wrong label is. */
export function grainsOfLabel(label: string): readonly Grain[] {
  if (HOUR.test(label)) return ['hour'];
  if (parseDate(label) !== undefined) return ['day'];
  if (WEEK.test(label) || (label.endsWith('/P7D') && parseDate(label.slice(0, -4)) !== undefined)) return ['week'];
  const month = MONTH.exec(label);
  if (month !== null && dayOfParts(Number(month[1]), Number(month[2]), 1) !== undefined) return ['month'];
  if (QUARTER.test(label)) return ['quarter'];
  if (YEAR.test(label)) return ['year'];
  const fiscal = FISCAL.exec(label);
  if (fiscal === null) return [];
  return fiscal[2] === undefined ? ['fiscal_year'] : ['fiscal_quarter'];
}

/** A rolling window of buckets by its first one: `2026-10-26/P4W`, `2026-11-01/P30D`, `2026-09/P3M` for months and so on. */
export function rollingLabel(grid: Grid, first: Bucket, count: number): string {
  switch (grid.grain) {
    case 'hour':
      return `${hourLabel(grid, first.from)}/PT${count}H`;
    case 'period':
      return `${labelOf(grid, first)}/${count}`;
    default:
      return `${formatDate(firstLabelDay(grid, first))}/P${rollingUnit(grid.grain, count)}`;
  }
}

/** The window of a rolling label of `count` buckets, or `undefined` where the label names none. */
export function rollingOfLabel(grid: Grid, label: string, count: number): Span | undefined {
  const slash = label.lastIndexOf('/');
  if (slash < 0 || count < 1) return undefined;
  const head = label.slice(0, slash);
  const dated = grid.grain !== 'hour' && grid.grain !== 'period';
  const day = dated ? parseDate(head) : undefined;
  if (dated && day === undefined) return undefined;
  const first = day === undefined ? bucketOfLabel(grid, head) : bucketAt(grid, grid.zone.dayStart(day));
  if (first === undefined || rollingLabel(grid, first, count) !== label) return undefined;
  let last: Bucket | undefined = first;
  for (let index = 1; index < count && last !== undefined; index++) last = nextBucket(grid, last);
  return last === undefined ? undefined : { from: first.from, to: last.to };
}

const HOUR = /^(\d{4}-\d{2}-\d{2})T(\d{2})(?::00(?::00)?)?(?:Z|([+-])(\d{2}):(\d{2})(?::(\d{2}))?)$/;
const WEEK = /^(\d{4})-W(\d{2})$/;
const MONTH = /^(\d{4})-(\d{2})$/;
const QUARTER = /^(\d{4})-Q([1-4])$/;
const YEAR = /^\d{4}$/;
const FISCAL = /^FY(\d{4})(?:-Q([1-4]))?$/;

function ordinalOfLabel(grid: Grid, label: string): number | undefined {
  switch (grid.grain) {
    case 'day':
      return parseDate(label);
    case 'week': {
      const day = grid.calendar.weekStart === 0 ? mondayOfLabel(label) : firstDayOfWeekLabel(label);
      const ordinal = day === undefined ? undefined : (day + 3 - grid.calendar.weekStart) / 7;
      return ordinal !== undefined && Number.isInteger(ordinal) ? ordinal : undefined;
    }
    case 'month': {
      const match = MONTH.exec(label);
      const day = match === null ? undefined : dayOfParts(Number(match[1]), Number(match[2]), 1);
      return day === undefined ? undefined : monthIndexOf(day);
    }
    case 'quarter': {
      const match = QUARTER.exec(label);
      return match === null || match[1] === '0000' ? undefined : Number(match[1]) * 4 + Number(match[2]) - 1;
    }
    default:
      return YEAR.test(label) && label !== '0000' ? Number(label) : undefined;
  }
}

function mondayOfLabel(label: string): Day | undefined {
  const match = WEEK.exec(label);
  return match === null || match[1] === '0000' ? undefined : mondayOfIsoWeek(Number(match[1]), Number(match[2]));
}

function firstDayOfWeekLabel(label: string): Day | undefined {
  return label.endsWith('/P7D') ? parseDate(label.slice(0, -4)) : undefined;
}

function fiscalOfLabel(grid: Grid, label: string): Bucket | undefined {
  const match = FISCAL.exec(label);
  if (match === null || match[1] === '0000' || (match[2] === undefined) !== (grid.grain === 'fiscal_year'))
    return undefined;
  const year = Number(match[1]) - (grid.calendar.fiscalYearStart === 1 ? 0 : 1);
  return bucketOfOrdinal(grid, match[2] === undefined ? year : year * 4 + Number(match[2]) - 1);
}

/** A fiscal year is named by the calendar year in which it ends. `ordinal` is the year in which it starts. */
function fiscalYearLabel(grid: Grid, ordinal: number): string {
  return `FY${pad(grid.calendar.fiscalYearStart === 1 ? ordinal : ordinal + 1, 4)}`;
}

/** The day by which a bucket is named, which is not the day of its first instant where the zone skipped that day. */
function firstLabelDay(grid: Grid, bucket: Bucket): Day {
  switch (grid.grain) {
    case 'day':
      return bucket.ordinal;
    case 'week':
      return bucket.ordinal * 7 - 3 + grid.calendar.weekStart;
    case 'month':
      return firstDayOfMonth(bucket.ordinal);
    case 'quarter':
      return firstDayOfMonth(bucket.ordinal * 3);
    case 'year':
      return firstDayOfMonth(bucket.ordinal * 12);
    case 'fiscal_quarter':
      return firstDayOfMonth(bucket.ordinal * 3 + grid.calendar.fiscalYearStart - 1);
    case 'fiscal_year':
      return firstDayOfMonth(bucket.ordinal * 12 + grid.calendar.fiscalYearStart - 1);
    default:
      return firstDayOf(grid, bucket);
  }
}

function rollingUnit(grain: Grain, count: number): string {
  switch (grain) {
    case 'day':
      return `${count}D`;
    case 'week':
      return `${count}W`;
    case 'month':
      return `${count}M`;
    case 'quarter':
    case 'fiscal_quarter':
      return `${count * 3}M`;
    default:
      return `${count}Y`;
  }
}

function hourLabel(grid: Grid, at: Instant): string {
  const offset = grid.zone.offsetAt(at);
  const hours = Math.floor((at + offset) / HOUR_MS);
  const day = Math.floor(hours / 24);
  return `${formatDate(day)}T${pad(hours - day * 24, 2)}${offsetText(offset)}`;
}

function hourOfLabel(grid: Grid, label: string): Bucket | undefined {
  const match = HOUR.exec(label);
  const day = match === null ? undefined : parseDate(match[1]!);
  if (match === null || day === undefined) return undefined;
  const hour = Number(match[2]);
  const [hours, minutes, seconds] = [Number(match[4] ?? 0), Number(match[5] ?? 0), Number(match[6] ?? 0)];
  if (hour > 23 || hours > 18 || minutes > 59 || seconds > 59) return undefined;
  const offset = (match[3] === '-' ? -1000 : 1000) * ((hours * 60 + minutes) * 60 + seconds);
  const start = day * DAY_MS + hour * HOUR_MS - offset;
  const first = bucketAt(grid, start);
  // Where clocks change inside an hour its parts share starts or begin late: the label as we print it goes before.
  const printed = canonicalHour(match);
  for (let bucket = first; bucket !== undefined && bucket.from < start + HOUR_MS; bucket = nextBucket(grid, bucket)) {
    if (hourLabel(grid, bucket.from) === printed) return bucket;
  }
  return first?.from === start ? first : undefined;
}

function canonicalHour(match: RegExpExecArray): string {
  const zone = match[3] === undefined ? '+00:00' : `${match[3]}${match[4]}:${match[5]}`;
  return `${match[1]}T${match[2]}${zone}${match[6] === undefined || match[6] === '00' ? '' : `:${match[6]}`}`;
}
