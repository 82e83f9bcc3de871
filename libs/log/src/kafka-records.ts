import { createRequire, Module } from 'node:module';

/**
 * Reads one record of a batch in place of kafkajs, whose reader makes some forty objects a record: on a topic of single points
 * that cost more than all the rest of the path. Header names and values are nearly the same in every record of a topic, so a
 * header that equals the one in its place in the record before is the same string again.
 *
 * Layout: https://kafka.apache.org/documentation/#record
 */
export interface DecodedRecord {
  readonly magicByte: number | undefined;
  readonly attributes: number;
  /** Epoch ms as text, as kafkajs says it. */
  readonly timestamp: string;
  readonly offset: string;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  /** A header given twice counts by its last value; one without a value is left out. */
  readonly headers: Readonly<Record<string, string>>;
  readonly isControlRecord: boolean;
  readonly batchContext: BatchContext;
}

/** What kafkajs knows of the batch around it. */
export interface BatchContext {
  readonly firstOffset?: string;
  readonly firstTimestamp?: string;
  readonly maxTimestamp?: string;
  readonly timestampType?: number;
  readonly magicByte?: number;
  readonly isControlBatch?: boolean;
}

const LOG_APPEND_TIME = 1;

export function decodeRecord(body: { readonly buffer: Buffer }, context: BatchContext = {}): DecodedRecord {
  const cursor = new Cursor(body.buffer);
  const attributes = cursor.byte();
  const timestampDelta = cursor.varint();
  const { firstOffset, firstTimestamp, maxTimestamp, timestampType, magicByte, isControlBatch = false } = context;
  const timestamp =
    timestampType === LOG_APPEND_TIME && maxTimestamp !== undefined
      ? maxTimestamp
      : String(Number(firstTimestamp) + timestampDelta);
  const offset = String(Number(firstOffset) + cursor.varint());
  const key = cursor.bytes();
  const value = cursor.bytes();
  const headers = headersOf(cursor);
  return {
    magicByte,
    attributes,
    timestamp,
    offset,
    key,
    value,
    headers,
    isControlRecord: isControlBatch,
    batchContext: context,
  };
}

function headersOf(cursor: Cursor): Record<string, string> {
  const headers: Record<string, string> = {};
  const count = cursor.varint();
  for (let index = 0; index < count; index++) {
    const place = placeOf(index);
    const name = cursor.text(place.name) ?? '';
    const value = cursor.text(place.value);
    if (value !== null) headers[name] = value;
    else if (headers[name] !== undefined) headers[name] = '';
  }
  return headers;
}

/** The text last seen in one place, and its bytes. */
interface Memo {
  bytes: Uint8Array;
  text: string;
}
const places: { readonly name: Memo; readonly value: Memo }[] = [];
const PLACES_MAX = 16;
/** Longer texts are not compared with the last one. */
const MEMO_BYTES_MAX = 64;

function placeOf(index: number): { readonly name: Memo; readonly value: Memo } {
  const known = places[index];
  if (known !== undefined) return known;
  const place = { name: { bytes: new Uint8Array(), text: '' }, value: { bytes: new Uint8Array(), text: '' } };
  if (index < PLACES_MAX) places[index] = place;
  return place;
}

class Cursor {
  readonly #buffer: Buffer;
  #at = 0;

  constructor(buffer: Buffer) {
    this.#buffer = buffer;
  }

  byte(): number {
    return this.#buffer.readInt8(this.#at++);
  }

  /** Zigzag, of any length up to 53 bits: offsets, times and lengths are below. */
  varint(): number {
    const buffer = this.#buffer;
    let byte = buffer[this.#at++] ?? this.#ended();
    if (byte < 128) return (byte >>> 1) ^ -(byte & 1);
    let value = byte & 127;
    for (let scale = 128; byte >= 128; scale *= 128) {
      byte = buffer[this.#at++] ?? this.#ended();
      value += (byte & 127) * scale;
    }
    if (value > Number.MAX_SAFE_INTEGER) throw new RangeError('a record of the broker says a number beyond 2^53');
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }

  bytes(): Buffer | null {
    const length = this.varint();
    if (length < 0) return null;
    const from = this.#at;
    this.#at += length;
    if (this.#at > this.#buffer.length) this.#ended();
    return this.#buffer.subarray(from, this.#at);
  }

  text(memo: Memo): string | null {
    const length = this.varint();
    if (length < 0) return null;
    const from = this.#at;
    this.#at += length;
    if (this.#at > this.#buffer.length) this.#ended();
    if (same(memo.bytes, this.#buffer, from, length)) return memo.text;
    const text = this.#buffer.toString('utf8', from, this.#at);
    if (length > MEMO_BYTES_MAX) return text;
    memo.bytes = Uint8Array.from(this.#buffer.subarray(from, this.#at));
    memo.text = text;
    return text;
  }

  #ended(): never {
    throw new RangeError('a record of the broker ends before it should');
  }
}

function same(known: Uint8Array, buffer: Buffer, from: number, length: number): boolean {
  if (known.length !== length) return false;
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
