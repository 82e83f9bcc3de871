import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { MetricDocument } from '../document.ts';
import type { Span } from '../instant.ts';
import { intervalsOf } from '../interval.ts';
import { bucketsBetween } from '../time/bucket.ts';
import { instantText, readInstant } from '../time/instant-text.ts';
import type { FeederCoverage, MetricCoverage } from '../view.ts';
import {
  completeRuns,
  coveredOf,
  coveredOfMetric,
  isComplete,
  pointsCoverage,
  statedOfMetric,
  statedUntil,
} from './coverage.ts';
import { compileMetrics, type Metric } from './metric.ts';

const at = (text: string) => readInstant(text.length === 10 ? `${text}T00:00:00Z` : text)!;
const span = (from: string, to: string): Span => ({ from: at(from), to: at(to) });
const shown = (spans: readonly Span[]) =>
  spans.map(({ from, to }) => `${instantText(from).slice(0, 10)} ${instantText(to).slice(0, 10)}`);
const feeder = (parts: Partial<FeederCoverage>): FeederCoverage => ({
  feeder: 'push',
  statements: [],
  before: null,
  points: null,
  ...parts,
});
const metrics = (...specs: [string, MetricDocument['spec']][]) =>
  compileMetrics(
    specs.map(([name, spec]) => ({ apiVersion: 'paceline/v1', kind: 'Metric', metadata: { name }, spec })),
    new Map(),
  ).metrics;
const metric = (spec: Partial<MetricDocument['spec']>): Metric =>
  metrics(['m', { aggregation: 'sum', grain: 'day', ...spec }]).get('m')!;

describe('what is covered', () => {
  test('without feeders nothing is', () => expect(coveredOf({ feeders: [] })).toEqual([]));

  test('is what every feeder covers', () => {
    const coverage: MetricCoverage = {
      feeders: [
        feeder({ statements: [span('2026-01-01', '2026-01-10')] }),
        feeder({ feeder: 'source/a', points: span('2026-01-05', '2026-01-20') }),
      ],
    };
    expect(shown(coveredOf(coverage))).toEqual(['2026-01-05 2026-01-10']);
    expect(coveredOf(coverage)).toBe(coveredOf(coverage));
  });

  test('a first statement keeps what was covered by default before it, and its points say no more', () => {
    const stated = feeder({
      statements: [span('2026-01-12', '2026-01-15')],
      before: span('2026-01-01', '2026-01-10'),
      points: span('2026-01-01', '2026-02-01'),
    });
    expect(shown(coveredOf({ feeders: [stated] }))).toEqual(['2026-01-01 2026-01-10', '2026-01-12 2026-01-15']);
  });

  test('of points: through the latest period, of samples to the bucket that still fills', () => {
    const [first, last] = [span('2026-01-01', '2026-01-02'), span('2026-01-09', '2026-01-10')];
    expect(shown([pointsCoverage({ points: 'period' }, first, last)!])).toEqual(['2026-01-01 2026-01-10']);
    expect(shown([pointsCoverage({ points: 'time' }, first, last)!])).toEqual(['2026-01-01 2026-01-09']);
    expect(pointsCoverage({ points: 'time' }, first, first)).toBeNull();
  });

  test('of a derived metric where every operand is', () => {
    const all = metrics(
      ['a', { aggregation: 'sum', grain: 'day' }],
      ['b', { aggregation: 'sum', grain: 'day' }],
      ['c', { derived: 'a - b', grain: 'day' }],
    );
    const read = (name: string): MetricCoverage => ({
      feeders: [
        feeder({ statements: [name === 'a' ? span('2026-01-01', '2026-01-10') : span('2026-01-03', '2026-01-20')] }),
      ],
    });
    expect(shown(coveredOfMetric(all.get('c')!, read))).toEqual(['2026-01-03 2026-01-10']);
    expect(shown(statedOfMetric(all.get('c')!, read))).toEqual(['2026-01-03 2026-01-10']);
  });
});

describe('a bucket is complete when covered and settled', () => {
  const day = span('2026-01-09', '2026-01-10');
  const covered = intervalsOf([span('2026-01-01', '2026-01-10')]);
  const settling = metric({ settle: 'PT6H' });

  test.each([
    ['2026-01-10T05:59:59Z', false],
    ['2026-01-10T06:00:00Z', true],
  ])('as of %s: %s', (asOf, complete) => expect(isComplete(settling, covered, day, at(asOf))).toBe(complete));

  test('never without coverage', () => {
    expect(isComplete(settling, covered, span('2026-01-10', '2026-01-11'), at('2026-02-01'))).toBe(false);
  });

  test('settling for days waits for days of the calendar', () => {
    const berlin = metric({ settle: 'P1D', timezone: 'Europe/Berlin' });
    const before = berlin.rhythm.lastSettled(at('2026-10-25T22:59:59Z'))!;
    const after = berlin.rhythm.lastSettled(at('2026-10-25T23:00:00Z'))!;
    expect([before.to, after.to].map(instantText)).toEqual(['2026-10-23T22:00:00Z', '2026-10-24T22:00:00Z']);
  });
});

describe('complete runs', () => {
  const asOf = at('2026-01-20T03:00:00Z');

  test('leave out what is not covered', () => {
    const covered = intervalsOf([
      span('2025-01-01', '2026-01-05'),
      { from: at('2026-01-07T12:00:00Z'), to: at('2026-01-12') },
    ]);
    expect(shown(completeRuns(metric({}), covered, span('2026-01-01', '2026-02-01'), asOf))).toEqual([
      '2026-01-01 2026-01-05',
      '2026-01-08 2026-01-12',
    ]);
  });

  test('take a bucket by its start', () => {
    const weekly = metric({ grain: 'week' });
    const covered = intervalsOf([span('2025-01-01', '2027-01-01')]);
    // Q1 begins on a Thursday and ends on a Tuesday.
    expect(shown(completeRuns(weekly, covered, span('2026-01-01', '2026-04-01'), at('2026-06-01')))).toEqual([
      '2026-01-05 2026-04-06',
    ]);
    expect(shown(completeRuns(weekly, covered, span('2026-01-01', '2026-04-01'), at('2026-04-05')))).toEqual([
      '2026-01-05 2026-03-30',
    ]);
  });

  test('agree with looking at every bucket', () => {
    const instants = fc.nat({ max: 240 }).map((hours) => at('2026-03-26') + hours * 3_600_000);
    const spans = fc.tuple(instants, instants).map(([from, to]) => ({ from, to }));
    fc.assert(
      fc.property(
        fc.constantFrom<MetricDocument['spec']['grain']>('hour', 'day', 'week'),
        fc.constantFrom('UTC', 'Europe/Berlin', 'Asia/Kathmandu'),
        fc.constantFrom('PT0S', 'PT6H', 'P1D', 'P1DT1H'),
        fc.array(spans, { maxLength: 4 }).map(intervalsOf),
        spans,
        instants,
        (grain, timezone, settle, covered, window, asOf) => {
          const one = metric({ grain, timezone, settle });
          const complete = bucketsBetween(one.grid, window.from, window.to).filter((bucket) =>
            isComplete(one, covered, bucket, asOf),
          );
          const runs = completeRuns(one, covered, window, asOf);
          expect(intervalsOf(complete.map(({ from, to }) => ({ from, to })))).toEqual(intervalsOf(runs));
        },
      ),
      { numRuns: 1000 },
    );
  });

  test('nothing is complete before anything settled', () => {
    expect(completeRuns(metric({}), [], span('2026-01-01', '2026-02-01'), asOf)).toEqual([]);
  });
});

test('a statement that reaches back without bound covers from the beginning', () => {
  const covered = coveredOf({
    feeders: [feeder({ statements: [{ from: Number.NEGATIVE_INFINITY, to: at('2026-01-10') }] })],
  });
  const runs = completeRuns(
    metric({}),
    covered,
    { from: Number.NEGATIVE_INFINITY, to: Number.POSITIVE_INFINITY },
    at('2026-02-01'),
  );
  expect(shown(runs)).toEqual(['1900-01-01 2026-01-10']);
});

test('stated buckets count as observed through the last whole one', () => {
  const coverage: MetricCoverage = {
    feeders: [feeder({ statements: [{ from: at('2026-01-01'), to: at('2026-01-09T12:00:00Z') }] })],
  };
  const stated = statedOfMetric(metric({}), () => coverage);
  const until = (asOf: string) => statedUntil(metric({}), stated, at(asOf));
  expect(until('2026-02-01')).toBe(at('2026-01-09'));
  expect(until('2026-01-05T12:00:00Z')).toBe(at('2026-01-05'));
  expect(until('2026-01-01T12:00:00Z')).toBeUndefined();
  expect(
    statedUntil(
      metric({}),
      statedOfMetric(metric({}), () => ({ feeders: [feeder({ points: span('2026-01-01', '2026-01-10') })] })),
      at('2026-02-01'),
    ),
  ).toBeUndefined();
});
