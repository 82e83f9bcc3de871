export { instantText, readInstant } from '@paceline/domain/time/instant-text';

const DAYS = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/**
 * Whether the text is an instant in the form records carry: UTC, at most microseconds. Reads nothing, because the hot path only
 * needs to know that `readInstant` will.
 */
export function isInstantText(text: string): boolean {
  const { length } = text;
  if (length < 20 || length > 27 || length === 21 || text.charCodeAt(length - 1) !== 90) return false;
  const year = digits(text, 0, 4);
  const month = digits(text, 5, 7);
  const day = digits(text, 8, 10);
  if (year < 1 || month < 1 || month > 12 || day < 1 || day > DAYS[month - 1]!) return false;
  if (month === 2 && day === 29 && (year % 4 !== 0 || (year % 100 === 0 && year % 400 !== 0))) return false;
  const separators = text[4] === '-' && text[7] === '-' && text[10] === 'T' && text[13] === ':' && text[16] === ':';
  if (!separators || !within(digits(text, 11, 13), 23)) return false;
  if (!within(digits(text, 14, 16), 59) || !within(digits(text, 17, 19), 59)) return false;
  return length === 20 || (text[19] === '.' && digits(text, 20, length - 1) >= 0);
}

function within(value: number, max: number): boolean {
  return value >= 0 && value <= max;
}

/** The number written between two places, or -1 when something there is no digit. */
function digits(text: string, from: number, to: number): number {
  let value = 0;
  for (let at = from; at < to; at++) {
    const digit = text.charCodeAt(at) - 48;
    if (digit < 0 || digit > 9) return -1;
    value = value * 10 + digit;
  }
  return value;
}
