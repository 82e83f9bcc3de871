import type { CompiledCycle, Source } from '../definition/compiled.ts';
import type { Freshness, Verdict } from '../evaluation.ts';
import { EARLIEST, type Instant, type Span } from '../instant.ts';
import { difference } from '../interval.ts';
import { hasPoint, latestBucket, type Reading, readMetric } from '../metric/aggregate.ts';
import { completeRuns, isComplete, statedUntil } from '../metric/coverage.ts';
import { type Metric, sourcesOf, staleAt } from '../metric/metric.ts';
import { matchingSeries } from '../metric/selection.ts';
import { latestCell } from '../metric/series-index.ts';
import { formatRational, type Rational } from '../number/rational.ts';
import type { Reason } from '../reasons.ts';
import { bucketAt } from '../time/bucket.ts';
import { addDuration, type Duration } from '../time/duration.ts';
import type { Context } from './context.ts';
import type { Draft } from './draft.ts';

/** What a subject's value is and how far it reaches (EVALUATION §3). */
export interface Measured {
  readonly value: Rational | null;
  readonly measuredAt: Instant | null;
  readonly carried: boolean;
  readonly resets: number;
  /** A used bucket is not complete. */
  readonly provisional: boolean;
  /** Why there is no value. */
  readonly missing: Missing | null;
}

export interface Missing {
  readonly verdict: Extract<Verdict, 'no_data' | 'insufficient_data'>;
  readonly reason: Reason;
}

export const NOTHING = { value: null, measuredAt: null, carried: false, resets: 0, provisional: false } as const;

export const SEVERAL_SERIES: Missing = { verdict: 'insufficient_data', reason: 'several_series' };

/** Sums, counts, counters and distinct to date: the complete buckets that start in the period. */
export function readCumulative(context: Context, source: Source, period: Span, asOf: Instant): Measured {
  const { metric, where } = source;
  const runs = context.metric(metric).runs(period, asOf);
  const last = runs.at(-1);
  const before = metric.rhythm.ownBuckets(period).edge;
  if (last === undefined) return { ...NOTHING, missing: nothingComplete(context, source, before, asOf) };
  const { asOne } = context;
  const reading = readMetric(metric, context.cellsOf, where, runs, { asOf, emptyIsZero: true, asOne });
  note(context, 'value', source, runs, asOf, reading);
  const missing = missingOf(context, source, reading, before, asOf);
  return {
    value: reading.value,
    measuredAt: last.to,
    carried: false,
    resets: reading.resets,
    provisional: false,
    missing,
  };
}

/** Nothing may be judged before the first complete bucket; whether anything was ever observed makes the difference. */
export function nothingComplete(context: Context, source: Source, before: Instant, asOf: Instant): Missing {
  return wasObserved(context, source, before, asOf)
    ? { verdict: 'insufficient_data', reason: 'nothing_complete' }
    : { verdict: 'no_data', reason: 'no_observations' };
}

/** Everything else: the points in the window that are valid by `asOf`; `last` carries what is not stale. */
export function readLevel(context: Context, source: Source, window: Span, asOf: Instant, close: Instant): Measured {
  const { metric, where } = source;
  const carry = carryRule(context, metric, asOf, close);
  const derived = metric.expression !== null;
  // A side of a formula that a complete bucket says nothing of is zero where sums are, not missing.
  const emptyIsZero = derived && context.metric(metric).runs(window, asOf).length > 0;
  const { asOne } = context;
  const options = derived ? { asOf, emptyIsZero, asOne } : { asOf, emptyIsZero, carry, asOne };
  const reading = readMetric(metric, context.cellsOf, where, [window], options);
  note(context, 'value', source, [window], asOf, reading);
  const end = reading.lastAt === null ? null : (bucketAt(metric.grid, reading.lastAt)?.to ?? reading.until);
  return {
    value: reading.value,
    measuredAt: end === null ? null : Math.min(asOf, end),
    carried: reading.carried,
    resets: reading.resets,
    provisional: reading.count > 0 && usesIncomplete(context, source, window, reading, asOf, carry),
    missing: missingOf(context, source, reading, window.to, asOf),
  };
}

/** A series' last value stands in until it is stale: by then nobody knows what it is now. */
export function carryRule(
  context: Context,
  metric: Metric,
  asOf: Instant,
  close: Instant,
): (bucketEnd: Instant) => boolean {
  const at = Math.min(asOf, close);
  return (bucketEnd) => {
    const stated = statedUntil(metric, context.metric(metric).stated, at) ?? bucketEnd;
    return at <= staleAt(metric, Math.max(bucketEnd, stated));
  };
}

/**
 * Whether any point, of whatever period, is valid by `asOf`. What belongs to later periods says nothing of one that is
 * over (`before`: its end), or every closed period without data would be restated by the next one's first value.
 */
function wasObserved(context: Context, { metric, where }: Source, before: Instant, asOf: Instant): boolean {
  return hasPoint(metric, context.cellsOf, where, asOf, before);
}

export function missingOf(
  context: Context,
  source: Source,
  reading: Reading,
  before: Instant,
  asOf: Instant,
): Missing | null {
  if (reading.value !== null) return null;
  if (reading.reason === 'several_series') return SEVERAL_SERIES;
  if (reading.reason === 'zero_denominator') return { verdict: 'no_data', reason: 'zero_denominator' };
  const observed = wasObserved(context, source, before, asOf);
  return { verdict: 'no_data', reason: observed ? 'no_value_in_period' : 'no_observations' };
}

/** Whether a bucket of a metric is complete as of an instant: then sums without points are known to be 0 in it. */
export function wholeBy(context: Context, metric: Metric, asOf: Instant): (bucket: Span) => boolean {
  const covered = context.covered(metric);
  return (bucket) => isComplete(metric, covered, bucket, asOf);
}

function usesIncomplete(
  context: Context,
  { metric, where }: Source,
  window: Span,
  reading: Reading,
  asOf: Instant,
  carry: (bucketEnd: Instant) => boolean,
): boolean {
  if (reading.provisional) return true;
  const runs = context.metric(metric).runs(window, asOf);
  const run = runs.length === 1 ? runs[0] : undefined;
  // What is complete from the window's start on holds every point used: nothing else to look at.
  if (run?.from === window.from && (reading.lastAt ?? run.to) < run.to && !reading.carried) return false;
  const covered = context.covered(metric);
  if (metric.aggregation === 'last') {
    return matchingSeries(context.cellsOf(metric.name), where).some((series) => {
      const cell = latestCell(metric, series, window.to, asOf);
      if (cell === undefined) return false;
      const bucket = bucketAt(metric.grid, cell.from) ?? cell;
      return (cell.from >= window.from || carry(bucket.to)) && !isComplete(metric, covered, bucket, asOf);
    });
  }
  // The window may begin inside a bucket of the metric: that bucket is complete or not as a whole.
  const from = bucketAt(metric.grid, window.from)?.from ?? window.from;
  const gaps = difference([window], completeRuns(metric, covered, { from, to: window.to }, asOf));
  if (gaps.length === 0) return false;
  return sourcesOf(metric).some(
    (own) => readMetric(own, context.cellsOf, where, gaps, { asOf, asOne: true }).count > 0,
  );
}

export function note(
  context: Context,
  what: string,
  { metric, where }: Source,
  spans: readonly Span[],
  asOf: Instant,
  reading: Reading,
): void {
  context.trace?.windows.push({
    what,
    metric: metric.name,
    where,
    aggregation: metric.aggregation ?? metric.document.spec.derived ?? '',
    spans,
    asOf,
    value: reading.value === null ? null : formatRational(reading.value),
    count: reading.count,
    series: reading.series ?? 0,
    lastAt: reading.lastAt,
    carried: reading.carried,
  });
}

/**
 * Freshness of what reads a metric: age since the end of the last bucket of its own series with a value, or covered by
 * a statement (EVALUATION §9). `before` bounds the buckets that belong to the subject, `edge` what was stated of them; `close`
 * caps the age.
 */
export function observe(
  draft: Draft,
  context: Context,
  source: Source,
  { before, edge, close }: { readonly before: Instant; readonly edge: Instant; readonly close: Instant },
): void {
  const { asOf } = draft;
  const until = Math.min(asOf, close, edge);
  const last = observedUntil(context, source, before, until, asOf);
  if (last === NEVER) return;
  const { rhythm } = source.metric;
  age(draft, last, rhythm.lateAt(last), rhythm.staleAt(last), close);
}

const NEVER = Number.NEGATIVE_INFINITY;

/**
 * The end of the last bucket with a value or a statement. A formula reaches as far as its shortest side, where a sum
 * without points is 0 and known as far as it is complete, but never further than what was observed of any side.
 */
function observedUntil(
  context: Context,
  { metric, where }: Source,
  before: Instant,
  until: Instant,
  asOf: Instant,
): Instant {
  const stated = statedUntil(metric, context.metric(metric).stated, until) ?? NEVER;
  if (metric.expression === null) {
    return Math.max(latestBucket(metric, context.cellsOf, where, before, asOf)?.to ?? NEVER, stated);
  }
  let any = NEVER;
  let every = Number.POSITIVE_INFINITY;
  for (const side of metric.operands.values()) {
    const own = observedUntil(context, { metric: side, where }, before, until, asOf);
    const whole = { from: EARLIEST, to: until };
    const zero = side.cumulative ? (completeRuns(side, context.covered(side), whole, asOf).at(-1)?.to ?? NEVER) : NEVER;
    any = Math.max(any, own);
    every = Math.min(every, Math.max(own, zero));
  }
  return Math.max(Math.min(any, every), stated);
}

const WEEK: Duration = { months: 0, days: 7, ms: 0 };

/** The same of check-ins: one a week is fresh. */
export function observeCheckIn(draft: Draft, last: Instant | undefined, cycle: CompiledCycle, close: Instant): void {
  if (last === undefined) return;
  age(draft, last, addDuration(cycle.zone, last, WEEK), addDuration(cycle.zone, last, WEEK, 2), close);
}

function age(draft: Draft, last: Instant, late: Instant, stale: Instant, close: Instant): void {
  const at = Math.min(draft.asOf, close);
  draft.lastObservedAt = last;
  draft.freshness = freshness(at, late, stale);
  const closed = draft.asOf >= close;
  // After the close nothing ages any more: an edge that lies behind it is never reached.
  draft.lateAt = closed && late >= close ? null : late;
  draft.staleAt = closed && stale >= close ? null : stale;
}

function freshness(at: Instant, late: Instant, stale: Instant): Freshness {
  return at > stale ? 'stale' : at > late ? 'late' : 'fresh';
}
