import { EARLIEST, type Instant, type Span } from '../instant.ts';
import type { Intervals } from '../interval.ts';
import { completeRuns, completeWithin } from '../metric/coverage.ts';
import type { Metric } from '../metric/metric.ts';

interface Runs {
  readonly period: Span | null;
  readonly asOf: Instant;
  readonly runs: readonly Span[];
}

/** What every subject that reads a metric asks of its coverage: found once for one instant, for whichever asks first. */
export class MetricState {
  readonly metric: Metric;
  readonly covered: Intervals;
  /** What statements cover: it counts as observed even without a value. */
  readonly stated: Intervals;
  #within: Runs | undefined;
  #all: Runs | undefined;

  constructor(metric: Metric, covered: Intervals, stated: Intervals) {
    this.metric = metric;
    this.covered = covered;
    this.stated = stated;
  }

  /** The complete buckets that start in a period of a definition or of a grid: periods are compared by identity. */
  runs(period: Span, asOf: Instant): readonly Span[] {
    if (this.#within?.period !== period || this.#within.asOf !== asOf) {
      const { metric, covered } = this;
      const runs = completeWithin(metric, covered, metric.rhythm.ownBuckets(period).reach, asOf);
      this.#within = { period, asOf, runs };
    }
    return this.#within.runs;
  }

  /** All complete buckets there are. */
  allRuns(asOf: Instant): readonly Span[] {
    if (this.#all?.asOf !== asOf) {
      const runs = completeRuns(this.metric, this.covered, { from: EARLIEST, to: asOf }, asOf);
      this.#all = { period: null, asOf, runs };
    }
    return this.#all.runs;
  }
}
