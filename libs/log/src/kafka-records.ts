import { createRequire, Module } from 'node:module';
import type { Instant } from '@paceline/domain';
import { RECORDED_AT_HEADER } from '@paceline/events';
import type { LogRecord } from './port.ts';
import { stampOf } from './stamp.ts';

/**
 * One record of a batch, read in place of kafkajs, whose reader makes some forty objects a record: on a topic of single points
 * that cost more than all the rest of the path. Thousands wait for their reader, and the collector copies whatever waits: a
 * record is one object, which knows where it lies and makes its key, value and headers when it is asked for them.
 *
 * Layout: https://kafka.apache.org/documentation/#record
 */
export class KafkaRecord implements LogRecord {
  readonly offset: number;
  readonly batch: RecordBatch;
  readonly #from: number;
  readonly #valueFrom: number;
  readonly #headersFrom: number;

  /** @throws RangeError when it is cut off. */
  constructor(batch: RecordBatch, from: number, end: number) {
    this.batch = batch;
    this.#from = from;
    cursor.to(batch.bytes, from + ATTRIBUTES_BYTES, end);
    cursor.varint();
    this.offset = batch.firstOffset + cursor.varint();
    cursor.skip();
    this.#valueFrom = cursor.at;
    cursor.skip();
    this.#headersFrom = cursor.at;
    for (let texts = cursor.varint() * 2; texts > 0; texts--) cursor.skip();
  }

  get topic(): string {
    return this.batch.topic;
  }

  get appendedAt(): Instant {
    const { batch } = this;
    const stamp = batch.believesStamps ? stampOf(this.headers) : undefined;
    if (stamp !== undefined) return stamp;
    if (batch.appendedAt !== undefined) return batch.appendedAt;
    cursor.to(batch.bytes, this.#from + ATTRIBUTES_BYTES);
    return batch.firstTimestamp + cursor.varint();
  }

  get key(): Buffer | null {
    cursor.to(this.batch.bytes, this.#from + ATTRIBUTES_BYTES);
    cursor.varint();
    cursor.varint();
    return cursor.bytes();
  }

  get value(): Buffer {
    cursor.to(this.batch.bytes, this.#valueFrom);
    return cursor.bytes() ?? EMPTY;
  }

  /** A header given twice counts by its last value; one without a value is left out. */
  get headers(): Readonly<Record<string, string>> {
    return this.batch.headersAt(this.#headersFrom);
  }

  /** For kafkajs, whose consumer looks at what it fetched before its topics were paused. */
  get isControlRecord(): boolean {
    return this.batch.isControl;
  }

  get batchContext(): BatchContext {
    return this.batch.context;
  }
}

/** What kafkajs knows of the batch around a record. */
export interface BatchContext {
  readonly firstOffset?: string;
  readonly firstTimestamp?: string;
  readonly maxTimestamp?: string;
  readonly timestampType?: number;
  readonly isControlBatch?: boolean;
}

const LOG_APPEND_TIME = 1;
const ATTRIBUTES_BYTES = 1;
const EMPTY = Buffer.alloc(0);

/** What the records of a batch share. */
class RecordBatch {
  readonly context: BatchContext;
  /** Whatever the records lie in: a slice for each would wait with it. */
  readonly memory: ArrayBufferLike;
  readonly bytes: Buffer;
  readonly firstOffset: number;
  readonly firstTimestamp: number;
  /** Where the broker's time is that of the whole batch. */
  readonly appendedAt: number | undefined;
  readonly isControl: boolean;
  topic = '';
  /** Else nobody is shown one. */
  believesStamps = false;
  #headers: Readonly<Record<string, string>> = {};
  #headersFrom = -1;

  constructor(context: BatchContext, memory: ArrayBufferLike) {
    const { firstOffset, firstTimestamp, maxTimestamp, timestampType, isControlBatch = false } = context;
    this.context = context;
    this.memory = memory;
    this.bytes = Buffer.from(memory);
    this.firstOffset = Number(firstOffset);
    this.firstTimestamp = Number(firstTimestamp);
    this.appendedAt =
      timestampType === LOG_APPEND_TIME && maxTimestamp !== undefined ? Number(maxTimestamp) : undefined;
    this.isControl = isControlBatch;
  }

  /** Said by whoever fetched it, before anybody reads. */
  belongsTo(topic: string, believesStamps: boolean): void {
    this.topic = topic;
    this.believesStamps = believesStamps;
  }

  /** Kept until those of another record are asked for: a reader asks for one thing after the other of the same record. */
  headersAt(from: number): Readonly<Record<string, string>> {
    if (this.#headersFrom === from) return this.#headers;
    cursor.to(this.bytes, from);
    this.#headers = headersOf(!this.believesStamps);
    this.#headersFrom = from;
    return this.#headers;
  }
}

/** That of the record read last. */
let current: RecordBatch | undefined;

export function decodeRecord({ buffer }: { readonly buffer: Buffer }, context: BatchContext = {}): KafkaRecord {
  const memory = buffer.buffer;
  if (current?.context !== context || current.memory !== memory) current = new RecordBatch(context, memory);
  return new KafkaRecord(current, buffer.byteOffset, buffer.byteOffset + buffer.length);
}

function headersOf(hidesStamp: boolean): Record<string, string> {
  const headers: Record<string, string> = {};
  const count = cursor.varint();
  for (let index = 0; index < count; index++) {
    const place = placeOf(index);
    const name = cursor.text(place.name) ?? '';
    const value = cursor.text(place.value);
    if (hidesStamp && name === RECORDED_AT_HEADER) continue;
    if (value !== null) headers[name] = value;
    else if (headers[name] !== undefined) headers[name] = '';
  }
  return headers;
}

/** The text last seen in one place, and its bytes. */
interface Memo {
  readonly bytes: Uint8Array;
  length: number;
  text: string;
}
const places: { readonly name: Memo; readonly value: Memo }[] = [];
const PLACES_MAX = 16;
/** Longer texts are not compared with the last one. */
const MEMO_BYTES_MAX = 64;

function placeOf(index: number): { readonly name: Memo; readonly value: Memo } {
  const known = places[index];
  if (known !== undefined) return known;
  const place = { name: noText(), value: noText() };
  if (index < PLACES_MAX) places[index] = place;
  return place;
}

function noText(): Memo {
  return { bytes: new Uint8Array(MEMO_BYTES_MAX), length: 0, text: '' };
}

/** Only one record is read at a time. */
class Cursor {
  at = 0;
  #buffer: Buffer = EMPTY;
  #end = 0;

  to(buffer: Buffer, at: number, end = buffer.length): void {
    this.#buffer = buffer;
    this.at = at;
    this.#end = end;
  }

  /** Zigzag, of any length up to 53 bits: offsets, times and lengths are below. */
  varint(): number {
    let byte = this.#byte();
    if (byte < 128) return (byte >>> 1) ^ -(byte & 1);
    let value = byte & 127;
    for (let scale = 128; byte >= 128; scale *= 128) {
      byte = this.#byte();
      value += (byte & 127) * scale;
    }
    if (value > Number.MAX_SAFE_INTEGER) throw new RangeError('a record of the broker says a number beyond 2^53');
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }

  /** Over bytes or a text; answers their length, below 0 for none. */
  skip(): number {
    const length = this.varint();
    if (length > 0) this.at += length;
    if (this.at > this.#end) this.#ended();
    return length;
  }

  bytes(): Buffer | null {
    const length = this.skip();
    return length < 0 ? null : this.#buffer.subarray(this.at - length, this.at);
  }

  text(memo: Memo): string | null {
    const length = this.skip();
    if (length < 0) return null;
    const from = this.at - length;
    if (memo.length === length && same(memo.bytes, this.#buffer, from, length)) return memo.text;
    const text = this.#buffer.toString('utf8', from, this.at);
    if (length > MEMO_BYTES_MAX) return text;
    for (let at = 0; at < length; at++) memo.bytes[at] = this.#buffer[from + at]!;
    memo.length = length;
    memo.text = text;
    return text;
  }

  #byte(): number {
    if (this.at >= this.#end) this.#ended();
    return this.#buffer[this.at++]!;
  }

  #ended(): never {
    throw new RangeError('a record of the broker ends before it should');
  }
}
const cursor = new Cursor();

function same(known: Uint8Array, buffer: Buffer, from: number, length: number): boolean {
  // From the end: ids differ there first.
  for (let at = length - 1; at >= 0; at--) if (known[at] !== buffer[from + at]) return false;
  return true;
}

const require = createRequire(import.meta.url);

/** Puts our reader where kafkajs looks for its own at its first fetch; it keeps what it finds then. */
function install(): void {
  const path = require.resolve('kafkajs/src/protocol/recordBatch/record/v0/decoder.js');
  if (require.cache[path] !== undefined)
    throw new Error('kafkajs has fetched before its reader of records was replaced');
  const module = new Module(path);
  module.exports = decodeRecord;
  module.loaded = true;
  require.cache[path] = module;
}
install();
