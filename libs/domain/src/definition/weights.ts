import { type Effective, inForce } from '../dating.ts';
import type { Instant, Span } from '../instant.ts';

/** The weight in force for a judged period; members weigh 1 unless said otherwise. */
export function weightAt(weight: Effective<number>, asOf: Instant, period: Span): number {
  return inForce(weight, asOf, period.to) ?? 1;
}

export function weightAtEnd(weight: Effective<number>, period: Span): number {
  return weightAt(weight, period.to, period);
}
