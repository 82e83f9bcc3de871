import type { CompiledKeyResult, CompiledMilestone } from '../definition/compiled.ts';
import type { Instant } from '../instant.ts';
import { add, divide, isZero, type Rational, toNumber, ZERO } from '../number/rational.ts';
import type { CheckIn } from '../view.ts';
import type { Context } from './context.ts';
import type { Progress } from './key-result.ts';
import { NOTHING } from './reading.ts';

/** Σ weight done / Σ weight. A milestone's state is that of the latest check-in naming it; at first none is done. */
export function measureMilestones(
  context: Context,
  { milestones }: CompiledKeyResult,
  checkIns: readonly CheckIn[],
  asOf: Instant,
): Progress {
  const done = milestones.filter(({ name }) => isDone(name, checkIns));
  const all = weightOf(milestones);
  const progress = isZero(all) ? null : divide(weightOf(done), all);
  if (progress !== null) {
    context.trace?.formulas.push({
      name: 'P',
      formula: 'Σ weight done / Σ weight',
      filled: shareWords(done, milestones),
      result: String(toNumber(progress)),
    });
  }
  return { measured: { ...NOTHING, measuredAt: asOf, missing: null }, progress, original: progress, coverage: 1 };
}

export function weightOf(milestones: readonly CompiledMilestone[]): Rational {
  return milestones.reduce((sum, { weight }) => add(sum, weight), ZERO);
}

/** `(1 + 2) / (1 + 2 + 2)`. */
export function shareWords(some: readonly CompiledMilestone[], all: readonly CompiledMilestone[]): string {
  const sum = (milestones: readonly CompiledMilestone[]): string =>
    milestones.length === 0 ? '0' : `(${milestones.map(({ weight }) => toNumber(weight)).join(' + ')})`;
  return `${sum(some)} / ${sum(all)}`;
}

export function isDone(name: string, checkIns: readonly CheckIn[]): boolean {
  const last = checkIns.findLast(({ milestones }) => milestones !== undefined && Object.hasOwn(milestones, name));
  return last?.milestones?.[name] === true;
}
