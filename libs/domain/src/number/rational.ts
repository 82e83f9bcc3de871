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
  if (right.n === 0n) return left;
  return small(left.n * right.d + right.n * left.d, left.d * right.d);
}

export function subtract(left: Rational, right: Rational): Rational {
  if (left.d === right.d) return { n: left.n - right.n, d: left.d };
  if (right.n === 0n) return left;
  const times = multipleOf(left.d, right.d);
  if (times !== null) return { n: left.n - right.n * times, d: left.d };
  return small(left.n * right.d - right.n * left.d, left.d * right.d);
}

export function multiply(left: Rational, right: Rational): Rational {
  return small(left.n * right.n, left.d * right.d);
}

/** `null` when `right` is zero. */
export function divide(left: Rational, right: Rational): Rational | null {
  if (right.n === 0n) return null;
  if (left.d === right.d) return right.n < 0n ? small(-left.n, -right.n) : small(left.n, right.n);
  const times = multipleOf(left.d, right.d);
  const n = times !== null ? left.n : left.n * right.d;
  const d = (times ?? left.d) * right.n;
  return d < 0n ? small(-n, -d) : small(n, d);
}

/** How many times one denominator is another, as that of a mean is: then both sides stay small. `null` where it is no whole number. */
function multipleOf(left: bigint, right: bigint): bigint | null {
  const times = left / right;
  return times * right === left ? times : null;
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

export function isPositive(value: Rational): boolean {
  return value.n > 0n;
}

export function isZero(value: Rational): boolean {
  return value.n === 0n;
}

/** Rounded half to even at the 9th place. */
export function toScaled(value: Rational): Scaled {
  if (value.d === SCALE) return value.n;
  const times = multipleOf(value.d, SCALE);
  return times === null ? divideHalfEven(value.n * SCALE, value.d) : divideHalfEven(value.n, times);
}

/** from + (to − from) · share, rounded half to even at the 9th place. */
export function alongScaled(from: Rational, to: Rational, share: Rational): Scaled {
  if (from.d !== SCALE || to.d !== SCALE) return toScaled(add(from, multiply(share, subtract(to, from))));
  const way = to.n - from.n;
  const safe = alongSafe(Number(from.n), Number(way), Number(share.n), Number(share.d));
  return safe ?? divideHalfEven(from.n * share.d + way * share.n, share.d);
}

/** The same in doubles, where they hold every step exactly: most values and shares of whole days are small. */
function alongSafe(from: number, way: number, n: number, d: number): Scaled | null {
  if (!(n >= 0 && n <= d && n * d <= Number.MAX_SAFE_INTEGER)) return null;
  if (!(Math.abs(from) + Math.abs(way) + d <= Number.MAX_SAFE_INTEGER)) return null;
  const whole = floorQuotient(way, d);
  const rest = (way - whole * d) * n;
  const part = floorQuotient(rest, d);
  const floor = from + whole * n + part;
  const twice = 2 * (rest - part * d);
  return BigInt(twice > d || (twice === d && floor % 2 !== 0) ? floor + 1 : floor);
}

/** Of safe integers. */
function floorQuotient(numerator: number, divisor: number): number {
  const quotient = Math.floor(numerator / divisor);
  // The double nearest to the quotient may be the next whole number.
  return quotient * divisor > numerator ? quotient - 1 : quotient;
}

function divideHalfEven(numerator: bigint, divisor: bigint): bigint {
  const safe = alongSafe(0, Number(numerator), 1, Number(divisor));
  if (safe !== null) return safe;
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

const QUOTIENT_BITS = 72;

/** The nearest double, ties to even; infinite only where the value is beyond the doubles. */
export function toNumber(value: Rational): number {
  const { n, d } = value;
  const numerator = Number(n);
  const denominator = Number(d);
  // Both sides exact doubles: IEEE division rounds the true quotient once.
  if (denominator <= Number.MAX_SAFE_INTEGER && Math.abs(numerator) <= Number.MAX_SAFE_INTEGER) {
    return numerator / denominator;
  }
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
