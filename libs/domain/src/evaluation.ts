import type { Instant } from './instant.ts';
import type { Position } from './position.ts';

export const VERDICTS = [
  'missed',
  'off_track',
  'at_risk',
  'no_target',
  'no_data',
  'insufficient_data',
  'not_started',
  'on_track',
  'achieved',
] as const;
/** In order from worst to best (EVALUATION §6). */
export type Verdict = (typeof VERDICTS)[number];

export type Freshness = 'fresh' | 'late' | 'stale';

/**
 * The evaluator's full output for one subject at one instant. Decimals are canonical text, ratios IEEE doubles,
 * instants epoch milliseconds (the wire form, `EvaluationDocument`, prints them as ISO), absent is `null`.
 */
export interface Evaluation {
  readonly subject: string;
  readonly asOf: Instant;
  readonly knownAt: Instant;
  readonly measuredAt: Instant | null;
  readonly period: { readonly from: Instant; readonly to: Instant; readonly label: string } | null;
  readonly position: Position;
  readonly value: string | null;
  readonly baseline: string | null;
  readonly target: string | null;
  readonly targetLow: string | null;
  readonly targetHigh: string | null;
  readonly progress: number | null;
  readonly progressRaw: number | null;
  readonly elapsed: number | null;
  readonly expected: number | null;
  readonly expectedValue: string | null;
  readonly pace: number | null;
  readonly gap: number | null;
  readonly paceMethod: string | null;
  readonly verdict: Verdict;
  readonly reason: string;
  readonly freshness: Freshness | null;
  readonly lateAt: Instant | null;
  readonly staleAt: Instant | null;
  readonly lastObservedAt: Instant | null;
  readonly provisional: boolean;
  readonly carried: boolean;
  readonly resets: number;
  readonly coverage: number | null;
  readonly freshCoverage: number | null;
  readonly worstChild: Verdict | null;
  readonly score: number | null;
  readonly scoreOriginal: number | null;
  readonly forecast: null;
  /** Position of the last definition command known. */
  readonly definitions: Position | null;
  readonly policy: string | null;
  readonly edition: number;
  readonly sentence: string;
}
