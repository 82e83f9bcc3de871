import type { Instant, Span } from './instant.ts';

/** A decimal scaled by 10^9. */
export type Scaled = bigint;

/**
 * The mergeable aggregate of the standing, not retracted points of one series in one bucket of the metric's own grain,
 * all valid by the bucket's end. Domain (from statements in memory) and engine (by SQL) build equal cells; the
 * evaluator sees nothing else, so both forms give the same verdicts.
 */
export interface Cell extends Span {
  /** Points; 0 only where `versions` says what stood inside a bucket whose points were all retracted since. */
  readonly count: number;
  readonly sum: Scaled;
  readonly min: Scaled;
  readonly max: Scaled;
  /** By time (period points have one); ties by id, then position. */
  readonly first: Scaled;
  readonly last: Scaled;
  /** Time of the earliest and latest point; a period point's is its bucket's start. */
  readonly firstAt: Instant;
  readonly lastAt: Instant;
  /** Ratio metrics only; else 0n. */
  readonly numerator: Scaled;
  readonly denominator: Scaled;
  /** Every value in ascending order, for distinct and quantile metrics only. */
  readonly values?: readonly Scaled[];
  /** Counter metrics only: growth between the bucket's own samples (a drop restarts from zero), and the drops. */
  readonly increase?: Scaled;
  readonly resets?: number;
  /**
   * Period points only: what stood inside the bucket, when statements were recorded before its end; ascending by
   * `validFrom`, then `id`. `null` parts mean retracted then. Absent: the point is valid from the bucket's end only.
   */
  readonly versions?: readonly PointVersion[];
}

export interface PointVersion {
  /** Of the bucket's points the one with this id; absent for the point without. */
  readonly id?: string;
  readonly validFrom: Instant;
  readonly value: Scaled | null;
  readonly numerator: Scaled | null;
  readonly denominator: Scaled | null;
}

/**
 * Cells without versions as rows of numbers that lie together in memory: what most series of period points consist of. A row is a
 * sixth of the memory of its cell, and nothing for the collector to look at.
 */
export interface CellRows {
  readonly length: number;
  /** Numbers from the start of a row to the start of the next. */
  readonly stride: number;
  /** Of each row the start and the end of its bucket at `ROW_FROM` and `ROW_TO`; ascending, and behind the last row the start is infinite. */
  readonly numbers: Float64Array;
  /** The same memory: of each row the point's value at `ROW_VALUE`, of a ratio its numerator. */
  readonly longs: BigInt64Array;
  /** The halves of `longs`, low before high. */
  readonly words: Int32Array;
  /** Where in a row a ratio's denominator lies; -1 of others. */
  readonly denominator: number;
  /** Points of each row; `null`: one each. */
  readonly counts: Float64Array | null;
  /** The cell that a row stands for. */
  cell(row: number): Cell;
}

/** Places in a row of `CellRows`. */
export const ROW_FROM = 0;
export const ROW_TO = 1;
export const ROW_VALUE = 2;

export interface SeriesCells {
  /** Canonical text of the sorted dimensions: JSON `{"region":"emea"}`, `{}` without. */
  readonly key: string;
  readonly dimensions: Readonly<Record<string, string>>;
  /** Ascending by bucket; empty buckets have no cell, but a running bucket with a provisional point has one. */
  readonly cells: readonly Cell[];
  /** The same cells, where they are kept as rows: `cells` then makes them all when it is asked. */
  readonly rows?: CellRows;
  /**
   * Points of time-point metrics inside the bucket that contains `asOf`, valid by `asOf`: the bucket as it was seen then.
   * Only asked for instants named in the needs. Period metrics answer from `versions` and never ask.
   */
  running(asOf: Instant): Cell | undefined;
}

/** All that is known of one metric's points at one position, over the needed range and the latest cell before it. */
export interface MetricCells {
  readonly series: readonly SeriesCells[];
}

/** What an evaluation reads of a metric; `from` -Infinity reads everything. The latest cell before `from` of each series always comes along. */
export interface MetricNeed {
  readonly metric: string;
  readonly from: Instant;
  readonly to: Instant;
  /** Instants for which `running` may be asked (time points only), ascending. */
  readonly running: readonly Instant[];
  /**
   * Edges of windows that are no bucket edges of the metric, ascending: there cells of time points are cut, because a time
   * point belongs to a window by its own time. Period points ignore them.
   */
  readonly cuts?: readonly Instant[];
}
