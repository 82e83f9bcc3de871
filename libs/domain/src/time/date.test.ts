import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  addMonths,
  addYears,
  civilOf,
  DAY_MS,
  formatDate,
  isoWeekOf,
  monthIndexOf,
  parseDate,
  weekdayOf,
} from './date.ts';

const day = fc.integer({ min: -700_000, max: 2_900_000 });

describe('civil dates agree with the platform', () => {
  test('day numbers, months and weekdays', () => {
    fc.assert(
      fc.property(day, (value) => {
        const date = new Date(value * DAY_MS);
        expect(civilOf(value)).toEqual({
          year: date.getUTCFullYear(),
          month: date.getUTCMonth() + 1,
          day: date.getUTCDate(),
        });
        expect(monthIndexOf(value)).toBe(date.getUTCFullYear() * 12 + date.getUTCMonth());
        expect(weekdayOf(value)).toBe((date.getUTCDay() + 6) % 7);
        expect(parseDate(formatDate(value))).toBe(value);
      }),
    );
  });
});

test.each([
  '2026-02-29',
  '2026-02-30',
  '2100-02-29',
  '2026-13-01',
  '2026-00-10',
  '2026-04-31',
  '0000-01-01',
  '26-01-01',
  '2026-1-1',
  ' 2026-01-01',
])('%s is no date', (text) => expect(parseDate(text)).toBeUndefined());

test.each([
  ['2026-01-31', 1, '2026-02-28'],
  ['2024-01-31', 1, '2024-02-29'],
  ['2026-03-31', -1, '2026-02-28'],
  ['2026-01-15', -13, '2024-12-15'],
])('%s and %d months is %s', (from, months, to) => {
  expect(formatDate(addMonths(parseDate(from)!, months))).toBe(to);
});

test('29 February of another year is the 28th', () => {
  expect(formatDate(addYears(parseDate('2024-02-29')!, -1))).toBe('2023-02-28');
});

test.each([
  ['2026-01-01', 2026, 1],
  ['2027-01-01', 2026, 53],
  ['2024-12-30', 2025, 1],
  ['2021-01-03', 2020, 53],
  ['2026-11-22', 2026, 47],
])('%s lies in ISO week %d-%d', (date, year, week) => {
  expect(isoWeekOf(parseDate(date)!)).toEqual({ year, week });
});
