import type { CompiledKeyResult } from '../definition/compiled.ts';
import type { Instant, Span } from '../instant.ts';
import { parseDecimal } from '../number/decimal.ts';
import { fromScaled, type Rational } from '../number/rational.ts';
import type { CheckIn } from '../view.ts';
import type { Context } from './context.ts';

/** The check-ins that count: their time lies in the period, at or before `asOf`, whenever they were recorded. */
export function checkInsWithin(context: Context, subject: string, period: Span, asOf: Instant): readonly CheckIn[] {
  const all = context.view.checkIns(subject);
  if (all.length === 0) return all;
  return all.filter(({ time }) => time >= period.from && time < period.to && time <= asOf);
}

/** `null` where the check-in names no value, or one that is no decimal. */
export function checkInValue(checkIn: CheckIn): Rational | null {
  if (checkIn.value === undefined) return null;
  const value = parseDecimal(String(checkIn.value));
  return typeof value === 'bigint' ? fromScaled(value) : null;
}

/** The last one that says something of what the key result's type reads. */
export function lastCheckIn(checkIns: readonly CheckIn[], type: CompiledKeyResult['type']): CheckIn | undefined {
  return checkIns.findLast((checkIn) => {
    if (type === 'milestones') return checkIn.milestones !== undefined;
    return type === 'done' ? checkIn.done !== undefined : checkIn.value !== undefined;
  });
}
