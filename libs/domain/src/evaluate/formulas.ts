import type { CompiledKpi, CompiledSubject } from '../definition/compiled.ts';
import type { Evaluation } from '../evaluation.ts';
import type { Instant } from '../instant.ts';
import { instantText } from '../time/instant-text.ts';
import type { TraceFormula } from './trace.ts';

/** Each formula of an evaluation as the docs write it, and with its numbers put in. Only those that were computed. */
export function formulasOf(
  compiled: CompiledSubject,
  evaluation: Evaluation,
  traced: readonly TraceFormula[],
): TraceFormula[] {
  const formulas: TraceFormula[] = [];
  const put = (name: string, formula: string, filled: string, result: number | string | null): void => {
    if (result !== null) formulas.push({ name, formula, filled, result: String(result) });
  };
  elapsed(evaluation, put);
  if (compiled.kind === 'kpi') kpi(compiled, evaluation, put);
  else if (compiled.kind === 'key_result') keyResult(compiled.type, evaluation, put);
  formulas.push(...traced);
  const { expected, progressRaw: p, pace, gap } = evaluation;
  if (compiled.kind !== 'kpi') {
    put('gap', 'E* − P', `${expected} − ${p}`, gap);
    put('ratio', 'P / E*', `${p} / ${expected}`, pace);
  }
  return formulas;
}

type Put = (name: string, formula: string, filled: string, result: number | string | null) => void;

function elapsed({ period, measuredAt, asOf, elapsed: e }: Evaluation, put: Put): void {
  if (period === null || e === null) return;
  const at: Instant = Math.min(asOf >= period.to ? period.to : (measuredAt ?? asOf), period.to);
  const text = `(${instantText(at)} − ${instantText(period.from)}) / (${instantText(period.to)} − ${instantText(period.from)})`;
  put('E', '(measuredAt − start) / (end − start), within [0, 1]', text, e);
}

function keyResult(type: string, evaluation: Evaluation, put: Put): void {
  const { value: v, baseline: b, target: t, progressRaw: p, expected, expectedValue: x, paceMethod } = evaluation;
  if (type === 'reach') {
    put('P', '(v − b) / (t − b)', `(${v} − ${b}) / (${t} − ${b})`, p);
    put('E*', `expected share, ${paceMethod} pace`, `${evaluation.elapsed} of the time`, expected);
    put('X', 'b + (t − b) · E*', `${b} + (${t} − ${b}) · ${expected}`, x);
    return;
  }
  const what: Readonly<Record<string, string>> = {
    milestones: 'Σ weight done / Σ weight',
    done: 'done ? 1 : 0',
  };
  put('P', what[type] ?? 'met grains / complete grains with data', '', p);
  put('E*', type in what ? `expected share, ${paceMethod} pace` : '1', `${evaluation.elapsed} of the time`, expected);
}

function kpi(compiled: CompiledKpi, evaluation: Evaluation, put: Put): void {
  const { value: v, target: t, progressRaw: p, expected, expectedValue: x, pace, gap } = evaluation;
  if (compiled.direction === 'within') {
    put('P', 'low ≤ v ≤ high ? 1 : 0', `${evaluation.targetLow} ≤ ${v} ≤ ${evaluation.targetHigh}`, p);
    return;
  }
  const lower = compiled.direction === 'lower';
  put('P', 'v / target', `${v} / ${t}`, p);
  put(
    'E*',
    compiled.cumulative ? `expected share, ${evaluation.paceMethod} pace` : '1',
    `${evaluation.elapsed} of the time`,
    expected,
  );
  put('X', compiled.cumulative ? 'target · E*' : 'target', `${t} · ${expected}`, x);
  put('gap', lower ? 'P − E*' : 'E* − P', lower ? `${p} − ${expected}` : `${expected} − ${p}`, gap);
  put('ratio', lower ? 'X / v' : 'v / X', lower ? `${x} / ${v}` : `${v} / ${x}`, pace);
}
