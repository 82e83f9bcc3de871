import { inForce, nearestInForce } from '../dating.ts';
import type { CompiledKeyResult } from '../definition/compiled.ts';
import { barsOf, type Judgement, judge, type Standing } from '../policy/judge.ts';
import { atLeast, type Policy, passes } from '../policy/policy.ts';
import type { Context } from './context.ts';
import { conclude, type Draft } from './draft.ts';
import type { Measured } from './reading.ts';

/** EVALUATION §6, precedence: no target, no data, insufficient data, at close, achieved, early, policy. */
export function judgeResult(draft: Draft, context: Context, result: CompiledKeyResult, measured: Measured): void {
  const { missing } = measured;
  const { progressRaw: raw, expected, elapsed, gap } = draft;
  const policy = nearestInForce(result.policy, draft.asOf, result.cycle.span.to);
  if (!hasTarget(draft, result)) conclude(draft, 'no_target', 'no_target_in_force');
  else if (missing !== null) conclude(draft, missing.verdict, missing.reason);
  else if (raw === null || expected === null || elapsed === null || gap === null || policy === undefined) {
    conclude(draft, 'no_target', 'no_target_in_force');
  } else if (draft.asOf >= result.close) closeAt(draft, context, raw, result.bar);
  else if (reachable(result) && atLeast(raw, 1)) conclude(draft, 'achieved', 'reached');
  else {
    const judgement = judgeBy(context, policy, { elapsed, expected, gap, ratio: draft.pace, final: raw });
    conclude(draft, judgement.verdict, judgement.reason);
  }
}

function hasTarget(draft: Draft, result: CompiledKeyResult): boolean {
  const end = result.cycle.span.to;
  switch (result.type) {
    case 'done':
      return true;
    case 'milestones':
      return result.milestones.length > 0;
    case 'between':
      return inForce(result.range, draft.asOf, end) !== undefined;
    default:
      return inForce(result.target, draft.asOf, end) !== undefined;
  }
}

/** Being there before the end is an achievement only where the value can stay there. */
function reachable({ type }: CompiledKeyResult): boolean {
  return type === 'reach' || type === 'milestones' || type === 'done';
}

export function closeAt(draft: Draft, context: Context, progress: number, bar: number): void {
  const met = atLeast(progress, bar);
  context.trace?.thresholds.push({ verdict: 'achieved', measure: progress, bar: { atLeast: bar }, passed: met });
  conclude(draft, met ? 'achieved' : 'missed', met ? 'met_at_close' : 'missed_at_close');
}

/** The policy's word, with what was compared noted for the explanation. */
export function judgeBy(context: Context, policy: Policy, standing: Standing): Judgement {
  const judgement = judge(policy, standing);
  const { trace } = context;
  const { measure } = judgement;
  if (trace !== undefined && measure !== undefined) {
    if (judgement.reason === 'early') {
      trace.thresholds.push({ verdict: 'on_track', measure, bar: { atMost: policy.deadBand }, passed: true });
    } else if (judgement.reason === 'nothing_expected' || judgement.reason === 'below_nothing_expected') {
      const passed = judgement.verdict === 'on_track';
      trace.thresholds.push({ verdict: 'on_track', measure, bar: { atMost: 0 }, passed });
    } else {
      const { onTrack, atRisk } = barsOf(policy);
      trace.thresholds.push({ verdict: 'on_track', measure, bar: onTrack, passed: passes(measure, onTrack) });
      trace.thresholds.push({ verdict: 'at_risk', measure, bar: atRisk, passed: passes(measure, atRisk) });
    }
  }
  return judgement;
}
