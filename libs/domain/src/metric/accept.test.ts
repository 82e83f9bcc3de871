import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { MetricDocument } from '../document.ts';
import { readInstant } from '../time/instant-text.ts';
import { acceptStatement, type RawObservation } from './accept.ts';
import { compileMetrics, type Metric } from './metric.ts';
import { dimensionsOfKey, pointKey, seriesKey } from './statement.ts';
import { suggest } from './suggest.ts';

const NOW = readInstant('2026-11-22T12:00:00Z')!;
const metric = (spec: MetricDocument['spec']): Metric => {
  const document: MetricDocument = { apiVersion: 'paceline/v1', kind: 'Metric', metadata: { name: 'm' }, spec };
  const { metrics, faults } = compileMetrics([document], new Map());
  const found = metrics.get('m');
  if (found === undefined) throw new Error(JSON.stringify([...faults]));
  return found;
};
const daily = metric({
  aggregation: 'last',
  grain: 'day',
  timezone: 'Europe/Berlin',
  dimensions: ['region', 'channel'],
});
const hourly = metric({ aggregation: 'last', grain: 'hour', timezone: 'Europe/Berlin' });
const events = metric({ aggregation: 'sum', grain: 'day', points: 'time' });
const samples = metric({ aggregation: 'last', grain: 'day', points: 'time' });
const rate = metric({ aggregation: 'ratio', grain: 'day' });
const revised = metric({ aggregation: 'last', grain: 'day', revisions: 'source' });
const plan = metric({ aggregation: 'last', grain: 'day', future: true });

const said = (of: Metric | undefined, raw: RawObservation) => {
  const accepted = acceptStatement(of, raw, NOW);
  return accepted.ok ? accepted.point : `${accepted.code} ${accepted.pointer}`;
};

describe('what is accepted becomes canonical', () => {
  test.each<[string, Metric | undefined, RawObservation, object]>([
    [
      'a number counts by its shortest text',
      daily,
      { period: '2026-11-21', value: 1e21 },
      { period: '2026-11-21', value: '1000000000000000000000' },
    ],
    [
      'decimals are shortened',
      daily,
      { period: '2026-11-21', value: '+0912000.50' },
      { period: '2026-11-21', value: '912000.5' },
    ],
    ['null retracts', daily, { period: '2026-11-21', value: null }, { period: '2026-11-21', value: null }],
    ['null retracts a ratio', rate, { period: '2026-11-21', value: null }, { period: '2026-11-21', value: null }],
    [
      'empty cells of a CSV are absent',
      daily,
      { period: '2026-11-21', time: '', value: '1', numerator: '', id: '', revision: '' },
      { period: '2026-11-21', value: '1' },
    ],
    [
      'absent, null and empty dimensions are one',
      daily,
      { period: '2026-11-21', value: '1', dimensions: { region: 'emea', channel: '' } },
      { period: '2026-11-21', value: '1', dimensions: { region: 'emea' } },
    ],
    [
      'dimensions may be numbers and truths',
      daily,
      { period: '2026-11-21', value: '1', dimensions: { region: 7, channel: true } },
      { period: '2026-11-21', value: '1', dimensions: { channel: 'true', region: '7' } },
    ],
    [
      'no dimension at all',
      daily,
      { period: '2026-11-21', value: '1', dimensions: { region: null } },
      { period: '2026-11-21', value: '1' },
    ],
    [
      'hours take the offset of the zone',
      hourly,
      { period: '2026-11-22T09Z', value: '1' },
      { period: '2026-11-22T10+01:00', value: '1' },
    ],
    [
      'times are printed in UTC',
      samples,
      { time: '2026-11-22T07:00:00.25+01:00', value: '1' },
      { time: '2026-11-22T06:00:00.250Z', value: '1' },
    ],
    [
      'microseconds are kept',
      samples,
      { time: '2026-11-22T06:00:00.000001Z', value: '1' },
      { time: '2026-11-22T06:00:00.000001Z', value: '1' },
    ],
    [
      'ids may be numbers',
      events,
      { time: '2026-11-22T06:00:00Z', value: '1', id: 17 },
      { time: '2026-11-22T06:00:00Z', value: '1', id: '17' },
    ],
    [
      'parts of a ratio',
      rate,
      { period: '2026-11-21', numerator: 1, denominator: '10.0', value: '0.1' },
      { period: '2026-11-21', numerator: '1', denominator: '10' },
    ],
    [
      'revisions where the metric has them',
      revised,
      { period: '2026-11-21', value: '1', revision: '5' },
      { period: '2026-11-21', value: '1', revision: 5 },
    ],
    [
      'no revisions where it has none',
      daily,
      { period: '2026-11-21', value: '1', revision: 5 },
      { period: '2026-11-21', value: '1' },
    ],
    ['tomorrow', daily, { period: '2026-11-23', value: '1' }, { period: '2026-11-23', value: '1' }],
    ['plans lie ahead', plan, { period: '2027-11-23', value: '1' }, { period: '2027-11-23', value: '1' }],
    [
      'an unknown metric',
      undefined,
      { period: '2026-W47', value: '1', dimensions: { b: '1', a: '2' } },
      { period: '2026-W47', value: '1', dimensions: { a: '2', b: '1' } },
    ],
  ])('%s', (_, of, raw, point) => {
    expect(said(of, raw)).toEqual(point);
  });
});

describe('what is refused says where and why', () => {
  test.each<[string, Metric | undefined, RawObservation]>([
    ['not_a_number /value', daily, { period: '2026-11-21', value: 'NaN' }],
    ['not_a_number /value', daily, { period: '2026-11-21', value: Number.NaN }],
    ['not_a_number /value', daily, { period: '2026-11-21', value: Number.POSITIVE_INFINITY }],
    ['not_a_number /value', daily, { period: '2026-11-21', value: '' }],
    ['not_a_number /value', daily, { period: '2026-11-21' }],
    ['not_a_number /value', daily, { period: '2026-11-21', value: true }],
    ['not_a_number /value', daily, { period: '2026-11-21', value: { n: 1 } }],
    ['too_many_digits /value', daily, { period: '2026-11-21', value: '1'.repeat(40) }],
    ['too_many_digits /value', daily, { period: '2026-11-21', value: '0.0000000001' }],
    ['too_many_digits /denominator', rate, { period: '2026-11-21', numerator: '1', denominator: '1e99' }],
    ['not_a_number /numerator', rate, { period: '2026-11-21', numerator: 'x', denominator: '1' }],
    ['missing_parts /denominator', rate, { period: '2026-11-21', numerator: '1' }],
    ['missing_parts /numerator', rate, { period: '2026-11-21', value: '0.5' }],
    ['missing_parts /numerator', rate, { period: '2026-11-21' }],
    ['wrong_grain /period', daily, { period: '2026-11', value: '1' }],
    ['wrong_grain /period', daily, { period: '2026-W47', value: '1' }],
    ['wrong_grain /period', daily, { period: 2026, value: '1' }],
    ['wrong_grain /period', samples, { period: '2026-11-21', value: '1' }],
    ['wrong_grain /time', daily, { time: '2026-11-21T00:00:00Z', value: '1' }],
    [
      'wrong_grain /period',
      metric({ aggregation: 'last', grain: 'hour', timezone: 'Asia/Kathmandu' }),
      { period: '2026-11-21T10Z', value: '1' },
    ],
    ['invalid_time /period', daily, { period: '2026-02-30', value: '1' }],
    ['invalid_time /period', daily, { period: 'yesterday', value: '1' }],
    ['invalid_time /period', daily, { period: '1850-01-01', value: '1' }],
    ['invalid_time /period', metric({ aggregation: 'last', grain: 'year' }), { period: 1800, value: '1' }],
    [
      'invalid_time /period',
      metric({ aggregation: 'last', grain: 'day', timezone: 'Pacific/Apia' }),
      { period: '2011-12-30', value: '1' },
    ],
    ['invalid_time /time', samples, { time: '2026-11-21', value: '1' }],
    ['invalid_time /time', samples, { time: '2026-11-21T00:00:00', value: '1' }],
    ['invalid_time /time', samples, { time: 1763791200000, value: '1' }],
    ['invalid_time /time', samples, { time: '2026-11-22T06:00:00.0000001Z', value: '1' }],
    ['invalid_time ', daily, { value: '1' }],
    ['invalid_time /period', samples, { time: '2026-11-21T00:00:00Z', period: '2026-11-21', value: '1' }],
    ['in_future /period', daily, { period: '2026-11-24', value: '1' }],
    ['in_future /time', samples, { time: '2026-11-24T00:00:00Z', value: '1' }],
    ['missing_id /id', events, { time: '2026-11-21T00:00:00Z', value: '1' }],
    ['missing_id /id', events, { time: '2026-11-21T00:00:00Z', value: '1', id: 'x'.repeat(513) }],
    [
      'unknown_dimension /dimensions/regoin',
      daily,
      { period: '2026-11-21', value: '1', dimensions: { regoin: 'emea' } },
    ],
    ['unknown_dimension /dimensions/a~1b', daily, { period: '2026-11-21', value: '1', dimensions: { 'a/b': 'x' } }],
    [
      'unknown_dimension /dimensions/region',
      daily,
      { period: '2026-11-21', value: '1', dimensions: { region: ['emea'] } },
    ],
    ['unknown_dimension /dimensions', daily, { period: '2026-11-21', value: '1', dimensions: ['emea'] }],
    ['not_a_number /revision', revised, { period: '2026-11-21', value: '1', revision: -1 }],
    ['not_a_number /revision', revised, { period: '2026-11-21', value: '1', revision: 1.5 }],
  ])('%s', (refusal, of, raw) => {
    expect(said(of, raw)).toBe(refusal);
  });

  test('a derived metric takes no values', () => {
    const { metrics } = compileMetrics(
      [
        {
          apiVersion: 'paceline/v1',
          kind: 'Metric',
          metadata: { name: 'a' },
          spec: { aggregation: 'sum', grain: 'day' },
        },
        {
          apiVersion: 'paceline/v1',
          kind: 'Metric',
          metadata: { name: 'b' },
          spec: { derived: 'a * 2', grain: 'day' },
        },
      ],
      new Map(),
    );
    expect(said(metrics.get('b'), { period: '2026-11-21', value: '1' })).toBe('unknown_metric /metric');
  });

  test('the message helps', () => {
    const message = (of: Metric, raw: RawObservation) => {
      const refused = acceptStatement(of, raw, NOW);
      return refused.ok ? '' : refused.message;
    };
    expect(message(daily, { period: '2026-11', value: '1' })).toBe(
      '2026-11 is a month; m takes a day such as 2026-11-22',
    );
    expect(message(daily, { period: '2026-11-21', value: '1', dimensions: { regoin: 'x' } })).toBe(
      'm has no dimension "regoin": it has region, channel; did you mean "region"?',
    );
    expect(message(daily, { period: '2026-11-30', value: '1' })).toBe(
      '"2026-11-30" is more than one day ahead of 2026-11-22T12:00:00Z; a metric of plans says `future: true`',
    );
  });
});

test('nothing that JSON can say makes a throw, and what is accepted is accepted again as it is', () => {
  const raw = fc.record(
    {
      period: fc.oneof(fc.constantFrom('2026-11-21', '2026-11-22T09Z', '2026'), fc.jsonValue()),
      time: fc.oneof(fc.constant('2026-11-21T10:00:00.5+01:00'), fc.jsonValue()),
      value: fc.oneof(fc.double(), fc.jsonValue()),
      numerator: fc.jsonValue(),
      denominator: fc.jsonValue(),
      dimensions: fc.oneof(
        fc.dictionary(fc.constantFrom('region', 'channel', '__proto__'), fc.jsonValue()),
        fc.jsonValue(),
      ),
      id: fc.jsonValue(),
      revision: fc.jsonValue(),
    },
    { requiredKeys: [] },
  );
  const all = fc.constantFrom(undefined, daily, hourly, events, samples, rate, revised, plan);
  fc.assert(
    fc.property(all, raw, (of, line) => {
      const accepted = acceptStatement(of, line, NOW);
      if (accepted.ok) expect(acceptStatement(of, accepted.point, NOW)).toEqual(accepted);
      else expect(accepted.message).not.toBe('');
    }),
    { numRuns: 2000 },
  );
});

describe('a series has one name', () => {
  test('whatever order and emptiness its dimensions are written in', () => {
    expect(seriesKey({ region: 'emea', channel: 'web', empty: '', nothing: null })).toBe(
      '{"channel":"web","region":"emea"}',
    );
    expect(seriesKey(undefined)).toBe('{}');
    expect(seriesKey({ 10: 'a', 9: 'b' })).toBe('{"10":"a","9":"b"}');
  });

  test('that gives its dimensions back', () => {
    fc.assert(
      fc.property(
        fc.dictionary(fc.string({ minLength: 1 }), fc.string({ minLength: 1, unit: 'grapheme' })),
        (dimensions) => {
          const back = dimensionsOfKey(seriesKey(dimensions));
          expect(back).toEqual(dimensions);
          expect(seriesKey(back)).toBe(seriesKey(dimensions));
        },
      ),
    );
    for (const text of ['{"a"}', '{"a":1}', '{"a":"b"', 'x']) expect(() => dimensionsOfKey(text)).toThrow(RangeError);
  });

  test('a point is named by series, period or time, and id', () => {
    const keys = [
      { period: '2026-11-21' },
      { period: '2026-11-22' },
      { period: '2026-11-21', id: 'a' },
      { period: '2026-11-21', dimensions: { region: 'emea' } },
      { time: '2026-11-21T00:00:00Z' },
    ].map(pointKey);
    expect(new Set(keys).size).toBe(5);
    expect(pointKey({ time: '2026-11-21T00:00:00Z' })).toBe(pointKey({ time: '2026-11-21T00:00:00.000Z' }));
  });
});

test.each([
  ['revenu', 'revenue'],
  ['First_Day', 'first-day'],
  ['mrr', 'mrr'],
  ['reveneu', 'revenue'],
  ['quite-another', undefined],
])('for %s, %s is meant', (written, meant) => {
  expect(suggest(written, ['revenue', 'first-day', 'mrr', 'orders'])).toBe(meant);
});
