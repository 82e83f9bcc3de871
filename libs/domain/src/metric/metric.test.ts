import { describe, expect, test } from 'vitest';
import type { CalendarDocument, MetricDocument } from '../document.ts';
import { compileCalendar } from '../time/calendar.ts';
import { instantText, readInstant } from '../time/instant-text.ts';
import { compileMetrics, futureFrom, lateAt, type Metric, sourcesOf, staleAt } from './metric.ts';

const document = (name: string, spec: MetricDocument['spec']): MetricDocument => ({
  apiVersion: 'paceline/v1',
  kind: 'Metric',
  metadata: { name },
  spec,
});
const day = { grain: 'day' as const };
const retail: CalendarDocument = {
  apiVersion: 'paceline/v1',
  kind: 'Calendar',
  metadata: { name: 'retail' },
  spec: { timezone: 'America/New_York', periods: [{ label: 'P1', firstDay: '2026-02-01', lastDay: '2026-02-28' }] },
};
const compiledRetail = compileCalendar(retail);
const calendars = new Map(compiledRetail.ok ? [['retail', compiledRetail.value] as const] : []);

const compile = (...documents: MetricDocument[]) => {
  const { metrics, faults } = compileMetrics(documents, calendars);
  return {
    metrics,
    codes: Object.fromEntries([...faults].map(([name, list]) => [name, list.map(({ code }) => code)])),
    faults,
  };
};
const metric = (spec: MetricDocument['spec']): Metric => compile(document('m', spec)).metrics.get('m')!;

test('defaults are those of the surface', () => {
  expect(metric({ aggregation: 'sum', ...day })).toMatchObject({
    points: 'period',
    across: 'sum',
    zone: { name: 'UTC' },
    settle: { months: 0, days: 0, ms: 0 },
    cadence: { months: 0, days: 1, ms: 0 },
    dimensions: [],
    revisions: false,
    future: false,
    push: true,
    cumulative: true,
    zeroWhenEmpty: true,
    needsId: false,
  });
});

test.each([
  ['sum', 'sum', true],
  ['count', 'sum', true],
  ['counter', 'sum', true],
  ['ratio', 'pool', false],
  ['avg', 'pool', false],
  ['median', 'pool', false],
  ['first', 'none', false],
  ['last', 'none', false],
] as const)('%s goes across by %s; cumulative: %s', (aggregation, across, cumulative) => {
  expect(metric({ aggregation, ...day })).toMatchObject({ across, cumulative });
});

test('events of sum, count, avg and distinct need an id', () => {
  const needing = (['sum', 'count', 'avg', 'distinct', 'last', 'max', 'median'] as const).filter(
    (aggregation) => metric({ aggregation, points: 'time', ...day }).needsId,
  );
  expect(needing).toEqual(['sum', 'count', 'avg', 'distinct']);
});

describe('zone and calendar', () => {
  test('the own zone goes before the calendar’s', () => {
    expect(metric({ aggregation: 'sum', grain: 'week', calendar: 'retail' }).zone.name).toBe('America/New_York');
    expect(metric({ aggregation: 'sum', grain: 'week', calendar: 'retail', timezone: 'Europe/Berlin' }).zone.name).toBe(
      'Europe/Berlin',
    );
  });

  test('what does not exist is named with what was meant', () => {
    const { faults } = compile(
      document('a', { aggregation: 'sum', ...day, timezone: 'Mars/Base' }),
      document('b', { aggregation: 'sum', ...day, calendar: 'retial' }),
      document('c', { aggregation: 'sum', grain: 'period' }),
      document('d', { aggregation: 'sum', ...day, settle: '6 hours' }),
      document('e', { ...day }),
      document('f', { aggregation: 'distinct', ...day }),
    );
    expect([...faults.values()].map(([fault]) => `${fault!.code} ${fault!.pointer}`)).toEqual([
      'invalid_zone /spec/timezone',
      'unknown_reference /spec/calendar',
      'missing_key /spec/grain',
      'invalid_type /spec/settle',
      'missing_key /spec/aggregation',
      'distinct_on_periods /spec/points',
    ]);
    expect(faults.get('b')![0]!.message).toContain('did you mean "retail"?');
  });
});

describe('derived metrics', () => {
  const revenue = document('revenue', {
    aggregation: 'sum',
    ...day,
    timezone: 'Europe/Berlin',
    dimensions: ['region', 'channel'],
  });
  const cost = document('cost', {
    aggregation: 'sum',
    ...day,
    timezone: 'Europe/Berlin',
    settle: 'PT6H',
    cadence: 'P7D',
    dimensions: ['region'],
  });

  test('take zone, slowest settle and cadence, and common dimensions of their operands', () => {
    const { metrics } = compile(document('net', { derived: 'revenue - cost', ...day }), revenue, cost);
    expect(metrics.get('net')).toMatchObject({
      zone: { name: 'Europe/Berlin' },
      settle: { ms: 21_600_000 },
      cadence: { days: 7 },
      dimensions: ['region'],
      cumulative: true,
      aggregation: null,
      zeroWhenEmpty: false,
    });
    expect(sourcesOf(metrics.get('net')!).map(({ name }) => name)).toEqual(['revenue', 'cost']);
  });

  test('are levels unless only sums and differences of cumulative operands', () => {
    const price = document('price', { aggregation: 'last', ...day, timezone: 'Europe/Berlin' });
    const { metrics } = compile(
      revenue,
      cost,
      price,
      document('a', { derived: 'revenue / cost', ...day }),
      document('b', { derived: 'revenue - price', ...day }),
      document('c', { derived: 'net - cost', ...day }),
      document('net', { derived: 'revenue - cost', ...day }),
    );
    expect(['a', 'b', 'c'].map((name) => metrics.get(name)!.cumulative)).toEqual([false, false, true]);
  });

  test('faults: loops, unknown operands, other grains, bad formulas', () => {
    const { codes, faults } = compile(
      revenue,
      document('loop-a', { derived: 'loop-b + revenue', ...day }),
      document('loop-b', { derived: 'loop-a + revenue', ...day }),
      document('self', { derived: 'self + 1', ...day }),
      document('unknown', { derived: 'revenue-cost', ...day }),
      document('monthly', { derived: 'revenue * 2', grain: 'month' }),
      document('utc', { derived: 'revenue * 2', ...day, timezone: 'UTC' }),
      document('formula', { derived: 'revenue +', ...day }),
      document('constant', { derived: '5', ...day }),
    );
    expect(codes).toEqual({
      'loop-a': ['unknown_reference'],
      'loop-b': ['loop'],
      self: ['loop'],
      unknown: ['unknown_reference'],
      monthly: ['wrong_grain'],
      utc: ['wrong_grain'],
      formula: ['invalid_expression'],
      constant: ['invalid_expression'],
    });
    expect(faults.get('unknown')![0]!.message).toContain('a difference needs spaces');
    expect(faults.get('formula')![0]!.message).toContain('column 10');
  });
});

describe('freshness', () => {
  const at = (text: string) => readInstant(text)!;
  test('late after cadence and settle, stale after two cadences, on the calendar', () => {
    const mrr = metric({ aggregation: 'last', ...day, timezone: 'Europe/Berlin', settle: 'PT6H' });
    expect(instantText(lateAt(mrr, at('2026-11-21T23:00:00Z')))).toBe('2026-11-23T05:00:00Z');
    expect(instantText(staleAt(mrr, at('2026-11-21T23:00:00Z')))).toBe('2026-11-24T05:00:00Z');
    // Over the change to winter time a day has 25 hours.
    expect(instantText(lateAt(mrr, at('2026-10-24T22:00:00Z')))).toBe('2026-10-26T05:00:00Z');
  });

  test('months wait for months', () => {
    const monthly = metric({ aggregation: 'sum', grain: 'month' });
    expect(instantText(lateAt(monthly, at('2026-02-01T00:00:00Z')))).toBe('2026-03-01T00:00:00Z');
  });
});

test('more than one grain ahead begins after the next bucket', () => {
  const daily = metric({ aggregation: 'sum', ...day, timezone: 'Europe/Berlin' });
  expect(instantText(futureFrom(daily, readInstant('2026-11-22T12:00:00Z')!))).toBe('2026-11-23T23:00:00Z');
});
