import type { ObservationsFact, PointStatement } from '@paceline/domain';
import { columnsOf } from '@paceline/domain/testing/columns';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Decoded, decodeInColumns, decodeRecord, encodeFact, type WireRecord } from './codec.ts';

const AT = Date.UTC(2026, 10, 22, 6);

function recordOf(fact: ObservationsFact): WireRecord {
  return { ...encodeFact('acme', fact, { id: 'one', source: 'test' }), offset: 7, appendedAt: AT };
}

const text = fc.constantFrom(
  'emea',
  'r1',
  'r10',
  'ﬁ😀',
  'a"b',
  'a\\b',
  '}',
  '{"',
  '__proto__',
  '10',
  '"points":[',
  '\uFEFFr1',
);
const period = fc.constantFrom(
  '2026-11-22',
  '2026-11-2',
  '2026-11-221',
  '2026-W47',
  'FY2026-Q1',
  'a"b',
  'ä',
  '\uFEFF2026-11-22',
);
const decimal = fc.oneof(
  fc.constantFrom(
    '0',
    '-0',
    '-1',
    '12.5',
    '12.50',
    '007',
    '999999.999999999',
    '9007199.254740991',
    '9007199.254740992',
  ),
  fc.constantFrom('0.000000001', '123456789012345', '1234567890123456', '99999999999999999999999999999.999999999'),
  fc.integer({ min: -1_000_000, max: 1_000_000 }).map((scaled) => String(scaled / 100)),
);
const dimensions = { dimensions: fc.dictionary(text, text, { maxKeys: 3 }) };
const plain = fc.record({ period, value: decimal, ...dimensions }, { requiredKeys: ['period', 'value'] });
const other: fc.Arbitrary<PointStatement> = fc.oneof(
  fc.record({ period, value: fc.constant(null), ...dimensions }),
  fc.record({ period, numerator: decimal, denominator: decimal }),
  fc.record({ time: fc.constant('2026-11-22T06:00:00.5Z'), value: decimal }),
  fc.record({ period, value: decimal, id: text, revision: fc.nat() }),
);
const fact: fc.Arbitrary<ObservationsFact> = fc.record(
  {
    type: fc.constant('observations' as const),
    metric: text,
    feeder: fc.constantFrom('push', 'source/a'),
    readAt: fc.constantFrom(AT, AT + 0.001),
    run: text,
    points: fc.array(fc.oneof({ weight: 12, arbitrary: plain }, other), { minLength: 1, maxLength: 6 }),
  },
  { requiredKeys: ['type', 'metric', 'feeder', 'points'] },
);

/** All that a fact says, its points too where these are made only when asked for. */
function said(decoded: Decoded): unknown {
  if (!decoded.ok) return decoded;
  const { fact } = decoded;
  if (fact.type !== 'observations') return decoded;
  const { columns: _, ...own } = fact;
  return { ...decoded, fact: { ...own, points: fact.points } };
}

function columnsIn(decoded: Decoded) {
  return decoded.ok && decoded.fact.type === 'observations' ? decoded.fact.columns : undefined;
}

describe('observations read as columns', () => {
  it('say what they say as objects', () => {
    let inColumns = 0;
    fc.assert(
      fc.property(fact, (stated) => {
        const [objects, columns] = [decodeRecord(recordOf(stated)), decodeInColumns(recordOf(stated))];
        expect(said(columns)).toEqual(said(objects));
        const held = columnsIn(columns);
        if (held === undefined) return;
        inColumns++;
        expect(held).toEqual(columnsOf(stated.points));
      }),
      { numRuns: 2_000 },
    );
    expect(inColumns).toBeGreaterThan(100);
  });

  it('share the object of equal dimensions, from record to record too', () => {
    const point = { period: '2026-11-22', value: '1', dimensions: { region: 'emea' } };
    const stated: ObservationsFact = { type: 'observations', metric: 'm', feeder: 'push', points: [point, point] };
    const [one, other] = [columnsIn(decodeInColumns(recordOf(stated))), columnsIn(decodeInColumns(recordOf(stated)))];
    expect(one?.dimensions[0]).toBe(one?.dimensions[1]);
    expect(one?.dimensions[0]).toBe(other?.dimensions[0]);
  });

  it('are refused where objects are, whatever happened to the bytes', () => {
    const bytes = fc.constantFrom(...Buffer.from('"{}[]:,\\ 09-.eapv\u0000\n'), 0xc3, 0xff);
    const damage = fc.record({
      at: fc.nat(),
      remove: fc.integer({ min: 0, max: 3 }),
      insert: fc.array(bytes, { maxLength: 3 }),
    });
    fc.assert(
      fc.property(fact, fc.array(damage, { maxLength: 3 }), (stated, damages) => {
        const record = recordOf(stated);
        let value = Buffer.from(record.value);
        for (const { at, remove, insert } of damages) {
          const place = at % value.length;
          value = Buffer.concat([value.subarray(0, place), Buffer.from(insert), value.subarray(place + remove)]);
          if (value.length === 0) value = Buffer.from('{');
        }
        const damaged = { ...record, value };
        expect(said(decodeInColumns(damaged))).toEqual(said(decodeRecord(damaged)));
      }),
      { numRuns: 5_000 },
    );
  });

  it('are left to objects where a key comes twice, is unknown, or the body goes on', () => {
    const body = (points: string, rest = ''): WireRecord => ({
      ...recordOf({ type: 'observations', metric: 'm', feeder: 'push', points: [{ period: 'p', value: '1' }] }),
      value: Buffer.from(`{"metric":"m","feeder":"push","points":[${points}]${rest}}`),
    });
    for (const record of [
      body('{"period":"p","value":"1","value":"2"}'),
      body('{"period":"p","value":"1","unknown":"2"}'),
      body('{"period":"p","value":"1"}', ',"metric":"n"'),
      body('{"period":"p","value":"1"}', ',"points":[{"period":"q","value":"2"}]'),
      body('{"period":"p","value":"1"} '),
      body('{"value":"1"}'),
      body(''),
    ]) {
      expect(columnsIn(decodeInColumns(record))).toBeUndefined();
      expect(said(decodeInColumns(record))).toEqual(said(decodeRecord(record)));
    }
    expect(columnsIn(decodeInColumns(body('{"value":"1","dimensions":{},"period":"p"}')))).toBeDefined();
  });
});
