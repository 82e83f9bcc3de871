import { type ObservationsFact, type PointStatement, position, type Recorded } from '@paceline/domain';
import { inColumns } from '@paceline/domain/testing/columns';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ObservationBatch, ObservationTexts } from './observation-batch.ts';
import { observationRows } from './observations.ts';
import { encodeRows } from './rows.ts';

const text = fc.constantFrom('r1', 'EMEA', 'ﬁ', '😀', 'a"b', '__proto__', '10', 'x'.repeat(70));
const decimal = fc.constantFrom('0', '-1', '12.5', '0.000000001', '99999999999999999999999999999.999999999');
const when = fc.constantFrom(
  { period: '2026-11-22' },
  { period: '2026-W47' },
  { period: 'FY2026-Q1' },
  { period: '2026-P01' },
  { time: '2026-11-22T06:00:00.123456Z' },
  { time: '1969-12-31T23:59:59Z' },
);
const said = fc.oneof(
  fc.record({ value: fc.option(decimal) }),
  fc.record({ numerator: decimal, denominator: decimal }),
);
const plain = fc.record(
  {
    period: fc.constantFrom('2026-11-22', '2026-W47', '2026-P01'),
    value: fc.constantFrom('0', '-1', '12.5', '-9007199.254740991'),
    dimensions: fc.dictionary(text, text, { maxKeys: 3 }),
  },
  { requiredKeys: ['period', 'value'] },
);
const point: fc.Arbitrary<PointStatement> = fc
  .tuple(
    when,
    said,
    fc.record(
      {
        dimensions: fc.dictionary(text, text, { maxKeys: 3 }),
        id: text,
        revision: fc.integer({ min: 0, max: 2 ** 53 - 1 }),
      },
      { requiredKeys: [] },
    ),
  )
  .map(([at, parts, rest]) => ({ ...at, ...parts, ...rest }));

const record = fc.record({
  metric: text,
  feeder: fc.constantFrom('push', 'source/a'),
  readLag: fc.option(fc.integer({ min: -5, max: 5 })),
  points: fc.oneof(fc.array(point, { minLength: 1, maxLength: 8 }), fc.array(plain, { minLength: 1, maxLength: 8 })),
});

interface Stated {
  readonly metric: string;
  readonly feeder: string;
  readonly readLag: number | null;
  readonly points: readonly PointStatement[];
}

function recordedOf({ readLag, ...head }: Stated, offset: number): Recorded<ObservationsFact> {
  const recordedAt = 1_700_000_000_000.001 + offset;
  const fact = {
    type: 'observations' as const,
    ...head,
    ...(readLag === null ? {} : { readAt: recordedAt - readLag }),
  };
  return { position: position(offset), recordedAt, id: String(offset), fact };
}

describe('a batch of observations', () => {
  it('holds the bytes of the rows', () => {
    fc.assert(
      fc.property(fc.array(record, { maxLength: 6 }), (records) => {
        const texts = new ObservationTexts();
        const log = records.map(recordedOf);
        const batch = new ObservationBatch('acme', texts);
        for (const one of log) batch.add({ ...one, fact: inColumns(one.fact) });
        const rows = log.flatMap((one) => observationRows('acme', one));
        expect(batch.rows).toBe(rows.length);
        expect(batch.odd).toBe(false);
        expect(Buffer.from(batch.bytes).equals(Buffer.from(encodeRows('observation', rows).bytes))).toBe(true);
      }),
    );
  });

  it('says that it is odd, and keeps whole records, when a row fits no column', () => {
    const batch = new ObservationBatch('acme');
    const good = { metric: 'm', feeder: 'push', readLag: null, points: [{ period: '2026-11-22', value: '1' }] };
    batch.add(recordedOf(good, 0));
    const kept = Buffer.from(batch.bytes);
    batch.add(recordedOf({ ...good, points: [...good.points, { period: '2026-11-22', value: '0.0000000001' }] }, 1));
    expect(batch.odd).toBe(true);
    expect(batch.rows).toBe(3);
    expect(Buffer.from(batch.bytes).equals(kept)).toBe(true);
  });

  it('is odd for a label of no time among columns too', () => {
    const batch = new ObservationBatch('acme');
    const one = recordedOf(
      { metric: 'm', feeder: 'push', readLag: null, points: [{ period: 'x'.repeat(300), value: '1' }] },
      0,
    );
    batch.add(one);
    const inOther = new ObservationBatch('acme');
    inOther.add({ ...one, fact: inColumns(one.fact) });
    expect([inOther.odd, inOther.rows]).toEqual([batch.odd, batch.rows]);
  });

  it('says how long it was when its memory went to another', () => {
    const batch = new ObservationBatch('acme');
    batch.add(
      recordedOf({ metric: 'm', feeder: 'push', readLag: null, points: [{ period: '2026-11-22', value: '1' }] }, 0),
    );
    const { byteLength } = batch;
    expect(byteLength).toBe(batch.bytes.length);
    batch.free();
    expect([batch.byteLength, batch.bytes.length, batch.rows]).toEqual([byteLength, 0, 1]);
  });
});
