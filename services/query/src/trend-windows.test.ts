import { bucketsBetween, compileCatalog, type Grain, gridOf, labelOf, plainCalendar, zoneOf } from '@paceline/domain';
import { describe, expect, it } from 'vitest';
import { gridAsked, rangeAsked, windowsBefore } from './trend-windows.ts';

const BERLIN = plainCalendar(zoneOf('Europe/Berlin')!);
const grid = (grain: Grain) => gridOf(BERLIN, grain);
const at = (text: string) => Date.parse(text);
const labels = (grain: Grain, windows: readonly { from: number; to: number; ordinal: number }[]) =>
  windows.map((window) => labelOf(grid(grain), window));

function before(grain: Grain, from: string, to: string, asOf: string): string[] {
  const windows = bucketsBetween(grid(grain), at(from), at(to));
  return labels(grain, windowsBefore(grid(grain), windows, at(asOf)));
}

describe('the period before', () => {
  it.each([
    [
      'a whole month: the month before, by its days, however many it has',
      'day',
      '2026-02-28T23:00:00Z',
      '2026-03-31T22:00:00Z',
      '2026-02-01',
      '2026-02-28',
      28,
    ],
    [
      'a month that is running: as many days from the first of the one before',
      'day',
      '2026-10-31T23:00:00Z',
      '2026-11-22T23:00:00Z',
      '2026-10-01',
      '2026-10-22',
      22,
    ],
    [
      'two whole quarters: the two before',
      'month',
      '2026-03-31T22:00:00Z',
      '2026-09-30T22:00:00Z',
      '2025-10',
      '2026-03',
      6,
    ],
    ['a year: the year before', 'month', '2024-12-31T23:00:00Z', '2025-12-31T23:00:00Z', '2024-01', '2024-12', 12],
    [
      'any seven days: the seven before',
      'day',
      '2026-11-10T23:00:00Z',
      '2026-11-17T23:00:00Z',
      '2026-11-04',
      '2026-11-10',
      7,
    ],
  ] as const)('of %s', (_, grain, from, to, first, last, count) => {
    const found = before(grain, from, to, '2026-11-22T12:00:00Z');
    expect([found[0], found.at(-1), found.length]).toEqual([first, last, count]);
  });
});

describe('the range of a trend', () => {
  const known = { asOf: at('2026-11-22T12:00:00Z'), since: null, until: null };
  const range = (
    grain: Grain,
    asked: { from?: string; to?: string },
    max = 1_000,
    of: Parameters<typeof rangeAsked>[2] = known,
  ) => {
    const { windows, next } = rangeAsked(asked, grid(grain), of, max);
    return { labels: labels(grain, windows), next };
  };

  it('takes days, instants and labels, and begins with the window that holds the first', () => {
    expect(range('month', { from: '2026-08-20', to: '2026-11' }).labels).toEqual(['2026-08', '2026-09', '2026-10']);
    expect(range('day', { from: '2026-11-19T23:00:00Z', to: '2026-11-22' }).labels).toEqual([
      '2026-11-20',
      '2026-11-21',
    ]);
  });

  it('ends with the window that is running', () => {
    expect(range('day', { from: '2026-11-20', to: '2027-01-01' }).labels.at(-1)).toBe('2026-11-22');
    expect(range('day', {}).labels).toHaveLength(31);
  });

  it('shows the last that is known where everything ended long ago, and no more than there is', () => {
    const old = { ...known, until: at('2010-02-01T00:00:00Z'), since: at('2009-11-05T00:00:00Z') };
    expect(range('month', {}, 1_000, old).labels).toEqual(['2009-11', '2009-12', '2010-01', '2010-02']);
  });

  it('ends with the last window of which something is known, and goes as far back from there', () => {
    const late = { ...known, until: at('2026-11-19T23:00:00Z'), since: at('2020-01-01T00:00:00Z') };
    const shown = range('day', {}, 1_000, late).labels;
    expect([shown[0], shown.at(-1), shown.length]).toEqual(['2026-10-20', '2026-11-19', 31]);
    expect(range('day', { to: '2026-11-22' }, 1_000, late).labels.at(-1)).toBe('2026-11-21');
    const ahead = { ...late, until: at('2026-12-31T23:00:00Z') };
    expect(range('day', {}, 1_000, ahead).labels.at(-1)).toBe('2026-11-22');
  });

  it('stops at the limit and says where it would go on', () => {
    expect(range('day', { from: '2026-11-01' }, 2)).toEqual({
      labels: ['2026-11-01', '2026-11-02'],
      next: at('2026-11-02T23:00:00Z'),
    });
  });

  it('cuts by any calendar that is defined, in any zone', () => {
    const { catalog } = { catalog: compileCatalog([]) };
    expect(gridAsked({ timezone: 'Asia/Tokyo' }, grid('day'), catalog).zone.name).toBe('Asia/Tokyo');
    expect(() => gridAsked({ timezone: 'CET+1' }, grid('day'), catalog)).toThrow('no time zone');
    expect(() => gridAsked({ calendar: 'retail' }, grid('day'), catalog)).toThrow('no calendar retail');
    expect(() => gridAsked({ window: 'period' }, grid('day'), catalog)).toThrow('needs a calendar with periods');
  });
});
