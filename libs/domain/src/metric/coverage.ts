import type { Instant, Span } from '../instant.ts';
import { covers, type Intervals, intersection, intervalsOf, spanIndex } from '../interval.ts';
import { type Bucket, bucketFrom, bucketUntil, nextBucket, previousBucket } from '../time/bucket.ts';
import { approximateMs } from '../time/duration.ts';
import type { FeederCoverage, MetricCoverage } from '../view.ts';
import { type Metric, settledAt } from './metric.ts';

/** Before the first day that the engine's time can hold; windows without a start begin here. */
export const EARLIEST: Instant = Date.UTC(1900, 0, 1);
/** Behind the last. */
export const LATEST: Instant = Date.UTC(2299, 11, 31);

const NOTHING: Intervals = [];
const known = new WeakMap<MetricCoverage, Intervals>();

/** What is covered of a metric with points of its own: by every feeder, all series together. Without feeders nothing is. */
export function coveredOf(coverage: MetricCoverage): Intervals {
  let covered = known.get(coverage);
  if (covered === undefined) {
    covered = intersectAll(coverage.feeders.map(coveredByFeeder));
    known.set(coverage, covered);
  }
  return covered;
}

/** The same for any metric: what is derived is covered where every operand is. */
export function coveredOfMetric(metric: Metric, read: (name: string) => MetricCoverage): Intervals {
  if (metric.expression === null) return coveredOf(read(metric.name));
  return intersectAll([...metric.operands.values()].map((operand) => coveredOfMetric(operand, read)));
}

/** Union of all statements and of what was covered by default when the first was recorded; without any, what its points cover. */
export function coveredByFeeder(feeder: FeederCoverage): Intervals {
  const spans: Span[] = [...feeder.statements];
  if (feeder.before !== null) spans.push(feeder.before);
  if (feeder.points !== null && feeder.statements.length === 0) spans.push(feeder.points);
  return intervalsOf(spans);
}

/** What at least one feeder stated and all cover: it counts as observed even without a value (EVALUATION §9). */
export function statedOfMetric(metric: Metric, read: (name: string) => MetricCoverage): Intervals {
  if (metric.expression !== null) {
    return intersectAll([...metric.operands.values()].map((operand) => statedOfMetric(operand, read)));
  }
  const coverage = read(metric.name);
  const stated = intervalsOf(coverage.feeders.flatMap((feeder) => feeder.statements));
  return stated.length === 0 ? NOTHING : intersection(stated, coveredOf(coverage));
}

/** A bucket is complete when it is covered and `end + settle <= asOf`. */
export function isComplete(metric: Metric, covered: Intervals, bucket: Span, asOf: Instant): boolean {
  return bucket.to <= asOf && settledAt(metric, bucket.to) <= asOf && covers(covered, bucket);
}

const settled = new WeakMap<Metric, { asOf: Instant; bucket: Bucket | undefined }>();

/** The latest bucket of the metric's grain whose end + settle has passed. */
export function lastSettledBucket(metric: Metric, asOf: Instant): Bucket | undefined {
  const cached = settled.get(metric);
  if (cached !== undefined && cached.asOf === asOf) return cached.bucket;
  let bucket = bucketUntil(metric.grid, asOf - approximateMs(metric.settle));
  while (bucket !== undefined && settledAt(metric, bucket.to) > asOf) bucket = previousBucket(metric.grid, bucket);
  for (let next = bucket && nextBucket(metric.grid, bucket); next !== undefined; ) {
    if (settledAt(metric, next.to) > asOf) break;
    bucket = next;
    next = nextBucket(metric.grid, next);
  }
  if (cached === undefined) settled.set(metric, { asOf, bucket });
  else {
    cached.asOf = asOf;
    cached.bucket = bucket;
  }
  return bucket;
}

/** The complete buckets that start in a window, as runs without a gap; ascending. */
export function completeRuns(metric: Metric, covered: Intervals, window: Span, asOf: Instant): Span[] {
  const runs: Span[] = [];
  const last = lastSettledBucket(metric, asOf);
  if (last === undefined) return runs;
  const start = Math.max(window.from, EARLIEST);
  // The window's last bucket may end behind it: it belongs to the window by its start.
  const edge = bucketFrom(metric.grid, Math.min(window.to, LATEST))?.from ?? Number.POSITIVE_INFINITY;
  const limit = Math.min(edge, last.to);
  for (let index = spanIndex(covered, start); index < covered.length; index++) {
    const span = covered[index]!;
    if (span.from >= limit) break;
    const first = bucketFrom(metric.grid, Math.max(span.from, start));
    const end = Math.min(span.to, limit);
    if (first === undefined || first.to > end) continue;
    const to = end === last.to ? last.to : bucketUntil(metric.grid, end)!.to;
    runs.push({ from: first.from, to });
  }
  return runs;
}

/** The end of the latest bucket of the metric's grain that a statement covers whole, by an instant; `undefined` without one. */
export function statedUntil(metric: Metric, stated: Intervals, asOf: Instant): Instant | undefined {
  for (let index = stated.length - 1; index >= 0; index--) {
    const span = stated[index]!;
    if (span.from >= asOf) continue;
    const bucket = bucketUntil(metric.grid, Math.min(span.to, asOf));
    if (bucket !== undefined && bucket.from >= span.from) return bucket.to;
  }
  return undefined;
}

/** The default coverage of points: from the start of the first one's bucket through the latest one's, of time points the one before it. */
export function pointsCoverage(metric: Pick<Metric, 'points'>, first: Span, last: Span): Span | null {
  const to = metric.points === 'period' ? last.to : last.from;
  return to > first.from ? { from: first.from, to } : null;
}

function intersectAll(sets: readonly Intervals[]): Intervals {
  const [first, ...rest] = sets;
  return first === undefined ? NOTHING : rest.reduce<Intervals>((left, right) => intersection(left, right), first);
}
