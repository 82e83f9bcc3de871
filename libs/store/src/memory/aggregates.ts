import { plus } from './scalars.ts';
import { compareValues, DECIMAL256, TEXT, type Type, typeOf, UINT64, type Value } from './values.ts';

/** A function of a group of rows: given the arguments' values of each row. Nulls are passed over, as the engine does. */
export interface Aggregate {
  type(args: readonly Type[]): Type;
  run(rows: readonly (readonly Value[])[]): Value;
}

function extreme(rows: readonly (readonly Value[])[], by: number, sign: 1 | -1): readonly Value[] | undefined {
  let best: readonly Value[] | undefined;
  for (const row of rows) {
    if ((row[0] ?? null) === null || (row[by] ?? null) === null) continue;
    if (best === undefined || compareValues(row[by] ?? null, best[by] ?? null) * sign > 0) best = row;
  }
  return best;
}

function choosing(by: number, sign: 1 | -1): Aggregate {
  return { type: (args) => args[0] ?? TEXT, run: (rows) => extreme(rows, by, sign)?.[0] ?? null };
}

function sumType([type]: readonly Type[]): Type {
  return type?.name.startsWith('Decimal') === true ? { ...DECIMAL256, nullable: type.nullable } : UINT64;
}

export const AGGREGATES: Readonly<Record<string, Aggregate>> = {
  count: { type: () => UINT64, run: (rows) => rows.length },
  countIf: { type: () => UINT64, run: (rows) => rows.filter(([value]) => value === true).length },
  uniqExact: { type: () => UINT64, run: (rows) => new Set(rows.map(([value]) => value)).size },
  sum: {
    type: sumType,
    run: (rows) =>
      rows.reduce<Value>(
        (sum, [value = null]) => (value === null ? sum : sum === null ? value : plus(sum, value)),
        null,
      ) ?? 0n,
  },
  min: choosing(0, -1),
  max: choosing(0, 1),
  argMin: choosing(1, -1),
  argMax: choosing(1, 1),
  any: { type: (args) => args[0] ?? TEXT, run: (rows) => rows.find(([value]) => value !== null)?.[0] ?? null },
  groupArray: {
    type: (args) => typeOf('Array', false, args),
    run: (rows) => rows.flatMap(([value = null]) => (value === null ? [] : [value])),
  },
};
