import type { ColumnType } from './tables.ts';

/** What a select list returns, by column: drives the decoder and the type of the rows. */
export type ReadType = ColumnType | 'Int64' | 'UInt8' | 'Array(String)' | 'Array(UInt64)';

/** Decoded values: 64-bit integers are numbers (and refused beyond 2^53), decimals scaled bigints, instants epoch milliseconds. */
type ValueOf<Type extends ReadType> = Type extends 'String' | 'LowCardinality(String)'
  ? string
  : Type extends 'Bool'
    ? boolean
    : Type extends 'Decimal(38, 9)' | 'Decimal(76, 9)'
      ? bigint
      : Type extends 'Nullable(Decimal(38, 9))'
        ? bigint | null
        : Type extends 'Nullable(Float64)' | 'Nullable(DateTime64(6))'
          ? number | null
          : Type extends 'FixedString(16)'
            ? Uint8Array
            : Type extends 'Array(String)'
              ? string[]
              : Type extends 'Array(UInt64)'
                ? number[]
                : number;

export type ReadShape = Readonly<Record<string, ReadType>>;
export type ReadRow<Shape extends ReadShape> = { -readonly [Column in keyof Shape]: ValueOf<Shape[Column]> };

/** The format that `decodeRows` reads: it says what its columns are, so a select list that differs from its shape is found. */
export const ROWS_FORMAT = 'RowBinaryWithNamesAndTypes';

/** Decodes an answer whose select list has exactly the shape's columns, in its order and types; names are free. */
export function decodeRows<Shape extends ReadShape>(bytes: Uint8Array, shape: Shape): ReadRow<Shape>[] {
  const reader = new Reader(bytes);
  let decoder = decoders.get(shape);
  if (decoder === undefined || !reader.skipEqual(decoder.header)) {
    checkTypes(reader, shape);
    const columns = Object.entries(shape).map(([name, type]) => [name, readerOf(type)] as const);
    decoder = { header: reader.behind(), columns };
    decoders.set(shape, decoder);
  }
  const { columns } = decoder;
  const rows: ReadRow<Shape>[] = [];
  while (!reader.done) {
    const row: Record<string, unknown> = {};
    for (const [name, read] of columns) row[name] = read(reader);
    // The one place where decoded bytes take their type: the shape said what each column is.
    rows.push(row as ReadRow<Shape>);
  }
  return rows;
}

interface Decoder {
  /** Names and types of an answer that was found right: one that begins with the same bytes need not be looked at again. */
  readonly header: Uint8Array;
  readonly columns: readonly (readonly [name: string, read: (reader: Reader) => unknown])[];
}

const decoders = new WeakMap<ReadShape, Decoder>();

function checkTypes(reader: Reader, shape: ReadShape): void {
  const count = reader.length();
  const names = Array.from({ length: count }, () => reader.text());
  const types = Array.from({ length: count }, () => reader.text());
  const expected = Object.entries(shape);
  for (let at = 0; at < Math.max(count, expected.length); at++) {
    const [name, type] = expected[at] ?? ['nothing', 'nothing'];
    if (plain(types[at] ?? 'nothing') === plain(type)) continue;
    throw new TypeError(`Column ${at + 1} of a query is ${names[at]} ${types[at]}, its reader expects ${name} ${type}`);
  }
}

function plain(type: string): string {
  return type.replace("DateTime64(6, 'UTC')", 'DateTime64(6)').replace('LowCardinality(String)', 'String');
}

function readerOf(type: ReadType): (reader: Reader) => unknown {
  switch (type) {
    case 'String':
    case 'LowCardinality(String)':
      return (reader) => reader.text();
    case 'Bool':
      return (reader) => reader.uint8() === 1;
    case 'UInt8':
      return (reader) => reader.uint8();
    case 'UInt32':
      return (reader) => reader.uint32();
    case 'UInt64':
      return (reader) => reader.uint64();
    case 'Int64':
      return (reader) => reader.int64();
    case 'Float64':
      return (reader) => reader.float64();
    case 'DateTime64(6)':
      return (reader) => reader.instant();
    case 'Decimal(38, 9)':
      return (reader) => reader.decimal128();
    case 'Decimal(76, 9)':
      return (reader) => reader.decimal256();
    case 'FixedString(16)':
      return (reader) => reader.fixed(16);
    case 'Nullable(Float64)':
      return (reader) => (reader.uint8() === 1 ? null : reader.float64());
    case 'Nullable(DateTime64(6))':
      return (reader) => (reader.uint8() === 1 ? null : reader.instant());
    case 'Nullable(Decimal(38, 9))':
      return (reader) => (reader.uint8() === 1 ? null : reader.decimal128());
    case 'Array(String)':
      return (reader) => reader.array(() => reader.text());
    case 'Array(UInt64)':
      return (reader) => reader.array(() => reader.uint64());
  }
}

/** Walks RowBinary. Throws a RangeError when the bytes end inside a value: the select list and the shape differ. */
export class Reader {
  private readonly buffer: Buffer;
  private at = 0;

  constructor(bytes: Uint8Array) {
    this.buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get done(): boolean {
    return this.at >= this.buffer.length;
  }

  uint8(): number {
    const value = this.buffer[this.at];
    if (value === undefined) throw new RangeError('The answer of the engine ends inside a row');
    this.at++;
    return value;
  }

  uint32(): number {
    const value = this.buffer.readUInt32LE(this.at);
    this.at += 4;
    return value;
  }

  uint64(): number {
    return this.safe(this.buffer.readUInt32LE(this.at), this.buffer.readUInt32LE(this.at + 4));
  }

  int64(): number {
    return this.safe(this.buffer.readUInt32LE(this.at), this.buffer.readInt32LE(this.at + 4));
  }

  private safe(low: number, high: number): number {
    const value = high * 4294967296 + low;
    if (!Number.isSafeInteger(value)) throw new RangeError(`A 64-bit integer of the engine's answer is beyond 2^53`);
    this.at += 8;
    return value;
  }

  float64(): number {
    const value = this.buffer.readDoubleLE(this.at);
    this.at += 8;
    return value;
  }

  /** Epoch milliseconds with microseconds as their fraction. Past the year 2255 whole milliseconds are exact, no more. */
  instant(): number {
    const low = this.buffer.readUInt32LE(this.at);
    const high = this.buffer.readInt32LE(this.at + 4);
    this.at += 8;
    return (high * 4294967296 + low) / 1000;
  }

  decimal128(): bigint {
    const low = this.buffer.readBigInt64LE(this.at);
    const high = this.buffer.readBigInt64LE(this.at + 8);
    this.at += 16;
    if (high === (low < 0n ? -1n : 0n)) return low;
    return (high << 64n) | BigInt.asUintN(64, low);
  }

  nullableDecimal(): bigint | null {
    return this.uint8() === 1 ? null : this.decimal128();
  }

  decimal256(): bigint {
    const lowest = this.buffer.readBigInt64LE(this.at);
    const sign = lowest < 0n ? -1n : 0n;
    const second = this.buffer.readBigInt64LE(this.at + 8);
    const third = this.buffer.readBigInt64LE(this.at + 16);
    const fourth = this.buffer.readBigInt64LE(this.at + 24);
    this.at += 32;
    if (second === sign && third === sign && fourth === sign) return lowest;
    const upper = (fourth << 128n) | (BigInt.asUintN(64, third) << 64n) | BigInt.asUintN(64, second);
    return (upper << 64n) | BigInt.asUintN(64, lowest);
  }

  fixed(length: number): Uint8Array {
    const value = Uint8Array.from(this.buffer.subarray(this.at, this.at + length));
    this.at += length;
    return value;
  }

  array<Item>(read: () => Item): Item[] {
    const length = this.length();
    const items: Item[] = [];
    for (let i = 0; i < length; i++) items.push(read());
    return items;
  }

  text(): string {
    const from = this.textStart();
    return this.buffer.toString('utf8', from, this.at);
  }

  /** A column whose texts repeat; the memo is the column's own. */
  textBy(memo: TextMemo): string {
    const from = this.textStart();
    return memo.find(this.buffer, from, this.at);
  }

  skip(bytes: number): void {
    this.at += bytes;
  }

  /** Whether these bytes come next; they are skipped then. */
  skipEqual(bytes: Uint8Array): boolean {
    const end = this.at + bytes.length;
    if (end > this.buffer.length || this.buffer.compare(bytes, 0, bytes.length, this.at, end) !== 0) return false;
    this.at = end;
    return true;
  }

  /** A copy of what was read. */
  behind(): Uint8Array {
    return Uint8Array.from(this.buffer.subarray(0, this.at));
  }

  private textStart(): number {
    const length = this.length();
    const from = this.at;
    if (from + length > this.buffer.length) throw new RangeError('The answer of the engine ends inside a text');
    this.at = from + length;
    return from;
  }

  length(): number {
    let value = 0;
    let shift = 1;
    for (;;) {
      const byte = this.uint8();
      value += (byte & 127) * shift;
      if (byte < 128) return value;
      shift *= 128;
    }
  }
}

/**
 * Makes one string of equal texts. Sorted answers say the same name again, or the one that followed it in the series
 * before: both are found by comparing bytes, without making a string first.
 */
export class TextMemo {
  private readonly texts: string[] = [];
  private readonly bytes: Uint8Array[] = [];
  private readonly indexes = new Map<string, number>();
  private last = 0;

  find(buffer: Buffer, from: number, to: number): string {
    return (
      this.guess(this.last, buffer, from, to) ??
      this.guess(this.last + 1, buffer, from, to) ??
      this.guess(0, buffer, from, to) ??
      this.look(buffer, from, to)
    );
  }

  private guess(index: number, buffer: Buffer, from: number, to: number): string | undefined {
    const known = this.bytes[index];
    if (known === undefined || !same(known, buffer, from, to)) return undefined;
    this.last = index;
    return this.texts[index];
  }

  private look(buffer: Buffer, from: number, to: number): string {
    const text = buffer.toString('utf8', from, to);
    const known = this.indexes.get(text);
    this.last = known ?? this.texts.length;
    if (known !== undefined) return text;
    this.indexes.set(text, this.texts.length);
    this.texts.push(text);
    this.bytes.push(Uint8Array.from(buffer.subarray(from, to)));
    return text;
  }
}

function same(known: Uint8Array, buffer: Buffer, from: number, to: number): boolean {
  const length = to - from;
  if (known.length !== length) return false;
  for (let at = 0; at < length; at++) if (known[at] !== buffer[from + at]) return false;
  return true;
}
