import { type Evaluation, type Freshness, VERDICTS, type Verdict } from './evaluation.ts';
import type { Instant } from './instant.ts';
import { formatPosition, parsePosition } from './position.ts';
import { instantText, readInstant } from './time/instant-text.ts';

/** An evaluation as every surface prints it (SURFACE, Evaluation): ISO instants, positions as text, keys in this order. */
export interface EvaluationDocument {
  readonly subject: string;
  readonly asOf: string;
  readonly knownAt: string;
  readonly measuredAt: string | null;
  readonly period: { readonly from: string; readonly to: string; readonly label: string } | null;
  readonly position: string;
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
  readonly lateAt: string | null;
  readonly staleAt: string | null;
  readonly lastObservedAt: string | null;
  readonly provisional: boolean;
  readonly carried: boolean;
  readonly resets: number;
  readonly coverage: number | null;
  readonly freshCoverage: number | null;
  readonly worstChild: Verdict | null;
  readonly score: number | null;
  readonly scoreOriginal: number | null;
  readonly forecast: null;
  readonly definitions: string | null;
  readonly policy: string | null;
  readonly edition: number;
  readonly sentence: string;
}

const text = (at: Instant | null): string | null => (at === null ? null : instantText(at));

export function evaluationToJson(evaluation: Evaluation): EvaluationDocument {
  const { period, definitions } = evaluation;
  return {
    subject: evaluation.subject,
    asOf: instantText(evaluation.asOf),
    knownAt: instantText(evaluation.knownAt),
    measuredAt: text(evaluation.measuredAt),
    period:
      period === null ? null : { from: instantText(period.from), to: instantText(period.to), label: period.label },
    position: formatPosition(evaluation.position),
    value: evaluation.value,
    baseline: evaluation.baseline,
    target: evaluation.target,
    targetLow: evaluation.targetLow,
    targetHigh: evaluation.targetHigh,
    progress: evaluation.progress,
    progressRaw: evaluation.progressRaw,
    elapsed: evaluation.elapsed,
    expected: evaluation.expected,
    expectedValue: evaluation.expectedValue,
    pace: evaluation.pace,
    gap: evaluation.gap,
    paceMethod: evaluation.paceMethod,
    verdict: evaluation.verdict,
    reason: evaluation.reason,
    freshness: evaluation.freshness,
    lateAt: text(evaluation.lateAt),
    staleAt: text(evaluation.staleAt),
    lastObservedAt: text(evaluation.lastObservedAt),
    provisional: evaluation.provisional,
    carried: evaluation.carried,
    resets: evaluation.resets,
    coverage: evaluation.coverage,
    freshCoverage: evaluation.freshCoverage,
    worstChild: evaluation.worstChild,
    score: evaluation.score,
    scoreOriginal: evaluation.scoreOriginal,
    forecast: evaluation.forecast,
    definitions: definitions === null ? null : formatPosition(definitions),
    policy: evaluation.policy,
    edition: evaluation.edition,
    sentence: evaluation.sentence,
  };
}

/** Reads what `evaluationToJson` wrote; throws a RangeError on text that is no instant or position. */
export function evaluationFromJson(document: EvaluationDocument): Evaluation {
  const { period, definitions } = document;
  const optional = (at: string | null): Instant | null => (at === null ? null : instantOf(at));
  if (!VERDICTS.includes(document.verdict)) throw new RangeError(`"${document.verdict}" is no verdict`);
  return {
    ...document,
    asOf: instantOf(document.asOf),
    knownAt: instantOf(document.knownAt),
    measuredAt: optional(document.measuredAt),
    period: period === null ? null : { from: instantOf(period.from), to: instantOf(period.to), label: period.label },
    position: positionOf(document.position),
    lateAt: optional(document.lateAt),
    staleAt: optional(document.staleAt),
    lastObservedAt: optional(document.lastObservedAt),
    definitions: definitions === null ? null : positionOf(definitions),
  };
}

function instantOf(written: string): Instant {
  const at = readInstant(written);
  if (at === undefined) throw new RangeError(`"${written}" is no instant`);
  return at;
}

function positionOf(written: string): number {
  const at = parsePosition(written);
  if (at === undefined) throw new RangeError(`"${written}" is no position`);
  return at;
}

/** Freshness at a later moment: every surface derives it from the two instants and its own clock (EVALUATION §9). */
export function freshnessAt(
  evaluation: Pick<Evaluation, 'freshness' | 'lateAt' | 'staleAt'>,
  now: Instant,
): Freshness | null {
  if (evaluation.freshness === null) return null;
  if (evaluation.staleAt !== null && now > evaluation.staleAt) return 'stale';
  if (evaluation.lateAt !== null && now > evaluation.lateAt) return 'late';
  return evaluation.lateAt === null ? evaluation.freshness : 'fresh';
}
