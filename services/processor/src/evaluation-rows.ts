import { hash } from 'node:crypto';
import { type Evaluation, evaluationToJson, type Instant, type Position } from '@paceline/domain';
import type { Row } from '@paceline/store';

/** An evaluation with the text every surface prints and the hash that tells whether it says something new. */
export interface Printed {
  readonly evaluation: Evaluation;
  readonly text: string;
  readonly hash: Buffer;
}

/**
 * What was known when is no part of what is said: position, knownAt and the definitions' position are left out of the
 * hash, so that looking again without need finds the same judgement.
 */
export function print(evaluation: Evaluation): Printed {
  const text = JSON.stringify(evaluationToJson(evaluation));
  return { evaluation, text, hash: Buffer.from(hash('sha256', said(text), 'binary').slice(0, HASH_BYTES), 'latin1') };
}

/** Taken from a digest as text, one byte a character: to be handed a buffer of Node's costs as much again as the hash. */
const HASH_BYTES = 16;

/**
 * The text with nothing in the place of what is left out. Found in the text, since printing again costs more than all else
 * here; a quote within a text is escaped, so nothing but the key itself looks like it.
 */
function said(text: string): string {
  const knownAt = text.indexOf(KNOWN_AT) + KNOWN_AT.length;
  const position = text.indexOf(POSITION, knownAt) + POSITION.length;
  // From the end, since it is nearer.
  const definitions = text.lastIndexOf(DEFINITIONS) + DEFINITIONS.length;
  const known = text.slice(text.indexOf(',', knownAt), position);
  const judged = text.slice(text.indexOf(',', position), definitions);
  return `${text.slice(0, knownAt)}""${known}""${judged}null${text.slice(text.indexOf(',', definitions))}`;
}

const KNOWN_AT = '"knownAt":';
const POSITION = '"position":';
const DEFINITIONS = '"definitions":';

export interface Tick {
  readonly position: Position;
  readonly recordedAt: Instant;
}

export function judgementRow(workspace: string, printed: Printed, tick: Tick, restatement: boolean): Row<'judgement'> {
  const { evaluation, text, hash } = printed;
  return {
    workspace,
    subject: evaluation.subject,
    as_of: evaluation.asOf,
    position: tick.position,
    recorded_at: tick.recordedAt,
    edition: evaluation.edition,
    period_label: evaluation.period?.label ?? '',
    period_from: evaluation.period?.from ?? null,
    period_to: evaluation.period?.to ?? null,
    verdict: evaluation.verdict,
    reason: evaluation.reason,
    value: evaluation.value,
    target: evaluation.target,
    target_low: evaluation.targetLow,
    target_high: evaluation.targetHigh,
    expected_value: evaluation.expectedValue,
    progress: evaluation.progress,
    elapsed: evaluation.elapsed,
    expected: evaluation.expected,
    pace: evaluation.pace,
    gap: evaluation.gap,
    score: evaluation.score,
    coverage: evaluation.coverage,
    provisional: evaluation.provisional,
    restatement,
    hash,
    evaluation: text,
  };
}

export function statusRow(workspace: string, evaluation: Evaluation): Row<'status'> {
  return {
    workspace,
    subject: evaluation.subject,
    position: evaluation.position,
    recorded_at: evaluation.knownAt,
    edition: evaluation.edition,
    removed: false,
    verdict: evaluation.verdict,
    value: evaluation.value,
    target: evaluation.target,
    progress: evaluation.progress,
    expected: evaluation.expected,
    pace: evaluation.pace,
    late_at: evaluation.lateAt,
    stale_at: evaluation.staleAt,
    last_observed_at: evaluation.lastObservedAt,
    evaluation: JSON.stringify(evaluationToJson(evaluation)),
  };
}

/** Says that a subject is no longer evaluated: it keeps its history and leaves the list. */
export function removedStatusRow(workspace: string, subject: string, edition: number, at: Tick): Row<'status'> {
  return {
    workspace,
    subject,
    position: at.position,
    recorded_at: at.recordedAt,
    edition,
    removed: true,
    verdict: 'no_data',
    value: null,
    target: null,
    progress: null,
    expected: null,
    pace: null,
    late_at: null,
    stale_at: null,
    last_observed_at: null,
    evaluation: '',
  };
}
