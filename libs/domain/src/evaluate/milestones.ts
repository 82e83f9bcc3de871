import type { CompiledKeyResult } from '../definition/compiled.ts';
import type { Instant } from '../instant.ts';
import { add, divide, isZero, type Rational, ZERO } from '../number/rational.ts';
import type { CheckIn } from '../view.ts';
import type { Progress } from './key-result.ts';
import { NOTHING } from './reading.ts';

/** Σ weight done / Σ weight. A milestone's state is that of the latest check-in naming it; at first none is done. */
export function measureMilestones(result: CompiledKeyResult, checkIns: readonly CheckIn[], asOf: Instant): Progress {
  let all: Rational = ZERO;
  let done: Rational = ZERO;
  for (const { name, weight } of result.milestones) {
    all = add(all, weight);
    if (isDone(name, checkIns)) done = add(done, weight);
  }
  const progress = isZero(all) ? null : divide(done, all);
  return { measured: { ...NOTHING, measuredAt: asOf, missing: null }, progress, original: progress, coverage: 1 };
}

export function isDone(name: string, checkIns: readonly CheckIn[]): boolean {
  const last = checkIns.findLast(({ milestones }) => milestones !== undefined && Object.hasOwn(milestones, name));
  return last?.milestones?.[name] === true;
}
