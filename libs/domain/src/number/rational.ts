import type { Scaled } from '../cell.ts';
import { formatDecimal, SCALE } from './decimal.ts';

/** An exact number n/d with d > 0; not necessarily in lowest terms. Averages, ratios and quantiles stay exact until printed. */
export interface Rational {
  readonly n: bigint;
  readonly d: bigint;
}

export const ZERO: Rational = { n: 0n, d: 1n };
export const ONE: Rational = { n: 1n, d: 1n };

/** Above this many bits on either side a result is brought to lowest terms, so that long formulas stay small. */
const REDUCE_ABOVE = 1n << 256n;

/** n/d; `d` must not be zero. */
export function rational(n: bigint, d: bigint): Rational {
  if (d === 0n) throw new RangeError('a rational has no zero denominator');
  return d < 0n ? { n: -n, d: -d } : { n, d };
}

export function fromScaled(value: Scaled): Rational {
  return { n: value, d: SCALE };
}

export function add(left: Rational, right: Rational): Rational {
  if (left.d === right.d) return { n: left.n + right.n, d: left.d };
  return small(left.n * right.d + right.n * left.d, left.d * right.d);
}

export function subtract(left: Rational, right: Rational): Rational {
  if (left.d === right.d) return { n: left.n - right.n, d: left.d };
  return small(left.n * right.d - right.n * left.d, left.d * right.d);
}

export function multiply(left: Rational, right: Rational): Rational {
  return small(left.n * right.n, left.d * right.d);
}

/** `null` when `right` is zero. */
export function divide(left: Rational, right: Rational): Rational | null {
  if (right.n === 0n) return null;
  const n = left.d === right.d ? left.n : left.n * right.d;
  const d = left.d === right.d ? right.n : left.d * right.n;
  return d < 0n ? small(-n, -d) : small(n, d);
}

export function negate(value: Rational): Rational {
  return { n: -value.n, d: value.d };
}

/** Negative, zero or positive as left is below, equal to or above right; exact. */
export function compare(left: Rational, right: Rational): -1 | 0 | 1 {
  const a = left.d === right.d ? left.n : left.n * right.d;
  const b = left.d === right.d ? right.n : right.n * left.d;
  return a < b ? -1 : a > b ? 1 : 0;
}

export function isZero(value: Rational): boolean {
  return value.n === 0n;
}

/** Rounded half to even at the 9th place. */
export function toScaled(value: Rational): Scaled {
  return value.d === SCALE ? value.n : divideHalfEven(value.n * SCALE, value.d);
}

/** from + (to − from) · share, rounded half to even at the 9th place. */
export function alongScaled(from: Rational, to: Rational, share: Rational): Scaled {
  if (from.d !== SCALE || to.d !== SCALE) return toScaled(add(from, multiply(share, subtract(to, from))));
  return divideHalfEven(from.n * share.d + (to.n - from.n) * share.n, share.d);
}

function divideHalfEven(numerator: bigint, divisor: bigint): bigint {
  const magnitude = numerator < 0n ? -numerator : numerator;
  const floor = magnitude / divisor;
  const twice = (magnitude - floor * divisor) << 1n;
  const up = twice > divisor || (twice === divisor && (floor & 1n) === 1n);
  const rounded = up ? floor + 1n : floor;
  return numerator < 0n ? -rounded : rounded;
}

/** Canonical text, half-even at the 9th place. */
export function formatRational(value: Rational): string {
  return formatDecimal(toScaled(value));
}

const SAFE = BigInt(Number.MAX_SAFE_INTEGER);
const QUOTIENT_BITS = 72;

/** The nearest double, ties to even; infinite only where the value is beyond the doubles. */
export function toNumber(value: Rational): number {
  const { n, d } = value;
  // Both sides exact doubles: IEEE division rounds the true quotient once.
  if (d <= SAFE && n <= SAFE && n >= -SAFE) return Number(n) / Number(d);
  if (n === 0n) return 0;
  const magnitude = n < 0n ? -n : n;
  const double = quotientToNumber(magnitude, d);
  return n < 0n ? -double : double;
}

/** The exact value of a finite double. */
export function fromNumber(value: number): Rational {
  if (!Number.isFinite(value)) throw new RangeError(`${value} is no finite number`);
  let d = 1n;
  let scaled = value;
  while (!Number.isInteger(scaled)) {
    scaled *= 2;
    d <<= 1n;
  }
  return { n: BigInt(scaled), d };
}

/**
 * A quotient of at least 64 bits whose lowest bit also stands for everything below it rounds to a double as the true
 * quotient does, because `Number` rounds a bigint half to even.
 */
function quotientToNumber(n: bigint, d: bigint): number {
  const shift = QUOTIENT_BITS - (bitLength(n) - bitLength(d));
  const top = shift > 0 ? n << BigInt(shift) : n;
  const bottom = shift < 0 ? d << BigInt(-shift) : d;
  let quotient = top / bottom;
  if (quotient * bottom !== top) quotient |= 1n;
  const double = Number(quotient);
  // Two steps keep the power of two itself inside the doubles; below 1e-290 the second may round again, which no progress is.
  const half = Math.trunc(-shift / 2);
  return double * 2 ** half * 2 ** (-shift - half);
}

/** Within one of the number of bits; the quotient has bits to spare. */
function bitLength(value: bigint): number {
  const double = Number(value);
  return Number.isFinite(double) ? Math.ceil(Math.log2(double)) : value.toString(16).length * 4;
}

function small(n: bigint, d: bigint): Rational {
  if (d < REDUCE_ABOVE && n < REDUCE_ABOVE && n > -REDUCE_ABOVE) return { n, d };
  const divisor = greatestCommonDivisor(n < 0n ? -n : n, d);
  return divisor === 1n ? { n, d } : { n: n / divisor, d: d / divisor };
}

function greatestCommonDivisor(left: bigint, right: bigint): bigint {
  let a = left;
  let b = right;
  while (b !== 0n) [a, b] = [b, a % b];
  return a;
}
