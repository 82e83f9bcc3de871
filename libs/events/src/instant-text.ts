import type { Instant } from '@paceline/domain';

const ISO = /^(\d{4})-(\d{2})-(\d{2})T(\d{2}):(\d{2}):(\d{2})(?:\.(\d{1,6}))?Z$/;
const MICROS_PER_MS = 1000;

/** `2026-11-22T06:00:00.000Z`, with six places when the instant has microseconds. The form of every instant inside a record. */
export function formatInstant(instant: Instant): string {
  const micros = Math.round(instant * MICROS_PER_MS);
  const ms = Math.floor(micros / MICROS_PER_MS);
  const iso = new Date(ms).toISOString();
  const rest = micros - ms * MICROS_PER_MS;
  return rest === 0 ? iso : `${iso.slice(0, -1)}${String(rest).padStart(3, '0')}Z`;
}

/** Reads a UTC instant with at most six places; `undefined` for any other text and for days that do not exist. */
export function parseInstant(text: string): Instant | undefined {
  const match = ISO.exec(text);
  if (match === null) return undefined;
  const [year, month, day] = [Number(match[1]), Number(match[2]), Number(match[3])];
  const [hour, minute, second] = [Number(match[4]), Number(match[5]), Number(match[6])];
  if (hour > 23 || minute > 59 || second > 59) return undefined;
  const ms = Date.UTC(year, month - 1, day, hour, minute, second);
  // Date.UTC rolls 30 February over into March and reads the years 0 to 99 as 1900 to 1999.
  const date = new Date(ms);
  if (date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day || date.getUTCFullYear() !== year) return undefined;
  const micros = Number((match[7] ?? '').padEnd(6, '0'));
  return ms + micros / MICROS_PER_MS;
}
