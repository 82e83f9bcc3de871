import type { Instant, Span } from '../instant.ts';
import { ONE, type Rational, rational, ZERO } from '../number/rational.ts';

/** Whole microseconds, the finest time there is. */
export function micros(at: Instant): bigint {
  return BigInt(Math.round(at * 1000));
}

/** Real elapsed time over real length, within [0, 1]: a 23-hour day counts 23 hours (EVALUATION §1). */
export function elapsedShare(period: Span, at: Instant): Rational {
  if (at <= period.from) return ZERO;
  if (at >= period.to) return ONE;
  return rational(micros(at) - micros(period.from), micros(period.to) - micros(period.from));
}
