import type { Moment } from './knowledge.ts';
import type { Trend } from './trend-metric.ts';

const TRENDS_MAX = 300;
/** Longer ones are read anew: they are exports, which nobody asks for twice in a second. */
const ROWS_MAX = 1_000;

/** Trends by what they are a function of. Past a position nothing is asked again; the oldest go first. */
export class TrendCache {
  readonly #trends = new Map<string, Promise<Trend>>();

  read({ workspace, position, asOf }: Moment, asked: unknown, compute: () => Promise<Trend>): Promise<Trend> {
    const key = JSON.stringify([workspace, position, asOf, asked]);
    const known = this.#trends.get(key);
    if (known !== undefined) return known;
    const made = compute();
    this.#trends.set(key, made);
    if (this.#trends.size > TRENDS_MAX) this.#trends.delete(this.#trends.keys().next().value ?? '');
    made.then(
      ({ rows }) => rows.length > ROWS_MAX && this.#trends.delete(key),
      () => this.#trends.delete(key),
    );
    return made;
  }
}
