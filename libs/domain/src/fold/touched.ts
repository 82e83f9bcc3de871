import type { Instant, Span } from '../instant.ts';

/** Above this many buckets of one metric the single ones no longer matter: all of it counts as touched. */
const BUCKETS_MAX = 100_000;

export interface MetricTouch {
  /** Evaluations as of this instant and later may have changed; -Infinity: all. */
  readonly from: Instant;
  /** End by start of every touched bucket; `null`: all of them, because the buckets themselves moved or there are too many. */
  readonly buckets: ReadonlyMap<Instant, Instant> | null;
}

/** Buckets of one length, each beginning where the one before ends: years of days are a few numbers. */
type BucketRun = readonly [from: Instant, lengthMs: number, count: number];

export interface TouchedSnapshot {
  readonly metrics: readonly (readonly [metric: string, from: Instant | null, buckets: readonly BucketRun[] | null])[];
  readonly subjects: readonly (readonly [subject: string, from: Instant])[];
  readonly documents: readonly string[];
}

/**
 * What facts may have changed since it was last cleared. It may name too much, never too little: judgements are compared
 * with what was said before, so a needless look costs time and nothing else.
 */
export class Touched {
  readonly #metrics = new Map<string, { from: Instant; buckets: Map<Instant, Instant> | null }>();
  readonly #subjects = new Map<string, Instant>();
  readonly #documents = new Set<string>();

  get empty(): boolean {
    return this.#metrics.size === 0 && this.#subjects.size === 0 && this.#documents.size === 0;
  }

  get metrics(): ReadonlyMap<string, MetricTouch> {
    return this.#metrics;
  }

  /** Check-ins, by the subject's id. */
  get subjects(): ReadonlyMap<string, Instant> {
    return this.#subjects;
  }

  /** Ids of documents put or removed. */
  get documents(): ReadonlySet<string> {
    return this.#documents;
  }

  bucket(metric: string, bucket: Span, from: Instant): void {
    const touch = this.#metric(metric, from);
    if (touch.buckets === null) return;
    touch.buckets.set(bucket.from, bucket.to);
    if (touch.buckets.size > BUCKETS_MAX) touch.buckets = null;
  }

  /** Its coverage changed: no value did. */
  coverage(metric: string, from: Instant): void {
    this.#metric(metric, from);
  }

  whole(metric: string): void {
    this.#metric(metric, Number.NEGATIVE_INFINITY).buckets = null;
  }

  subject(subject: string, from: Instant): void {
    this.#subjects.set(subject, Math.min(from, this.#subjects.get(subject) ?? Number.POSITIVE_INFINITY));
  }

  document(id: string): void {
    this.#documents.add(id);
  }

  clear(): void {
    this.#metrics.clear();
    this.#subjects.clear();
    this.#documents.clear();
  }

  snapshot(): TouchedSnapshot {
    return {
      metrics: [...this.#metrics].map(
        ([metric, { from, buckets }]) =>
          [metric, Number.isFinite(from) ? from : null, buckets === null ? null : runsOf(buckets)] as const,
      ),
      subjects: [...this.#subjects],
      documents: [...this.#documents],
    };
  }

  restore(snapshot: TouchedSnapshot): void {
    this.clear();
    for (const [metric, from, buckets] of snapshot.metrics) {
      this.#metrics.set(metric, {
        from: from ?? Number.NEGATIVE_INFINITY,
        buckets: buckets === null ? null : bucketsOf(buckets),
      });
    }
    for (const [subject, from] of snapshot.subjects) this.#subjects.set(subject, from);
    for (const id of snapshot.documents) this.#documents.add(id);
  }

  #metric(metric: string, from: Instant): { from: Instant; buckets: Map<Instant, Instant> | null } {
    const known = this.#metrics.get(metric);
    if (known !== undefined) {
      if (from < known.from) known.from = from;
      return known;
    }
    const touch = { from, buckets: new Map<Instant, Instant>() };
    this.#metrics.set(metric, touch);
    return touch;
  }
}

function runsOf(buckets: ReadonlyMap<Instant, Instant>): BucketRun[] {
  const runs: [from: Instant, lengthMs: number, count: number][] = [];
  for (const [from, to] of [...buckets].sort(([left], [right]) => left - right)) {
    const run = runs.at(-1);
    if (run !== undefined && run[1] === to - from && run[0] + run[1] * run[2] === from) run[2]++;
    else runs.push([from, to - from, 1]);
  }
  return runs;
}

function bucketsOf(runs: readonly BucketRun[]): Map<Instant, Instant> {
  const buckets = new Map<Instant, Instant>();
  for (const [from, lengthMs, count] of runs) {
    for (let index = 0; index < count; index++) buckets.set(from + index * lengthMs, from + (index + 1) * lengthMs);
  }
  return buckets;
}
