import { createRequire } from 'node:module';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type BatchContext, decodeRecord } from './kafka-records.ts';

/** kafkajs's own, read past the place where ours has taken its name. */
const require = createRequire(import.meta.url);
const path = require.resolve('kafkajs/src/protocol/recordBatch/record/v0/decoder.js');
delete require.cache[path];
const theirs: (decoder: unknown, context: BatchContext) => Theirs = require(path);
const encodeRecord: (record: unknown) => {
  readonly buffer: Buffer;
} = require('kafkajs/src/protocol/recordBatch/record/v0');
const Decoder: new (
  buffer: Buffer,
) => { readVarInt(): number; readVarIntBytes(): Buffer } = require('kafkajs/src/protocol/decoder');
const Long: { fromValue(value: number): unknown } = require('kafkajs/src/utils/long');

interface Theirs {
  readonly offset: string;
  readonly timestamp: string;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: Readonly<Record<string, Buffer | readonly Buffer[]>>;
}

const bytes = fc.uint8Array({ maxLength: 200 }).map((array) => Buffer.from(array));
const name = fc.constantFrom('ce_id', 'ce_type', 'content-type', 'ﬁ', 'x'.repeat(80));
const record = fc.record({
  offsetDelta: fc.integer({ min: 0, max: 2 ** 31 - 1 }),
  timestampDelta: fc.integer({ min: -(2 ** 40), max: 2 ** 40 }),
  key: fc.option(bytes),
  value: fc.option(bytes),
  headers: fc.dictionary(
    name,
    fc.oneof(fc.string({ maxLength: 90 }), fc.array(fc.string(), { minLength: 2, maxLength: 3 })),
  ),
});
const context = fc.record({
  firstOffset: fc.maxSafeNat().map((offset) => String(Math.floor(offset / 4))),
  firstTimestamp: fc.integer({ min: 2 ** 41, max: 2 ** 42 }).map(String),
  maxTimestamp: fc.integer({ min: 2 ** 41, max: 2 ** 42 }).map(String),
  timestampType: fc.constantFrom(0, 1),
});

type Written = typeof record extends fc.Arbitrary<infer Value> ? Value : never;

function bodyOf(one: Written): Buffer {
  const encoded = encodeRecord({ ...one, timestampDelta: Long.fromValue(one.timestampDelta) });
  return new Decoder(encoded.buffer).readVarIntBytes();
}

describe('the reader of records', () => {
  it('reads what kafkajs reads, one record after the other', () => {
    fc.assert(
      fc.property(context, fc.array(record, { maxLength: 5 }), (around, records) => {
        for (const one of records) {
          const body = bodyOf(one);
          const { headers, ...expected } = theirs(new Decoder(body), around);
          const read = decodeRecord(new Decoder(body) as unknown as { readonly buffer: Buffer }, around);
          const last = Object.entries(headers).map(([key, value]) => [
            key,
            (Buffer.isBuffer(value) ? value : (value.at(-1) ?? Buffer.alloc(0))).toString('utf8'),
          ]);
          expect(read).toEqual({ ...expected, headers: Object.fromEntries(last) });
        }
      }),
    );
  });

  it('refuses a record that is cut off', () => {
    const body = bodyOf({
      offsetDelta: 1,
      timestampDelta: 0,
      key: null,
      value: Buffer.from('abc'),
      headers: { a: 'b' },
    });
    for (let length = 1; length < body.length; length++) {
      expect(() => decodeRecord({ buffer: body.subarray(0, length) })).toThrow(/ends before it should|out of range/);
    }
  });
});
