import type { Feeder } from '../fact.ts';
import type { Instant, Span } from '../instant.ts';
import { type Intervals, intervalsOf, union } from '../interval.ts';
import { pointsCoverage } from '../metric/coverage.ts';
import type { Metric } from '../metric/metric.ts';
import type { Position } from '../position.ts';
import type { FeederCoverage } from '../view.ts';

/** First and last bucket about which one feeder's own word stands and is a value, whatever other feeders say of it. */
export interface Extent {
  readonly first: Span;
  readonly last: Span;
}

/** An explicit statement with its open ends filled in, as the `covered` table keeps it. */
export interface ResolvedCovered {
  readonly metric: string;
  readonly feeder: Feeder;
  readonly position: Position;
  readonly recordedAt: Instant;
  /** -Infinity: from the beginning. */
  readonly from: Instant;
  readonly to: Instant;
  /** On a feeder's first statement: what it covered by default until then; else, and when it covered nothing, `null`. */
  readonly before: Span | null;
}

export interface CoveredStatement {
  readonly position: Position;
  readonly recordedAt: Instant;
  readonly from?: Instant;
  readonly to: Instant;
}

/** What must be read from the raw table before this feeder's coverage is known: its extent before `position`. */
export interface ExtentQuestion {
  readonly metric: string;
  readonly feeder: Feeder;
  /** Statements at or after it do not count; `null`: all that the fold has seen. */
  readonly before: Position | null;
}

export interface FeederSnapshot {
  readonly extent: Extent | null;
  readonly dirty: boolean;
  readonly readAt: Instant | null;
  readonly retractedReadAt: Instant | null;
  readonly explicit: boolean;
  readonly statements: readonly (readonly [from: Instant | null, to: Instant])[];
  readonly before: Span | null;
  readonly waiting: readonly CoveredStatement[];
}

/**
 * How far one feeder has covered one metric. Default coverage follows its own points and is kept without reading them back,
 * except where a retraction may have moved an edge: then the extent is dirty and is read from the raw table, bounded by position.
 */
export class FeederState {
  readonly metric: string;
  readonly feeder: Feeder;
  #extent: Extent | null = null;
  #dirty = false;
  /** Latest read that retracted something: an older statement that would widen the extent may have been overtaken by it. */
  #retractedReadAt = Number.NEGATIVE_INFINITY;
  /** Latest read of all its statements, those that no bucket could be found for too. */
  #readAt = Number.NEGATIVE_INFINITY;
  #statements: Intervals = [];
  /** Whether a statement was made: one that covers nothing is still the feeder's word that it states coverage. */
  #explicit = false;
  #before: Span | null = null;
  /** Explicit statements that came while the extent was dirty, the first of them first. */
  #waiting: CoveredStatement[] = [];

  constructor(metric: string, feeder: Feeder) {
    this.metric = metric;
    this.feeder = feeder;
  }

  /** The same object as long as the points say the same of what is covered. */
  get extent(): Extent | null {
    return this.#extent;
  }

  /** Whether the feeder ever said what it covers; from then on its points say nothing. */
  get explicit(): boolean {
    return this.#explicit || this.#waiting.length > 0;
  }

  /** A record of this feeder's was read then, whatever it says. */
  heard(readAt: Instant): void {
    if (readAt > this.#readAt) this.#readAt = readAt;
  }

  /** Points of this bucket were taken back. It matters at an edge only, and to statements that were read earlier. */
  retracted(bucket: Span, readAt: Instant): void {
    if (readAt > this.#retractedReadAt) this.#retractedReadAt = readAt;
    const extent = this.#extent;
    if (this.explicit || extent === null) return;
    if (bucket.from === extent.first.from || bucket.from === extent.last.from) this.#dirty = true;
  }

  /** Points were stated in this bucket. `revised`: an earlier statement of the feeder's own may stand against this one. */
  stated(bucket: Span, readAt: Instant, revised: boolean): void {
    if (this.explicit || this.#dirty) return;
    const extent = this.#extent;
    if (extent !== null && bucket.from >= extent.first.from && bucket.from <= extent.last.from) return;
    if (revised || readAt <= this.#retractedReadAt) {
      this.#dirty = true;
      return;
    }
    this.#extent = {
      first: extent === null || bucket.from < extent.first.from ? bucket : extent.first,
      last: extent === null || bucket.from > extent.last.from ? bucket : extent.last,
    };
  }

  /** The metric's buckets moved, or its first definition came after its first point: any word so far may be a retraction now. */
  reshape(): void {
    this.#retractedReadAt = this.#readAt;
    if (!this.explicit) this.#dirty = true;
  }

  /** An explicit statement; `undefined` while what it starts from must first be read. */
  cover(statement: CoveredStatement, points: Metric['points'] | undefined): ResolvedCovered | undefined {
    if (this.#waiting.length > 0 || (!this.explicit && this.#dirty)) {
      this.#waiting.push(statement);
      return undefined;
    }
    return this.#cover(statement, points);
  }

  question(): ExtentQuestion | undefined {
    if (!this.#dirty) return undefined;
    return { metric: this.metric, feeder: this.feeder, before: this.#waiting[0]?.position ?? null };
  }

  /** The answer to `question`; gives the statements that waited for it. */
  resolve(extent: Extent | null, points: Metric['points'] | undefined): ResolvedCovered[] {
    this.#dirty = false;
    this.#extent = extent;
    const waiting = this.#waiting;
    this.#waiting = [];
    return waiting.map((statement) => this.#cover(statement, points));
  }

  coverage(points: Metric['points'] | undefined): FeederCoverage {
    return {
      feeder: this.feeder,
      statements: this.#statements,
      before: this.#before,
      points: this.explicit ? null : this.#byPoints(points),
    };
  }

  snapshot(): FeederSnapshot {
    return {
      extent: this.#extent,
      dirty: this.#dirty,
      readAt: finite(this.#readAt),
      retractedReadAt: finite(this.#retractedReadAt),
      explicit: this.#explicit,
      statements: this.#statements.map(({ from, to }) => [finite(from), to] as const),
      before: this.#before,
      waiting: this.#waiting,
    };
  }

  restore(snapshot: FeederSnapshot): void {
    this.#extent = snapshot.extent;
    this.#dirty = snapshot.dirty;
    this.#readAt = snapshot.readAt ?? Number.NEGATIVE_INFINITY;
    this.#retractedReadAt = snapshot.retractedReadAt ?? Number.NEGATIVE_INFINITY;
    this.#explicit = snapshot.explicit;
    this.#statements = snapshot.statements.map(([from, to]) => ({ from: from ?? Number.NEGATIVE_INFINITY, to }));
    this.#before = snapshot.before;
    this.#waiting = [...snapshot.waiting];
  }

  #byPoints(points: Metric['points'] | undefined): Span | null {
    return this.#extent === null || points === undefined
      ? null
      : pointsCoverage({ points }, this.#extent.first, this.#extent.last);
  }

  #cover(statement: CoveredStatement, points: Metric['points'] | undefined): ResolvedCovered {
    const first = !this.#explicit;
    this.#explicit = true;
    if (first) this.#before = this.#byPoints(points);
    const { position, recordedAt, to } = statement;
    const covered = Math.max(this.#statements.at(-1)?.to ?? Number.NEGATIVE_INFINITY, this.#before?.to ?? -Infinity);
    const from = Math.min(statement.from ?? covered, to);
    this.#statements = union(this.#statements, intervalsOf([{ from, to }]));
    const before = first ? this.#before : null;
    return { metric: this.metric, feeder: this.feeder, position, recordedAt, from, to, before };
  }
}

function finite(instant: Instant): Instant | null {
  return Number.isFinite(instant) ? instant : null;
}
