import { compareText } from '@paceline/domain';
import type { Reader } from '../decode.ts';
import type { ColumnType } from '../tables.ts';

/** Instants are whole microseconds, decimals are scaled by 10^9, tuples and arrays are arrays. */
export type Value = null | string | number | bigint | boolean | Uint8Array | readonly Value[];

/** A type by the engine's own name; parts of tuples, items of arrays. */
export interface Type {
  readonly name:
    | 'Tuple'
    | 'Array'
    | 'Int64'
    | 'UInt8'
    | Exclude<ColumnType, `Nullable(${string})` | 'LowCardinality(String)'>;
  readonly nullable: boolean;
  readonly of: readonly Type[];
}

export function typeOf(name: Type['name'], nullable = false, of: readonly Type[] = []): Type {
  return { name, nullable, of };
}

export const TEXT = typeOf('String');
export const UINT64 = typeOf('UInt64');
export const INT64 = typeOf('Int64');
export const UINT8 = typeOf('UInt8');
export const DECIMAL256 = typeOf('Decimal(76, 9)');
export const INSTANT = typeOf('DateTime64(6)');
export const FLOAT64 = typeOf('Float64');

export function typeOfColumn(column: ColumnType): Type {
  switch (column) {
    case 'LowCardinality(String)':
      return TEXT;
    case 'Nullable(Float64)':
      return typeOf('Float64', true);
    case 'Nullable(DateTime64(6))':
      return typeOf('DateTime64(6)', true);
    case 'Nullable(Decimal(38, 9))':
      return typeOf('Decimal(38, 9)', true);
    default:
      return typeOf(column);
  }
}

export function nameOfType({ name, nullable, of }: Type): string {
  const inner = of.length === 0 ? name : `${name}(${of.map(nameOfType).join(', ')})`;
  return nullable ? `Nullable(${inner})` : inner;
}

/** Reads one value of a column. */
export function valueReader({ name, nullable }: Type): (reader: Reader) => Value {
  const read = readerOf(name);
  return nullable ? (reader) => (reader.uint8() === 1 ? null : read(reader)) : read;
}

function readerOf(name: Type['name']): (reader: Reader) => Value {
  switch (name) {
    case 'String':
      return (reader) => reader.text();
    case 'Bool':
      return (reader) => reader.uint8() === 1;
    case 'UInt32':
      return (reader) => reader.uint32();
    case 'UInt64':
      return (reader) => reader.uint64();
    case 'Float64':
      return (reader) => reader.float64();
    case 'DateTime64(6)':
      return (reader) => Math.round(reader.instant() * 1000);
    case 'Decimal(38, 9)':
      return (reader) => reader.decimal128();
    case 'Decimal(76, 9)':
      return (reader) => reader.decimal256();
    case 'FixedString(16)':
      return (reader) => reader.fixed(16);
    default:
      throw new TypeError(`no column holds ${name}`);
  }
}

/** As the engine orders: numbers by value, text by its bytes, tuples part by part, nothing last. */
export function compareValues(left: Value, right: Value): number {
  if (left === right) return 0;
  if (typeof left === 'number' && typeof right === 'number') return left < right ? -1 : 1;
  if (left === null) return 1;
  if (right === null) return -1;
  if (typeof left === 'string' && typeof right === 'string') return compareText(left, right);
  if (left instanceof Uint8Array && right instanceof Uint8Array) return Buffer.compare(left, right);
  if (isList(left) && isList(right)) return compareLists(left, right);
  return left < right ? -1 : left > right ? 1 : 0;
}

function compareLists(left: readonly Value[], right: readonly Value[]): number {
  for (let at = 0; at < Math.min(left.length, right.length); at++) {
    const order = compareValues(left[at] ?? null, right[at] ?? null);
    if (order !== 0) return order;
  }
  return left.length - right.length;
}

export function isList(value: Value): value is readonly Value[] {
  return Array.isArray(value);
}

/** Equal for equal values, of any one type. */
export function keyOfValue(value: Value): string | number | bigint | boolean | null {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('latin1');
  if (isList(value))
    return value.map((item) => `${String(keyOfValue(item)).length}:${String(keyOfValue(item))}`).join('');
  return value;
}

export function keyOfValues(values: readonly Value[]): string | number | bigint | boolean | null {
  const [only = null] = values;
  if (values.length === 1) return keyOfValue(only);
  let key = '';
  for (const value of values) {
    const text = value === null ? 'N' : String(keyOfValue(value));
    key += `${text.length}:${text}`;
  }
  return key;
}
