import { safeScaled } from '@paceline/domain';
import { giveMemory, takeMemory } from './row-memory.ts';
import { type ColumnType, columnsOf, type Row, type TableName } from './tables.ts';

/**
 * RowBinary, the one format in which rows reach the engine: as a request body over HTTP, as a file in the embedded form.
 * Layout: https://clickhouse.com/docs/interfaces/formats/RowBinary — little-endian numbers, LEB128 lengths before
 * strings, one byte before a nullable (1: null), decimals as scaled two's complement, `LowCardinality` as its content.
 */

const SCALE_DIGITS = 9;
const DECIMAL_TEXT = /^(-?)(\d+)(?:\.(\d{1,9}))?$/;
/** Strings repeat within LowCardinality columns; above this many different ones a column stops being remembered. */
const REMEMBERED_MAX = 4096;
/** Above this the encoder works through Node's own UTF-8 writer instead of its loop. */
const SHORT_TEXT = 48;

export interface EncodedRows {
  readonly bytes: Uint8Array;
  readonly rows: number;
}

/** A row that no column type can hold, found before anything is sent. */
export class RowEncodingError extends Error {
  override readonly name = 'RowEncodingError';
  readonly table: string;
  readonly column: string;
  /** Index in the array given. */
  readonly index: number;

  constructor(table: string, column: string, index: number, cause: unknown) {
    const why = cause instanceof Error ? cause.message : String(cause);
    super(`Row ${index} of table ${table} cannot be stored: column ${column}: ${why}`, { cause });
    this.table = table;
    this.column = column;
    this.index = index;
  }
}

/** `"12.5"` → 12500000000n. Throws on more than nine places, exponents and anything else that is not canonical. */
export function scaledOf(text: string): bigint {
  const match = DECIMAL_TEXT.exec(text);
  if (match === null)
    throw new RangeError(`${JSON.stringify(text.slice(0, 60))} is not a decimal with at most nine places`);
  const scaled = BigInt(match[2] + (match[3] ?? '').padEnd(SCALE_DIGITS, '0'));
  return match[1] === '-' ? -scaled : scaled;
}

/** Encodes rows `from` to `to` (exclusive) of one table. Throws `RowEncodingError` naming the row and column. */
export function encodeRows<Table extends TableName>(
  table: Table,
  rows: readonly Row<Table>[],
  from = 0,
  to = rows.length,
): EncodedRows {
  const plan = planOf(table);
  const writer = new Writer(Math.max(256, (to - from) * rowBytes(plan, rows[from])));
  for (let index = from; index < to; index++) encodeRow(writer, table, rows[index]!, index);
  return { bytes: writer.finish(), rows: to - from };
}

/** Writes one row; `index` is what an error names it by. What was written of it stays then. */
export function encodeRow<Table extends TableName>(writer: Writer, table: Table, row: Row<Table>, index: number): void {
  const { names, encoders } = planOf(table);
  const values: Readonly<Record<string, unknown>> = row;
  let column = 0;
  try {
    for (; column < names.length; column++) encoders[column]!(writer, values[names[column]!]);
  } catch (cause) {
    throw new RowEncodingError(table, names[column]!, index, cause);
  }
}

type Encoder = (writer: Writer, value: unknown) => void;

interface Plan {
  readonly names: readonly string[];
  readonly encoders: readonly Encoder[];
}

const PLANS = new Map<TableName, Plan>();

function planOf(table: TableName): Plan {
  const known = PLANS.get(table);
  if (known !== undefined) return known;
  const columns = columnsOf(table);
  const plan: Plan = {
    names: columns.map(([name]) => name),
    encoders: columns.map(([, type]) => encoderOf(type)),
  };
  PLANS.set(table, plan);
  return plan;
}

/** As many as the first row takes, and some more: a buffer that must grow is copied. */
function rowBytes({ names }: Plan, row: Readonly<Record<string, unknown>> | undefined): number {
  let bytes = 64;
  for (const name of names) {
    const value = row?.[name];
    bytes += typeof value === 'string' ? value.length + 10 : 12;
  }
  return bytes;
}

function encoderOf(type: ColumnType): Encoder {
  switch (type) {
    case 'String':
      return (writer, value) => writer.text(asText(value));
    case 'LowCardinality(String)':
      return rememberedText();
    case 'Bool':
      return (writer, value) => writer.byte(asBoolean(value) ? 1 : 0);
    case 'UInt32':
      return (writer, value) => writer.uint32(asUnsigned(value, 0xffffffff));
    case 'UInt64':
      return (writer, value) =>
        typeof value === 'bigint' ? writer.uint64Big(value) : writer.uint64(asUnsigned(value, Number.MAX_SAFE_INTEGER));
    case 'Float64':
      return (writer, value) => writer.float64(asNumber(value));
    case 'DateTime64(6)':
      return (writer, value) => writer.instant(asNumber(value));
    case 'Decimal(38, 9)':
      return (writer, value) => writer.decimal(value, 128);
    case 'Decimal(76, 9)':
      return (writer, value) => writer.decimal(value, 256);
    case 'FixedString(16)':
      return (writer, value) => writer.fixed(value, 16);
    case 'Nullable(Float64)':
      return nullable((writer, value) => writer.float64(asNumber(value)));
    case 'Nullable(DateTime64(6))':
      return nullable((writer, value) => writer.instant(asNumber(value)));
    case 'Nullable(Decimal(38, 9))':
      return nullable((writer, value) => writer.decimal(value, 128));
  }
}

function nullable(inner: Encoder): Encoder {
  return (writer, value) => {
    if (value === null) {
      writer.byte(1);
      return;
    }
    writer.byte(0);
    inner(writer, value);
  };
}

/** Length and bytes of each different string are kept, since a column of few values asks for the same ones again. */
function rememberedText(): Encoder {
  let known = new Map<string, Uint8Array>();
  let last: unknown;
  let lastBytes: Uint8Array = new Uint8Array();
  return (writer, value) => {
    if (value !== last) {
      const text = asText(value);
      let bytes = known.get(text);
      if (bytes === undefined) {
        const alone = new Writer(text.length * 3 + 10);
        alone.text(text);
        bytes = Uint8Array.from(alone.finish());
        if (known.size >= REMEMBERED_MAX) known = new Map();
        known.set(text, bytes);
      }
      last = text;
      lastBytes = bytes;
    }
    writer.bytes(lastBytes);
  };
}

function asText(value: unknown): string {
  if (typeof value !== 'string') throw new TypeError(`expected text, got ${shown(value)}`);
  return value;
}
function asNumber(value: unknown): number {
  if (typeof value !== 'number') throw new TypeError(`expected a number, got ${shown(value)}`);
  return value;
}
function asBoolean(value: unknown): boolean {
  if (typeof value !== 'boolean') throw new TypeError(`expected true or false, got ${shown(value)}`);
  return value;
}
function asUnsigned(value: unknown, max: number): number {
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 0 || value > max)
    throw new RangeError(`expected a whole number from 0 to ${max}, got ${shown(value)}`);
  return value;
}
function shown(value: unknown): string {
  return value === undefined ? 'nothing' : `${typeof value} ${String(value).slice(0, 60)}`;
}

/** `DateTime64(6)` holds 1900 to 2299; the engine would wrap or clamp what lies outside without a word. */
const INSTANT_MIN = Date.UTC(1900, 0, 1);
const INSTANT_MAX = Date.UTC(2299, 11, 31, 23, 59, 59, 999);
const INT64_MIN = -(2n ** 63n);
const INT64_MAX = 2n ** 63n - 1n;
const DIGITS_MAX = { 128: 10n ** 38n, 256: 10n ** 76n } as const;
const UINT64_MAX = 2n ** 64n - 1n;

/** Room that a batch of rows begins with at least. */
export const BATCH_BYTES_MIN = 16 * 1024;

const NONE = Buffer.alloc(0);

/** Bytes of rows, growing. What `finish` gave is valid until something is written or freed. */
export class Writer {
  private buffer: Buffer;
  private at = 0;

  private readonly recycled: boolean;

  /** `recycled`: `free` is called in the end, so that memory may come from those freed before. */
  constructor(sizeHint: number, recycled = false) {
    this.recycled = recycled;
    this.buffer = this.taken(sizeHint);
  }

  /** Bytes written so far. */
  get length(): number {
    return this.at;
  }

  finish(): Uint8Array {
    return this.buffer.subarray(0, this.at);
  }

  /** Takes back what was written after the first `length` bytes. */
  cut(length: number): void {
    this.at = Math.min(this.at, length);
  }

  private room(bytes: number): void {
    if (this.at + bytes <= this.buffer.length) return;
    const { buffer } = this;
    this.buffer = this.taken(Math.max(buffer.length * 2, this.at + bytes));
    buffer.copy(this.buffer, 0, 0, this.at);
    if (this.recycled) giveMemory(buffer);
  }

  private taken(bytes: number): Buffer {
    return this.recycled ? takeMemory(bytes) : Buffer.allocUnsafe(bytes);
  }

  /** What was written is stored, and read by nobody any more: its memory goes to other rows. */
  free(): void {
    giveMemory(this.buffer);
    this.buffer = NONE;
    this.at = 0;
  }

  byte(value: number): void {
    this.room(1);
    this.buffer[this.at++] = value;
  }

  bytes(value: Uint8Array): void {
    this.room(value.length);
    // A loop beats `set` for the few bytes of a name.
    if (value.length < SHORT_TEXT) for (let i = 0; i < value.length; i++) this.buffer[this.at + i] = value[i]!;
    else this.buffer.set(value, this.at);
    this.at += value.length;
  }

  /** Writes once more what stands at `from`; short. */
  again(from: number, length: number): void {
    this.room(length);
    const { buffer, at } = this;
    for (let i = 0; i < length; i++) buffer[at + i] = buffer[from + i]!;
    this.at = at + length;
  }

  fixed(value: unknown, length: number): void {
    if (!(value instanceof Uint8Array) || value.length !== length)
      throw new TypeError(`expected ${length} bytes, got ${shown(value)}`);
    this.bytes(value);
  }

  text(value: string): void {
    const length = value.length;
    this.room(length * 3 + 10);
    if (length < SHORT_TEXT && this.shortAscii(value, length)) return;
    // Nearly all text has as many bytes as characters: it is written behind the room for that length, and not looked at before.
    const start = this.at + lengthBytes(length);
    const bytes = this.buffer.write(value, start, 'utf8');
    if (bytes !== length) {
      if (!value.isWellFormed()) throw new RangeError('text has half of a surrogate pair, which UTF-8 cannot hold');
      const there = this.at + lengthBytes(bytes);
      if (there !== start) this.buffer.copyWithin(there, start, start + bytes);
    }
    this.textLength(bytes);
    this.at += bytes;
  }

  private shortAscii(value: string, length: number): boolean {
    const { buffer, at } = this;
    buffer[at] = length;
    for (let i = 0; i < length; i++) {
      const code = value.charCodeAt(i);
      if (code > 127) return false;
      buffer[at + 1 + i] = code;
    }
    this.at = at + 1 + length;
    return true;
  }

  textLength(value: number): void {
    this.room(10);
    let rest = value;
    while (rest > 127) {
      this.buffer[this.at++] = (rest & 127) | 128;
      rest >>>= 7;
    }
    this.buffer[this.at++] = rest;
  }

  uint32(value: number): void {
    this.room(4);
    this.word(value);
  }

  uint64(value: number): void {
    this.room(8);
    const high = Math.floor(value / 4294967296);
    this.word(value - high * 4294967296);
    this.word(high);
  }

  uint64Big(value: bigint): void {
    if (value < 0n || value > UINT64_MAX) throw new RangeError(`${value} is not in UInt64`);
    this.room(8);
    this.at = this.buffer.writeBigUInt64LE(value, this.at);
  }

  float64(value: number): void {
    if (!Number.isFinite(value)) throw new RangeError(`${value} is not a finite number`);
    this.room(8);
    this.at = this.buffer.writeDoubleLE(value, this.at);
  }

  /** Whole microseconds as Int64. */
  instant(milliseconds: number): void {
    if (!(milliseconds >= INSTANT_MIN && milliseconds <= INSTANT_MAX))
      throw new RangeError(`instant ${milliseconds} is outside the years 1900 to 2299`);
    this.int64(Math.round(milliseconds * 1000));
  }

  /** Two's complement of a safe integer; `Math.floor` makes the high word negative with it. */
  int64(value: number): void {
    this.room(8);
    const high = Math.floor(value / 4294967296);
    this.word(value - high * 4294967296);
    this.word(high);
  }

  /** Four bytes, little-endian; bitwise operators take a negative number as its two's complement. */
  private word(value: number): void {
    const { buffer, at } = this;
    buffer[at] = value & 255;
    buffer[at + 1] = (value >>> 8) & 255;
    buffer[at + 2] = (value >>> 16) & 255;
    buffer[at + 3] = (value >>> 24) & 255;
    this.at = at + 4;
  }

  decimal(value: unknown, bits: 128 | 256): void {
    this.room(bits / 8);
    if (typeof value === 'string') {
      const small = safeScaled(value);
      if (small !== undefined) {
        this.int64(small);
        this.fill(small < 0 ? 255 : 0, bits / 8 - 8);
        return;
      }
      this.bigDecimal(scaledOf(value), bits);
      return;
    }
    if (typeof value !== 'bigint')
      throw new TypeError(`expected a decimal as text or scaled bigint, got ${shown(value)}`);
    this.bigDecimal(value, bits);
  }

  /** The three nullable decimals of a point that says a value alone, which is safe once scaled. */
  plainParts(scaled: number): void {
    this.room(19);
    this.buffer[this.at++] = 0;
    this.int64(scaled);
    this.fill(scaled < 0 ? 255 : 0, 8);
    this.buffer[this.at++] = 1;
    this.buffer[this.at++] = 1;
  }

  private bigDecimal(value: bigint, bits: 128 | 256): void {
    if (value >= INT64_MIN && value <= INT64_MAX) {
      this.at = this.buffer.writeBigInt64LE(value, this.at);
      this.fill(value < 0n ? 255 : 0, bits / 8 - 8);
      return;
    }
    if (value >= DIGITS_MAX[bits] || value <= -DIGITS_MAX[bits])
      throw new RangeError(`decimal has more than ${bits === 128 ? 29 : 67} digits before the point`);
    for (let shift = 0; shift < bits; shift += 64)
      this.at = this.buffer.writeBigUInt64LE(BigInt.asUintN(64, value >> BigInt(shift)), this.at);
  }

  private fill(byte: number, count: number): void {
    for (const end = this.at + count; this.at < end; this.at++) this.buffer[this.at] = byte;
  }
}

/** Bytes of a LEB128 length. */
function lengthBytes(value: number): number {
  let bytes = 1;
  for (let rest = value; rest > 127; rest >>>= 7) bytes++;
  return bytes;
}
