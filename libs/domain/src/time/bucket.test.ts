import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { CalendarDocument, Grain } from '../document.ts';
import {
  boundaries,
  bucketAt,
  bucketFrom,
  bucketsBetween,
  bucketUntil,
  gridOf,
  nextBucket,
  previousBucket,
} from './bucket.ts';
import { type Calendar, calendarIn, compileCalendar, plainCalendar } from './calendar.ts';
import { parseDate } from './date.ts';
import { instantText, readInstant } from './instant-text.ts';
import { bucketOfLabel, grainsOfLabel, labelOf, rollingLabel, rollingOfLabel } from './label.ts';
import { earlierSpans } from './step.ts';
import { zoneOf } from './zone.ts';

const calendar = (spec: CalendarDocument['spec']): Calendar => {
  const compiled = compileCalendar({ apiVersion: 'paceline/v1', kind: 'Calendar', metadata: { name: 'c' }, spec });
  if (!compiled.ok) throw new Error(JSON.stringify(compiled.faults));
  return compiled.value;
};
const at = (text: string) => readInstant(text)!;
const plain = (zone: string) => plainCalendar(zoneOf(zone)!);
const retail = calendar({
  timezone: 'America/New_York',
  weekStart: 'sunday',
  fiscalYearStart: 2,
  periods: [
    { label: '2026-P01', firstDay: '2026-02-01', lastDay: '2026-02-28' },
    { label: '2026-P02', firstDay: '2026-03-01', lastDay: '2026-04-04' },
    // A gap: 5 April to 2 May is in no period.
    { label: '2026-P04', firstDay: '2026-05-03', lastDay: '2026-05-30' },
  ],
});

describe('labels', () => {
  test.each<[Calendar, Grain, string, string, string, string]>([
    [
      plain('Europe/Berlin'),
      'hour',
      '2026-11-22T13:20:00Z',
      '2026-11-22T14+01:00',
      '2026-11-22T13:00:00Z',
      '2026-11-22T14:00:00Z',
    ],
    [
      plain('Europe/Berlin'),
      'day',
      '2026-11-21T23:00:00Z',
      '2026-11-22',
      '2026-11-21T23:00:00Z',
      '2026-11-22T23:00:00Z',
    ],
    [plain('UTC'), 'week', '2026-11-22T23:59:59.999999Z', '2026-W47', '2026-11-16T00:00:00Z', '2026-11-23T00:00:00Z'],
    [plain('UTC'), 'week', '2027-01-01T00:00:00Z', '2026-W53', '2026-12-28T00:00:00Z', '2027-01-04T00:00:00Z'],
    [retail, 'week', '2026-11-20T12:00:00Z', '2026-11-15/P7D', '2026-11-15T05:00:00Z', '2026-11-22T05:00:00Z'],
    [
      plain('Europe/Berlin'),
      'month',
      '2026-11-22T00:00:00Z',
      '2026-11',
      '2026-10-31T23:00:00Z',
      '2026-11-30T23:00:00Z',
    ],
    [
      plain('Europe/Berlin'),
      'quarter',
      '2026-11-22T00:00:00Z',
      '2026-Q4',
      '2026-09-30T22:00:00Z',
      '2026-12-31T23:00:00Z',
    ],
    [plain('Asia/Kathmandu'), 'year', '2026-12-31T18:15:00Z', '2027', '2026-12-31T18:15:00Z', '2027-12-31T18:15:00Z'],
    [retail, 'fiscal_year', '2026-01-31T12:00:00Z', 'FY2026', '2025-02-01T05:00:00Z', '2026-02-01T05:00:00Z'],
    [retail, 'fiscal_year', '2026-02-01T12:00:00Z', 'FY2027', '2026-02-01T05:00:00Z', '2027-02-01T05:00:00Z'],
    [retail, 'fiscal_quarter', '2026-02-01T12:00:00Z', 'FY2027-Q1', '2026-02-01T05:00:00Z', '2026-05-01T04:00:00Z'],
    [plain('UTC'), 'fiscal_year', '2026-06-01T00:00:00Z', 'FY2026', '2026-01-01T00:00:00Z', '2027-01-01T00:00:00Z'],
    [retail, 'period', '2026-03-15T12:00:00Z', '2026-P02', '2026-03-01T05:00:00Z', '2026-04-05T04:00:00Z'],
    [
      plain('Pacific/Apia'),
      'day',
      '2011-12-30T10:00:00Z',
      '2011-12-31',
      '2011-12-30T10:00:00Z',
      '2011-12-31T10:00:00Z',
    ],
    [
      plain('Asia/Kathmandu'),
      'hour',
      '2026-01-01T00:20:00Z',
      '2026-01-01T06+05:45',
      '2026-01-01T00:15:00Z',
      '2026-01-01T01:15:00Z',
    ],
  ])('%#: %s of %s is %s', (rules, grain, instant, label, from, to) => {
    const grid = gridOf(rules, grain);
    const bucket = bucketAt(grid, at(instant))!;
    expect(labelOf(grid, bucket)).toBe(label);
    expect([instantText(bucket.from), instantText(bucket.to)]).toEqual([from, to]);
    expect(bucketOfLabel(grid, label)).toEqual(bucket);
  });
});

describe('hours follow the clock', () => {
  const hoursOf = (zone: string, date: string) => {
    const grid = gridOf(plain(zone), 'hour');
    const day = parseDate(date)!;
    return bucketsBetween(grid, grid.zone.dayStart(day), grid.zone.dayStart(day + 1)).map(
      (bucket) => `${labelOf(grid, bucket)} ${(bucket.to - bucket.from) / 60_000}`,
    );
  };

  test('the hour that comes twice has two labels', () => {
    const hours = hoursOf('Europe/Berlin', '2026-10-25');
    expect(hours).toHaveLength(25);
    expect(hours.slice(2, 4)).toEqual(['2026-10-25T02+02:00 60', '2026-10-25T02+01:00 60']);
  });

  test('the hour that is left out has none', () => {
    const hours = hoursOf('Europe/Berlin', '2026-03-29');
    expect(hours).toHaveLength(23);
    expect(hours.slice(1, 3)).toEqual(['2026-03-29T01+01:00 60', '2026-03-29T03+02:00 60']);
  });

  test('a change of half an hour cuts an hour', () => {
    expect(hoursOf('Australia/Lord_Howe', '2026-04-05').slice(1, 4)).toEqual([
      '2026-04-05T01+11:00 60',
      '2026-04-05T01+10:30 30',
      '2026-04-05T02+10:30 60',
    ]);
    expect(hoursOf('Australia/Lord_Howe', '2026-10-04').slice(1, 4)).toEqual([
      '2026-10-04T01+10:30 60',
      '2026-10-04T02+11:00 30',
      '2026-10-04T03+11:00 60',
    ]);
  });

  test('an hour is found under any offset that names its start', () => {
    const grid = gridOf(plain('Europe/Berlin'), 'hour');
    for (const label of [
      '2026-11-22T14+01:00',
      '2026-11-22T13Z',
      '2026-11-22T13:00Z',
      '2026-11-22T13:00:00+00:00',
      '2026-11-22T18:00+05:00',
    ]) {
      expect(instantText(bucketOfLabel(grid, label)!.from)).toBe('2026-11-22T13:00:00Z');
    }
    // In Kathmandu no hour starts on the hour of UTC.
    expect(bucketOfLabel(gridOf(plain('Asia/Kathmandu'), 'hour'), '2026-11-22T13Z')).toBeUndefined();
  });
});

describe('labels that name no bucket of the grid are refused', () => {
  test.each<[Grain, string]>([
    ['hour', '2026-11-22T14'],
    ['hour', '2026-11-22T24+01:00'],
    ['hour', '2026-11-22T14:30+01:00'],
    ['hour', '2026-02-30T14+01:00'],
    ['hour', '2026-11-22'],
    ['day', '2026-02-30'],
    ['day', '2026-11'],
    ['day', '2026-11-22T00:00:00Z'],
    ['week', '2026-W54'],
    ['week', '2025-W53'],
    ['week', '2026-W00'],
    ['week', '2026-11-16/P7D'],
    ['month', '2026-13'],
    ['month', '2026-00'],
    ['month', '2026-1'],
    ['quarter', '2026-Q5'],
    ['quarter', '2026-Q0'],
    ['year', '26'],
    ['year', '0000'],
    ['fiscal_year', '2026'],
    ['fiscal_year', 'FY2026-Q1'],
    ['fiscal_quarter', 'FY2026'],
    ['period', '2026-P01'],
  ])('%s %s', (grain, label) => {
    expect(bucketOfLabel(gridOf(plain('Europe/Berlin'), grain), label)).toBeUndefined();
  });

  test('a day that the zone skipped', () => {
    expect(bucketOfLabel(gridOf(plain('Pacific/Apia'), 'day'), '2011-12-30')).toBeUndefined();
  });

  test('a week that starts on another day', () => {
    const grid = gridOf(retail, 'week');
    expect(bucketOfLabel(grid, '2026-11-16/P7D')).toBeUndefined();
    expect(bucketOfLabel(grid, '2026-W47')).toBeUndefined();
  });

  test('a wrong label says what it is', () => {
    expect(
      [
        '2026-11',
        '2026-W47',
        '2026-11-15/P7D',
        '2026',
        'FY2026',
        'FY2026-Q1',
        '2026-Q4',
        '2026-11-22T14Z',
        '2026-02-30',
      ].map(grainsOfLabel),
    ).toEqual([
      ['month'],
      ['week'],
      ['week'],
      ['year'],
      ['fiscal_year'],
      ['fiscal_quarter'],
      ['quarter'],
      ['hour'],
      [],
    ]);
  });
});

describe('properties', () => {
  const zones = fc.constantFrom(
    'UTC',
    'Europe/Berlin',
    'America/Sao_Paulo',
    'Africa/Cairo',
    'Pacific/Apia',
    'Asia/Kathmandu',
    'Australia/Lord_Howe',
    'America/St_Johns',
  );
  const grains = fc.constantFrom<Grain>(
    'hour',
    'day',
    'week',
    'month',
    'quarter',
    'year',
    'fiscal_quarter',
    'fiscal_year',
  );
  const rules = fc.record({
    zone: zones,
    weekStart: fc.constantFrom('monday', 'tuesday', 'saturday', 'sunday') as fc.Arbitrary<'monday'>,
    fiscalYearStart: fc.integer({ min: 1, max: 12 }),
  });
  const grids = fc
    .tuple(rules, grains)
    .map(([{ zone, ...rest }, grain]) => gridOf(calendar({ timezone: zone, ...rest }), grain));
  const instant = fc.integer({ min: Date.UTC(1985, 0, 1), max: Date.UTC(2060, 0, 1) });

  test('a bucket contains its instant and touches its neighbours', () => {
    fc.assert(
      fc.property(grids, instant, (grid, time) => {
        const bucket = bucketAt(grid, time)!;
        expect(bucket.from).toBeLessThanOrEqual(time);
        expect(bucket.to).toBeGreaterThan(time);
        expect(nextBucket(grid, bucket)!.from).toBe(bucket.to);
        expect(previousBucket(grid, bucket)!.to).toBe(bucket.from);
        expect(bucketAt(grid, bucket.to)).toEqual(nextBucket(grid, bucket));
        expect(bucketAt(grid, bucket.from)).toEqual(bucket);
        expect(bucketFrom(grid, time)!.from).toBeGreaterThanOrEqual(time);
        expect(bucketUntil(grid, time)!.to).toBeLessThanOrEqual(time);
      }),
      { numRuns: 1000 },
    );
  });

  test('a label names its bucket alone', () => {
    fc.assert(
      fc.property(grids, instant, (grid, time) => {
        const bucket = bucketAt(grid, time)!;
        const next = nextBucket(grid, bucket)!;
        expect(bucketOfLabel(grid, labelOf(grid, bucket))).toEqual(bucket);
        expect(labelOf(grid, next)).not.toBe(labelOf(grid, bucket));
        expect(grainsOfLabel(labelOf(grid, bucket))).toEqual([grid.grain]);
      }),
      { numRuns: 1000 },
    );
  });

  test('edges are the starts and ends of the buckets between', () => {
    fc.assert(
      fc.property(grids, instant, fc.integer({ min: 1, max: 40 }), (grid, time, count) => {
        let last = bucketAt(grid, time)!;
        for (let index = 1; index < count; index++) last = nextBucket(grid, last)!;
        const edges = boundaries(grid, time, last.to);
        expect(edges).toHaveLength(count + 1);
        expect(edges.slice(0, -1)).toEqual(bucketsBetween(grid, edges[0]!, last.to).map(({ from }) => from));
      }),
    );
  });

  test('a rolling label names its window', () => {
    fc.assert(
      fc.property(grids, instant, fc.integer({ min: 1, max: 30 }), (grid, time, count) => {
        const first = bucketAt(grid, time)!;
        let last = first;
        for (let index = 1; index < count; index++) last = nextBucket(grid, last)!;
        expect(rollingOfLabel(grid, rollingLabel(grid, first, count), count)).toEqual({
          from: first.from,
          to: last.to,
        });
      }),
    );
  });
});

describe('rolling labels', () => {
  test.each<[Calendar, Grain, string, number, string]>([
    [plain('UTC'), 'week', '2026-10-26T00:00:00Z', 4, '2026-10-26/P4W'],
    [plain('UTC'), 'day', '2026-11-01T00:00:00Z', 30, '2026-11-01/P30D'],
    [plain('UTC'), 'month', '2026-09-15T00:00:00Z', 3, '2026-09-01/P3M'],
    [plain('UTC'), 'quarter', '2026-09-15T00:00:00Z', 2, '2026-07-01/P6M'],
    [plain('UTC'), 'hour', '2026-09-15T07:10:00Z', 24, '2026-09-15T07+00:00/PT24H'],
    [retail, 'week', '2026-11-20T12:00:00Z', 4, '2026-11-15/P4W'],
    [retail, 'period', '2026-02-20T12:00:00Z', 2, '2026-P01/2'],
  ])('%#: %s from %s is named by its first bucket', (rules, grain, instant, count, label) => {
    const grid = gridOf(rules, grain);
    expect(rollingLabel(grid, bucketAt(grid, at(instant))!, count)).toBe(label);
    expect(rollingOfLabel(grid, label, count)?.from).toBe(bucketAt(grid, at(instant))!.from);
  });

  test('a label of another window is refused', () => {
    const grid = gridOf(plain('UTC'), 'week');
    for (const label of ['2026-10-27/P4W', '2026-10-26/P3W', '2026-10-26', 'x/P4W', '2026-10-26/P28D']) {
      expect(rollingOfLabel(grid, label, 4)).toBeUndefined();
    }
  });
});

describe('a table of periods', () => {
  const grid = gridOf(retail, 'period');

  test('has gaps, which are no buckets', () => {
    expect(bucketAt(grid, at('2026-04-20T12:00:00Z'))).toBeUndefined();
    expect(bucketAt(grid, at('2026-01-20T12:00:00Z'))).toBeUndefined();
    expect(bucketAt(grid, at('2026-06-20T12:00:00Z'))).toBeUndefined();
    expect(labelOf(grid, bucketFrom(grid, at('2026-04-20T12:00:00Z'))!)).toBe('2026-P04');
    expect(labelOf(grid, bucketUntil(grid, at('2026-04-20T12:00:00Z'))!)).toBe('2026-P02');
    expect(labelOf(grid, bucketUntil(grid, at('2030-01-01T00:00:00Z'))!)).toBe('2026-P04');
    expect(bucketUntil(grid, at('2026-02-20T00:00:00Z'))).toBeUndefined();
  });

  test('ends', () => {
    const last = bucketOfLabel(grid, '2026-P04')!;
    expect(nextBucket(grid, last)).toBeUndefined();
    expect(previousBucket(grid, bucketOfLabel(grid, '2026-P01')!)).toBeUndefined();
  });

  test('has edges on both sides of a gap', () => {
    expect(boundaries(grid, at('2026-03-10T00:00:00Z'), at('2026-05-10T00:00:00Z')).map(instantText)).toEqual([
      '2026-03-01T05:00:00Z',
      '2026-04-05T04:00:00Z',
      '2026-05-03T04:00:00Z',
      '2026-05-31T04:00:00Z',
    ]);
  });

  test('has no edges of the period behind a gap in which a range ends', () => {
    const gap = [at('2026-04-10T00:00:00Z'), at('2026-04-20T00:00:00Z')] as const;
    expect(boundaries(grid, at('2026-03-10T00:00:00Z'), gap[1]).map(instantText)).toEqual([
      '2026-03-01T05:00:00Z',
      '2026-04-05T04:00:00Z',
    ]);
    expect(boundaries(grid, ...gap)).toEqual([]);
  });
});

describe('calendars', () => {
  const faultsOf = (spec: CalendarDocument['spec']) => {
    const compiled = compileCalendar({ apiVersion: 'paceline/v1', kind: 'Calendar', metadata: { name: 'c' }, spec });
    return compiled.ok ? [] : compiled.faults.map(({ code, pointer }) => `${code} ${pointer}`);
  };

  test('all faults are told at once', () => {
    expect(
      faultsOf({
        timezone: 'Europe/Berln',
        fiscalYearStart: 13,
        periods: [
          { label: 'a', firstDay: '2026-01-01', lastDay: '2026-02-30' },
          { label: 'b', firstDay: '2026-02-01', lastDay: '2026-01-31' },
          { label: 'c', firstDay: '2026-03-01', lastDay: '2026-03-31' },
          { label: 'c', firstDay: '2026-03-31', lastDay: '2026-04-30' },
        ],
      }),
    ).toEqual([
      'invalid_zone /spec/timezone',
      'invalid_type /spec/fiscalYearStart',
      'invalid_date /spec/periods/0/lastDay',
      'invalid_date /spec/periods/1/lastDay',
      'duplicate_name /spec/periods/3/label',
      'overlapping_dates /spec/periods',
    ]);
  });

  test('rules are read in another zone', () => {
    const berlin = calendarIn(retail, zoneOf('Europe/Berlin')!);
    expect(calendarIn(retail, zoneOf('Europe/Berlin')!)).toBe(berlin);
    const grid = gridOf(berlin, 'week');
    expect(instantText(bucketOfLabel(grid, '2026-11-15/P7D')!.from)).toBe('2026-11-14T23:00:00Z');
  });
});

describe('earlier spans of a season', () => {
  const berlin = zoneOf('Europe/Berlin')!;
  const shown = (spans: readonly { from: number; to: number }[]) =>
    spans.map(({ from, to }) => `${instantText(from)} ${instantText(to)}`);
  const quarter = bucketOfLabel(gridOf(plain('Europe/Berlin'), 'quarter'), '2026-Q4')!;

  test('calendar periods step by calendar periods', () => {
    expect(shown(earlierSpans(berlin, quarter, 2, { periods: gridOf(plain('Europe/Berlin'), 'quarter') }))).toEqual([
      '2026-06-30T22:00:00Z 2026-09-30T22:00:00Z',
      '2026-03-31T22:00:00Z 2026-06-30T22:00:00Z',
    ]);
  });

  test('others step by their number of days', () => {
    expect(shown(earlierSpans(berlin, quarter, 1))).toEqual(['2026-06-30T22:00:00Z 2026-09-30T22:00:00Z']);
    const days = { from: berlin.dayStart(parseDate('2026-10-20')!), to: berlin.dayStart(parseDate('2026-10-30')!) };
    expect(shown(earlierSpans(berlin, days, 1))).toEqual(['2026-10-09T22:00:00Z 2026-10-19T22:00:00Z']);
  });

  test('a year back is the same dates', () => {
    const february = bucketOfLabel(gridOf(plain('UTC'), 'month'), '2024-02')!;
    expect(shown(earlierSpans(zoneOf('UTC')!, february, 1, { season: 'year' }))).toEqual([
      '2023-02-01T00:00:00Z 2023-03-01T00:00:00Z',
    ]);
  });

  test('a table gives what it has', () => {
    const grid = gridOf(retail, 'period');
    expect(earlierSpans(grid.zone, bucketOfLabel(grid, '2026-P02')!, 5, { periods: grid })).toHaveLength(1);
  });
});

test('asking for too many buckets is a bug', () => {
  const grid = gridOf(plain('UTC'), 'hour');
  expect(() => bucketsBetween(grid, 0, Date.UTC(2026, 0, 1), 1000)).toThrow(RangeError);
  expect(() => boundaries(grid, 0, Date.UTC(2026, 0, 1), 1000)).toThrow(RangeError);
});
