import { describe, expect, test } from 'vitest';
import type { MetricCells } from '../cell.ts';
import type { MetricDocument } from '../document.ts';
import type { PointStatement } from '../fact.ts';
import { formatRational } from '../number/rational.ts';
import { bucketAt } from '../time/bucket.ts';
import { instantText, readInstant } from '../time/instant-text.ts';
import { quantile } from './accumulator.ts';
import { hasPoint, latestBucket, type ReadOptions, readMetric } from './aggregate.ts';
import { cellsFromStatements, extentsOf, versionsOf } from './cells.ts';
import { bucketOfPoint, compileMetrics, type Metric, staleAt } from './metric.ts';
import { matchingSeries } from './selection.ts';
import type { Statement } from './statement.ts';

const at = (text: string) => readInstant(text.length === 10 ? `${text}T00:00:00Z` : text)!;
const compile = (specs: Readonly<Record<string, MetricDocument['spec']>>) => {
  const documents = Object.entries(specs).map(
    ([name, spec]): MetricDocument => ({ apiVersion: 'paceline/v1', kind: 'Metric', metadata: { name }, spec }),
  );
  const { metrics, faults } = compileMetrics(documents, new Map());
  if (faults.size > 0) throw new Error(JSON.stringify([...faults]));
  return metrics;
};
const metric = (spec: Partial<MetricDocument['spec']>): Metric =>
  compile({ m: { aggregation: 'sum', grain: 'day', ...spec } }).get('m')!;

type Line = PointStatement & { readonly recordedAt?: string; readonly feeder?: string };
/** Recorded at a time point's time, at a period point's end, unless it says when. */
const statements = (of: Metric, lines: readonly Line[]): Statement[] =>
  lines.map(({ recordedAt: said, feeder = 'push', ...point }, index) => {
    const bucket = bucketOfPoint(of, { ...point, ...(point.time === undefined ? {} : { at: at(point.time) }) })!;
    const recordedAt = said === undefined ? (point.time === undefined ? bucket.to : at(point.time)) : at(said);
    return { position: index, recordedAt, readAt: recordedAt, feeder, point };
  });
const read = (
  of: Metric,
  lines: readonly Line[],
  from: string,
  to: string,
  options: Partial<ReadOptions> & { asOf: number },
) => {
  const cells = cellsFromStatements(of, statements(of, lines));
  const reading = readMetric(of, () => cells, undefined, [{ from: at(from), to: at(to) }], options);
  return { ...reading, value: reading.value === null ? null : formatRational(reading.value) };
};

describe('counters', () => {
  const counter = metric({ aggregation: 'counter', points: 'time' });
  const lines = (...samples: [string, string][]): Line[] =>
    samples.map(([time, value]) => ({ time: `2026-01-${time}Z`, value }));

  test('a drop is a reset and starts from zero', () => {
    const reading = read(
      counter,
      lines(['01T01:00:00', '10'], ['01T02:00:00', '15'], ['01T03:00:00', '4'], ['02T01:00:00', '6']),
      '2026-01-01',
      '2026-01-03',
      { asOf: at('2026-01-03') },
    );
    expect(reading).toMatchObject({ value: '11', resets: 1 });
  });

  test('the base is the last earlier sample, else the first in the window', () => {
    const samples = lines(['01T01:00:00', '10'], ['05T02:00:00', '30'], ['09T02:00:00', '31']);
    expect(read(counter, samples, '2026-01-04', '2026-01-10', { asOf: at('2026-02-01') }).value).toBe('21');
    expect(read(counter, samples, '2026-01-01', '2026-01-06', { asOf: at('2026-02-01') }).value).toBe('20');
    expect(read(counter, samples, '2026-01-01', '2026-01-02', { asOf: at('2026-02-01') }).value).toBe('0');
  });

  test('a restart between windows is seen in the later one', () => {
    const samples = lines(['01T01:00:00', '100'], ['05T02:00:00', '3']);
    expect(read(counter, samples, '2026-01-04', '2026-01-10', { asOf: at('2026-02-01') })).toMatchObject({
      value: '3',
      resets: 1,
    });
  });

  test('samples after asOf are not seen', () => {
    const samples = lines(['01T01:00:00', '10'], ['02T02:00:00', '12'], ['02T20:00:00', '40']);
    expect(read(counter, samples, '2026-01-01', '2026-01-10', { asOf: at('2026-01-02T12:00:00Z') })).toMatchObject({
      value: '2',
      provisional: true,
    });
  });
});

describe('last carries', () => {
  const level = metric({ aggregation: 'last', dimensions: ['region'], across: 'sum', cadence: 'P7D' });
  const lines: Line[] = [
    { period: '2025-12-30', value: '50', dimensions: { region: 'emea' } },
    { period: '2026-01-03', value: '60', dimensions: { region: 'amer' } },
  ];
  const carry = (asOf: number) => ({ asOf, carry: (end: number) => asOf <= staleAt(level, end) });

  test('the latest earlier point of each series without one in the window', () => {
    const asOf = at('2026-01-05');
    expect(read(level, lines, '2026-01-01', '2026-02-01', carry(asOf))).toMatchObject({
      value: '110',
      carried: true,
      series: 2,
      count: 2,
      until: at('2026-01-04'),
    });
    expect(read(level, lines, '2026-01-01', '2026-02-01', { asOf })).toMatchObject({
      value: '60',
      carried: false,
      series: 1,
    });
  });

  test('unless it is stale', () => {
    expect(read(level, lines, '2026-01-01', '2026-02-01', carry(at('2026-01-15')))).toMatchObject({
      value: '60',
      carried: false,
    });
  });
});

describe('across series', () => {
  const lines: Line[] = [
    { period: '2026-01-01', numerator: '1', denominator: '0', dimensions: { region: 'emea' } },
    { period: '2026-01-01', numerator: '3', denominator: '4', dimensions: { region: 'amer' } },
  ];
  const window = ['2026-01-01', '2026-01-02'] as const;
  const asOf = at('2026-02-01');

  test('a ratio pools its parts', () => {
    expect(read(metric({ aggregation: 'ratio', dimensions: ['region'] }), lines, ...window, { asOf }).value).toBe('1');
  });

  test('a series whose denominators add up to zero has no value, the others do', () => {
    expect(
      read(metric({ aggregation: 'ratio', across: 'max', dimensions: ['region'] }), lines, ...window, { asOf }).value,
    ).toBe('0.75');
    expect(
      read(metric({ aggregation: 'ratio', dimensions: ['region'] }), lines.slice(0, 1), ...window, { asOf }),
    ).toMatchObject({ value: null, reason: 'zero_denominator' });
  });

  test('two series of a metric that says none is refused', () => {
    const values = lines.map(({ numerator, denominator, ...rest }) => ({ ...rest, value: '1' }));
    expect(read(metric({ aggregation: 'last', dimensions: ['region'] }), values, ...window, { asOf })).toMatchObject({
      value: null,
      reason: 'several_series',
      series: 2,
    });
  });

  test('where chooses series by their dimensions', () => {
    const of = metric({ dimensions: ['region', 'channel'] });
    const cells = cellsFromStatements(
      of,
      statements(of, [
        { period: '2026-01-01', value: '1', dimensions: { region: 'emea', channel: 'web' } },
        { period: '2026-01-01', value: '2', dimensions: { region: 'emea' } },
        { period: '2026-01-01', value: '4' },
      ]),
    );
    const keys = (where: Record<string, string> | undefined) => matchingSeries(cells, where).map(({ key }) => key);
    expect(keys(undefined)).toHaveLength(3);
    expect(keys({ region: 'emea' })).toEqual(['{"channel":"web","region":"emea"}', '{"region":"emea"}']);
    expect(keys({ channel: '' })).toEqual(['{"region":"emea"}', '{}']);
    expect(keys({ toString: 'x' })).toEqual([]);
  });
});

describe('nothing in a window', () => {
  const asOf = at('2026-02-01');
  test.each(['sum', 'count', 'counter'] as const)('of complete buckets is zero for %s', (aggregation) => {
    expect(read(metric({ aggregation }), [], '2026-01-01', '2026-01-02', { asOf, emptyIsZero: true })).toMatchObject({
      value: '0',
      reason: null,
      count: 0,
    });
  });
  test('is no data for a level, complete or not', () => {
    expect(
      read(metric({ aggregation: 'avg' }), [], '2026-01-01', '2026-01-02', { asOf, emptyIsZero: true }),
    ).toMatchObject({ value: null, reason: 'no_points' });
    expect(read(metric({}), [], '2026-01-01', '2026-01-02', { asOf })).toMatchObject({
      value: null,
      reason: 'no_points',
    });
  });
});

describe('derived metrics', () => {
  const all = compile({
    revenue: { aggregation: 'sum', grain: 'day' },
    orders: { aggregation: 'sum', grain: 'day' },
    price: { aggregation: 'last', grain: 'day' },
    aov: { derived: 'revenue / orders', grain: 'day' },
    priced: { derived: 'price * 2', grain: 'day' },
  });
  const cells: Readonly<Record<string, MetricCells>> = {
    revenue: cellsFromStatements(
      all.get('revenue')!,
      statements(all.get('revenue')!, [
        { period: '2026-01-01', value: '100' },
        { period: '2026-01-03', value: '50' },
      ]),
    ),
    orders: cellsFromStatements(
      all.get('orders')!,
      statements(all.get('orders')!, [
        { period: '2026-01-01', value: '10' },
        { period: '2026-01-02', value: '5' },
      ]),
    ),
    price: cellsFromStatements(
      all.get('price')!,
      statements(all.get('price')!, [{ period: '2026-01-01', value: '3' }]),
    ),
  };
  const derived = (name: string, from: string, to: string, options: Partial<ReadOptions> = {}) => {
    const reading = readMetric(
      all.get(name)!,
      (operand) => cells[operand]!,
      undefined,
      [{ from: at(from), to: at(to) }],
      { asOf: at('2026-02-01'), ...options },
    );
    return { ...reading, value: reading.value === null ? null : formatRational(reading.value) };
  };

  test('are computed on aggregates of the same window', () => {
    expect(derived('aov', '2026-01-01', '2026-01-10')).toMatchObject({
      value: '10',
      count: 4,
      until: at('2026-01-04'),
    });
  });

  test('a missing side is no data, a zero side of complete buckets is zero', () => {
    expect(derived('aov', '2026-01-03', '2026-01-04')).toMatchObject({ value: null, reason: 'no_points' });
    expect(derived('aov', '2026-01-03', '2026-01-04', { emptyIsZero: true })).toMatchObject({
      value: null,
      reason: 'zero_denominator',
    });
    expect(derived('aov', '2026-01-02', '2026-01-03', { emptyIsZero: true })).toMatchObject({
      value: '0',
      reason: null,
    });
  });

  test('operands do not carry', () => {
    expect(derived('priced', '2026-01-05', '2026-01-10', { carry: () => true })).toMatchObject({
      value: null,
      reason: 'no_points',
      carried: false,
    });
  });

  test('the latest bucket is the latest that every operand reached', () => {
    const asOf = at('2026-02-01');
    const latest = latestBucket(
      all.get('aov')!,
      (operand) => cells[operand]!,
      undefined,
      Number.POSITIVE_INFINITY,
      asOf,
    );
    expect(instantText(latest!.from)).toBe('2026-01-01T00:00:00Z');
    expect(hasPoint(all.get('aov')!, (operand) => cells[operand]!, undefined, asOf)).toBe(true);
    expect(hasPoint(all.get('aov')!, (operand) => cells[operand]!, undefined, at('2026-01-01'))).toBe(false);
  });
});

describe('a period point inside its period', () => {
  const monthly = metric({ aggregation: 'last', grain: 'month' });
  const value = (lines: Line[], asOf: string) => read(monthly, lines, '2026-11-01', '2026-12-01', { asOf: at(asOf) });
  const lines: Line[] = [
    { period: '2026-11', value: '5', recordedAt: '2026-10-20' },
    { period: '2026-11', value: '7', recordedAt: '2026-11-10' },
    { period: '2026-11', value: null, recordedAt: '2026-11-15' },
    { period: '2026-11', value: '9', recordedAt: '2026-11-20' },
    { period: '2026-11', value: '60', recordedAt: '2026-12-02' },
  ];

  test.each([
    ['2026-10-31', null],
    ['2026-11-01', '5'],
    ['2026-11-09', '5'],
    ['2026-11-10', '7'],
    ['2026-11-15', null],
    ['2026-11-20', '9'],
    ['2026-11-30', '9'],
    ['2026-12-01', '60'],
  ])('is seen on %s as %s', (asOf, seen) => expect(value(lines, asOf).value).toBe(seen));

  test('is provisional until the end', () => {
    expect(value(lines, '2026-11-20').provisional).toBe(true);
    expect(value(lines, '2026-12-01').provisional).toBe(false);
  });

  test('retracted after the end it is still seen inside, and gone from the end', () => {
    const retracted: Line[] = [
      { period: '2026-11', value: '5', recordedAt: '2026-11-10' },
      { period: '2026-11', value: null, recordedAt: '2026-12-02' },
    ];
    expect(value(retracted, '2026-11-20').value).toBe('5');
    expect(value(retracted, '2026-12-01')).toMatchObject({ value: null, reason: 'no_points', count: 0 });
  });

  test('several ids in one bucket have their own versions', () => {
    const sum = metric({ grain: 'month' });
    const parts: Line[] = [
      { period: '2026-11', id: 'a', value: '1', recordedAt: '2026-11-05' },
      { period: '2026-11', id: 'b', value: '10', recordedAt: '2026-11-10' },
      { period: '2026-11', id: 'a', value: '2', recordedAt: '2026-11-15' },
      { period: '2026-11', id: 'c', value: '100', recordedAt: '2026-12-15' },
    ];
    const seen = ['2026-11-05', '2026-11-10', '2026-11-15', '2026-12-01'].map(
      (asOf) => read(sum, parts, '2026-11-01', '2026-12-01', { asOf: at(asOf) }).value,
    );
    expect(seen).toEqual(['1', '11', '12', '112']);
  });

  test('versions hold only changes, and only before the end', () => {
    const bucket = bucketAt(monthly.grid, at('2026-11-15'))!;
    const said = (value: bigint | null) => ({ value, numerator: null, denominator: null });
    const rows = (
      [
        ['2026-10-01', null],
        ['2026-10-02', 5n],
        ['2026-11-05', 5n],
        ['2026-11-06', 6n],
        ['2026-12-01', 7n],
      ] as const
    ).map(([day, value], position) => ({
      revision: 0,
      readAt: at(day),
      recordedAt: at(day),
      position,
      said: said(value),
    }));
    expect(versionsOf(bucket, '', rows)).toEqual([
      { validFrom: at('2026-11-01'), ...said(5n) },
      { validFrom: at('2026-11-06'), ...said(6n) },
    ]);
  });
});

test('of several statements the one read last stands, not the one that came last', () => {
  const level = metric({ aggregation: 'last' });
  const [early, late] = statements(level, [
    { period: '2026-01-01', value: '1' },
    { period: '2026-01-01', value: '2' },
  ]);
  const overtaken = [
    { ...early!, position: 9, readAt: at('2026-01-03') },
    { ...late!, position: 10, readAt: at('2026-01-02') },
  ];
  expect(cellsFromStatements(level, overtaken).series[0]!.cells[0]!.last).toBe(1_000_000_000n);
});

describe('default coverage', () => {
  test('reaches over each feeder’s standing points', () => {
    const daily = metric({});
    const extents = extentsOf(
      daily,
      statements(daily, [
        { period: '2026-01-01', value: '1' },
        { period: '2026-01-05', value: '1' },
        { period: '2026-01-09', value: '1' },
        { period: '2026-01-09', value: null },
        { period: '2026-01-20', value: '1', feeder: 'source/a' },
      ]),
    );
    expect(
      [...extents].map(([feeder, { first, last }]) => [
        feeder,
        instantText(first.from).slice(0, 10),
        instantText(last.from).slice(0, 10),
      ]),
    ).toEqual([
      ['push', '2026-01-01', '2026-01-05'],
      ['source/a', '2026-01-20', '2026-01-20'],
    ]);
  });

  test('never over points stated more than one grain ahead', () => {
    const plan = metric({ future: true });
    const extents = extentsOf(
      plan,
      statements(plan, [
        { period: '2026-01-01', value: '1' },
        { period: '2026-01-05', value: '1', recordedAt: '2026-01-02' },
      ]),
    );
    expect(instantText(extents.get('push')!.last.from)).toBe('2026-01-01T00:00:00Z');
  });
});

test.each([
  [[1n], 90, '0.000000001'],
  [[1_000_000_000n, 2_000_000_000n], 50, '1.5'],
  [[1_000_000_000n, 2_000_000_000n, 4_000_000_000n], 50, '2'],
  [[0n, 10_000_000_000n], 95, '9.5'],
  [[0n, 0n, 0n, 10_000_000_000n], 90, '7'],
])('the quantile of %s at %d is %s', (values, percent, text) => {
  expect(formatRational(quantile(values as bigint[], percent as number))).toBe(text);
});
