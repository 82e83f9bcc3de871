import type { Instant, Span } from '../instant.ts';
import type { Intervals } from '../interval.ts';
import { completeRuns, EARLIEST } from '../metric/coverage.ts';
import type { Metric } from '../metric/metric.ts';
import { bucketAt, bucketFrom, bucketUntil, type Grid, previousBucket } from '../time/bucket.ts';

/** What of a period the metric's own buckets make up: from the start of the first to the end of the last that starts in it. */
export function bucketsOf(metric: Metric, period: Span): Span | undefined {
  const first = bucketFrom(metric.grid, period.from);
  if (first === undefined || first.from >= period.to) return undefined;
  const last = bucketAt(metric.grid, period.to - 0.001) ?? bucketUntil(metric.grid, period.to);
  return last === undefined || last.from < first.from ? undefined : { from: first.from, to: last.to };
}

/** Whether every bucket of the metric that starts in the period is complete. */
export function isCompletePeriod(metric: Metric, covered: Intervals, period: Span, asOf: Instant): boolean {
  const own = bucketsOf(metric, period);
  if (own === undefined || period.to > asOf) return false;
  const [run, ...more] = completeRuns(metric, covered, period, asOf);
  return run !== undefined && more.length === 0 && run.from === own.from && run.to === own.to;
}

/**
 * The window of `count` buckets of a grid that ends with the last complete one. Where the others are not all covered the
 * window is returned nevertheless: it is the one that is judged, and it cannot be.
 */
export function lastCompleteWindow(
  metric: Metric,
  covered: Intervals,
  grid: Grid,
  count: number,
  asOf: Instant,
): Span | undefined {
  const runs = completeRuns(metric, covered, { from: EARLIEST, to: asOf }, asOf);
  for (let index = runs.length - 1; index >= 0; index -= 1) {
    const run = runs[index];
    if (run === undefined) continue;
    const last = lastWithin(metric, grid, run, asOf);
    if (last === undefined) continue;
    let first = last;
    for (let step = 1; step < count; step += 1) first = previousBucket(grid, first) ?? first;
    return { from: first.from, to: last.to };
  }
  return undefined;
}

/** The last bucket of a grid all of whose own buckets lie in a complete run. */
function lastWithin(metric: Metric, grid: Grid, run: Span, asOf: Instant) {
  // The bucket that holds the run's last instant is the last one that can be whole.
  let bucket = bucketAt(grid, run.to - 0.001) ?? bucketUntil(grid, run.to);
  while (bucket !== undefined && bucket.to > run.from) {
    const own = bucketsOf(metric, bucket);
    if (own !== undefined && bucket.to <= asOf && own.from >= run.from && own.to <= run.to) return bucket;
    bucket = previousBucket(grid, bucket);
  }
  return undefined;
}
