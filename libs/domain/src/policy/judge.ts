import type { Verdict } from '../evaluation.ts';
import type { Reason } from '../reasons.ts';
import { atLeast, atMost, type Policy, PRESETS, passes } from './policy.ts';

/** What a policy reads. All are doubles; KRs bring raw progress, roll-ups clamped. */
export interface Standing {
  /** E of the period at the moment of measuring. */
  readonly elapsed: number;
  /** E*. */
  readonly expected: number;
  /** Positive when behind: E* − P; of a `lower` KPI P − E*. */
  readonly gap: number;
  /** P / E*; of KPIs v/X or X/v. `null` where that is no number. */
  readonly ratio: number | null;
  /** Against the full target. */
  readonly final: number;
}

export interface Judgement {
  readonly verdict: Verdict;
  readonly reason: Reason;
  /** What was compared, for the explanation; absent where nothing was. */
  readonly measure?: number;
}

/** EVALUATION §6: early, then the policy. */
export function judge(policy: Policy, standing: Standing): Judgement {
  if (isEarly(policy, standing)) return { verdict: 'on_track', reason: 'early', measure: standing.gap };
  const kind = policy.kind === 'probability' ? 'ratio' : policy.kind;
  if (kind === 'ratio' && (standing.ratio === null || atMost(standing.expected, 0))) {
    const met = atMost(standing.gap, 0);
    return met
      ? { verdict: 'on_track', reason: 'nothing_expected', measure: standing.gap }
      : { verdict: 'off_track', reason: 'below_nothing_expected', measure: standing.gap };
  }
  const measure = kind === 'ratio' ? (standing.ratio ?? 0) : kind === 'gap' ? standing.gap : standing.final;
  const { onTrack, atRisk } = barsOf(policy);
  if (passes(measure, onTrack)) return { verdict: 'on_track', reason: 'at_or_above_on_track', measure };
  if (passes(measure, atRisk)) return { verdict: 'at_risk', reason: 'below_on_track', measure };
  return { verdict: 'off_track', reason: 'below_at_risk', measure };
}

/** A probability needs a forecast; without one the plain pace decides, by the default policy's bars (EVALUATION §11). */
export function barsOf(policy: Policy): Pick<Policy, 'onTrack' | 'atRisk'> {
  return policy.kind === 'probability' ? (PRESETS.get('paceline') ?? policy) : policy;
}

/** Little of the period has elapsed and the gap is small. */
export function isEarly(policy: Policy, { elapsed, gap }: Pick<Standing, 'elapsed' | 'gap'>): boolean {
  return !atLeast(elapsed, policy.minElapsed) && atMost(gap, policy.deadBand);
}
