import type { Tuple } from './compile.ts';
import { plus } from './scalars.ts';
import { compareValues, DECIMAL256, TEXT, type Type, typeOf, UINT64, type Value } from './values.ts';

/** One argument of an aggregate at a row of the group. */
type Argument = (row: Tuple) => Value;

/** A function of a group of rows and of what its one or two arguments are there. Nulls are passed over, as the engine does. */
export interface Aggregate {
  type(args: readonly Type[]): Type;
  run(rows: readonly Tuple[], first: Argument, second: Argument): Value;
}

/** The value of the row whose key is the least or the greatest. */
function extreme(rows: readonly Tuple[], value: Argument, key: Argument, sign: 1 | -1): Value {
  let best: Value = null;
  let chosen: Value = null;
  for (const row of rows) {
    const candidate = key(row);
    if (candidate === null || (best !== null && compareValues(candidate, best) * sign <= 0)) continue;
    const found = value(row);
    if (found === null) continue;
    best = candidate;
    chosen = found;
  }
  return chosen;
}

function sumType([type]: readonly Type[]): Type {
  return type?.name.startsWith('Decimal') === true ? { ...DECIMAL256, nullable: type.nullable } : UINT64;
}

const ofFirst = ([type]: readonly Type[]): Type => type ?? TEXT;

export const AGGREGATES: Readonly<Record<string, Aggregate>> = {
  count: { type: () => UINT64, run: (rows) => rows.length },
  countIf: { type: () => UINT64, run: (rows, condition) => rows.filter((row) => condition(row) === true).length },
  uniqExact: { type: () => UINT64, run: (rows, value) => new Set(rows.map(value)).size },
  sum: {
    type: sumType,
    run(rows, value) {
      let sum: Value = null;
      for (const row of rows) {
        const found = value(row);
        if (found !== null) sum = sum === null ? found : plus(sum, found);
      }
      return sum ?? 0n;
    },
  },
  min: { type: ofFirst, run: (rows, value) => extreme(rows, value, value, -1) },
  max: { type: ofFirst, run: (rows, value) => extreme(rows, value, value, 1) },
  argMin: { type: ofFirst, run: (rows, value, key) => extreme(rows, value, key, -1) },
  argMax: { type: ofFirst, run: (rows, value, key) => extreme(rows, value, key, 1) },
  any: {
    type: ofFirst,
    run(rows, value) {
      for (const row of rows) {
        const found = value(row);
        if (found !== null) return found;
      }
      return null;
    },
  },
  groupArray: {
    type: (args) => typeOf('Array', false, args),
    run: (rows, value) => rows.map(value).filter((found) => found !== null),
  },
};
