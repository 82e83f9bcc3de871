import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatDate, parseDate } from './date.ts';
import { instantText, readInstant } from './instant-text.ts';
import { zoneNames, zoneOf } from './zone.ts';

const dayStart = (zone: string, date: string) => zoneOf(zone)!.dayStart(parseDate(date)!);
const hours = (zone: string, date: string) =>
  (zoneOf(zone)!.dayStart(parseDate(date)! + 1) - dayStart(zone, date)) / 3_600_000;

describe('a day begins at its first instant', () => {
  test.each([
    ['UTC', '2026-11-22', '2026-11-22T00:00:00Z', 24],
    ['Europe/Berlin', '2026-03-29', '2026-03-28T23:00:00Z', 23],
    ['Europe/Berlin', '2026-10-25', '2026-10-24T22:00:00Z', 25],
    ['Asia/Kathmandu', '2026-01-01', '2025-12-31T18:15:00Z', 24],
    ['Australia/Lord_Howe', '2026-04-05', '2026-04-04T13:00:00Z', 24.5],
    ['Australia/Lord_Howe', '2026-10-04', '2026-10-03T13:30:00Z', 23.5],
    // Midnight was skipped: the day began at 01:00.
    ['America/Sao_Paulo', '2017-10-15', '2017-10-15T03:00:00Z', 23],
    ['Africa/Cairo', '2014-05-16', '2014-05-15T22:00:00Z', 23],
    // Clocks went from 24:00 back to 23:00: the day has 25 hours, the next begins once.
    ['America/Sao_Paulo', '2018-02-17', '2018-02-17T02:00:00Z', 25],
    // Midnight came twice; the first counts.
    ['America/Havana', '2026-11-01', '2026-11-01T04:00:00Z', 25],
    // Clocks went back from 00:01: the first minute already was the new day.
    ['America/St_Johns', '2006-10-29', '2006-10-29T02:30:00Z', 25],
    // The day that Samoa left out has no length.
    ['Pacific/Apia', '2011-12-30', '2011-12-30T10:00:00Z', 0],
    ['Pacific/Kwajalein', '1993-08-21', '1993-08-21T12:00:00Z', 0],
    // An offset with seconds.
    ['Africa/Monrovia', '1971-01-01', '1971-01-01T00:44:30Z', 24],
  ])('%s %s starts %s and has %d hours', (zone, date, start, length) => {
    expect(instantText(dayStart(zone, date))).toBe(start);
    expect(hours(zone, date)).toBe(length);
  });
});

const names = fc.constantFrom(
  'UTC',
  'Europe/Berlin',
  'America/New_York',
  'America/Sao_Paulo',
  'America/St_Johns',
  'America/Recife',
  'Africa/Cairo',
  'Africa/Casablanca',
  'Asia/Kathmandu',
  'Asia/Tehran',
  'Australia/Lord_Howe',
  'Pacific/Apia',
  'Pacific/Chatham',
  'Antarctica/Troll',
);
const instant = fc.integer({ min: Date.UTC(1950, 0, 1), max: Date.UTC(2100, 0, 1) });

describe('properties', () => {
  const formats = new Map<string, Intl.DateTimeFormat>();
  const local = (zone: string, at: number) => {
    let format = formats.get(zone);
    if (format === undefined) {
      format = new Intl.DateTimeFormat('sv-SE', { timeZone: zone, dateStyle: 'short', timeStyle: 'medium' });
      formats.set(zone, format);
    }
    return format.format(at);
  };

  test('offsets are those of Intl, in any order of asking', () => {
    fc.assert(
      fc.property(names, fc.array(instant, { minLength: 1, maxLength: 20 }), (name, instants) => {
        const zone = zoneOf(name)!;
        for (const at of instants) {
          const shown = new Date(at + zone.offsetAt(at)).toISOString().slice(0, 19).replace('T', ' ');
          expect(shown).toBe(local(name, at));
        }
      }),
      { numRuns: 300 },
    );
  });

  test('days cut time without gap or overlap', () => {
    fc.assert(
      fc.property(names, instant, (name, at) => {
        const zone = zoneOf(name)!;
        const day = zone.dayAt(at);
        expect(zone.dayStart(day)).toBeLessThanOrEqual(at);
        expect(zone.dayStart(day + 1)).toBeGreaterThan(at);
        // The first instant of a day shows its date, or a later one where the zone skipped it.
        expect(local(name, zone.dayStart(day)).slice(0, 10) >= formatDate(day)).toBe(true);
        expect(local(name, zone.dayStart(day) - 1000).slice(0, 10) < formatDate(day)).toBe(true);
      }),
      { numRuns: 1000 },
    );
  });

  test('stretches of one offset touch and keep their offset', () => {
    fc.assert(
      fc.property(names, instant, (name, at) => {
        const zone = zoneOf(name)!;
        const stretch = zone.stretchAt(at);
        expect(stretch.from).toBeLessThanOrEqual(at);
        expect(stretch.to).toBeGreaterThan(at);
        if (Number.isFinite(stretch.to) && stretch.to < Date.UTC(2100, 0, 1)) {
          expect(zone.stretchAt(stretch.to).from).toBe(stretch.to);
          expect(zone.offsetAt(stretch.to)).not.toBe(stretch.offset);
        }
      }),
    );
  });

  test('the first instant of a local time shows it or, where it was skipped, the next there is', () => {
    fc.assert(
      fc.property(names, instant, (name, at) => {
        const zone = zoneOf(name)!;
        const wanted = Math.floor(at / 1000) * 1000;
        const found = zone.instantOfLocal(wanted);
        expect(found + zone.offsetAt(found)).toBeGreaterThanOrEqual(wanted);
        const before = found - 1000;
        expect(before + zone.offsetAt(before)).toBeLessThan(wanted);
      }),
      { numRuns: 1000 },
    );
  });
});

test('what is no zone name is refused', () => {
  for (const name of ['', 'Europe/Berln', '+01:00', 'UTC+1', '../etc', 'x'.repeat(1000)])
    expect(zoneOf(name)).toBeUndefined();
});

test('every zone the platform lists is known, and one object', () => {
  for (const name of zoneNames()) expect(zoneOf(name)).toBe(zoneOf(name));
  expect(zoneOf('Europe/Berlin')!.name).toBe('Europe/Berlin');
});

test('instants beyond history and the far future have an offset', () => {
  const zone = zoneOf('Europe/Berlin')!;
  for (const at of [Date.UTC(1700, 0, 1), Date.UTC(2500, 6, 1), -8.64e15, 8.64e15])
    expect(zone.offsetAt(at)).toBeGreaterThan(0);
  expect(() => zone.offsetAt(Number.NaN)).toThrow(RangeError);
});

test('two changes of clocks a week apart are both seen', () => {
  // Recife had summer time from 8 to 15 October 2000.
  const zone = zoneOf('America/Recife')!;
  const offsets = ['2000-10-08T02:00:00Z', '2000-10-08T04:00:00Z', '2000-10-15T03:00:00Z'].map((text) =>
    zone.offsetAt(readInstant(text)!),
  );
  expect(offsets).toEqual([-3 * 3_600_000, -2 * 3_600_000, -3 * 3_600_000]);
});
