import type { Evaluation, Verdict } from '../evaluation.ts';
import type { Instant } from '../instant.ts';
import { formatRational, type Rational } from '../number/rational.ts';
import type { Reason } from '../reasons.ts';
import type { Context } from './context.ts';

/** An evaluation while it is being made. */
export type Draft = { -readonly [Key in keyof Evaluation]: Evaluation[Key] };

export function blank(context: Context, subject: string, asOf: Instant): Draft {
  const { view } = context;
  return {
    subject,
    asOf,
    knownAt: view.knownAt,
    measuredAt: null,
    period: null,
    position: view.position,
    value: null,
    baseline: null,
    target: null,
    targetLow: null,
    targetHigh: null,
    progress: null,
    progressRaw: null,
    elapsed: null,
    expected: null,
    expectedValue: null,
    pace: null,
    gap: null,
    paceMethod: null,
    verdict: 'no_data',
    reason: 'no_observations',
    freshness: null,
    lateAt: null,
    staleAt: null,
    lastObservedAt: null,
    provisional: false,
    carried: false,
    resets: 0,
    coverage: 0,
    freshCoverage: 0,
    worstChild: null,
    score: null,
    scoreOriginal: null,
    forecast: null,
    definitions: context.catalog.position,
    policy: null,
    edition: view.edition,
    sentence: '',
  };
}

export function conclude(draft: Draft, verdict: Verdict, reason: Reason): void {
  draft.verdict = verdict;
  draft.reason = reason;
}

export function textOf(value: Rational | null | undefined): string | null {
  return value === null || value === undefined ? null : formatRational(value);
}

const defined = new WeakMap<Rational, string>();

/** The same of what stands in a definition: it is one object at every instant. */
export function definedText(value: Rational | undefined): string | null {
  if (value === undefined) return null;
  let text = defined.get(value);
  if (text === undefined) {
    text = formatRational(value);
    defined.set(value, text);
  }
  return text;
}

/** Within [0, 1]. */
export function clamp(share: number): number {
  return share <= 0 ? 0 : Math.min(share, 1);
}
