import { createRequire } from 'node:module';
import { RECORDED_AT_HEADER } from '@paceline/events';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type BatchContext, decodeRecord, type KafkaRecord } from './kafka-records.ts';
import { stamped } from './stamp.ts';

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
  readonly isControlRecord: boolean;
  readonly batchContext: BatchContext;
}

/** What kafkajs says of a record, as ours says it. */
function asOurs({ offset, timestamp, key, value, headers, isControlRecord, batchContext }: Theirs) {
  const last = Object.entries(headers).map(([name, given]) => [
    name,
    (Buffer.isBuffer(given) ? given : (given.at(-1) ?? Buffer.alloc(0))).toString('utf8'),
  ]);
  return {
    offset: Number(offset),
    appendedAt: Number(timestamp),
    key,
    value: value ?? Buffer.alloc(0),
    headers: Object.fromEntries(last),
    isControlRecord,
    batchContext,
  };
}

/** All of it is made when it is asked for. */
function allOf({ offset, appendedAt, key, value, headers, isControlRecord, batchContext }: KafkaRecord) {
  return { offset, appendedAt, key, value, headers, isControlRecord, batchContext };
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

const written: Written = {
  offsetDelta: 1,
  timestampDelta: 0,
  key: null,
  value: Buffer.from('abc'),
  headers: { a: 'b' },
};

/** Records as they lie in the answer of a broker: one behind the other, each cut out by kafkajs. */
function bodiesOf(records: readonly Written[]): Buffer[] {
  const encoded = records.map((one) => encodeRecord({ ...one, timestampDelta: Long.fromValue(one.timestampDelta) }));
  const decoder = new Decoder(Buffer.concat(encoded.map(({ buffer }) => buffer)));
  return records.map(() => decoder.readVarIntBytes());
}

describe('the reader of records', () => {
  it('reads what kafkajs reads, whenever it is asked', () => {
    fc.assert(
      fc.property(context, fc.array(record, { maxLength: 5 }), (around, records) => {
        const bodies = bodiesOf(records);
        const expected = bodies.map((body) => asOurs(theirs(new Decoder(body), around)));
        const read = bodies.map((buffer) => decodeRecord({ buffer }, around));
        expect(read.map(allOf)).toEqual(expected);
        expect(read.reverse().map(allOf)).toEqual(expected.reverse());
      }),
    );
  });

  it('knows apart what lies at the same place of two answers', () => {
    const [first, second] = ['one', 'two'].map((text) => {
      const [body] = bodiesOf([{ ...written, value: Buffer.from(text), headers: { a: text } }]);
      return Buffer.from(new Uint8Array(body!).buffer);
    });
    const [one, two] = [decodeRecord({ buffer: first! }), decodeRecord({ buffer: second! })];
    expect([one, two].map(({ value, headers }) => [value.toString(), headers])).toEqual([
      ['one', { a: 'one' }],
      ['two', { a: 'two' }],
    ]);
  });

  it('shows a stamp, and goes by it, only where stamps are believed', () => {
    const headers = { a: 'b', [RECORDED_AT_HEADER]: '2020-02-29T12:00:00.000Z', c: 'd' };
    const [body] = bodiesOf([{ ...written, headers }]);
    const read = (believesStamps: boolean) => {
      const one = decodeRecord({ buffer: body! }, { firstTimestamp: '1000' });
      one.batch.belongsTo('facts.a', believesStamps);
      return { topic: one.topic, appendedAt: one.appendedAt, headers: one.headers };
    };
    const topic = 'facts.a';
    expect(read(false)).toEqual({ topic, appendedAt: 1000, headers: { a: 'b', c: 'd' } });
    expect(read(true)).toEqual({ topic, appendedAt: Date.parse('2020-02-29T12:00:00Z'), headers });
  });

  it('can be appended again, with a stamp', () => {
    const [body] = bodiesOf([{ ...written, key: Buffer.from('k') }]);
    const { key, value, headers } = stamped(decodeRecord({ buffer: body! }), 0);
    expect([key, value, headers.a]).toEqual([Buffer.from('k'), Buffer.from('abc'), 'b']);
  });

  it('refuses a record that is cut off', () => {
    const body = bodiesOf([written])[0]!;
    for (let length = 0; length < body.length; length++) {
      expect(() => decodeRecord({ buffer: body.subarray(0, length) })).toThrow('ends before it should');
    }
  });
});
