import { describe, expect, it } from 'vitest';
import { compileCatalog } from './definition/compile.ts';
import type { Document } from './document.ts';
import { gridPoints, touchedGridPoints } from './grid.ts';
import { closedPeriod, subjectsAbove, subjectsOf, subjectsReading } from './subjects.ts';
import { instantText } from './time/instant-text.ts';

const apiVersion = 'paceline/v1';
function catalogOf(...written: readonly object[]) {
  const documents: Document[] = JSON.parse(JSON.stringify(written.map((document) => ({ apiVersion, ...document }))));
  return compileCatalog(documents.map((document) => ({ document, position: 0, recordedAt: 0 })));
}
const metric = (name: string, spec: object = {}) => ({
  kind: 'Metric',
  metadata: { name },
  spec: { aggregation: 'sum', grain: 'day', timezone: 'UTC', settle: 'PT6H', ...spec },
});
const at = (text: string) => Date.parse(`${text}Z`);
const span = (after: string, upTo: string) => ({ after: at(after), upTo: at(upTo) });
const told = (points: readonly { subject: string; at: number }[]) =>
  points.map((point) => `${instantText(point.at)} ${point.subject}`);

describe('grid points', () => {
  const catalog = catalogOf(
    metric('m'),
    {
      kind: 'Kpi',
      metadata: { name: 'each' },
      spec: {
        metric: 'm',
        direction: 'higher',
        period: { each: 'month' },
        targets: [{ effectiveFrom: '2026-03-10', value: '1' }],
      },
    },
    {
      kind: 'Kpi',
      metadata: { name: 'date' },
      spec: { metric: 'm', direction: 'higher', period: { toDate: 'month' } },
    },
    {
      kind: 'Cycle',
      metadata: { name: 'c' },
      spec: { firstDay: '2026-03-01', lastDay: '2026-03-03', timezone: 'UTC', closeAfter: 'P1D' },
    },
    { kind: 'Unit', metadata: { name: 'u' }, spec: { type: 'team' } },
    {
      kind: 'Objective',
      metadata: { name: 'o' },
      spec: {
        cycle: 'c',
        unit: 'u',
        keyResults: [
          { name: 'k', metric: 'm', type: 'reach', baseline: '0', target: '1' },
          { name: 'l', type: 'milestones', milestones: [{ name: 'a', due: '2026-03-02' }] },
        ],
      },
    },
  );

  it('of a KPI each month are its closes and the dates of its targets, with the closed period beside it', () => {
    expect(told(gridPoints(catalog, span('2026-03-01T00:00', '2026-04-30T00:00'), ['kpi/each']))).toEqual([
      '2026-03-01T06:00:00Z kpi/each',
      '2026-03-01T06:00:00Z kpi/each@2026-02',
      '2026-03-10T00:00:00Z kpi/each',
      '2026-04-01T06:00:00Z kpi/each',
      '2026-04-01T06:00:00Z kpi/each@2026-03',
    ]);
  });

  it('of a KPI to date are its days, settled, and the starts of its periods', () => {
    expect(told(gridPoints(catalog, span('2026-03-30T12:00', '2026-04-01T12:00'), ['kpi/date']))).toEqual([
      '2026-03-31T06:00:00Z kpi/date',
      '2026-04-01T00:00:00Z kpi/date',
      '2026-04-01T06:00:00Z kpi/date',
      '2026-04-01T06:00:00Z kpi/date@2026-03',
    ]);
  });

  it('of a cycle end with its close, members before what they roll up into', () => {
    const points = told(
      gridPoints(catalog, span('2026-02-28T00:00', '2026-04-30T00:00'), [
        'key_result/o/k',
        'key_result/o/l',
        'objective/o',
        'unit/u@c',
      ]),
    );
    expect(points.filter((point) => point.endsWith('/k'))).toEqual([
      '2026-03-01T00:00:00Z key_result/o/k',
      '2026-03-02T06:00:00Z key_result/o/k',
      '2026-03-03T06:00:00Z key_result/o/k',
      '2026-03-04T00:00:00Z key_result/o/k',
      '2026-03-04T06:00:00Z key_result/o/k',
    ]);
    // The milestone's due day, the end of a week, and a day after the end of the cycle.
    expect(points.filter((point) => point.endsWith('/l'))).toEqual([
      '2026-03-01T00:00:00Z key_result/o/l',
      '2026-03-03T00:00:00Z key_result/o/l',
      '2026-03-04T00:00:00Z key_result/o/l',
      '2026-03-05T00:00:00Z key_result/o/l',
    ]);
    expect(points.filter((point) => point.startsWith('2026-03-04T00'))).toEqual([
      '2026-03-04T00:00:00Z key_result/o/k',
      '2026-03-04T00:00:00Z key_result/o/l',
      '2026-03-04T00:00:00Z objective/o',
      '2026-03-04T00:00:00Z unit/u@c',
    ]);
    expect(points.at(-1)).toBe('2026-03-05T00:00:00Z unit/u@c');
  });

  it('are the same however the time is cut into ticks', () => {
    const whole = gridPoints(catalog, span('2026-02-01T00:00', '2026-05-01T00:00'));
    const cuts = ['2026-02-01T00:00', '2026-03-01T06:00', '2026-03-04T00:00', '2026-04-01T05:59', '2026-05-01T00:00'];
    const parts = cuts.slice(1).flatMap((upTo, index) => gridPoints(catalog, span(cuts[index] ?? '', upTo)));
    expect(told(parts)).toEqual(told(whole));
    expect(new Set(told(whole)).size).toBe(whole.length);
  });

  it('of hours over decades are more than a call takes arguments, and all there', () => {
    const hourly = catalogOf(metric('m', { grain: 'hour' }), {
      kind: 'Kpi',
      metadata: { name: 'each' },
      spec: { metric: 'm', direction: 'higher', period: { each: 'hour' } },
    });
    const years = { after: at('2000-01-01T00:00:00'), upTo: at('2015-01-01T00:00:00') };
    const hours = 24 * (15 * 365 + 4);
    const points = touchedGridPoints(hourly, 'm', { from: years.after, to: years.upTo }, years.upTo);
    expect(points.filter(({ subject }) => subject.includes('@')).length).toBeGreaterThan(hours - 10);
  });

  it('refuse a span without end', () => {
    expect(() => gridPoints(catalog, { after: Number.NEGATIVE_INFINITY, upTo: 0 })).toThrow(RangeError);
  });

  it('touched by a value of March leave the June of a KPI each month alone', () => {
    const touched = { from: at('2026-03-20T00:00'), to: at('2026-03-21T00:00') };
    const points = told(touchedGridPoints(catalog, 'm', touched, at('2026-08-01T00:00')));
    expect(points.filter((point) => point.includes('kpi/each'))).toEqual([
      '2026-04-01T06:00:00Z kpi/each',
      '2026-04-01T06:00:00Z kpi/each@2026-03',
      '2026-05-01T06:00:00Z kpi/each',
      '2026-05-01T06:00:00Z kpi/each@2026-04',
    ]);
    expect(points.some((point) => point.includes('key_result'))).toBe(false);
  });

  it('touched before a cycle are all of its own, and of what it rolls up into', () => {
    const touched = { from: at('2026-02-20T00:00'), to: at('2026-02-21T00:00') };
    const points = told(touchedGridPoints(catalog, 'm', touched, at('2026-08-01T00:00')));
    expect(points.filter((point) => point.includes('unit/')).length).toBeGreaterThan(4);
    expect(points.filter((point) => point.endsWith('key_result/o/k')).length).toBe(5);
    expect(points.some((point) => point.endsWith('key_result/o/l'))).toBe(false);
  });
});

describe('subjects', () => {
  const catalog = catalogOf(
    metric('a'),
    metric('b'),
    { kind: 'Metric', metadata: { name: 'd' }, spec: { derived: 'a / b', grain: 'day' } },
    { kind: 'Kpi', metadata: { name: 'k' }, spec: { metric: 'd', direction: 'higher', period: { each: 'month' } } },
    {
      kind: 'Cycle',
      metadata: { name: 'c' },
      spec: { firstDay: '2026-03-01', lastDay: '2026-03-31', timezone: 'UTC' },
    },
    { kind: 'Unit', metadata: { name: 'top' }, spec: { type: 'company' } },
    { kind: 'Unit', metadata: { name: 'team' }, spec: { type: 'team', parent: 'top' } },
    { kind: 'Objective', metadata: { name: 'parent' }, spec: { cycle: 'c', unit: 'top' } },
    {
      kind: 'Objective',
      metadata: { name: 'child' },
      spec: {
        cycle: 'c',
        unit: 'team',
        parent: 'parent',
        keyResults: [
          { name: 'x', metric: 'b', type: 'at_most', target: '1' },
          { name: 'y', type: 'done' },
        ],
      },
    },
  );

  it('come members first, with the period that is closed at the instant', () => {
    expect(subjectsOf(catalog, at('2026-04-15T00:00'))).toEqual([
      'key_result/child/x',
      'key_result/child/y',
      'objective/child',
      'objective/parent',
      'unit/top@c',
      'unit/team@c',
      'kpi/k',
      'kpi/k@2026-03',
    ]);
  });

  it('reading a metric are found through derived metrics and up to the top', () => {
    expect(subjectsReading(catalog, 'a')).toEqual(['kpi/k']);
    expect(subjectsReading(catalog, 'b')).toEqual([
      'key_result/child/x',
      'objective/child',
      'objective/parent',
      'unit/top@c',
      'unit/team@c',
      'kpi/k',
    ]);
  });

  it('above a key result are its objectives and their units', () => {
    expect(subjectsAbove(catalog, 'key_result/child/y')).toEqual([
      'key_result/child/y',
      'objective/child',
      'objective/parent',
      'unit/top@c',
      'unit/team@c',
    ]);
  });

  it('of a closed period change when the next one has settled', () => {
    const kpi = catalog.kpis.get('k');
    if (kpi === undefined) throw new Error('no kpi');
    expect(closedPeriod(kpi, at('2026-04-01T05:59'))?.from).toBe(at('2026-02-01T00:00'));
    expect(closedPeriod(kpi, at('2026-04-01T06:00'))?.from).toBe(at('2026-03-01T00:00'));
  });
});
