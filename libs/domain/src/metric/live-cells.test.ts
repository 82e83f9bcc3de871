import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Cell } from '../cell.ts';
import type { Aggregation, MetricDocument } from '../document.ts';
import type { ObservationsFact, PointStatement, Recorded } from '../fact.ts';
import { position } from '../position.ts';
import { inColumns } from '../testing/columns.ts';
import { cellsFromStatements } from './cells.ts';
import { LiveCells } from './live-cells.ts';
import { mergeSeries } from './merged-series.ts';
import { compileMetric, type Metric } from './metric.ts';
import { indexOfSeries } from './series-index.ts';
import { statementsOf } from './statement.ts';

const DAY = 86_400_000;
const START = Date.UTC(2026, 0, 1);

function metricOf(aggregation: Aggregation, spec: Partial<MetricDocument['spec']> = {}): Metric {
  const compiled = compileMetric(
    {
      apiVersion: 'paceline/v1',
      kind: 'Metric',
      metadata: { name: 'm' },
      spec: { aggregation, grain: 'day', timezone: 'UTC', dimensions: ['region'], ...spec },
    },
    new Map(),
    new Map(),
  );
  if (!compiled.ok) throw new Error(JSON.stringify(compiled.faults));
  return compiled.value;
}

function factOf(points: readonly PointStatement[], index: number, readAt?: number): Recorded<ObservationsFact> {
  const recordedAt = START + 400 * DAY + index;
  const fact: ObservationsFact = { type: 'observations', metric: 'm', feeder: 'push', points };
  return {
    position: position(index),
    recordedAt,
    id: `${index}`,
    fact: readAt === undefined ? fact : { ...fact, readAt },
  };
}

const value = fc.oneof(
  fc.constantFrom(
    null,
    '0',
    '-0.000000001',
    '9223372036.854775807',
    '9223372036.854775808',
    '-9223372036.854775808',
    '99999999999999999999999999999.999999999',
    '-12345678.5',
    '9007199.254740991',
    '-9007199.254740991',
    '0.000000001',
  ),
  fc.integer({ min: -1000, max: 1000 }).map(String),
);

const point = fc
  .record({
    day: fc.integer({ min: 0, max: 5 }),
    region: fc.constantFrom(undefined, '', 'emea', 'apac'),
    value,
    denominator: fc.option(fc.constantFrom('1', '0', '3.5', '99999999999999.5')),
    revision: fc.integer({ min: 0, max: 2 }),
  })
  .map(({ day, region, value, denominator, revision }) => ({
    day,
    region,
    value,
    denominator,
    revision: revision as number | undefined,
  }));

const records = fc.array(
  fc.record({
    points: fc.array(point, { minLength: 1, maxLength: 4 }),
    readLag: fc.constantFrom(0, 1, 2, 50),
  }),
  { minLength: 1, maxLength: 25 },
);

type Said = typeof point extends fc.Arbitrary<infer Value> ? Value : never;

function plainly<Record extends { readonly points: readonly Said[] }>(record: Record): Record {
  return {
    ...record,
    points: record.points.map((each) => ({ ...each, revision: undefined, value: each.value ?? '7' })),
  };
}

function statementOf(metric: Metric, { day, region, value: said, denominator, revision }: Said): PointStatement {
  const period = new Date(START + day * DAY).toISOString().slice(0, 10);
  const dimensions = region === undefined ? {} : { dimensions: { region } };
  const revised = revision === undefined ? {} : { revision };
  if (metric.aggregation !== 'ratio') return { period, value: said, ...revised, ...dimensions };
  const parts = said === null || denominator === null ? { value: null } : { numerator: said, denominator };
  return { period, ...revised, ...parts, ...dimensions };
}

describe('cells that are kept up to date', () => {
  test.each(['sum', 'avg', 'min', 'max', 'first', 'last', 'count', 'median', 'ratio', 'counter'] as const)(
    'are those of all statements, whatever order they come in: %s',
    (aggregation) => {
      fc.assert(
        fc.property(records, fc.boolean(), fc.boolean(), (all, revisions, plain) => {
          const metric = metricOf(aggregation, revisions ? { revisions: 'source' } : {});
          // Without revisions and nulls most records have columns too.
          const said = plain ? all.map(plainly) : all;
          const live = new LiveCells(metric, Number.NEGATIVE_INFINITY);
          const log = said.map(({ points, readLag }, index) =>
            factOf(
              points.map((each) => statementOf(metric, each)),
              index,
              START + 400 * DAY + index - readLag,
            ),
          );
          log.forEach((record, index) => {
            expect(live.state({ ...record, fact: inColumns(record.fact) })).toBe(true);
            const wanted = cellsFromStatements(metric, log.slice(0, index + 1).flatMap(statementsOf));
            for (const series of live.cells.series) {
              if ([...live.unsure].length > 0) return;
              expect(series.cells).toEqual(wanted.series.find(({ key }) => key === series.key)?.cells);
            }
            if (live.unsure.size === 0)
              expect(live.cells.series.map(({ key }) => key)).toEqual(
                wanted.series.filter(({ cells }) => cells.length > 0).map(({ key }) => key),
              );
          });
        }),
        { numRuns: 100 },
      );
    },
  );

  test('one statement does not tell what stands of a bucket with several points, labels or versions', () => {
    const metric = metricOf('sum', { grain: 'hour' });
    const unsure = (point: PointStatement, recordedAt = START + 400 * DAY) => {
      const live = new LiveCells(metric, Number.NEGATIVE_INFINITY);
      live.state({ ...factOf([point], 1), recordedAt });
      return [...live.unsure];
    };
    const period = '2026-01-01T05+00:00';
    const from = START + 5 * 3_600_000;
    expect(unsure({ period, value: '1' })).toEqual([]);
    expect(unsure({ period, value: '1', id: 'a' })).toEqual([from]);
    expect(unsure({ period, value: '1' }, from + 60_000)).toEqual([from]);
    expect(unsure({ period: '2026-01-01T05Z', value: '1' })).toEqual([from]);
    expect(unsure({ time: '2026-01-01T05:00:00Z', value: '1' })).toEqual([]);
  });

  test('a statement about a bucket before their range ends them', () => {
    const live = new LiveCells(metricOf('sum'), START + 2 * DAY);
    expect(live.state(factOf([{ period: '2026-01-03', value: '1' }], 1))).toBe(true);
    expect(live.state(factOf([{ period: '2026-01-02', value: '1' }], 2))).toBe(false);
  });

  test('rows give the same running totals as cells, beyond 64 bits too', () => {
    const large = '9223372036.854775807';
    for (const values of [
      ['1', '2', '3.5'],
      [large, large, '-1', large],
      [`-${large}`, `-${large}`, '2'],
    ]) {
      const live = new LiveCells(metricOf('sum'), Number.NEGATIVE_INFINITY);
      const points = values.map((each, day) => ({
        period: new Date(START + day * DAY).toISOString().slice(0, 10),
        value: each,
      }));
      live.state(factOf(points, 1));
      const series = live.cells.series[0]!;
      expect(series.rows?.length).toBe(values.length);
      const index = indexOfSeries(series);
      const { key, dimensions, cells } = series;
      const plain = indexOfSeries({ key, dimensions, cells, running: () => undefined });
      for (let high = 0; high <= values.length; high++) {
        for (let low = 0; low <= high; low++) {
          expect(index.sum(low, high)).toBe(plain.sum(low, high));
          expect(index.count(low, high)).toBe(plain.count(low, high));
        }
      }
    }
  });
});

/** What an aggregation reads of a cell; all else of one that was merged says nothing. */
const PART = { sum: 'sum', avg: 'sum', min: 'min', max: 'max', last: 'last' } as const;

describe('series that are read as one', () => {
  test.each(['sum', 'avg', 'min', 'max', 'last', 'count', 'ratio'] as const)(
    'are the same of rows as of cells: %s',
    (aggregation) => {
      fc.assert(
        fc.property(records, (said) => {
          const metric = metricOf(aggregation, aggregation === 'last' ? { across: 'max' } : { across: 'pool' });
          const live = new LiveCells(metric, Number.NEGATIVE_INFINITY);
          said.forEach(({ points }, index) => {
            live.state(
              factOf(
                points.map((each) => statementOf(metric, each)),
                index,
              ),
            );
          });
          const { series } = live.cells;
          const plain = series.map(({ key, dimensions, cells }) => ({
            key,
            dimensions,
            cells,
            running: () => undefined,
          }));
          const [left, right] = [mergeSeries(metric, series), mergeSeries(metric, plain)];
          const read = (cell: Cell) => [
            [cell.from, cell.to, cell.count, cell.firstAt, cell.lastAt],
            aggregation === 'ratio'
              ? [cell.numerator, cell.denominator]
              : aggregation === 'count'
                ? []
                : [cell[PART[aggregation]]],
          ];
          expect(left?.series.cells.map(read)).toEqual(right?.series.cells.map(read));
        }),
        { numRuns: 100 },
      );
    },
  );
});
