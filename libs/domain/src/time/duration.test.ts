import { describe, expect, test } from 'vitest';
import { addDuration, longer, parseDuration } from './duration.ts';
import { instantText, readInstant } from './instant-text.ts';
import { zoneOf } from './zone.ts';

test.each([
  ['PT6H', { months: 0, days: 0, ms: 21_600_000 }],
  ['P7D', { months: 0, days: 7, ms: 0 }],
  ['P2W', { months: 0, days: 14, ms: 0 }],
  ['P1Y2M3DT4H5M6S', { months: 14, days: 3, ms: 14_706_000 }],
  ['PT0S', { months: 0, days: 0, ms: 0 }],
])('%s is read', (text, duration) => expect(parseDuration(text)).toEqual(duration));

test.each(['', 'P', 'PT', 'P1', '1D', 'P-1D', '-P1D', 'P1.5D', 'P1DT', 'PT1D', 'P1H', 'p1d', 'P9999999D'])(
  '%j is no duration',
  (text) => expect(parseDuration(text)).toBeUndefined(),
);

describe('PnD is calendar days in the zone, PTnH hours', () => {
  const move = (zone: string, from: string, duration: string, times = 1) =>
    instantText(addDuration(zoneOf(zone)!, readInstant(from)!, parseDuration(duration)!, times));

  test.each([
    // Over the change to winter time a day has 25 hours.
    ['Europe/Berlin', '2026-10-24T22:00:00Z', 'P1D', 1, '2026-10-25T23:00:00Z'],
    ['Europe/Berlin', '2026-10-24T22:00:00Z', 'PT24H', 1, '2026-10-25T22:00:00Z'],
    ['Europe/Berlin', '2026-11-21T23:00:00Z', 'P1DT6H', 1, '2026-11-23T05:00:00Z'],
    ['Europe/Berlin', '2026-11-21T23:00:00Z', 'P1D', 2, '2026-11-23T23:00:00Z'],
    ['UTC', '2026-01-31T00:00:00Z', 'P1M', 1, '2026-02-28T00:00:00Z'],
    // Midnight of 15 October 2017 was skipped.
    ['America/Sao_Paulo', '2017-10-14T03:00:00Z', 'P1D', 1, '2017-10-15T03:00:00Z'],
    ['UTC', '2026-01-01T00:00:00.000001Z', 'PT1H', 1, '2026-01-01T01:00:00.000001Z'],
  ])('%s: %s + %s × %d = %s', (zone, from, duration, times, to) => {
    expect(move(zone, from, duration, times)).toBe(to);
  });
});

test('the slower of two durations is the longer', () => {
  const [day, hours] = [parseDuration('P1D')!, parseDuration('PT36H')!];
  expect(longer(day, hours)).toBe(hours);
  expect(longer(hours, day)).toBe(hours);
});
