import type { Scaled } from '../cell.ts';

/** Values are stored as Decimal(38, 9): at most 38 digits, 9 of them after the point (EVALUATION §1). */
export const PLACES = 9;
export const SCALE: Scaled = 1_000_000_000n;
const WHOLE_DIGITS_MAX = 29;
/** Longer texts are refused unread, so that hostile input costs nothing. */
const LENGTH_MAX = 400;

const WRITTEN = /^([+-]?)(?:(\d+)(?:\.(\d*))?|\.(\d+))(?:[eE]([+-]?\d+))?$/;
const CANONICAL = /^(?:0|-?(?:[1-9]\d{0,28}(?:\.\d{0,8}[1-9])?|0\.\d{0,8}[1-9]))$/;

const ROUND = 'round it before sending';

export interface DecimalFault {
  readonly code: 'not_a_number' | 'too_many_digits';
  readonly message: string;
  /** What to do about it. */
  readonly remedy: string;
}

/**
 * Reads a decimal as written (sign, point and exponent allowed) into its exact value scaled by 10^9. Zeros that carry no
 * value do not count as digits: `1.5000000000` is 1.5.
 */
export function parseDecimal(text: string): Scaled | DecimalFault {
  if (text.length > LENGTH_MAX) return tooLong(text);
  const match = WRITTEN.exec(text);
  if (match === null) {
    return notANumber(text);
  }
  const whole = match[2] ?? '';
  const fraction = match[3] ?? match[4] ?? '';
  const digits = trimZeros(whole + fraction);
  if (digits.text === '') return 0n;
  // The value is digits.text * 10^-places.
  const places = fraction.length - Number(match[5] ?? 0) - digits.trailing;
  if (places > PLACES || digits.text.length - places > WHOLE_DIGITS_MAX) {
    return {
      code: 'too_many_digits',
      message: `${quote(text)} needs more than ${WHOLE_DIGITS_MAX} digits before or ${PLACES} after the point`,
      remedy: ROUND,
    };
  }
  const magnitude = BigInt(digits.text) * 10n ** BigInt(PLACES - places);
  return match[1] === '-' ? -magnitude : magnitude;
}

/** Shortest canonical text: no `-0`, no trailing zeros, no exponent. */
export function formatDecimal(value: Scaled): string {
  const double = Number(value);
  if (Math.abs(double) <= Number.MAX_SAFE_INTEGER) return formatSafe(double);
  const magnitude = value < 0n ? -value : value;
  const whole = magnitude / SCALE;
  return `${value < 0n ? '-' : ''}${whole}${fractionText(Number(magnitude - whole * SCALE))}`;
}

const UNIT = Number(SCALE);

/** Of whole numbers that doubles hold exactly: several times as fast, and most values are some. */
function formatSafe(value: number): string {
  const magnitude = Math.abs(value);
  let whole = Math.floor(magnitude / UNIT);
  let rest = magnitude - whole * UNIT;
  // The quotient may have been rounded up to the next whole number.
  if (rest < 0) {
    whole -= 1;
    rest += UNIT;
  }
  return `${value < 0 ? '-' : ''}${whole}${fractionText(rest)}`;
}

/** `.5` of 500,000,000 billionths; nothing of none. */
function fractionText(billionths: number): string {
  if (billionths === 0) return '';
  const digits = String(UNIT + billionths);
  let end = digits.length;
  while (digits.charCodeAt(end - 1) === 48) end--;
  return `.${digits.slice(1, end)}`;
}

/** The canonical text of a written decimal; a number counts by its shortest text. */
export function canonicalDecimal(written: string | number): string | DecimalFault {
  const text = typeof written === 'number' ? String(written) : written;
  if (CANONICAL.test(text)) return text;
  const value = parseDecimal(text);
  return typeof value === 'bigint' ? formatDecimal(value) : value;
}

/** The value of text that is known to be a decimal (canonical text of a fact or a validated document); throws on any other. */
export function scaledOf(text: string): Scaled {
  const value = parseDecimal(text);
  if (typeof value === 'bigint') return value;
  throw new RangeError(value.message);
}

function trimZeros(digits: string): { readonly text: string; readonly trailing: number } {
  let start = 0;
  let end = digits.length;
  while (start < end && digits.charCodeAt(start) === 48) start++;
  while (end > start && digits.charCodeAt(end - 1) === 48) end--;
  return { text: digits.slice(start, end), trailing: digits.length - end };
}

function tooLong(text: string): DecimalFault {
  return /^[+-]?[\d.]+$/.test(text)
    ? { code: 'too_many_digits', message: `a number of ${text.length} characters has too many digits`, remedy: ROUND }
    : notANumber(text);
}

function notANumber(text: string): DecimalFault {
  return { code: 'not_a_number', message: `${quote(text)} is no decimal number`, remedy: 'write it like "1234.5"' };
}

function quote(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 57)}…` : text);
}

const POWERS = [1e9, 1e8, 1e7, 1e6, 1e5, 1e4, 1e3, 1e2, 1e1, 1];

/** The scaled value as a safe integer, of the short decimals nearly all values are; `undefined` of the rest and of faults. */
export function safeScaled(text: string): number | undefined {
  const length = text.length;
  const negative = text.charCodeAt(0) === 45;
  let places = -1;
  let digits = 0;
  let value = 0;
  for (let i = negative ? 1 : 0; i < length; i++) {
    const code = text.charCodeAt(i);
    if (code >= 48 && code <= 57) {
      value = value * 10 + (code - 48);
      digits++;
      if (places >= 0) places++;
    } else if (code === 46 && places < 0 && digits > 0) places = 0;
    else return undefined;
  }
  return safelyScaled({ value, digits, places, negative });
}

/** What a reader of a decimal found: its digits as one number, how many, and how many of them behind the point (-1: there is none). */
export interface ReadDigits {
  readonly value: number;
  readonly digits: number;
  readonly places: number;
  readonly negative: boolean;
}

/** The scaled value as a safe integer; `undefined` where it may be none, or the digits are no decimal. */
export function safelyScaled({ value, digits, places, negative }: ReadDigits): number | undefined {
  if (digits === 0 || digits > 15 || places === 0 || places > 9) return undefined;
  const scaled = value * POWERS[Math.max(places, 0)]!;
  if (scaled > Number.MAX_SAFE_INTEGER) return undefined;
  return negative && scaled !== 0 ? -scaled : scaled;
}
