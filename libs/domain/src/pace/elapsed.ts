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
  const start = Math.round(period.from * 1000);
  const passed = Math.round(at * 1000) - start;
  const length = Math.round(period.to * 1000) - start;
  // Most instants lie whole days or hours from the start: in those the share has few digits.
  const unit = UNITS.find((each) => passed % each === 0 && length % each === 0) ?? 1;
  return rational(BigInt(passed / unit), BigInt(length / unit));
}

/** A day, an hour, a minute and a second in microseconds. */
const UNITS = [86_400_000_000, 3_600_000_000, 60_000_000, 1_000_000];
