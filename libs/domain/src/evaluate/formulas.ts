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
  const noted = new Map(traced.map((formula) => [formula.name, formula]));
  // What was noted while it was computed says more than what can be told afterwards, in the same place.
  const put: Put = (name, formula, filled, result) => {
    const own = noted.get(name);
    noted.delete(name);
    if (own !== undefined) formulas.push(own);
    else if (result !== null) formulas.push({ name, formula, filled, result: String(result) });
  };
  elapsed(evaluation, put);
  if (compiled.kind === 'kpi') kpi(compiled, evaluation, put);
  else if (compiled.kind === 'key_result') keyResult(compiled.type, evaluation, put);
  formulas.push(...noted.values());
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
  put('E', '(measuredAt − start) / (end − start), within [0, 1]', `clamp(${text})`, e);
}

function keyResult(type: string, evaluation: Evaluation, put: Put): void {
  const { value: v, baseline: b, target: t, progressRaw: p, expected, expectedValue: x, paceMethod } = evaluation;
  if (type === 'reach') {
    if (b !== null && b === t) put('P', 'b = t: met ? 1 : 0', `${p}`, p);
    else put('P', '(v − b) / (t − b)', `(${v} − ${b}) / (${t} − ${b})`, p);
  } else put('P', type === 'done' ? 'done ? 1 : 0' : 'met grains / complete grains with data', `${p}`, p);
  put('E*', `expected share, ${paceMethod} pace`, `${expected}`, expected);
  if (type === 'reach') put('X', 'b + (t − b) · E*', `${b} + (${t} − ${b}) · ${expected}`, x);
}

function kpi(compiled: CompiledKpi, evaluation: Evaluation, put: Put): void {
  const { value: v, target: t, progressRaw: p, expected, expectedValue: x, pace, gap } = evaluation;
  if (compiled.direction === 'within') {
    put('P', 'low ≤ v ≤ high ? 1 : 0', `inside(${evaluation.targetLow}, ${v}, ${evaluation.targetHigh})`, p);
    put('E*', '1', '1', expected);
    put('gap', 'E* − P', `${expected} − ${p}`, gap);
    return;
  }
  const lower = compiled.direction === 'lower';
  put('P', 'v / target', `${v} / ${t}`, p);
  put('E*', compiled.cumulative ? `expected share, ${evaluation.paceMethod} pace` : '1', `${expected}`, expected);
  put('X', compiled.cumulative ? 'target · E*' : 'target', `${t} · ${expected}`, x);
  put('gap', lower ? 'P − E*' : 'E* − P', lower ? `${p} − ${expected}` : `${expected} − ${p}`, gap);
  put('ratio', lower ? 'X / v' : 'v / X', lower ? `${x} / ${v}` : `${v} / ${x}`, pace);
}
