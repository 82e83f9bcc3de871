import type { Instant } from '../instant.ts';
import { DAY_MS, dayOfParts, formatDate, pad } from './date.ts';

const ISO =
  /^(\d{4})-(\d{2})-(\d{2})[Tt ](\d{2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,18}))?)?(?:([Zz])|([+-])(\d{2})(?::?(\d{2}))?)$/;
const MICROS_PER_MS = 1000;
const OFFSET_HOURS_MAX = 18;
const TWO = Array.from({ length: 60 }, (_, value) => pad(value, 2));

/**
 * Reads an ISO 8601 instant with its offset, exact to the microsecond. `undefined` for any other text: no offset, days and
 * hours that do not exist, digits that carry value below the microsecond.
 */
export function readInstant(text: string): Instant | undefined {
  if (text.length > 64) return undefined;
  return readPlain(text) ?? readAny(text);
}

/** The usual form, `2026-11-22T06:00:00.123Z`, read by its characters: a regular expression costs several times as much. */
function readPlain(text: string): Instant | undefined {
  const end = text.length - 1;
  if (end < 19 || end > 26 || text.charCodeAt(end) !== 90 || text.charCodeAt(10) !== 84) return undefined;
  if (text.charCodeAt(4) !== 45 || text.charCodeAt(7) !== 45) return undefined;
  if (text.charCodeAt(13) !== 58 || text.charCodeAt(16) !== 58) return undefined;
  const day = dayOfParts(digits(text, 0, 4), digits(text, 5, 7), digits(text, 8, 10));
  const hour = digits(text, 11, 13);
  const minute = digits(text, 14, 16);
  const second = digits(text, 17, 19);
  // Comparisons with NaN, of characters that are no digits, are false.
  if (day === undefined || !(hour <= 23 && minute <= 59 && second <= 59)) return undefined;
  const ms = day * DAY_MS + ((hour * 60 + minute) * 60 + second) * 1000;
  if (end === 19) return ms;
  const fraction = digits(text, 20, end) * 10 ** (26 - end);
  if (text.charCodeAt(19) !== 46 || end === 20 || Number.isNaN(fraction)) return undefined;
  return instantOfMicros(ms * MICROS_PER_MS + fraction);
}

/** The number of some digits; NaN where a character is none. */
function digits(text: string, from: number, to: number): number {
  let value = 0;
  for (let index = from; index < to; index++) {
    const digit = text.charCodeAt(index) - 48;
    if (digit < 0 || digit > 9) return Number.NaN;
    value = value * 10 + digit;
  }
  return value;
}

function readAny(text: string): Instant | undefined {
  const match = ISO.exec(text);
  if (match === null) return undefined;
  const day = dayOfParts(Number(match[1]), Number(match[2]), Number(match[3]));
  const hour = Number(match[4]);
  const minute = Number(match[5]);
  const second = Number(match[6] ?? 0);
  if (day === undefined || hour > 23 || minute > 59 || second > 59) return undefined;
  const fraction = (match[7] ?? '').padEnd(6, '0');
  if (/[1-9]/.test(fraction.slice(6))) return undefined;
  const offset = offsetMs(match[8] === undefined ? match[9] : undefined, match[10], match[11]);
  if (offset === undefined) return undefined;
  const ms = day * DAY_MS + ((hour * 60 + minute) * 60 + second) * 1000 - offset;
  return instantOfMicros(ms * MICROS_PER_MS + Number(fraction.slice(0, 6)));
}

/** Microseconds since 1970 as an instant: the double nearest to the millisecond with its fraction; one to one until 2109. */
export function instantOfMicros(micros: number): Instant {
  return micros / MICROS_PER_MS;
}

export function microsOf(at: Instant): number {
  return Math.round(at * MICROS_PER_MS);
}

/** The same few instants are printed again and again: the last of each slot is kept. A prime, since days and hours are no chance numbers. */
const SLOTS = 4093;
const slotInstants = new Float64Array(SLOTS).fill(Number.NaN);
const slotTexts = new Array<string>(SLOTS).fill('');

/** `2026-11-22T06:00:00Z`, with three or six places where the instant has a fraction: one text for one instant. */
export function instantText(at: Instant): string {
  const slot = ((at / 60_000) >>> 0) % SLOTS;
  if (slotInstants[slot] === at) return slotTexts[slot]!;
  const text = written(at);
  slotInstants[slot] = at;
  slotTexts[slot] = text;
  return text;
}

function written(at: Instant): string {
  const micros = microsOf(at);
  const seconds = Math.floor(micros / 1_000_000);
  const rest = micros - seconds * 1_000_000;
  const day = Math.floor(seconds / 86_400);
  const ofDay = seconds - day * 86_400;
  const clock = `${TWO[Math.floor(ofDay / 3600)]}:${TWO[Math.floor(ofDay / 60) % 60]}:${TWO[ofDay % 60]}`;
  const fraction = rest === 0 ? '' : rest % 1000 === 0 ? `.${pad(rest / 1000, 3)}` : `.${pad(rest, 6)}`;
  return `${formatDate(day)}T${clock}${fraction}Z`;
}

/** `+05:45`, `-03:30`; seconds only where a zone has them (local mean time). */
export function offsetText(offset: number): string {
  const seconds = Math.abs(offset) / 1000;
  const rest = seconds % 60;
  const text = `${offset < 0 ? '-' : '+'}${pad(Math.floor(seconds / 3600), 2)}:${pad(Math.floor(seconds / 60) % 60, 2)}`;
  return rest === 0 ? text : `${text}:${pad(rest, 2)}`;
}

function offsetMs(
  sign: string | undefined,
  hours: string | undefined,
  minutes: string | undefined,
): number | undefined {
  if (sign === undefined) return 0;
  const [hour, minute] = [Number(hours), Number(minutes ?? 0)];
  if (hour > OFFSET_HOURS_MAX || minute > 59) return undefined;
  return (sign === '-' ? -1 : 1) * (hour * 60 + minute) * 60_000;
}
