import type { Instant, Span } from '../instant.ts';
import { bucketOfPoint, type Metric } from '../metric/metric.ts';
import { type CoveredStatement, type FeederSnapshot, FeederState } from './coverage.ts';

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
  readonly name: string;
  readonly feeders = new Map<string, FeederState>();
  /** `undefined` while the metric is unknown. */
  metric: Metric | undefined;
  #labels = new Map<string, Span | null>();
  /** Least label ever stated; labels of one grain sort by time. Kept so that a metric defined after its points finds them. */
  #firstLabel: string | null = null;
  #firstTime: Instant | null = null;
  #statedFrom: Instant | null = null;

  constructor(name: string, metric: Metric | undefined) {
    this.name = name;
    this.metric = metric;
  }

  /** Start of the earliest bucket about which anything was ever stated, retracted or not; `null` when there is none. */
  get statedFrom(): Instant | null {
    return this.#statedFrom;
  }

  /** Whether anything was ever stated, of whatever grain. */
  get isStated(): boolean {
    return this.#firstLabel !== null || this.#firstTime !== null;
  }

  get points(): Metric['points'] | undefined {
    return this.metric?.points;
  }

  feeder(name: string): FeederState {
    let state = this.feeders.get(name);
    if (state === undefined) {
      state = new FeederState(this.name, name);
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
    const bucket = (this.metric && bucketOfPoint(this.metric, { period: label })) ?? null;
    if (this.#labels.size >= LABELS_MAX) this.#labels.clear();
    this.#labels.set(label, bucket);
    return bucket === null ? null : this.#stated(bucket);
  }

  /** `null` when the metric is unknown, has period points, or its calendar has a gap there. */
  bucketOfTime(time: Instant): Span | null {
    if (this.#firstTime === null || time < this.#firstTime) this.#firstTime = time;
    const bucket = (this.metric && bucketOfPoint(this.metric, { at: time })) ?? null;
    return bucket === null ? null : this.#stated(bucket);
  }

  /** The same buckets under a definition that may have changed otherwise. */
  redefine(metric: Metric | undefined): void {
    const moved = this.metric !== undefined && this.metric.future !== metric?.future;
    this.metric = metric;
    // Whether points ahead of their time count decides how far the others reach.
    if (moved) for (const feeder of this.feeders.values()) feeder.reshape();
  }

  /** The metric's definition changed what its buckets are. */
  reshape(metric: Metric | undefined): void {
    this.metric = metric;
    this.#labels = new Map();
    this.#statedFrom = null;
    if (metric?.points === 'time' && this.#firstTime !== null) this.bucketOfTime(this.#firstTime);
    if (metric?.points === 'period' && this.#firstLabel !== null) this.bucketOfPeriod(this.#firstLabel);
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

  restore(snapshot: MetricSnapshot): void {
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
