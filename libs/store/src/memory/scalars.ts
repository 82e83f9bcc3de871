import {
  compareValues,
  DECIMAL256,
  INSTANT,
  INT64,
  isList,
  TEXT,
  type Type,
  typeOf,
  UINT8,
  UINT64,
  type Value,
} from './values.ts';

export type Lambda = (items: readonly Value[]) => Value;

/** A function of values alone: what it answers and of which type. */
export interface Scalar {
  type(args: readonly Type[]): Type;
  run(args: readonly Value[]): Value;
}

const same = (args: readonly Type[]): Type => args[0] ?? TEXT;
const notNull = (args: readonly Type[]): Type => ({ ...same(args), nullable: false });

function number(value: Value): number {
  if (typeof value === 'number') return value;
  if (typeof value === 'bigint') return Number(value);
  throw new TypeError(`the engine in memory expects a number, not ${String(value)}`);
}

export function list(value: Value | undefined): readonly Value[] {
  if (value !== undefined && isList(value)) return value;
  throw new TypeError('the engine in memory expects an array');
}

function whole(type: Type): Scalar {
  return { type: () => type, run: ([value = null]) => (value === null ? null : Math.trunc(number(value))) };
}

const UNCHANGED: Scalar = { type: same, run: ([value = null]) => value };

/** The greatest of an ascending array's items that is not above the value; the first where all are. */
function roundDown([value = null, steps]: readonly Value[]): Value {
  const items = list(steps);
  return items.findLast((step) => compareValues(step, value) <= 0) ?? items[0] ?? null;
}

function scaled(value: Value): Value {
  if (value === null || typeof value === 'bigint') return value;
  return BigInt(number(value)) * 1_000_000_000n;
}

export const SCALARS: Readonly<Record<string, Scalar>> = {
  toString: { type: () => TEXT, run: ([value = null]: readonly Value[]) => (value === null ? null : String(value)) },
  toUnixTimestamp64Micro: { type: () => INT64, run: ([value = null]) => value },
  fromUnixTimestamp64Micro: { type: () => INSTANT, run: ([value = null]) => value },
  toDecimal256: {
    type: (args) => ({ ...DECIMAL256, nullable: same(args).nullable }),
    run: ([value = null]) => scaled(value),
  },
  assumeNotNull: { type: notNull, run: UNCHANGED.run },
  toInt64: whole(INT64),
  toUInt64: whole(UINT64),
  toUInt8: whole(UINT8),
  negate: { type: same, run: ([value = null]) => (typeof value === 'bigint' ? -value : -number(value)) },
  intDiv: { type: () => INT64, run: ([left = null, right = null]) => Math.trunc(number(left) / number(right)) },
  length: {
    type: () => UINT64,
    run: ([value = null]) => (typeof value === 'string' ? Buffer.byteLength(value) : list(value).length),
  },
  least: {
    type: same,
    run: ([left = null, right = null]) => (compareValues(left, right) <= 0 ? left : right),
  },
  tuple: { type: (args) => typeOf('Tuple', false, args), run: (args) => [...args] },
  if: {
    type: (args) => args[1] ?? TEXT,
    run: ([condition = null, then = null, otherwise = null]) => (isTrue(condition) ? then : otherwise),
  },
  ifNull: { type: notNull, run: ([value = null, otherwise = null]) => value ?? otherwise },
  roundDown: { type: same, run: roundDown },
  arraySort: { type: same, run: ([items]) => list(items).toSorted(compareValues) },
  arrayPopBack: { type: same, run: ([items]) => list(items).slice(0, -1) },
  arrayPopFront: { type: same, run: ([items]) => list(items).slice(1) },
  arrayZip: {
    type: (args) =>
      typeOf('Array', false, [
        typeOf(
          'Tuple',
          false,
          args.map((arg) => arg.of[0] ?? TEXT),
        ),
      ]),
    run: ([left, right]) => {
      const others = list(right);
      return list(left).map((value, at) => [value, others[at] ?? null]);
    },
  },
};

/** Functions that take a lambda first and arrays after it. */
export const HIGHER: Readonly<
  Record<string, { type(body: Type): Type; run(lambda: Lambda, arrays: readonly Value[]): Value }>
> = {
  arrayMap: {
    type: (body) => typeOf('Array', false, [body]),
    run: (lambda, arrays) => zipped(arrays).map(lambda),
  },
  arraySum: {
    type: (body) => body,
    run: (lambda, arrays) => zipped(arrays).map(lambda).reduce(plus, 0n),
  },
  arrayCount: {
    type: () => UINT64,
    run: (lambda, arrays) => zipped(arrays).filter((items) => isTrue(lambda(items))).length,
  },
};

function zipped(arrays: readonly Value[]): Value[][] {
  const [first = [], ...others] = arrays.map(list);
  return first.map((value, at) => [value, ...others.map((other) => other[at] ?? null)]);
}

export function isTrue(value: Value): boolean {
  return value === true || (typeof value === 'number' && value !== 0);
}

export function plus(left: Value, right: Value): Value {
  return arithmetic('+', left, right);
}

export function arithmetic(sign: string, left: Value, right: Value): Value {
  if (left === null || right === null) return null;
  if (typeof left === 'bigint' || typeof right === 'bigint')
    return exact(sign, BigInt(bits(left)), BigInt(bits(right)));
  const [a, b] = [number(left), number(right)];
  switch (sign) {
    case '+':
      return a + b;
    case '-':
      return a - b;
    case '*':
      return a * b;
    case '/':
      return a / b;
    default:
      return a % b;
  }
}

function bits(value: Value): bigint | number {
  return typeof value === 'bigint' ? value : number(value);
}

function exact(sign: string, a: bigint, b: bigint): bigint {
  if (sign === '+') return a + b;
  if (sign === '-') return a - b;
  throw new TypeError(`the engine in memory does not know decimals with ${sign}`);
}
