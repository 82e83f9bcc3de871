import type { TrendAnswer } from './wire.ts';

export type Trend =
  | { readonly state: 'waiting' }
  | { readonly state: 'ready'; readonly answer: TrendAnswer }
  | { readonly state: 'failed'; readonly message: string };

type Load = (signal: AbortSignal) => Promise<TrendAnswer>;

interface Wanted {
  readonly key: string;
  readonly load: Load;
  readonly listeners: Set<() => void>;
  trend: Trend;
}

/** A browser opens six connections to a server; the others stay free for what a person waits for. */
const AT_ONCE = 3;
const KEPT_MAX = 600;

/** Trends of the rows in sight, a few at a time; what scrolled away before its turn is not asked for. */
export class Trends {
  readonly #known = new Map<string, Wanted>();
  readonly #queue: Wanted[] = [];
  #running = 0;

  get(key: string): Trend | undefined {
    return this.#known.get(key)?.trend;
  }

  /** Tells `listener` when the trend is there; returns how to lose interest. */
  want(key: string, load: Load, listener: () => void): () => void {
    const known = this.#known.get(key);
    const wanted = known ?? { key, load, listeners: new Set(), trend: { state: 'waiting' } };
    wanted.listeners.add(listener);
    if (known === undefined) {
      this.#known.set(key, wanted);
      this.#queue.push(wanted);
      this.#next();
    }
    return () => {
      wanted.listeners.delete(listener);
      const at = this.#queue.indexOf(wanted);
      if (wanted.listeners.size > 0 || at === -1) return;
      this.#queue.splice(at, 1);
      this.#known.delete(key);
    };
  }

  #next(): void {
    if (this.#running >= AT_ONCE) return;
    const wanted = this.#queue.shift();
    if (wanted === undefined) return;
    this.#running += 1;
    void this.#load(wanted).finally(() => {
      this.#running -= 1;
      this.#next();
    });
  }

  async #load(wanted: Wanted): Promise<void> {
    try {
      wanted.trend = { state: 'ready', answer: await wanted.load(new AbortController().signal) };
    } catch (error) {
      wanted.trend = { state: 'failed', message: error instanceof Error ? error.message : String(error) };
    }
    this.#forget();
    for (const listener of wanted.listeners) listener();
  }

  /** The oldest that nobody looks at. */
  #forget(): void {
    for (const [key, { listeners, trend }] of this.#known) {
      if (this.#known.size <= KEPT_MAX) return;
      if (listeners.size === 0 && trend.state !== 'waiting') this.#known.delete(key);
    }
  }
}
