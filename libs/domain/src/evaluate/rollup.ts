import { nearestInForce } from '../dating.ts';
import type {
  CompiledCycle,
  CompiledKeyResult,
  CompiledObjective,
  CompiledUnitCycle,
  PolicyLayers,
} from '../definition/compiled.ts';
import { weightAt } from '../definition/weights.ts';
import { type Evaluation, type Freshness, VERDICTS, type Verdict } from '../evaluation.ts';
import type { Instant } from '../instant.ts';
import { atLeast } from '../policy/policy.ts';
import type { Context } from './context.ts';
import { blank, clamp, conclude, type Draft } from './draft.ts';
import { closeAt, judgeBy } from './verdict.ts';

/** What a roll-up is made of, whether of an objective or of a unit in a cycle. */
interface Rollup {
  readonly subject: string;
  readonly cycle: CompiledCycle;
  readonly close: Instant;
  readonly bar: number;
  readonly method: 'mean' | 'min';
  readonly minCoverage: number;
  readonly policy: PolicyLayers;
}

interface Member {
  readonly evaluation: Evaluation;
  readonly weight: number;
  /** Clamped P and E*; `null` without progress. A member that has not started has 0 of 0. */
  readonly standing: { readonly progress: number; readonly expected: number } | null;
  readonly coverage: number;
}

export type EvaluateMember = (subject: string, asOf: Instant) => Evaluation | undefined;

export function evaluateObjective(
  context: Context,
  objective: CompiledObjective,
  asOf: Instant,
  evaluate: EvaluateMember,
): Draft {
  const members: Member[] = [];
  for (const result of objective.keyResults) addMember(members, result, objective.cycle, asOf, evaluate);
  for (const child of objective.children) addMember(members, child, objective.cycle, asOf, evaluate);
  const { subject, cycle, close, bar, rollup, minCoverage, policy } = objective;
  return roll(context, { subject, cycle, close, bar, method: rollup, minCoverage, policy }, members, asOf);
}

/** A unit is judged by the workspace's policy, as committed. */
export function evaluateUnit(
  context: Context,
  unit: CompiledUnitCycle,
  asOf: Instant,
  evaluate: EvaluateMember,
): Draft {
  const members: Member[] = [];
  for (const objective of unit.members) addMember(members, objective, unit.cycle, asOf, evaluate);
  const { subject, cycle, close, policy } = unit;
  return roll(context, { subject, cycle, close, bar: 1, method: 'mean', minCoverage: 0.5, policy }, members, asOf);
}

function addMember(
  members: Member[],
  { subject, weight }: CompiledKeyResult | CompiledObjective,
  cycle: CompiledCycle,
  asOf: Instant,
  evaluate: EvaluateMember,
): void {
  const evaluation = evaluate(subject, asOf);
  if (evaluation !== undefined) members.push(memberOf(evaluation, weightAt(weight, asOf, cycle.span)));
}

function roll(context: Context, rollup: Rollup, members: readonly Member[], asOf: Instant): Draft {
  const draft = blank(context, rollup.subject, asOf);
  const { span, name } = rollup.cycle;
  draft.period = { from: span.from, to: span.to, label: name };
  draft.policy = nearestInForce(rollup.policy, asOf, span.to)?.label ?? null;
  draft.measuredAt = asOf;
  draft.elapsed = context.elapsed(span, asOf).number;
  const weighted = members.filter(({ weight }) => weight > 0);
  draft.worstChild = worstOf(weighted);
  if (asOf < span.from) {
    conclude(draft, 'not_started', 'before_start');
    draft.coverage = 1;
    return draft;
  }
  for (const { evaluation, weight, coverage } of members) {
    const { subject, progress, expected, verdict } = evaluation;
    context.trace?.members.push({ subject, weight, progress, expected, coverage, verdict });
  }
  putMembers(draft, weighted);
  draft.provisional =
    weighted.some(({ evaluation, standing }) => standing !== null && evaluation.provisional) ||
    (asOf >= span.to && asOf < rollup.close);
  judgeRollup(draft, context, rollup, members, weighted);
  return draft;
}

function memberOf(evaluation: Evaluation, weight: number): Member {
  const { verdict, progress, expected } = evaluation;
  if (verdict === 'not_started') return { evaluation, weight, standing: { progress: 0, expected: 0 }, coverage: 1 };
  if (progress === null || isUnjudged(verdict)) return { evaluation, weight, standing: null, coverage: 0 };
  const closed = isClosed(evaluation);
  return {
    evaluation,
    weight,
    standing: { progress, expected: closed ? 1 : (expected ?? 1) },
    coverage: evaluation.coverage ?? 0,
  };
}

function isUnjudged(verdict: Verdict): boolean {
  return verdict === 'no_data' || verdict === 'no_target' || verdict === 'insufficient_data';
}

/** Only a close sets a score. */
function isClosed({ score }: Evaluation): boolean {
  return score !== null;
}

/** The worst verdict of all below, also of those whose cycle began before this one. */
function worstOf(weighted: readonly Member[]): Verdict | null {
  let worst: Verdict | null = null;
  for (const { evaluation } of weighted) {
    worst = worse(worst, evaluation.verdict);
    if (evaluation.worstChild !== null) worst = worse(worst, evaluation.worstChild);
  }
  return worst;
}

/** What is printed of the members whatever the verdict: freshness at its worst, coverage. */
function putMembers(draft: Draft, weighted: readonly Member[]): void {
  const all = weighted.reduce((sum, { weight }) => sum + weight, 0);
  let coverage = 0;
  let fresh = 0;
  for (const { evaluation, weight, coverage: own, standing } of weighted) {
    draft.freshness = worseFreshness(draft.freshness, evaluation.freshness);
    draft.lateAt = earlier(draft.lateAt, evaluation.lateAt);
    draft.staleAt = earlier(draft.staleAt, evaluation.staleAt);
    const observed = evaluation.lastObservedAt;
    if (observed !== null) draft.lastObservedAt = Math.max(draft.lastObservedAt ?? observed, observed);
    draft.carried ||= evaluation.carried;
    draft.resets += evaluation.resets;
    coverage += weight * own;
    // Never more than is covered: what has no progress adds to neither.
    if (standing !== null) fresh += weight * (evaluation.freshCoverage ?? 0);
  }
  draft.coverage = all === 0 ? 0 : coverage / all;
  draft.freshCoverage = all === 0 ? 0 : fresh / all;
}

const FRESHNESS: readonly Freshness[] = ['fresh', 'late', 'stale'];

function worseFreshness(left: Freshness | null, right: Freshness | null): Freshness | null {
  if (left === null || right === null) return left ?? right;
  return FRESHNESS.indexOf(right) > FRESHNESS.indexOf(left) ? right : left;
}

function earlier(left: Instant | null, right: Instant | null): Instant | null {
  return left === null || right === null ? (left ?? right) : Math.min(left, right);
}

/** `VERDICTS` runs from worst to best. */
const RANK = new Map(VERDICTS.map((verdict, rank) => [verdict, rank]));

export function worse(left: Verdict | null, right: Verdict): Verdict {
  if (left === null || left === right) return right;
  return (RANK.get(right) ?? 0) < (RANK.get(left) ?? 0) ? right : left;
}

function judgeRollup(
  draft: Draft,
  context: Context,
  rollup: Rollup,
  members: readonly Member[],
  weighted: readonly Member[],
): void {
  if (members.length === 0) conclude(draft, 'no_target', 'no_members');
  else if (weighted.length === 0) conclude(draft, 'no_data', 'zero_weight');
  else if (!weighted.some(({ evaluation, standing }) => standing !== null && evaluation.verdict !== 'not_started')) {
    const all = (verdict: Verdict): boolean => weighted.every(({ evaluation }) => evaluation.verdict === verdict);
    if (all('no_target')) conclude(draft, 'no_target', 'members_without_target');
    else if (all('not_started')) conclude(draft, 'not_started', 'members_not_started');
    else conclude(draft, 'no_data', 'members_without_progress');
  } else if (draft.asOf >= rollup.close) closeRollup(draft, context, rollup, weighted);
  else judgeOpen(draft, context, rollup, weighted);
}

/** At its own close an objective is judged whatever its coverage: what is missing counts as 0. */
function closeRollup(draft: Draft, context: Context, rollup: Rollup, weighted: readonly Member[]): void {
  const standings = weighted.map(({ weight, standing }) => ({
    weight,
    progress: standing?.progress ?? 0,
    expected: 1,
  }));
  const { progress } = join(rollup.method, standings);
  trace(context, rollup, standings, { progress, expected: 1 });
  putStanding(draft, progress, 1);
  closeAt(draft, context, progress, rollup.bar);
  draft.score = clamp(progress);
  const originals = weighted.map(({ weight, standing, evaluation }) => ({
    weight,
    progress: evaluation.scoreOriginal ?? standing?.progress ?? 0,
    expected: 1,
  }));
  draft.scoreOriginal = clamp(join(rollup.method, originals).progress);
}

function judgeOpen(draft: Draft, context: Context, rollup: Rollup, weighted: readonly Member[]): void {
  if (!atLeast(draft.coverage ?? 0, rollup.minCoverage)) {
    conclude(draft, 'insufficient_data', 'below_min_coverage');
    return;
  }
  const standings: Standing[] = [];
  for (const { weight, standing } of weighted) {
    if (standing !== null) standings.push({ weight, progress: standing.progress, expected: standing.expected });
  }
  const { progress, expected } = join(rollup.method, standings);
  trace(context, rollup, standings, { progress, expected });
  putStanding(draft, progress, expected);
  if (weighted.every(({ evaluation }) => evaluation.verdict === 'achieved')) {
    conclude(draft, 'achieved', 'members_achieved');
    return;
  }
  const policy = nearestInForce(rollup.policy, draft.asOf, rollup.cycle.span.to);
  if (policy === undefined) return;
  const judgement = judgeBy(context, policy, {
    elapsed: draft.elapsed ?? 0,
    expected,
    gap: expected - progress,
    ratio: draft.pace,
    final: progress,
  });
  conclude(draft, judgement.verdict, judgement.reason);
}

function putStanding(draft: Draft, progress: number, expected: number): void {
  draft.progress = clamp(progress);
  draft.progressRaw = progress;
  draft.expected = expected;
  draft.gap = expected - progress;
  draft.pace = expected > 0 ? progress / expected : null;
}

/** What was joined and how, for the explanation. */
function trace(
  context: Context,
  { method }: Rollup,
  standings: readonly Standing[],
  joined: { readonly progress: number; readonly expected: number },
): void {
  if (context.trace === undefined) return;
  const weights = standings.map(({ weight }) => weight).join(' + ');
  for (const [name, key] of [
    ['P', 'progress'],
    ['E*', 'expected'],
  ] as const) {
    const terms = standings.map((standing) => `${standing.weight} · ${standing[key]}`).join(' + ');
    const mean = { formula: `Σ weight · ${name} / Σ weight`, filled: `(${terms}) / (${weights})` };
    const differences = standings.map((standing) => `${standing.progress} − ${standing.expected}`).join(', ');
    const least = {
      formula: `${name} of the member with the lowest P − E* (${differences})`,
      filled: String(joined[key]),
    };
    context.trace.formulas.push({ name, ...(method === 'mean' ? mean : least), result: String(joined[key]) });
  }
}

interface Standing {
  readonly weight: number;
  readonly progress: number;
  readonly expected: number;
}

/** The weighted mean of clamped P and of E*; or both of the member with the lowest P − E*, of equals the one with the lower P. */
export function join(
  method: 'mean' | 'min',
  standings: readonly Standing[],
): { readonly progress: number; readonly expected: number } {
  if (method === 'min') {
    return standings.reduce((lowest, next) => {
      const difference = next.progress - next.expected - (lowest.progress - lowest.expected);
      if (Math.abs(difference) < TIE) return next.progress < lowest.progress ? next : lowest;
      return difference < 0 ? next : lowest;
    });
  }
  let weights = 0;
  let progress = 0;
  let expected = 0;
  for (const standing of standings) {
    weights += standing.weight;
    progress += standing.weight * standing.progress;
    expected += standing.weight * standing.expected;
  }
  return { progress: progress / weights, expected: expected / weights };
}

/** Differences of doubles are equal within what thresholds are compared to. */
const TIE = 5e-13;
