import type { PointColumns, PointStatement } from '../fact.ts';
import { seriesKey } from './statement.ts';

/** Names and values remembered of each kind; beyond they are forgotten and asked again. */
const REMEMBERED_MAX = 50_000;

/**
 * What belongs to the series of a point, found by its dimensions: most points have one, whose key need not be written to be known.
 * `of` says it of a key, and must say the same again.
 */
export class ByDimensions<Value> {
  readonly #of: (key: string) => Value;
  readonly #single = new Map<string, Map<string, Value>>();
  readonly #shared = new Map<object, Value>();

  constructor(of: (key: string) => Value) {
    this.#of = of;
  }

  /** The same of dimensions that are mostly one object wherever they are equal: its names and values need not be looked at. */
  ofShared(dimensions: PointColumns['dimensions'][number]): Value {
    let found = this.#shared.get(dimensions);
    if (found === undefined) {
      found = this.get(dimensions);
      if (this.#shared.size >= REMEMBERED_MAX) this.#shared.clear();
      this.#shared.set(dimensions, found);
    }
    return found;
  }

  get(dimensions: PointStatement['dimensions']): Value {
    if (dimensions === undefined) return this.#of('{}');
    let only: string | undefined;
    for (const name in dimensions) {
      if (only !== undefined) return this.#of(seriesKey(dimensions));
      only = name;
    }
    if (only === undefined) return this.#of('{}');
    const value = dimensions[only]!;
    let values = this.#single.get(only);
    if (values === undefined) {
      values = new Map();
      if (this.#single.size >= REMEMBERED_MAX) this.#single.clear();
      this.#single.set(only, values);
    }
    let found = values.get(value);
    if (found === undefined) {
      found = this.#of(seriesKey(dimensions));
      if (values.size >= REMEMBERED_MAX) values.clear();
      values.set(value, found);
    }
    return found;
  }
}
