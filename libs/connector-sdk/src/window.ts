import type { Instant, Span } from '@paceline/domain';
import { bucketAt, type Grid } from '@paceline/domain/time/bucket';
import { DAY_MS, firstDayOfMonth, formatDate, monthIndexOf } from '@paceline/domain/time/date';
import { addDuration, approximateMs, type Duration } from '@paceline/domain/time/duration';
import { instantText, offsetText } from '@paceline/domain/time/instant-text';
import type { Zone } from '@paceline/domain/time/zone';
import type { WindowEdge } from './connector.ts';
import { ConnectorFault } from './fault.ts';

/**
 * How a source cuts time. Windows consist of whole periods and of whole buckets of every metric whose points are periods:
 * half a bucket in a query's bounds would give half a sum.
 */
export interface WindowShape {
  /** Zone of the edges: that of the metrics. */
  readonly zone: Zone;
  /** Grids of the mapped metrics that take one value a bucket. */
  readonly grids: readonly Grid[];
  /** `null`: edges lie anywhere, for samples and events. */
  readonly period: Duration | null;
  /** How far before the last covered end a run reads again; `null`: everything, as of a file. */
  readonly lookback: Duration | null;
  /** The first instant ever read; `null`: none given. */
  readonly start: Instant | null;
  readonly settleMs: number;
}

/** One run reads at most so many windows; a long history is read in windows of more periods. */
const WINDOWS_MAX = 200;
/** A window of a run holds at least so many periods, if there are as many: one query for each day of years would be slow. */
const PERIODS_MIN = 31;
const FIXPOINT_STEPS_MAX = 64;
/** A Monday, so that periods of seven days are ISO weeks. */
const FIRST_MONDAY = 4;

/** The latest edge at or before an instant. */
export function alignDown(shape: WindowShape, at: Instant): Instant {
  let edge = at;
  for (let step = 0; step < FIXPOINT_STEPS_MAX; step++) {
    let lower = shape.period === null ? edge : floorToPeriod(shape.zone, shape.period, edge);
    for (const grid of shape.grids) lower = Math.min(lower, bucketAt(grid, lower)?.from ?? lower);
    if (lower === edge) return edge;
    edge = lower;
  }
  throw new ConnectorFault('config', 'incompatible_windows', 'the metrics of the source have no common bucket edges', {
    remedy: 'Give each metric its own source, or metrics of one source the same timezone.',
  });
}

/** The first edge at or after an instant. */
export function alignUp(shape: WindowShape, at: Instant): Instant {
  const down = alignDown(shape, at);
  return down === at ? at : nextEdge(shape, down);
}

/** The edge after one. */
function nextEdge(shape: WindowShape, edge: Instant): Instant {
  let probe = edge;
  for (const grid of shape.grids) probe = Math.max(probe, bucketAt(grid, edge)?.to ?? edge);
  if (shape.period !== null) probe = Math.max(probe, addDuration(shape.zone, edge, shape.period));
  for (let step = 0; step < FIXPOINT_STEPS_MAX; step++) {
    const aligned = alignDown(shape, probe);
    if (aligned > edge) return aligned;
    probe += Math.max(3_600_000, probe - edge);
  }
  return probe;
}

function floorToPeriod(zone: Zone, period: Duration, at: Instant): Instant {
  const { months, days, ms } = period;
  if (months > 0 && days === 0 && ms === 0) {
    const index = monthIndexOf(zone.dayAt(at));
    return zone.dayStart(firstDayOfMonth(Math.floor(index / months) * months));
  }
  if (days > 0 && months === 0 && ms === 0) {
    const day = zone.dayAt(at);
    return zone.dayStart(Math.floor((day - FIRST_MONDAY) / days) * days + FIRST_MONDAY);
  }
  if (ms > 0 && months === 0 && days === 0) {
    const offset = zone.offsetAt(at);
    const floor = Math.floor((at + offset) / ms) * ms - offset;
    // A change of offset inside the period makes it begin at the change, so that edges stay ascending.
    return Math.max(floor, Math.min(at, zone.stretchAt(at).from));
  }
  throw new ConnectorFault('config', 'invalid_config', 'window.period mixes months, days and hours', {
    remedy: 'Write one unit, such as PT1H, P1D, P7D or P1M.',
  });
}

export interface LivePlan {
  /** Frozen upper bound: everything at or after it is for a later run. */
  readonly to: Instant;
  /** Lower bound of what is read; -Infinity for a whole file. */
  readonly from: Instant;
  readonly windows: readonly Span[];
}

/** What a run that began at `now` reads, given how far earlier runs came. Without a whole period it reads nothing. */
export function planLive(
  shape: WindowShape,
  now: Instant,
  coveredTo: Instant | null,
  extent: 'window' | 'whole',
): LivePlan {
  const to = alignDown(shape, now - shape.settleMs);
  const from = coveredTo === null ? firstFrom(shape, to, extent) : openFrom(shape, Math.min(coveredTo, to));
  const windows = from >= to ? [] : extent === 'whole' ? [{ from, to }] : cut(shape, { from, to });
  return { to, from, windows };
}

/** Where the next run begins when this one came up to `coveredTo`; points before it are read by no later run. */
export function openFrom(shape: WindowShape, coveredTo: Instant): Instant {
  const floor = shape.start === null ? Number.NEGATIVE_INFINITY : alignDown(shape, shape.start);
  if (shape.lookback === null || !Number.isFinite(coveredTo)) return floor;
  return Math.max(floor, alignDown(shape, addDuration(shape.zone, coveredTo, shape.lookback, -1)));
}

/** Where the first run begins without `start`: a file at its beginning, a query one period and the lookback before its end. */
function firstFrom(shape: WindowShape, to: Instant, extent: 'window' | 'whole'): Instant {
  if (shape.start !== null) return alignDown(shape, shape.start);
  if (extent === 'whole') return Number.NEGATIVE_INFINITY;
  const period = shape.period === null && shape.grids.length === 0 ? to - DAY_MS : alignDown(shape, to - 1);
  const back = shape.lookback === null ? period : addDuration(shape.zone, period, shape.lookback, -1);
  return alignDown(shape, back);
}

/** Windows of whole periods that fill a span whose ends are edges. */
export function cut(shape: WindowShape, span: Span, periodsMin = PERIODS_MIN): Span[] {
  const length = span.to - span.from;
  const periodMs = Math.max(
    shape.period === null ? 0 : approximateMs(shape.period),
    ...shape.grids.map((grid) => bucketMs(grid, span.from)),
  );
  const unit = periodMs === 0 ? DAY_MS : periodMs;
  const stepMs = Math.max(unit * periodsMin, Math.ceil(length / WINDOWS_MAX));
  const windows: Span[] = [];
  for (let from = span.from; from < span.to; ) {
    const wanted = alignDown(shape, from + stepMs);
    const to = Math.min(span.to, wanted > from ? wanted : nextEdge(shape, from));
    windows.push({ from, to });
    from = to;
  }
  return windows;
}

function bucketMs(grid: Grid, at: Instant): number {
  const bucket = bucketAt(grid, at);
  return bucket === undefined ? 0 : bucket.to - bucket.from;
}

/** The texts of an edge; infinite ones are the ends of what texts can say. */
export function edgeOf(zone: Zone, at: Instant): WindowEdge {
  const bounded = Math.floor(Math.min(Math.max(at, EARLIEST), LATEST));
  const offset = zone.offsetAt(bounded);
  const local = new Date(bounded + offset).toISOString().slice(0, -1);
  return {
    local: `${local}${offsetText(offset)}`,
    utc: new Date(bounded).toISOString(),
    date: formatDate(Math.floor((bounded + offset) / DAY_MS)),
    epochMs: bounded,
  };
}
const EARLIEST = Date.UTC(1000, 0, 1);
const LATEST = Date.UTC(9999, 11, 30);

/** For messages: `2026-11-21T23:00:00Z`, `the beginning`. */
export function instantLabel(at: Instant): string {
  return Number.isFinite(at) ? instantText(at) : at < 0 ? 'the beginning' : 'the end';
}
