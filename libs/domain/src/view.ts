import type { Catalog } from './catalog.ts';
import type { MetricCells } from './cell.ts';
import type { Instant, Span } from './instant.ts';
import type { Position } from './position.ts';

/**
 * Everything known at one position, as the evaluator reads it. `evaluate(view, subject, asOf)` is a function of the view
 * and the instant alone.
 */
export interface View {
  readonly position: Position;
  readonly knownAt: Instant;
  readonly edition: number;
  readonly catalog: Catalog;
  cells(metric: string): MetricCells;
  coverage(metric: string): MetricCoverage;
  /** Latest statement per time, ascending by time. */
  checkIns(subject: string): readonly CheckIn[];
}

/** An instant is covered when every feeder covers it. Without feeders nothing is. */
export interface MetricCoverage {
  readonly feeders: readonly FeederCoverage[];
}

export interface FeederCoverage {
  readonly feeder: string;
  /** Union of all explicit statements, disjoint, ascending; `from` may be -Infinity. */
  readonly statements: readonly Span[];
  /** What was covered by default when the first explicit statement was recorded; `null` while there is none or nothing was. */
  readonly before: Span | null;
  /**
   * Default coverage while no explicit statement exists: from the start of the first point's bucket to the end of the
   * latest point's bucket (period points) or of the bucket before it (time points).
   */
  readonly points: Span | null;
}

export interface CheckIn {
  readonly time: Instant;
  readonly recordedAt: Instant;
  readonly value?: string;
  readonly done?: boolean;
  readonly milestones?: Readonly<Record<string, boolean>>;
  readonly confidence?: number;
  readonly note?: string;
  readonly actor?: string;
}
