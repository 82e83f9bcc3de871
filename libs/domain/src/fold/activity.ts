import type { Instant, Span } from '../instant.ts';
import { type CoveredStatement, type FeederSnapshot, FeederState, type MetricBuckets } from './coverage.ts';

/** Labels repeat in every record, and turning one into a span asks a calendar. Beyond the bound it is asked again. */
const LABELS_MAX = 20_000;

export interface MetricSnapshot {
  readonly firstLabel: string | null;
  readonly firstTime: Instant | null;
  readonly statedFrom: Instant | null;
  readonly feeders: readonly (readonly [feeder: string, FeederSnapshot])[];
}

/** What the fold remembers of one metric's observations: who stated them, how far, and since when there are any. */
export class MetricActivity {
  readonly metric: string;
  readonly feeders = new Map<string, FeederState>();
  /** `undefined` while the metric is unknown or derived. */
  buckets: MetricBuckets | undefined;
  #labels = new Map<string, Span | null>();
  /** Least label ever stated; labels of one grain sort by time. Kept so that a metric defined after its points finds them. */
  #firstLabel: string | null = null;
  #firstTime: Instant | null = null;
  #statedFrom: Instant | null = null;

  constructor(metric: string) {
    this.metric = metric;
  }

  /** Start of the earliest bucket about which anything was ever stated, retracted or not; `null` when there is none. */
  get statedFrom(): Instant | null {
    return this.#statedFrom;
  }

  get points(): MetricBuckets['points'] | undefined {
    return this.buckets?.points;
  }

  feeder(name: string): FeederState {
    let state = this.feeders.get(name);
    if (state === undefined) {
      state = new FeederState(this.metric, name);
      this.feeders.set(name, state);
    }
    return state;
  }

  cover(feeder: string, statement: CoveredStatement) {
    return this.feeder(feeder).cover(statement, this.points);
  }

  /** `null` when the metric is unknown, has time points, or this is no label of its grain. */
  bucketOfPeriod(label: string): Span | null {
    const known = this.#labels.get(label);
    if (known !== undefined) return known;
    if (this.#firstLabel === null || label < this.#firstLabel) this.#firstLabel = label;
    const bucket = this.buckets?.points === 'period' ? (this.buckets.ofLabel(label) ?? null) : null;
    if (this.#labels.size >= LABELS_MAX) this.#labels.clear();
    this.#labels.set(label, bucket);
    return bucket === null ? null : this.#stated(bucket);
  }

  /** `null` when the metric is unknown, has period points, or its calendar has a gap there. */
  bucketOfTime(time: Instant): Span | null {
    if (this.#firstTime === null || time < this.#firstTime) this.#firstTime = time;
    const bucket = this.buckets?.points === 'time' ? (this.buckets.at(time) ?? null) : null;
    return bucket === null ? null : this.#stated(bucket);
  }

  /** The metric's definition changed what its buckets are. */
  reshape(buckets: MetricBuckets | undefined): void {
    this.buckets = buckets;
    this.#labels = new Map();
    this.#statedFrom = null;
    if (buckets?.points === 'time' && this.#firstTime !== null) this.bucketOfTime(this.#firstTime);
    if (buckets?.points === 'period' && this.#firstLabel !== null) this.bucketOfPeriod(this.#firstLabel);
    for (const feeder of this.feeders.values()) feeder.reshape();
  }

  snapshot(): MetricSnapshot {
    return {
      firstLabel: this.#firstLabel,
      firstTime: this.#firstTime,
      statedFrom: this.#statedFrom,
      feeders: [...this.feeders].map(([name, state]) => [name, state.snapshot()] as const),
    };
  }

  restore(snapshot: MetricSnapshot, buckets: MetricBuckets | undefined): void {
    this.buckets = buckets;
    this.#firstLabel = snapshot.firstLabel;
    this.#firstTime = snapshot.firstTime;
    this.#statedFrom = snapshot.statedFrom;
    for (const [name, state] of snapshot.feeders) this.feeder(name).restore(state);
  }

  #stated(bucket: Span): Span {
    if (this.#statedFrom === null || bucket.from < this.#statedFrom) this.#statedFrom = bucket.from;
    return bucket;
  }
}
