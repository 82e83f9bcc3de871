import { type Fact, POINTS_PER_RECORD_MAX, type PointStatement } from '@paceline/domain';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ceType, decodeRecord, encodeFact, factTypeOf, RECORD_BYTES_MAX, type WireRecord } from './codec.ts';
import { instantText, isInstantText, readInstant } from './instant-text.ts';
import { OBSERVATION_BYTES_TARGET, observationFacts } from './observations.ts';

const at = Date.UTC(2026, 10, 22, 6);
const FACTS: readonly Fact[] = [
  {
    type: 'observations',
    metric: 'mrr',
    feeder: 'source/billing',
    readAt: at + 0.25,
    run: 'r1',
    points: [
      { period: '2026-11-21', value: '912000', dimensions: { region: 'emea' } },
      { time: '2026-11-21T10:00:00.000001Z', value: null, id: 'order-1', revision: 3 },
      { period: '2026-11-21', numerator: '1', denominator: '3.5' },
    ],
  },
  { type: 'observations', metric: 'mrr', feeder: 'push', points: [{ period: '2026-W47', value: '-0.000000001' }] },
  { type: 'covered', metric: 'mrr', feeder: 'push', from: at - 1, to: at, readAt: at },
  { type: 'covered', metric: 'mrr', feeder: 'push', to: at },
  { type: 'source_state', source: 'billing', stateVersion: 1, state: { cursor: ['a', null, 1.5] }, run: 'r1' },
  {
    type: 'definitions',
    command: 'c-1',
    expects: 5 * 1024,
    put: [
      {
        apiVersion: 'paceline/v1',
        kind: 'Metric',
        metadata: { name: 'mrr' },
        spec: { aggregation: 'last', grain: 'day' },
      },
    ],
    remove: ['unit/sales'],
    actor: 'ada',
  },
  { type: 'definitions', command: 'c-2', expects: null, put: [], remove: [] },
  {
    type: 'definitions',
    command: 'c-3',
    expects: null,
    put: [],
    remove: [],
    defaults: { policy: 'strict', pace: { points: [{ elapsed: 0.5, expected: 0.25 }] } },
  },
  {
    type: 'check_in',
    subject: 'key_result/o/k',
    time: at,
    value: '5',
    milestones: { beta: true },
    confidence: 0.5,
    note: 'n',
  },
  { type: 'check_in', subject: 'key_result/o/k', time: at, done: true, actor: 'ada' },
  { type: 'override', command: 'o-1', source: 'billing', allow: 'mass_retraction', until: at },
  { type: 'acknowledgement', alert: 'abc', actor: 'ada', note: 'on it' },
  { type: 'snooze', alert: 'abc', until: at },
  { type: 'silence', id: 's-1', matchers: { rule: 'x' }, until: at, reason: 'holiday', actor: 'ada' },
  { type: 'tick', edition: 1 },
];

function recordOf(fact: Fact, changes: Partial<WireRecord> = {}): WireRecord {
  return { ...encodeFact('acme', fact, { id: 'id-1', source: 'test' }), offset: 7, appendedAt: at, ...changes };
}
const body = (text: string): Partial<WireRecord> => ({ value: new TextEncoder().encode(text) });
const typed = (type: string, changes: Partial<WireRecord>): WireRecord => {
  const record = recordOf({ type: 'tick', edition: 1 }, changes);
  return { ...record, headers: { ...record.headers, ce_type: type } };
};

describe('a fact comes back from the log as it went in', () => {
  it.each(FACTS.map((fact, index) => [`${index} ${fact.type}`, fact] as const))('%s', (_title, fact) => {
    expect(decodeRecord(recordOf(fact))).toStrictEqual({ ok: true, id: 'id-1', fact, recordedAt: at });
  });
});

describe('the envelope', () => {
  it('is CloudEvents 1.0 in binary mode', () => {
    const { headers, key } = recordOf(FACTS[0]!);
    expect(headers).toStrictEqual({
      ce_specversion: '1.0',
      ce_id: 'id-1',
      ce_type: 'paceline.observations.v1',
      ce_source: '/workspaces/acme/test',
      'content-type': 'application/json',
    });
    expect(new TextDecoder().decode(key!)).toBe('mrr');
  });
  it('tells its type without the body being read', () => {
    expect(factTypeOf({ ce_type: 'paceline.source_state.v9' })).toBe('source_state');
    expect(factTypeOf({ ce_type: 'paceline.constructor.v1' })).toBeUndefined();
    expect(ceType('tick')).toBe('paceline.tick.v1');
  });
  it('carries the time of a log that has its own clock', () => {
    const message = encodeFact('acme', FACTS[13]!, { id: 'i', source: 's', recordedAt: at + 0.125 });
    expect(decodeRecord({ ...message, offset: 0, appendedAt: 1 })).toMatchObject({ recordedAt: at + 0.125 });
  });
});

describe('what cannot be taken is refused with a code', () => {
  const fromThePast = { ce_id: 'a', ce_type: 'paceline.tick.v1', 'paceline-recorded-at': 'yesterday' };
  const cases: readonly (readonly [string, WireRecord, string])[] = [
    ['a foreign type', typed('com.example.order', {}), 'unknown_type'],
    ['a type of ours that does not exist', typed('paceline.forecast.v1', {}), 'unknown_type'],
    ['no type', recordOf(FACTS[13]!, { headers: {} }), 'unknown_type'],
    ['a later version', typed('paceline.tick.v2', {}), 'unknown_version'],
    ['version 0', typed('paceline.tick.v0', {}), 'unknown_version'],
    ['no id', recordOf(FACTS[13]!, { headers: { ce_type: 'paceline.tick.v1' } }), 'missing_header'],
    ['a clock that is none', recordOf(FACTS[13]!, { headers: fromThePast }), 'invalid_recorded_at'],
    ['half a JSON', recordOf(FACTS[13]!, body('{"edition":')), 'invalid_json'],
    ['bytes that are no UTF-8', recordOf(FACTS[13]!, { value: new Uint8Array([0x22, 0xff, 0x22]) }), 'invalid_json'],
    ['an empty body', recordOf(FACTS[13]!, body('')), 'invalid_json'],
    ['a body too large', recordOf(FACTS[13]!, { value: new Uint8Array(RECORD_BYTES_MAX + 1) }), 'record_too_large'],
    ['a wrong schema', recordOf(FACTS[13]!, body('{"edition":"one"}')), 'invalid_fact'],
    ['null', recordOf(FACTS[0]!, body('null')), 'invalid_fact'],
  ];
  it.each(cases)('%s', (_title, record, code) => {
    const decoded = decodeRecord(record);
    expect(decoded).toMatchObject({ ok: false, code });
    expect(decoded.ok ? '' : decoded.message).not.toBe('');
  });
});

describe('an old version', () => {
  const said = { id: 's-1', matchers: { rule: 'x' }, until: '2026-11-22T06:00:00Z', reason: 'holiday' };
  it('is read as what it would be today', () => {
    const old = typed('paceline.silence.v1', body(JSON.stringify({ ...said, author: 'ada' })));
    const fact = { type: 'silence', ...said, until: at, actor: 'ada' };
    expect(decodeRecord(old)).toStrictEqual({ ok: true, id: 'id-1', fact, recordedAt: at });
    expect(ceType('silence')).toBe('paceline.silence.v2');
    expect(decodeRecord(recordOf(fact as Fact))).toStrictEqual({ ok: true, id: 'id-1', fact, recordedAt: at });
  });
  it('that is broken is refused as a new one is, and one that never was as unknown', () => {
    const codes = (['{"author":5}', '[]', '"author"', 'null'] as const).map((text) => {
      const decoded = decodeRecord(typed('paceline.silence.v1', body(text)));
      return decoded.ok ? 'taken' : decoded.code;
    });
    expect(new Set(codes)).toEqual(new Set(['invalid_fact']));
    expect(decodeRecord(typed('paceline.silence.v3', body('{}')))).toMatchObject({ code: 'unknown_version' });
  });
});

describe('a body nested too deep', () => {
  it('is refused by the reader and by the writer, before the stack ends', () => {
    const open = '['.repeat(20_000);
    const text = `{"source":"s","stateVersion":1,"state":${open}${']'.repeat(20_000)}}`;
    expect(decodeRecord(typed('paceline.source_state.v1', body(text)))).toMatchObject({ code: 'invalid_fact' });
    const state = JSON.parse('['.repeat(101) + ']'.repeat(101));
    const fact: Fact = { type: 'source_state', source: 's', stateVersion: 1, state };
    expect(() => encodeFact('acme', fact, { id: 'i', source: 's' })).toThrow('deeper');
  });
});

describe('an observations record is refused when a point of it', () => {
  const cases: readonly (readonly [string, unknown, string])[] = [
    ['is no object', 5, 'points.1'],
    ['has neither period nor time', { value: '1' }, 'exactly one of period and time'],
    ['has both', { period: '2026', time: '2026-01-01T00:00:00Z', value: '1' }, 'exactly one of period and time'],
    ['has a day that does not exist', { time: '2026-02-30T00:00:00Z', value: '1' }, 'points.1.time'],
    ['has a local time', { time: '2026-02-20T00:00:00+01:00', value: '1' }, 'points.1.time'],
    ['has no value', { period: '2026' }, 'points.1.value'],
    ['has a number for a value', { period: '2026', value: 5 }, 'points.1.value'],
    ['has NaN', { period: '2026', value: 'NaN' }, 'points.1.value'],
    ['has an exponent', { period: '2026', value: '1e5' }, 'points.1.value'],
    ['has ten places', { period: '2026', value: '0.0000000001' }, 'points.1.value'],
    ['has half a ratio', { period: '2026', numerator: '1' }, 'points.1.denominator'],
    ['has an empty dimension', { period: '2026', value: '1', dimensions: { a: '' } }, 'points.1.dimensions.a'],
    ['has a list for dimensions', { period: '2026', value: '1', dimensions: [] }, 'points.1.dimensions'],
    ['has an empty id', { period: '2026', value: '1', id: '' }, 'points.1.id'],
    ['has half a revision', { period: '2026', value: '1', revision: 0.5 }, 'points.1.revision'],
  ];
  it.each(cases)('%s', (_title, point, message) => {
    const text = JSON.stringify({ metric: 'm', feeder: 'push', points: [{ period: '2026', value: '1' }, point] });
    const decoded = decodeRecord(recordOf(FACTS[1]!, body(text)));
    expect(decoded).toMatchObject({ ok: false, code: 'invalid_fact', message: expect.stringContaining(message) });
  });
});

describe('points are split into records', () => {
  const point = (index: number, id = ''): PointStatement => ({
    time: '2026-11-21T10:00:00Z',
    value: '1',
    id: `${index}${id}`,
  });
  it('of at most a thousand, in order', () => {
    const points = Array.from({ length: 2 * POINTS_PER_RECORD_MAX + 1 }, (_, index) => point(index));
    const facts = observationFacts({ metric: 'm', feeder: 'push' }, points);
    expect(facts.map((fact) => fact.points.length)).toEqual([POINTS_PER_RECORD_MAX, POINTS_PER_RECORD_MAX, 1]);
    expect(facts.flatMap((fact) => fact.points)).toEqual(points);
  });
  it('of at most 256 KiB', () => {
    const points = Array.from({ length: 1500 }, (_, index) => point(index, 'é'.repeat(400)));
    const facts = observationFacts({ metric: 'm', feeder: 'push' }, points);
    expect(facts.flatMap((fact) => fact.points)).toEqual(points);
    for (const fact of facts) {
      const { value } = encodeFact('acme', fact, { id: 'i', source: 's' });
      expect(value.length).toBeLessThanOrEqual(OBSERVATION_BYTES_TARGET);
    }
  });
  it('and no points make no records', () => {
    expect(observationFacts({ metric: 'm', feeder: 'push' }, [])).toEqual([]);
  });
});

describe('a writer that hands over nonsense', () => {
  it('hears so before it reaches the log', () => {
    const long = 'x'.repeat(RECORD_BYTES_MAX);
    const state: Fact = { type: 'source_state', source: 's', stateVersion: 1, state: long };
    expect(() => encodeFact('acme', state, { id: 'i', source: 's' })).toThrow('at most');
    const tick: Fact = { type: 'tick', edition: 0.5 };
    expect(() => encodeFact('acme', tick, { id: 'i', source: 's' })).toThrow('no tick fact');
    const empty: Fact = { type: 'observations', metric: 'm', feeder: 'push', points: [] };
    expect(() => encodeFact('acme', empty, { id: 'i', source: 's' })).toThrow('1 to 1000 points');
  });
});

describe('instants as text', () => {
  it.each([
    ['2026-11-22T06:00:00Z', at],
    ['2026-11-22T06:00:00.000001Z', at + 0.001],
    ['2026-11-22T06:00:00.5Z', at + 500],
    ['2026-02-29T00:00:00Z', undefined],
    ['2026-11-22T24:00:00Z', undefined],
    ['2026-11-22', undefined],
  ])('%s', (text, instant) => {
    expect(readInstant(text)).toBe(instant);
    expect(isInstantText(text)).toBe(instant !== undefined);
  });
  it('are told from other text alike by both readers', () => {
    const digit = fc.constantFrom(...'0123456789');
    const near = fc
      .tuple(fc.date({ noInvalidDate: true }), fc.nat(30), fc.oneof(digit, fc.constantFrom('Z', '.', '-', ':', ' ')))
      .map(([date, place, character]) => {
        const iso = date.toISOString();
        return iso.slice(0, place) + character + iso.slice(place + 1);
      });
    // What people write may have a space in the place of the T; records have not.
    const isWritten = (text: string) => text.endsWith('Z') && text[10] === 'T' && readInstant(text) !== undefined;
    fc.assert(fc.property(near, (text) => isInstantText(text) === isWritten(text)));
  });
  it('keep their microseconds', () => {
    expect(instantText(at + 0.001)).toBe('2026-11-22T06:00:00.000001Z');
    expect(instantText(at)).toBe('2026-11-22T06:00:00Z');
  });
});
