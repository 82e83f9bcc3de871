import { StoreError, toStoreError } from './errors.ts';
import type { GuestRun, GuestScope } from './port.ts';
import type { Wire } from './wire.ts';

const WAITING_FOR_EACH = 5;

/** Lets few guests in at a time. One that gives up is let go at once, but keeps its place until the engine is done with it. */
export class Guests {
  readonly #wire: Wire;
  readonly #max: number;
  readonly #waiting: (() => void)[] = [];
  #inside = 0;
  #emptied: (() => void)[] = [];

  constructor(wire: Wire, max: number) {
    this.#wire = wire;
    this.#max = max;
  }

  async use<T>(scope: GuestScope, work: (run: GuestRun) => Promise<T>, signal: AbortSignal | undefined): Promise<T> {
    if (signal?.aborted === true) throw gaveUp(signal);
    await this.#enter();
    const running = this.#run(scope, work, signal).finally(() => this.#leave());
    return signal === undefined ? running : orGivenUp(running, signal);
  }

  /** Resolves when nobody is inside. */
  drain(): Promise<void> {
    if (this.#inside === 0) return Promise.resolve();
    return new Promise((resolve) => this.#emptied.push(resolve));
  }

  async #run<T>(scope: GuestScope, work: (run: GuestRun) => Promise<T>, signal: AbortSignal | undefined): Promise<T> {
    // Given up while waiting for a place: the engine is not asked at all.
    if (signal?.aborted === true) throw gaveUp(signal);
    try {
      return await this.#wire.guest(scope, (run) =>
        work((sql, format) => {
          if (signal?.aborted === true) throw gaveUp(signal);
          return run(sql, format).catch((cause: unknown) => {
            throw toStoreError(cause, 'A guest’s statement');
          });
        }),
      );
    } catch (cause) {
      // What the work itself throws is its own business.
      if (cause instanceof StoreError || !isEngineError(cause)) throw cause;
      throw toStoreError(cause, 'A guest’s statement');
    }
  }

  async #enter(): Promise<void> {
    if (this.#inside < this.#max) {
      this.#inside++;
      return;
    }
    const waitingMax = this.#max * WAITING_FOR_EACH;
    if (this.#waiting.length >= waitingMax)
      throw new StoreError('store_busy', `${this.#inside} guests read and ${waitingMax} wait already`);
    await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  #leave(): void {
    const next = this.#waiting.shift();
    if (next !== undefined) {
      next();
      return;
    }
    this.#inside--;
    if (this.#inside > 0) return;
    for (const resolve of this.#emptied) resolve();
    this.#emptied = [];
  }
}

function isEngineError(cause: unknown): boolean {
  return cause instanceof Error && /Code: \d+\. DB::Exception/.test(cause.message);
}

function gaveUp(signal: AbortSignal): StoreError {
  return new StoreError('store_cancelled', 'The guest gave up', { cause: signal.reason });
}

function orGivenUp<T>(running: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(gaveUp(signal));
    signal.addEventListener('abort', abort, { once: true });
    running.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}
