/**
 * Civil dates as day numbers: whole days since 1970-01-01, proleptic Gregorian, no zone. Day number arithmetic is exact
 * and needs no objects. Algorithms: Howard Hinnant, "chrono-compatible low-level date algorithms".
 */
export type Day = number;

export const DAY_MS = 86_400_000;

export interface CivilDate {
  readonly year: number;
  /** 1..12 */
  readonly month: number;
  /** 1..31 */
  readonly day: number;
}

/** The day number of a date; months outside 1..12 roll over into other years. */
export function dayOf(year: number, month: number, day: number): Day {
  const index = year * 12 + (month - 1);
  const y0 = Math.floor(index / 12);
  const m = index - y0 * 12 + 1;
  const y = m <= 2 ? y0 - 1 : y0;
  const era = Math.floor(y / 400);
  const yearOfEra = y - era * 400;
  const dayOfYear = Math.floor((153 * (m > 2 ? m - 3 : m + 9) + 2) / 5) + day - 1;
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear;
  return era * 146_097 + dayOfEra - 719_468;
}

export function civilOf(day: Day): CivilDate {
  const index = monthIndexOf(day);
  const year = Math.floor(index / 12);
  const month = index - year * 12 + 1;
  return { year, month, day: day - dayOf(year, month, 1) + 1 };
}

/** Months since year 0: year * 12 + month - 1. */
export function monthIndexOf(day: Day): number {
  const z = day + 719_468;
  const era = Math.floor(z / 146_097);
  const dayOfEra = z - era * 146_097;
  const yearOfEra = Math.floor(
    (dayOfEra - Math.floor(dayOfEra / 1460) + Math.floor(dayOfEra / 36_524) - Math.floor(dayOfEra / 146_096)) / 365,
  );
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const mp = Math.floor((5 * dayOfYear + 2) / 153);
  const year = yearOfEra + era * 400 + (mp >= 10 ? 1 : 0);
  return year * 12 + (mp < 10 ? mp + 2 : mp - 10);
}

/** First day of a month given by its index. */
export function firstDayOfMonth(monthIndex: number): Day {
  const year = Math.floor(monthIndex / 12);
  return dayOf(year, monthIndex - year * 12 + 1, 1);
}

/** 0 Monday … 6 Sunday. */
export function weekdayOf(day: Day): number {
  return (((day + 3) % 7) + 7) % 7;
}

const DATE = /^(\d{4})-(\d{2})-(\d{2})$/;

/** Reads `2026-11-22`; `undefined` for any other text and for days that do not exist. */
export function parseDate(text: string): Day | undefined {
  const match = DATE.exec(text);
  return match === null ? undefined : dayOfParts(Number(match[1]), Number(match[2]), Number(match[3]));
}

/** The day number of a date that exists, in the years 1 to 9999. */
export function dayOfParts(year: number, month: number, day: number): Day | undefined {
  // Written so that NaN is refused too.
  if (!(year >= 1 && year <= 9999 && month >= 1 && month <= 12 && day >= 1)) return undefined;
  return day <= 28 || day <= daysInMonth(year, month) ? dayOf(year, month, day) : undefined;
}

const TEXTS_MAX = 10_000;
const texts = new Map<Day, string>();

export function formatDate(day: Day): string {
  const known = texts.get(day);
  if (known !== undefined) return known;
  const { year, month, day: ofMonth } = civilOf(day);
  const text = `${pad(year, 4)}-${pad(month, 2)}-${pad(ofMonth, 2)}`;
  // Texts are asked for again and again: those of the days of some years are kept.
  if (texts.size >= TEXTS_MAX) texts.clear();
  texts.set(day, text);
  return text;
}

export function daysInMonth(year: number, month: number): number {
  return dayOf(year, month + 1, 1) - dayOf(year, month, 1);
}

/** The same day of another month, or that month's last day where it has no such day. */
export function addMonths(day: Day, months: number): Day {
  const date = civilOf(day);
  const index = date.year * 12 + date.month - 1 + months;
  const first = firstDayOfMonth(index);
  return first + Math.min(date.day, firstDayOfMonth(index + 1) - first) - 1;
}

export function addYears(day: Day, years: number): Day {
  return addMonths(day, years * 12);
}

/** The ISO 8601 week a day lies in: weeks start on Monday, week 1 holds the year's first Thursday. */
export function isoWeekOf(day: Day): { readonly year: number; readonly week: number } {
  const thursday = day - weekdayOf(day) + 3;
  const year = Math.floor(monthIndexOf(thursday) / 12);
  return { year, week: Math.floor((thursday - dayOf(year, 1, 1)) / 7) + 1 };
}

/** Monday of an ISO week, or `undefined` where the year has no such week. */
export function mondayOfIsoWeek(year: number, week: number): Day | undefined {
  const fourth = dayOf(year, 1, 4);
  const monday = fourth - weekdayOf(fourth) + (week - 1) * 7;
  const found = isoWeekOf(monday);
  return week >= 1 && found.year === year && found.week === week ? monday : undefined;
}

export function pad(value: number, width: number): string {
  return String(value).padStart(width, '0');
}
