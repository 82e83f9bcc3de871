import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Across, Aggregation, Grain, MetricDocument } from '../document.ts';
import type { Instant } from '../instant.ts';
import { formatDecimal, SCALE } from '../number/decimal.ts';
import { add, compare, fromScaled, multiply, type Rational, rational, subtract, toNumber } from '../number/rational.ts';
import { bucketAt, bucketsBetween, nextBucket } from '../time/bucket.ts';
import { instantText, readInstant } from '../time/instant-text.ts';
import { labelOf } from '../time/label.ts';
import { latestBucket, readMetric } from './aggregate.ts';
import { cellsFromStatements } from './cells.ts';
import { compileMetric, defaultAcross, type Metric } from './metric.ts';
import { type Said, type Statement, saidOf, seriesKey } from './statement.ts';

/**
 * An oracle written from the text alone: it keeps every point, works on plain lists and knows no cells, versions, prefix
 * sums or binary searches.
 */
interface Sample {
  readonly series: string;
  readonly at: Instant;
  readonly id: string;
  readonly bucketEnd: Instant;
  readonly said: Said;
}

function samplesAsOf(metric: Metric, statements: readonly Statement[], asOf: Instant): Sample[] {
  const points = new Map<string, { statement: Statement; sample: Sample }>();
  for (const statement of statements) {
    const { point } = statement;
    const at = point.time !== undefined ? readInstant(point.time)! : bucketOfPeriod(metric, point.period!).from;
    const bucket = bucketAt(metric.grid, at)!;
    const validFrom = metric.points === 'time' ? at : Math.min(bucket.to, Math.max(bucket.from, statement.recordedAt));
    if (validFrom > asOf) continue;
    const sample = {
      series: seriesKey(point.dimensions),
      at,
      id: point.id ?? '',
      bucketEnd: bucket.to,
      said: saidOf(metric, point),
    };
    const key = JSON.stringify([sample.series, at, sample.id]);
    const known = points.get(key);
    if (known === undefined || stands(metric, statement, known.statement)) points.set(key, { statement, sample });
  }
  return [...points.values()]
    .map(({ sample }) => sample)
    .filter(({ said }) => said.value !== null || said.numerator !== null)
    .sort((a, b) => a.at - b.at || (a.id < b.id ? -1 : 1));
}

/** The greatest (revision, readAt, position) stands; revision is 0 unless the source has revisions. */
function stands(metric: Metric, left: Statement, right: Statement): boolean {
  const rank = ({ point, readAt, position }: Statement) => [
    metric.revisions ? (point.revision ?? 0) : 0,
    readAt,
    position,
  ];
  const [a, b] = [rank(left), rank(right)];
  const differing = a.findIndex((part, index) => part !== b[index]);
  return differing >= 0 && a[differing]! > b[differing]!;
}

function bucketOfPeriod(metric: Metric, label: string) {
  return buckets(metric).find((bucket) => labelOf(metric.grid, bucket) === label)!;
}

function aggregate(aggregation: Aggregation, samples: readonly Sample[], base: bigint | undefined): Rational | null {
  if (samples.length === 0) return null;
  const values = samples.map(({ said }) => said.value ?? 0n);
  const total = values.reduce((sum, value) => sum + value, 0n);
  const sorted = [...values].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
  switch (aggregation) {
    case 'sum':
      return fromScaled(total);
    case 'avg':
      return rational(total, SCALE * BigInt(values.length));
    case 'min':
      return fromScaled(sorted[0]!);
    case 'max':
      return fromScaled(sorted.at(-1)!);
    case 'first':
      return fromScaled(values[0]!);
    case 'last':
      return fromScaled(values.at(-1)!);
    case 'count':
      return rational(BigInt(values.length), 1n);
    case 'distinct':
      return rational(BigInt(new Set(values).size), 1n);
    case 'ratio': {
      const numerator = samples.reduce((sum, { said }) => sum + said.numerator!, 0n);
      const denominator = samples.reduce((sum, { said }) => sum + said.denominator!, 0n);
      return denominator === 0n ? null : rational(numerator, denominator);
    }
    case 'counter': {
      let growth = 0n;
      let before = base ?? values[0]!;
      for (const value of values) {
        growth += value < before ? value : value - before;
        before = value;
      }
      return fromScaled(growth);
    }
    default:
      return quantileOf(sorted, { median: 0.5, p90: 0.9, p95: 0.95, p99: 0.99 }[aggregation]);
  }
}

/** By the formula, with exact fractions of a hundred. */
function quantileOf(sorted: readonly bigint[], q: number): Rational {
  const h = multiply(rational(BigInt(sorted.length - 1), 1n), rational(BigInt(Math.round(q * 100)), 100n));
  const low = Number(h.n / h.d);
  const fraction = subtract(h, rational(BigInt(low), 1n));
  const value = fromScaled(sorted[low]!);
  const above = fromScaled(sorted[Math.min(low + 1, sorted.length - 1)]!);
  return add(value, multiply(fraction, subtract(above, value)));
}

function expected(
  metric: Metric,
  samples: readonly Sample[],
  from: Instant,
  to: Instant,
): { value: Rational | null; used: number; count: number } {
  const bySeries = Map.groupBy(samples, ({ series }) => series);
  const inWindow = (list: readonly Sample[]) => list.filter(({ at }) => at >= from && at < to);
  const used = [...bySeries.values()].filter((list) => inWindow(list).length > 0);
  const count = used.reduce((sum, list) => sum + inWindow(list).length, 0);
  const values = used.map((list) => {
    const base = list.findLast(({ at }) => at < from)?.said.value ?? undefined;
    return aggregate(metric.aggregation!, inWindow(list), base);
  });
  return { value: acrossOf(metric, values, inWindow(samples)), used: used.length, count };
}

function acrossOf(metric: Metric, each: readonly (Rational | null)[], samples: readonly Sample[]): Rational | null {
  const values = each.filter((value) => value !== null);
  const sum = values.reduce<Rational | null>((total, value) => (total === null ? value : add(total, value)), null);
  switch (metric.across) {
    case 'none':
      return each.length > 1 ? null : (values[0] ?? null);
    case 'sum':
      return sum;
    case 'avg':
      return sum === null ? null : multiply(sum, rational(1n, BigInt(values.length)));
    case 'min':
      return values.reduce<Rational | null>(
        (low, value) => (low === null || compare(value, low) < 0 ? value : low),
        null,
      );
    case 'max':
      return values.reduce<Rational | null>(
        (high, value) => (high === null || compare(value, high) > 0 ? value : high),
        null,
      );
    case 'pool':
      // A counter's samples of several series are no one counter: pooling them is adding their growth.
      return metric.aggregation === 'counter' ? sum : aggregate(metric.aggregation!, pooled(samples), undefined);
  }
}

/** By time; of points of one time by their series' names. */
function pooled(samples: readonly Sample[]): Sample[] {
  return samples.toSorted((a, b) => a.at - b.at || (a.series < b.series ? -1 : a.series > b.series ? 1 : 0));
}

const START = Date.UTC(2026, 2, 26);
const cached = new Map<Metric, ReturnType<typeof bucketsBetween>>();
function buckets(metric: Metric) {
  let found = cached.get(metric);
  if (found === undefined) {
    found = bucketsBetween(metric.grid, START, START + 10 * 86_400_000).slice(0, 8);
    cached.set(metric, found);
  }
  return found;
}

const aggregations: readonly Aggregation[] = [
  'sum',
  'avg',
  'min',
  'max',
  'first',
  'last',
  'count',
  'distinct',
  'median',
  'p90',
  'p95',
  'p99',
  'ratio',
  'counter',
];
const metrics = fc
  .record({
    aggregation: fc.constantFrom(...aggregations),
    across: fc.constantFrom<Across | undefined>('sum', 'avg', 'min', 'max', 'pool', 'none', undefined),
    points: fc.constantFrom<'period' | 'time'>('period', 'time'),
    grain: fc.constantFrom<Grain>('hour', 'day'),
    timezone: fc.constantFrom('UTC', 'Europe/Berlin', 'Asia/Kathmandu'),
    revisions: fc.boolean(),
  })
  .map(({ across, revisions, ...spec }): Metric => {
    const points = spec.aggregation === 'distinct' ? 'time' : spec.points;
    const document: MetricDocument = {
      apiVersion: 'paceline/v1',
      kind: 'Metric',
      metadata: { name: 'm' },
      spec: {
        ...spec,
        points,
        across: across ?? defaultAcross(spec.aggregation),
        dimensions: ['region'],
        ...(revisions ? { revisions: 'source' as const } : {}),
      },
    };
    const compiled = compileMetric(document, new Map(), new Map());
    if (!compiled.ok) throw new Error(JSON.stringify(compiled.faults));
    return compiled.value;
  });

const value = fc.integer({ min: -40, max: 40 }).map((tenths) => formatDecimal((BigInt(tenths) * SCALE) / 10n));
const row = fc.record({
  bucket: fc.nat({ max: 7 }),
  /** Share of the bucket, in eighths: few places, so that times meet. */
  within: fc.nat({ max: 7 }),
  region: fc.constantFrom(undefined, 'emea', 'amer'),
  id: fc.constantFrom(undefined, 'a', 'b'),
  retracted: fc.nat({ max: 5 }).map((dice) => dice === 0),
  value,
  denominator: value,
  revision: fc.nat({ max: 2 }),
  /** When it was recorded, in quarters of a bucket from the beginning. */
  recorded: fc.nat({ max: 40 }),
  readEarlier: fc.nat({ max: 4 }),
});
type Row = typeof row extends fc.Arbitrary<infer T> ? T : never;

function statementsFrom(metric: Metric, rows: readonly Row[]): Statement[] {
  const all = buckets(metric);
  const length = all[1]!.to - all[1]!.from;
  const zero = all[0]!.from - length;
  return rows.map((each, index) => {
    const bucket = all[each.bucket]!;
    const recordedAt = zero + (each.recorded * length) / 4 + index / 1000;
    const when =
      metric.points === 'period'
        ? { period: labelOf(metric.grid, bucket) }
        : { time: instantText(bucket.from + Math.floor(((bucket.to - bucket.from) * each.within) / 8)) };
    const said = each.retracted
      ? { value: null }
      : metric.aggregation === 'ratio'
        ? { numerator: each.value, denominator: each.denominator }
        : { value: each.value };
    return {
      position: index,
      recordedAt,
      readAt: recordedAt - (each.readEarlier * length) / 4,
      feeder: 'push',
      point: {
        ...when,
        ...said,
        ...(each.region === undefined ? {} : { dimensions: { region: each.region } }),
        ...(each.id === undefined ? {} : { id: each.id }),
        revision: each.revision,
      },
    };
  });
}

describe('windows of cells agree with the oracle', () => {
  const window = fc.tuple(fc.nat({ max: 8 }), fc.nat({ max: 8 }));
  const asOfs = fc.tuple(fc.nat({ max: 8 }), fc.nat({ max: 4 }));

  test('every aggregation, across, kind of points and as-of', () => {
    fc.assert(
      fc.property(
        metrics,
        fc.array(row, { maxLength: 30 }),
        window,
        asOfs,
        (metric, rows, [low, high], [bucket, quarter]) => {
          const all = buckets(metric);
          const edges = [...all.map(({ from }) => from), all.at(-1)!.to];
          const length = all[1]!.to - all[1]!.from;
          const asOf = edges[bucket]! + (length * quarter) / 4;
          const statements = statementsFrom(metric, rows);
          const [from, to] = [edges[Math.min(low, high)]!, edges[Math.max(low, high)]!];
          const cells = cellsFromStatements(metric, statements);
          const reading = readMetric(metric, () => cells, undefined, [{ from, to }], { asOf });
          const asOne = readMetric(metric, () => cells, undefined, [{ from, to }], { asOf, asOne: true });
          const samples = samplesAsOf(metric, statements, asOf);
          const wanted = expected(metric, samples, from, to);
          const apart = { ...reading, series: asOne.series === null ? null : reading.series };
          expect({ ...asOne, value: shown(asOne.value) }).toEqual({ ...apart, value: shown(reading.value) });
          expect({ value: shown(reading.value), series: reading.series, count: reading.count }).toEqual({
            value: shown(wanted.value),
            series: wanted.used,
            count: wanted.count,
          });
          const inWindow = samples.filter(({ at }) => at >= from && at < to);
          expect(reading.until).toBe(
            inWindow.length === 0 ? null : Math.max(...inWindow.map(({ bucketEnd }) => bucketEnd)),
          );
          expect(reading.provisional).toBe(inWindow.some(({ bucketEnd }) => bucketEnd > asOf));
          if (reading.value === null) expect(reading.reason).toBe(reasonOf(metric, wanted.count, wanted.used));
        },
      ),
      { numRuns: 3000 },
    );
  });

  test('several windows are their union', () => {
    fc.assert(
      fc.property(metrics, fc.array(row, { maxLength: 30 }), fc.nat({ max: 8 }), (metric, rows, cut) => {
        if (metric.aggregation === 'counter') return;
        const all = buckets(metric);
        const edges = [...all.map(({ from }) => from), all.at(-1)!.to];
        const statements = statementsFrom(metric, rows);
        const cells = cellsFromStatements(metric, statements);
        const options = { asOf: edges.at(-1)! };
        const whole = readMetric(metric, () => cells, undefined, [{ from: edges[0]!, to: edges.at(-1)! }], options);
        const parts = [
          { from: edges[0]!, to: edges[cut]! },
          { from: edges[cut]!, to: edges.at(-1)! },
        ];
        const split = readMetric(metric, () => cells, undefined, parts, options);
        expect({ ...split, value: shown(split.value) }).toEqual({ ...whole, value: shown(whole.value) });
      }),
    );
  });

  test('the latest bucket is that of the latest valid point', () => {
    fc.assert(
      fc.property(
        metrics,
        fc.array(row, { maxLength: 20 }),
        asOfs,
        fc.nat({ max: 8 }),
        (metric, rows, [bucket, quarter], limit) => {
          const all = buckets(metric);
          const edges = [...all.map(({ from }) => from), all.at(-1)!.to];
          const asOf = edges[bucket]! + ((all[1]!.to - all[1]!.from) * quarter) / 4;
          const before = edges[limit]!;
          const statements = statementsFrom(metric, rows);
          const cells = cellsFromStatements(metric, statements);
          const latest = samplesAsOf(metric, statements, asOf).findLast(({ at }) => at < before);
          expect(latestBucket(metric, () => cells, undefined, before, asOf)?.to).toBe(latest?.bucketEnd);
        },
      ),
      { numRuns: 500 },
    );
  });
});

describe('cells are a function of what was said', () => {
  const plain = (metric: Metric, statements: readonly Statement[]) =>
    cellsFromStatements(metric, statements).series.map(({ key, dimensions, cells }) => ({ key, dimensions, cells }));

  test('whatever order the statements are read in', () => {
    fc.assert(
      fc.property(
        metrics,
        fc.array(row, { maxLength: 25 }).chain((rows) =>
          fc.tuple(
            fc.constant(rows),
            fc.shuffledSubarray(
              rows.map((_, index) => index),
              { minLength: rows.length },
            ),
          ),
        ),
        (metric, [rows, order]) => {
          const statements = statementsFrom(metric, rows);
          expect(
            plain(
              metric,
              order.map((index) => statements[index]!),
            ),
          ).toEqual(plain(metric, statements));
        },
      ),
    );
  });

  test('a repeated statement changes nothing', () => {
    fc.assert(
      fc.property(metrics, fc.array(row, { minLength: 1, maxLength: 15 }), fc.nat(), (metric, rows, which) => {
        const statements = statementsFrom(metric, rows);
        const again = statements[which % statements.length]!;
        expect(plain(metric, [...statements, again])).toEqual(plain(metric, statements));
        // Said again later by the same word, it still says the same of what stands.
        const standing = statements.at(-1)!;
        const later = {
          ...standing,
          position: 1000,
          recordedAt: standing.recordedAt + 1e9,
          readAt: standing.recordedAt + 1e9,
        };
        const last = (all: readonly Statement[]) =>
          plain(metric, all).map(({ cells }) => cells.map(({ versions, ...cell }) => cell));
        if (statements.every((other) => other === standing || stands(metric, standing, other))) {
          expect(last([...statements, later])).toEqual(last(statements));
        }
      }),
    );
  });

  test('points of other grains and kinds are passed over', () => {
    fc.assert(
      fc.property(metrics, fc.array(row, { maxLength: 10 }), (metric, rows) => {
        const statements = statementsFrom(metric, rows);
        const strange = metric.points === 'period' ? { time: '2026-03-27T00:00:00Z' } : { period: '2026-03-27' };
        const others = [strange, { period: '2026-W13' }, { period: 'soon' }].map((when, index) => ({
          position: 2000 + index,
          recordedAt: START,
          readAt: START,
          feeder: 'push',
          point: { ...when, value: '1' },
        }));
        expect(plain(metric, [...statements, ...others])).toEqual(plain(metric, statements));
      }),
    );
  });

  test('cuts change no sum and no count', () => {
    fc.assert(
      fc.property(
        metrics,
        fc.array(row, { maxLength: 25 }),
        fc.array(fc.nat({ max: 63 }), { maxLength: 5 }),
        (metric, rows, eighths) => {
          if (metric.points === 'period') return;
          const all = buckets(metric);
          const length = (all[1]!.to - all[1]!.from) / 8;
          const cuts = [...new Set(eighths)].sort((a, b) => a - b).map((eighth) => all[0]!.from + eighth * length);
          const statements = statementsFrom(metric, rows);
          const cells = cellsFromStatements(metric, statements, { cuts });
          const asOf = all.at(-1)!.to;
          for (let index = 0; index < cuts.length; index++) {
            const window = { from: cuts[index]!, to: cuts[index + 1] ?? asOf };
            const reading = readMetric(metric, () => cells, undefined, [window], { asOf });
            const wanted = expected(metric, samplesAsOf(metric, statements, asOf), window.from, window.to);
            expect({ value: shown(reading.value), count: reading.count }).toEqual({
              value: shown(wanted.value),
              count: wanted.count,
            });
          }
        },
      ),
    );
  });
});

function reasonOf(metric: Metric, count: number, used: number): string {
  if (count === 0) return 'no_points';
  return metric.across === 'none' && used > 1 ? 'several_series' : 'zero_denominator';
}

function shown(value: Rational | null): string | null {
  if (value === null) return null;
  const whole = lowest(value);
  return `${whole.n}/${whole.d} ${toNumber(value)}`;
}

function lowest({ n, d }: Rational): Rational {
  let [a, b] = [n < 0n ? -n : n, d];
  while (b !== 0n) [a, b] = [b, a % b];
  return a === 0n ? { n: 0n, d: 1n } : { n: n / a, d: d / a };
}

test('the oracle has buckets to work on', () => {
  const metric = fc.sample(metrics, 1)[0]!;
  expect(buckets(metric)).toHaveLength(8);
  expect(nextBucket(metric.grid, buckets(metric)[0]!)).toEqual(buckets(metric)[1]);
});
