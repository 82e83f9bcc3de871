import type { Instant, Span } from '../instant.ts';
import { covers, type Intervals, intersection, intervalsOf, spanIndex } from '../interval.ts';
import { bucketFrom, bucketUntil } from '../time/bucket.ts';
import type { FeederCoverage, MetricCoverage } from '../view.ts';
import { type Metric, settledAt } from './metric.ts';
import { type Reach, reachOf } from './rhythm.ts';

const NOTHING: Intervals = [];
const known = new WeakMap<MetricCoverage, Intervals>();
const knownStated = new WeakMap<MetricCoverage, Intervals>();

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
  return statedOf(read(metric.name));
}

function statedOf(coverage: MetricCoverage): Intervals {
  let stated = knownStated.get(coverage);
  if (stated === undefined) {
    const all = intervalsOf(coverage.feeders.flatMap((feeder) => feeder.statements));
    stated = all.length === 0 ? NOTHING : intersection(all, coveredOf(coverage));
    knownStated.set(coverage, stated);
  }
  return stated;
}

/** A bucket is complete when it is covered and `end + settle <= asOf`. */
export function isComplete(metric: Metric, covered: Intervals, bucket: Span, asOf: Instant): boolean {
  return bucket.to <= asOf && settledAt(metric, bucket.to) <= asOf && covers(covered, bucket);
}

/** The complete buckets that start in a window, as runs without a gap; ascending. */
export function completeRuns(metric: Metric, covered: Intervals, window: Span, asOf: Instant): Span[] {
  return completeWithin(metric, covered, reachOf(metric.grid, window), asOf);
}

/** The same of a window whose reach is known. */
export function completeWithin(
  { grid, rhythm }: Metric,
  covered: Intervals,
  { start, first: own, limit: edge }: Reach,
  asOf: Instant,
): Span[] {
  const runs: Span[] = [];
  const last = rhythm.lastSettled(asOf);
  if (last === undefined) return runs;
  const limit = Math.min(edge, last.to);
  for (let index = spanIndex(covered, start); index < covered.length; index++) {
    const span = covered[index]!;
    if (span.from >= limit) break;
    const first = span.from <= start ? own : bucketFrom(grid, span.from);
    const end = Math.min(span.to, limit);
    if (first === undefined || first.to > end) continue;
    const to = end === last.to ? last.to : bucketUntil(grid, end)!.to;
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
