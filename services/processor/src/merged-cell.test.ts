import { compileMetric, LiveCells, type Metric, type MetricDocument, position, type Recorded } from '@paceline/domain';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { cellOfSpan } from './merged-cell.ts';

const DAY = 86_400_000;
const START = Date.UTC(2026, 0, 1);
const DAYS = 6;

function metricOf(aggregation: NonNullable<MetricDocument['spec']['aggregation']>): Metric {
  const compiled = compileMetric(
    {
      apiVersion: 'paceline/v1',
      kind: 'Metric',
      metadata: { name: 'm' },
      spec: { aggregation, grain: 'day', timezone: 'UTC' },
    },
    new Map(),
    new Map(),
  );
  if (!compiled.ok) throw new Error(JSON.stringify(compiled.faults));
  return compiled.value;
}

/** At the edges of what doubles and 64 bits hold exactly: in millionths and beyond, and back again. */
const value = fc.oneof(
  fc.constantFrom(
    '9007199.254740991',
    '-9007199.254740991',
    '9007199.254740992',
    '0.000000001',
    '-0.000000001',
    '9223372036.854775807',
    '-9223372036.854775808',
  ),
  fc.integer({ min: -1000, max: 1000 }).map(String),
);

test.each(['sum', 'avg', 'min', 'max', 'last', 'count', 'ratio'] as const)(
  'rows of a span are one cell as cells are: %s',
  (aggregation) => {
    const metric = metricOf(aggregation);
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.tuple(fc.nat(DAYS - 1), value), { selector: ([day]) => day, minLength: 1 }),
        fc.nat(DAYS),
        fc.nat(DAYS),
        (days, one, other) => {
          const points = days.map(([day, said]) => ({
            period: new Date(START + day * DAY).toISOString().slice(0, 10),
            ...(aggregation === 'ratio' ? { numerator: said, denominator: '3' } : { value: said }),
          }));
          const recorded: Recorded<{ type: 'observations'; metric: string; feeder: string; points: typeof points }> = {
            position: position(1),
            recordedAt: START + 400 * DAY,
            id: '1',
            fact: { type: 'observations', metric: 'm', feeder: 'push', points },
          };
          const live = new LiveCells(metric, Number.NEGATIVE_INFINITY);
          live.state(recorded);
          const [series] = live.cells.series;
          if (series === undefined) throw new Error('no series');
          const span = { from: START + Math.min(one, other) * DAY, to: START + Math.max(one, other) * DAY };
          const { key, dimensions, cells } = series;
          const plain = { key, dimensions, cells, running: () => undefined };
          expect(series.rows?.length).toBe(days.length);
          expect(cellOfSpan(metric, series, span)).toEqual(cellOfSpan(metric, plain, span));
        },
      ),
      { numRuns: 300 },
    );
  },
);
