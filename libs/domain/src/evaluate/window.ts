import type { Instant, Span } from '../instant.ts';
import type { Intervals } from '../interval.ts';
import { completeRuns } from '../metric/coverage.ts';
import type { Metric } from '../metric/metric.ts';
import { ownSpan } from '../metric/rhythm.ts';
import { bucketAt, bucketRun, bucketUntil, type Grid, previousBucket } from '../time/bucket.ts';

/** What of a period the metric's own buckets make up: from the start of the first to the end of the last that starts in it. */
export function bucketsOf(metric: Metric, period: Span): Span | undefined {
  return ownSpan(metric.grid, period);
}

/** Whether every bucket of the metric that starts in the period is complete. */
export function isCompletePeriod(metric: Metric, covered: Intervals, period: Span, asOf: Instant): boolean {
  const own = bucketsOf(metric, period);
  if (own === undefined || period.to > asOf) return false;
  const [run, ...more] = completeRuns(metric, covered, period, asOf);
  return run !== undefined && more.length === 0 && run.from === own.from && run.to === own.to;
}

export interface CompleteWindow extends Span {
  /** Fewer than asked for where a calendar's table begins later. */
  readonly buckets: number;
  /** All of it lies in one run of complete buckets. */
  readonly whole: boolean;
}

/**
 * The window of `count` buckets of a grid that ends with the last complete one. Where the others are not all covered the
 * window is returned nevertheless: it is the one that is judged, and it cannot be. `runs`: all complete buckets there are.
 */
export function lastCompleteWindow(
  metric: Metric,
  runs: readonly Span[],
  grid: Grid,
  count: number,
  asOf: Instant,
): CompleteWindow | undefined {
  for (let index = runs.length - 1; index >= 0; index -= 1) {
    const run = runs[index];
    if (run === undefined) continue;
    const last = lastWithin(metric, grid, run, asOf);
    if (last === undefined) continue;
    const { first, buckets } = bucketRun(grid, last, count);
    // Only of the window's own grid is the start of a bucket the start of the metric's first one in it.
    const own = grid === metric.grid ? first : bucketsOf(metric, { from: first.from, to: last.to });
    return { from: first.from, to: last.to, buckets, whole: own !== undefined && own.from >= run.from };
  }
  return undefined;
}

/** The last bucket of a grid all of whose own buckets lie in a complete run. */
function lastWithin(metric: Metric, grid: Grid, run: Span, asOf: Instant) {
  // The bucket that holds the run's last instant is the last one that can be whole.
  let bucket = bucketAt(grid, run.to - 0.001) ?? bucketUntil(grid, run.to);
  while (bucket !== undefined && bucket.to > run.from) {
    const own = grid === metric.grid ? bucket : metric.rhythm.ownBuckets(bucket).span;
    if (own !== undefined && bucket.to <= asOf && own.from >= run.from && own.to <= run.to) return bucket;
    bucket = previousBucket(grid, bucket);
  }
  return undefined;
}
