import { EARLIEST, type Instant, LATEST, type Span } from '../instant.ts';
import {
  type Bucket,
  bucketAt,
  bucketEdge,
  bucketFrom,
  bucketUntil,
  type Grid,
  nextBucket,
  previousBucket,
} from '../time/bucket.ts';
import { addDuration, approximateMs, type Duration } from '../time/duration.ts';

/** Where complete buckets of a window may lie. */
export interface Reach {
  readonly start: Instant;
  /** The first bucket from the start on. */
  readonly first: Bucket | undefined;
  readonly limit: Instant;
}

/** What of a period the buckets of a rhythm make up; each found when it is first asked for. */
export class OwnBuckets {
  readonly #rhythm: Rhythm;
  readonly #period: Span;
  #reach: Reach | undefined;
  #span: { readonly found: Span | undefined } | undefined;
  #edge: Instant | undefined;
  #close: Instant | undefined;

  constructor(rhythm: Rhythm, period: Span) {
    this.#rhythm = rhythm;
    this.#period = period;
  }

  get reach(): Reach {
    this.#reach ??= reachOf(this.#rhythm.grid, this.#period);
    return this.#reach;
  }

  /** From the start of the first to the end of the last that starts in the period; `undefined` where none does. */
  get span(): Span | undefined {
    this.#span ??= { found: ownSpan(this.#rhythm.grid, this.#period) };
    return this.#span.found;
  }

  /** Where the first bucket behind the period starts: what belongs to the period ends there. */
  get edge(): Instant {
    this.#edge ??= bucketEdge(this.#rhythm.grid, this.#period.to);
    return this.#edge;
  }

  /** The latest end of a bucket that starts in the period, or the period's own, settled. */
  get close(): Instant {
    this.#close ??= this.#rhythm.settledAt(this.#end());
    return this.#close;
  }

  #end(): Instant {
    const { from, to } = this.#period;
    // The bucket at the period's last instant is the last that may start in it.
    const last = bucketAt(this.#rhythm.grid, to - 0.001);
    return last !== undefined && last.from >= from ? Math.max(last.to, to) : to;
  }
}

/** Periods whose buckets are remembered. */
const KEPT_MAX = 256;

/**
 * How a metric's buckets follow one another, settle and age. Metrics of one rhythm share it, since at one instant all of them
 * ask for the same: what was found last is kept.
 */
export class Rhythm {
  readonly grid: Grid;
  readonly settle: Duration;
  readonly cadence: Duration;
  #settled: { readonly asOf: Instant; readonly bucket: Bucket | undefined } | undefined;
  #age: { readonly from: Instant; readonly late: Instant; readonly stale: Instant } | undefined;
  readonly #own = new Map<Span, OwnBuckets>();

  constructor(grid: Grid, settle: Duration, cadence: Duration) {
    this.grid = grid;
    this.settle = settle;
    this.cadence = cadence;
  }

  /** When a bucket is settled, if it is covered. */
  settledAt(bucketEnd: Instant): Instant {
    return addDuration(this.grid.zone, bucketEnd, this.settle);
  }

  /** The latest bucket whose end + settle has passed. */
  lastSettled(asOf: Instant): Bucket | undefined {
    if (this.#settled?.asOf !== asOf) this.#settled = { asOf, bucket: this.#findSettled(asOf) };
    return this.#settled.bucket;
  }

  #findSettled(asOf: Instant): Bucket | undefined {
    const { grid } = this;
    let bucket = bucketUntil(grid, asOf - approximateMs(this.settle));
    while (bucket !== undefined && this.settledAt(bucket.to) > asOf) bucket = previousBucket(grid, bucket);
    for (let next = bucket && nextBucket(grid, bucket); next !== undefined; ) {
      if (this.settledAt(next.to) > asOf) break;
      bucket = next;
      next = nextBucket(grid, next);
    }
    return bucket;
  }

  /** age ≤ cadence + settle is fresh (EVALUATION §9); age counts from the end of the last bucket observed. */
  lateAt(observedUntil: Instant): Instant {
    return this.#agesOf(observedUntil).late;
  }

  /** age > 2·cadence + settle is stale. */
  staleAt(observedUntil: Instant): Instant {
    return this.#agesOf(observedUntil).stale;
  }

  #agesOf(from: Instant): { readonly late: Instant; readonly stale: Instant } {
    if (this.#age?.from !== from) {
      const { zone } = this.grid;
      const after = (times: number) => this.settledAt(addDuration(zone, from, this.cadence, times));
      this.#age = { from, late: after(1), stale: after(2) };
    }
    return this.#age;
  }

  /** Of a period of a definition or a bucket of a grid: such periods are compared by identity. */
  ownBuckets(period: Span): OwnBuckets {
    let own = this.#own.get(period);
    if (own === undefined) {
      own = new OwnBuckets(this, period);
      if (this.#own.size >= KEPT_MAX) this.#own.clear();
      this.#own.set(period, own);
    }
    return own;
  }
}

export function reachOf(grid: Grid, window: Span): Reach {
  const start = Math.max(window.from, EARLIEST);
  // The window's last bucket may end behind it: it belongs to the window by its start.
  const limit = bucketFrom(grid, Math.min(window.to, LATEST))?.from ?? Number.POSITIVE_INFINITY;
  return { start, first: bucketFrom(grid, start), limit };
}

export function ownSpan(grid: Grid, period: Span): Span | undefined {
  const first = bucketFrom(grid, period.from);
  if (first === undefined || first.from >= period.to) return undefined;
  const last = bucketAt(grid, period.to - 0.001) ?? bucketUntil(grid, period.to);
  return last === undefined || last.from < first.from ? undefined : { from: first.from, to: last.to };
}

const rhythms = new WeakMap<Grid, Map<string, Rhythm>>();

/** One object for one rhythm. */
export function rhythmOf(grid: Grid, settle: Duration, cadence: Duration): Rhythm {
  let ofGrid = rhythms.get(grid);
  if (ofGrid === undefined) {
    ofGrid = new Map();
    rhythms.set(grid, ofGrid);
  }
  const key = [settle, cadence].map(({ months, days, ms }) => `${months} ${days} ${ms}`).join();
  let rhythm = ofGrid.get(key);
  if (rhythm === undefined) {
    rhythm = new Rhythm(grid, settle, cadence);
    ofGrid.set(key, rhythm);
  }
  return rhythm;
}
