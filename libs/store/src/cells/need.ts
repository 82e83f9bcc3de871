import {
  boundaries,
  bucketAt,
  bucketsBetween,
  type Instant,
  labelOf,
  type Metric,
  type MetricNeed,
  type Position,
} from '@paceline/domain';
import { atOfLabel } from '../label.ts';

/** What is wanted of one metric. */
export interface CellsNeed {
  readonly metric: Metric;
  readonly need: MetricNeed;
  /**
   * Only the buckets with these starts, and no cell before them: what a tick reads again after a late value. `need.from`
   * and `need.to` are not looked at then.
   */
  readonly buckets?: readonly Instant[];
  /** No cell before the range either: where nothing stands in for what is missing. */
  readonly alone?: boolean;
}

/** A need with its range put on the metric's own buckets. Instants in milliseconds. */
export interface Wanted extends CellsNeed {
  /** Start of the bucket at the need's `from`; -Infinity: everything. */
  readonly from: Instant;
  /** End of the last bucket that starts before the need's `to`. */
  readonly to: Instant;
  /** The starts asked for, in sets; `null`: all of the range. */
  readonly only: ReadonlySet<Instant> | null;
  /** Whether the latest cell before `from` is wanted. */
  readonly carry: boolean;
}

export function wantedOf(need: CellsNeed): Wanted {
  const { metric, buckets } = need;
  if (buckets !== undefined && buckets.length === 0) return { ...need, from: 0, to: 0, only: new Set(), carry: false };
  if (buckets !== undefined) {
    const only = new Set(buckets);
    const from = Math.min(...buckets);
    const last = Math.max(...buckets);
    return { ...need, from, to: bucketAt(metric.grid, last)?.to ?? last, only, carry: false };
  }
  // A calendar's table has few periods and labels that say nothing of time: all are read.
  const from = metric.grain === 'period' ? Number.NEGATIVE_INFINITY : floorOf(metric, need.need.from);
  return {
    ...need,
    from,
    to: ceilingOf(metric, need.need.to),
    only: null,
    carry: need.alone !== true && from !== Number.NEGATIVE_INFINITY,
  };
}

function floorOf(metric: Metric, at: Instant): Instant {
  if (!(at > EARLIEST)) return Number.NEGATIVE_INFINITY;
  return bucketAt(metric.grid, at)?.from ?? at;
}

function ceilingOf(metric: Metric, at: Instant): Instant {
  if (!(at < LATEST)) return Number.POSITIVE_INFINITY;
  const bucket = bucketAt(metric.grid, at);
  return bucket === undefined || bucket.from >= at ? at : bucket.to;
}

const EARLIEST = Date.UTC(1900, 0, 2);
const LATEST = Date.UTC(2299, 11, 30);
/** Above this many buckets the exact bounds of a range are not worth computing. */
const BUCKETS_MAX = 50_000;
const DAY_MS = 86_400_000;
const LONGEST: Readonly<Record<Metric['grain'], number>> = {
  hour: 3_600_000,
  day: 2 * DAY_MS,
  week: 8 * DAY_MS,
  month: 32 * DAY_MS,
  quarter: 93 * DAY_MS,
  year: 367 * DAY_MS,
  fiscal_quarter: 93 * DAY_MS,
  fiscal_year: 367 * DAY_MS,
  period: 3_660 * DAY_MS,
};

export interface LabelRange {
  /** Bounds, both inclusive, of what the labels of the range's buckets say as UTC. */
  readonly atFrom: Instant;
  readonly atTo: Instant;
  /** No bucket of the range ends later than this after what its label says: statements recorded later are valid from its end. */
  readonly earlyMs: number;
}

/** How the buckets of a range stand in the column `at`, where period points are kept by what their label says as UTC. */
export function labelRange(metric: Metric, from: Instant, to: Instant): LabelRange {
  const grid = metric.grid;
  const finite = Number.isFinite(from) && Number.isFinite(to);
  const slack = metric.grain === 'fiscal_quarter' || metric.grain === 'fiscal_year' ? 367 * DAY_MS : 2 * DAY_MS;
  const wide = { atFrom: from - slack, atTo: to + slack, earlyMs: LONGEST[metric.grain] + slack };
  if (metric.grain === 'period')
    return {
      ...wide,
      atFrom: Number.NEGATIVE_INFINITY,
      atTo: Number.POSITIVE_INFINITY,
      earlyMs: Number.POSITIVE_INFINITY,
    };
  if (!finite || (to - from) / LONGEST[metric.grain] > BUCKETS_MAX / 2) return wide;
  let atFrom = Number.POSITIVE_INFINITY;
  let atTo = Number.NEGATIVE_INFINITY;
  let earlyMs = 0;
  for (const bucket of bucketsBetween(grid, from, to)) {
    const at = atOfLabel(labelOf(grid, bucket));
    atFrom = Math.min(atFrom, at);
    atTo = Math.max(atTo, at);
    earlyMs = Math.max(earlyMs, bucket.to - at);
  }
  return { atFrom, atTo, earlyMs };
}

/** Edges in milliseconds that cut [from, to) into the metric's buckets, and the cuts between them. */
export function edgesOf(wanted: Wanted, from: Instant, to: Instant): Instant[] {
  const edges = boundaries(wanted.metric.grid, from, to);
  return [...edges, ...(wanted.need.cuts ?? []).filter((cut) => cut > from && cut < to)];
}

export interface CellsContext {
  readonly workspace: string;
  /** Exclusive bound of `pos`. */
  readonly bound: Position;
}
