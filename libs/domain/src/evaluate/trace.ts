import type { Threshold } from '../document.ts';
import type { Instant, Span } from '../instant.ts';

/** What an evaluation did, for the explanation: filled only when asked for. */
export interface Trace {
  readonly windows: TraceWindow[];
  readonly formulas: TraceFormula[];
  readonly thresholds: TraceThreshold[];
  readonly members: TraceMember[];
}

/** One aggregate over some stretches of time. */
export interface TraceWindow {
  readonly what: string;
  readonly metric: string;
  readonly where: Readonly<Record<string, string>>;
  readonly aggregation: string;
  readonly spans: readonly Span[];
  readonly asOf: Instant;
  readonly value: string | null;
  readonly count: number;
  readonly series: number;
  readonly lastAt: Instant | null;
  readonly carried: boolean;
}

/** A formula as it stands in the docs, and with its numbers put in. */
export interface TraceFormula {
  readonly name: string;
  readonly formula: string;
  readonly filled: string;
  readonly result: string;
}

export interface TraceThreshold {
  readonly verdict: 'on_track' | 'at_risk' | 'achieved';
  readonly measure: number;
  readonly bar: Threshold;
  readonly passed: boolean;
}

export interface TraceMember {
  readonly subject: string;
  readonly weight: number;
  readonly progress: number | null;
  readonly expected: number | null;
  readonly coverage: number | null;
  readonly verdict: string;
}

export function emptyTrace(): Trace {
  return { windows: [], formulas: [], thresholds: [], members: [] };
}
