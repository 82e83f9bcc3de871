import { bucketsBetween, calendarIn, compileCalendar, type Grain, gridOf, labelOf, zoneOf } from '@paceline/domain';
import { expect, test } from 'vitest';
import { atOfLabel } from './label.ts';

test.each([
  ['2026-11-22T14+01:00', '2026-11-22T13:00:00.000Z'],
  ['2026-11-22T14-03:30', '2026-11-22T17:30:00.000Z'],
  ['2026-11-22', '2026-11-22T00:00:00.000Z'],
  ['2026-W01', '2025-12-29T00:00:00.000Z'],
  ['2026-11-15/P7D', '2026-11-15T00:00:00.000Z'],
  ['2026-11', '2026-11-01T00:00:00.000Z'],
  ['2026-Q4', '2026-10-01T00:00:00.000Z'],
  ['2026', '2026-01-01T00:00:00.000Z'],
  ['FY2026', '2026-01-01T00:00:00.000Z'],
  ['FY2026-Q2', '2026-04-01T00:00:00.000Z'],
  ['2026-P01', '1970-01-01T00:00:00.000Z'],
  ['9999-01-01', '2299-12-31T00:00:00.000Z'],
  ['0001-01-01', '1900-01-01T00:00:00.000Z'],
  ['', '1970-01-01T00:00:00.000Z'],
])('%j says %s', (label, instant) => {
  expect(new Date(atOfLabel(label)).toISOString()).toBe(instant);
});

const compiled = compileCalendar({
  apiVersion: 'paceline/v1',
  kind: 'Calendar',
  metadata: { name: 'c' },
  spec: { timezone: 'UTC', weekStart: 'wednesday', fiscalYearStart: 7 },
});
const GRAINS: Grain[] = ['hour', 'day', 'week', 'month', 'quarter', 'year', 'fiscal_quarter', 'fiscal_year'];

test.each(GRAINS)('labels of %s buckets ascend with their buckets, whatever the zone', (grain) => {
  if (!compiled.ok) throw new Error('the calendar is wrong');
  for (const name of ['UTC', 'Europe/Berlin', 'Australia/Lord_Howe', 'Pacific/Apia', 'America/St_Johns']) {
    const grid = gridOf(calendarIn(compiled.value, zoneOf(name)!), grain);
    const years = grain === 'hour' ? 1 : 6;
    const buckets = bucketsBetween(grid, Date.UTC(2011, 0, 1), Date.UTC(2011 + years, 0, 1));
    const ats = buckets.map((bucket) => atOfLabel(labelOf(grid, bucket)));
    expect(ats).toEqual([...ats].sort((a, b) => a - b));
    // The parts of an hour that a change of clocks cuts (St John's, a minute past midnight) may say the same.
    expect(new Set(ats).size).toBeGreaterThanOrEqual(grain === 'hour' ? ats.length - 2 : ats.length);
  }
});
