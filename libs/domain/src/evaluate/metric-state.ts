import type { Instant, Span } from '../instant.ts';
import type { Intervals } from '../interval.ts';
import { completeRuns, EARLIEST } from '../metric/coverage.ts';
import { lateAt, type Metric, staleAt } from '../metric/metric.ts';

/** What every subject that reads a metric asks of it at one instant: found once, for whichever asks first. */
export class MetricState {
  readonly metric: Metric;
  readonly covered: Intervals;
  /** What statements cover: it counts as observed even without a value. */
  readonly stated: Intervals;
  private asOf: Instant = Number.NaN;
  private readonly runsAt = new Map<Span, readonly Span[]>();
  private all: readonly Span[] | undefined;
  private readonly ages: { observedUntil: Instant; late: Instant; stale: Instant } = {
    observedUntil: Number.NaN,
    late: Number.NaN,
    stale: Number.NaN,
  };

  constructor(metric: Metric, covered: Intervals, stated: Intervals) {
    this.metric = metric;
    this.covered = covered;
    this.stated = stated;
  }

  /** The complete buckets that start in a period of a definition or of a grid: periods are compared by identity. */
  runs(period: Span, asOf: Instant): readonly Span[] {
    if (this.asOf !== asOf) this.move(asOf);
    let runs = this.runsAt.get(period);
    if (runs === undefined) {
      runs = completeRuns(this.metric, this.covered, period, asOf);
      this.runsAt.set(period, runs);
    }
    return runs;
  }

  /** All complete buckets there are. */
  allRuns(asOf: Instant): readonly Span[] {
    if (this.asOf !== asOf) this.move(asOf);
    this.all ??= completeRuns(this.metric, this.covered, { from: EARLIEST, to: asOf }, asOf);
    return this.all;
  }

  private move(asOf: Instant): void {
    this.runsAt.clear();
    this.all = undefined;
    this.asOf = asOf;
  }

  lateAt(observedUntil: Instant): Instant {
    return this.age(observedUntil).late;
  }

  staleAt(observedUntil: Instant): Instant {
    return this.age(observedUntil).stale;
  }

  private age(observedUntil: Instant): { readonly late: Instant; readonly stale: Instant } {
    const { ages, metric } = this;
    if (ages.observedUntil !== observedUntil) {
      ages.observedUntil = observedUntil;
      ages.late = lateAt(metric, observedUntil);
      ages.stale = staleAt(metric, observedUntil);
    }
    return ages;
  }
}
