import type { AlertRuleDocument, Threshold } from '../document.ts';
import { type Evaluation, VERDICTS, type Verdict } from '../evaluation.ts';
import type { Instant } from '../instant.ts';
import type { Policy } from '../policy/policy.ts';
import { passes } from '../policy/policy.ts';

/** What the machine reads of one judgement. */
export interface AlertPoint {
  /** The grid point. */
  readonly at: Instant;
  readonly verdict: Verdict;
  readonly reason: string;
  readonly measuredAt: Instant | null;
  /** The period's last word: achieved or missed, found at its close. */
  readonly closing: boolean;
  readonly pace: number | null;
  readonly gap: number | null;
  readonly progress: number | null;
  readonly policy: string | null;
}

export function alertPoint(evaluation: Evaluation): AlertPoint {
  const { asOf, verdict, reason, measuredAt, score, pace, gap, progress, progressRaw, policy } = evaluation;
  const closing = score !== null;
  return { at: asOf, verdict, reason, measuredAt, closing, pace, gap, progress: progressRaw ?? progress, policy };
}

type When = AlertRuleDocument['spec']['when'];

/** `between`: no longer bad, not yet good. `gap`: says nothing of good or bad. */
export type AlertStanding = 'bad' | 'between' | 'good' | 'gap';

const SAYS_NOTHING: ReadonlySet<Verdict> = new Set(['no_target', 'no_data', 'insufficient_data', 'not_started']);

export function rankOf(verdict: Verdict): number {
  return VERDICTS.indexOf(verdict);
}

export function standingOf(point: AlertPoint, when: When, policy: Policy | undefined): AlertStanding {
  if (SAYS_NOTHING.has(point.verdict)) return 'gap';
  if (rankOf(point.verdict) <= rankOf(when)) return 'bad';
  return pastMargin(point, when, policy) ? 'good' : 'between';
}

/**
 * Whether the measure is past the threshold of `when` by the policy's recovery margin, so that a value hovering at the
 * bar does not flap. A margin never asks for more than the target itself; bands and absolute verdicts have none.
 */
function pastMargin(point: AlertPoint, when: When, policy: Policy | undefined): boolean {
  if (policy === undefined || policy.recoverMargin === 0 || point.closing) return true;
  if (when === 'missed' || point.verdict === 'achieved' || point.reason === 'early') return true;
  const measure = policy.kind === 'ratio' ? point.pace : policy.kind === 'gap' ? point.gap : point.progress;
  if (measure === null) return true;
  const perfect = policy.kind === 'gap' ? 0 : 1;
  return passes(measure, moved(when === 'at_risk' ? policy.onTrack : policy.atRisk, policy.recoverMargin, perfect));
}

function moved(bar: Threshold, margin: number, perfect: number): Threshold {
  if (bar.atLeast !== undefined) return { atLeast: up(bar.atLeast, margin, perfect) };
  if (bar.above !== undefined) return { atLeast: up(bar.above, margin, perfect) };
  if (bar.atMost !== undefined) return { atMost: down(bar.atMost, margin, perfect) };
  if (bar.below !== undefined) return { atMost: down(bar.below, margin, perfect) };
  return bar;
}

function up(bar: number, margin: number, perfect: number): number {
  return Math.max(bar, Math.min(bar + margin, perfect));
}

function down(bar: number, margin: number, perfect: number): number {
  return Math.min(bar, Math.max(bar - margin, perfect));
}
