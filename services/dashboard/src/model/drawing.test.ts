import { describe, expect, it } from 'vitest';
import { evaluationOf, rowOn } from '../fixture.ts';
import type { AlertView } from '../wire.ts';
import { chartAsked, sparkAsked, trendKey } from './asked.ts';
import { chartOf } from './chart.ts';
import { changeOf, pointsOf } from './series.ts';
import { sparkOf } from './spark.ts';

const KPI = evaluationOf('kpi/revenue');
const LEVEL = evaluationOf('kpi/margin', { paceMethod: null });
const BOX = { width: 100, height: 30 };
const NOW = Date.parse('2026-10-04T06:00:00Z');

const paced = (value: string | null, index: number, more = {}) =>
  rowOn(index, value, { target: '1000', expectedValue: String(10 * (index + 1)), verdict: 'on_track', ...more });

function points(...rows: readonly ReturnType<typeof rowOn>[]) {
  return pointsOf('kpi/revenue', rows);
}

describe('points', () => {
  it('lie where they were measured, or at the end of their window', () => {
    const [first, second] = points(rowOn(0, '1', { measuredAt: '2026-10-01T18:00:00Z' }), rowOn(1, '2'));
    expect(first?.at).toBe(Date.parse('2026-10-01T18:00:00Z'));
    expect(second?.at).toBe(Date.parse('2026-10-03T00:00:00Z'));
  });

  it('of goals are progress in percent', () => {
    const rows = [rowOn(0, null, { progress: 0.25, expected: 0.5, verdict: 'at_risk' })];
    expect(pointsOf('objective/a', rows)[0]).toMatchObject({ value: 25, expected: 50, target: 100 });
    expect(pointsOf('key_result/a/b', rows)[0]).toMatchObject({ value: 25 });
  });

  it('change from the last but one value to the last, over holes', () => {
    const all = points(rowOn(0, '10'), rowOn(1, null), rowOn(2, '12.5'), rowOn(3, null));
    expect(changeOf(all)).toEqual({ delta: 2.5, since: '2026-10-01' });
    expect(changeOf(points(rowOn(0, '10')))).toBeNull();
  });
});

describe('a sparkline', () => {
  it('of a paced KPI runs through its whole period to the target', () => {
    const spark = sparkOf(points(paced('12', 0), paced('20', 1)), KPI, BOX);
    expect(spark.pace.startsWith('M3 27L')).toBe(true);
    expect(spark.pace.endsWith('L97 3')).toBe(true);
    expect(spark.line.split('L')).toHaveLength(2);
    expect(spark.target).toBe('');
  });

  it('of a level runs over what it has, beside a target that may step', () => {
    const rows = [
      rowOn(0, '5', { target: '6', expectedValue: '6' }),
      rowOn(1, '7', { target: '8', expectedValue: '8' }),
    ];
    const spark = sparkOf(points(...rows), LEVEL, BOX);
    expect(spark.line).toBe('M3 27L97 11');
    expect(spark.target).toBe('M0 19L97 19L97 3L100 3');
    expect(spark.pace).toBe('');
  });

  it('shades a range that is to be kept', () => {
    const rows = [
      rowOn(0, '5', { targetLow: '4', targetHigh: '6' }),
      rowOn(1, '7', { targetLow: '4', targetHigh: '6' }),
    ];
    expect(sparkOf(points(...rows), LEVEL, BOX).band).toEqual({ y: 11, height: 16 });
  });

  it('of nothing is nothing, of one value a dot', () => {
    expect(sparkOf(points(rowOn(0, null)), LEVEL, BOX)).toMatchObject({ line: '', last: null });
    expect(sparkOf(points(rowOn(0, '5')), LEVEL, BOX)).toMatchObject({ line: 'M50 15L50 15', last: { x: 50, y: 15 } });
  });
});

describe('a chart', () => {
  const input = { evaluation: KPI, alerts: [], now: NOW, wholePeriod: true };

  it('begins with the period and ends with it, where the pace line meets the target', () => {
    const { columns, from, to } = chartOf({ ...input, points: points(paced('12', 0), paced('20', 1)) });
    expect([from, to]).toEqual([Date.parse('2026-10-01T00:00:00Z') / 1000, Date.parse('2027-01-01T00:00:00Z') / 1000]);
    expect(columns[1]).toEqual([null, 12, 20, null]);
    expect(columns[2]).toEqual([0, 10, 20, 1000]);
    expect(columns[3]).toEqual([1000, 1000, 1000, 1000]);
  });

  it('draws one line where the target is what is expected', () => {
    const rows = [rowOn(0, '5', { target: '6', expectedValue: '6' })];
    const { columns } = chartOf({ ...input, evaluation: LEVEL, points: points(...rows), wholePeriod: false });
    expect(columns[2]).toEqual([null]);
    expect(columns[3]).toEqual([6]);
  });

  it('marks where definitions and verdicts changed', () => {
    const rows = [
      paced('12', 0, { definitions: '1:0' }),
      paced('13', 1, { definitions: '1:0', verdict: 'at_risk' }),
      paced('14', 2, { definitions: '9:0', verdict: 'at_risk' }),
    ];
    const { definitions, turns } = chartOf({ ...input, points: points(...rows) });
    expect(definitions).toEqual([{ at: Date.parse('2026-10-04T00:00:00Z') / 1000, position: '9:0' }]);
    expect(turns.map(({ verdict, value }) => [verdict, value])).toEqual([
      ['on_track', 12],
      ['at_risk', 13],
    ]);
  });

  it('shades what is provisional and the time since data was due', () => {
    const rows = [paced('12', 0), paced('13', 1, { final: false }), paced('14', 2, { final: false })];
    const now = Date.parse('2026-10-09T00:00:00Z');
    const evaluation = { ...KPI, lateAt: '2026-10-05T00:00:00Z' };
    const day = (date: string) => Date.parse(`${date}T00:00:00Z`) / 1000;
    expect(chartOf({ ...input, evaluation, now, points: points(...rows) }).shades).toEqual([
      { from: day('2026-10-02'), to: day('2026-10-04'), kind: 'provisional' },
      { from: day('2026-10-04'), to: day('2026-10-09'), kind: 'late' },
    ]);
  });

  it('flags the alerts that opened while it lasts', () => {
    const alert = (openedAt: string): AlertView => ({
      id: openedAt,
      rule: 'slow',
      subject: 'kpi/revenue',
      period: '2026-Q4',
      state: 'firing',
      severity: 'page',
      openedAt,
      lastAt: openedAt,
      suppression: null,
      sentence: '',
    });
    const alerts = [alert('2026-10-02T00:00:00Z'), alert('2026-09-01T00:00:00Z')];
    expect(chartOf({ ...input, alerts, points: points(paced('12', 0)) }).alerts).toHaveLength(1);
  });
});

describe('what is asked for', () => {
  it('is the period of what is paced, coarser when it is long', () => {
    expect(sparkAsked(KPI)).toEqual({ subject: 'kpi/revenue', from: '2026-10-01T00:00:00Z', limit: 400 });
    const year = evaluationOf('kpi/a', {
      period: { from: '2026-01-01T00:00:00Z', to: '2027-01-01T00:00:00Z', label: '2026' },
    });
    expect(sparkAsked(year)).toMatchObject({ window: 'week' });
  });

  it('is the last windows of a level', () => {
    expect(sparkAsked(LEVEL)).toEqual({ subject: 'kpi/margin', limit: 400 });
  });

  it('goes further back for a chart, in weeks where there would be too many days', () => {
    expect(chartAsked(LEVEL, 'year', 'day')).toMatchObject({ from: '2025-11-16T00:00:00.000Z' });
    expect(chartAsked(LEVEL, 'all', 'day')).toMatchObject({ window: 'week' });
    expect(chartAsked(LEVEL, 'all', 'month')).not.toHaveProperty('window');
  });

  it('is asked again only when there is something new', () => {
    const moment = { asOf: null, knownAt: null };
    const key = (evaluation: typeof KPI) => trendKey(sparkAsked(evaluation), evaluation, moment);
    expect(key({ ...KPI, position: '9:0', asOf: '2026-11-16T01:00:00Z' })).toBe(key(KPI));
    expect(key({ ...KPI, value: '601' })).not.toBe(key(KPI));
  });
});
