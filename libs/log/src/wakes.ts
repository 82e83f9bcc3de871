/** Tells waiters in this process that a topic has grown, so that nobody polls. */
export class Wakes {
  readonly #waiters = new Map<string, Set<() => void>>();

  wake(topic: string): void {
    const waiters = this.#waiters.get(topic);
    if (waiters === undefined) return;
    this.#waiters.delete(topic);
    for (const resolve of waiters) resolve();
  }

  wakeAll(): void {
    for (const topic of [...this.#waiters.keys()]) this.wake(topic);
  }

  /** Resolves at the next `wake` of the topic or when the signal aborts. */
  async wait(topic: string, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    let waiters = this.#waiters.get(topic);
    if (waiters === undefined) {
      waiters = new Set();
      this.#waiters.set(topic, waiters);
    }
    waiters.add(resolve);
    const abort = () => {
      this.#waiters.get(topic)?.delete(resolve);
      resolve();
    };
    signal?.addEventListener('abort', abort, { once: true });
    await promise;
    signal?.removeEventListener('abort', abort);
  }
}

export type Sleep = (ms: number, signal?: AbortSignal) => Promise<void>;

/** Resolves after `ms`, or at once when the signal aborts; never rejects. */
export const sleep: Sleep = (ms, signal) =>
  new Promise((resolve) => {
    if (signal?.aborted) return resolve();
    const done = () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal?.addEventListener('abort', done, { once: true });
  });

const BACKOFF_FIRST_MS = 100;
const BACKOFF_MAX_MS = 10_000;

/** How long to wait after the n-th failure in a row (1 for the first). */
export function backoffMs(failures: number, firstMs = BACKOFF_FIRST_MS, maxMs = BACKOFF_MAX_MS): number {
  return Math.min(maxMs, firstMs * 2 ** Math.min(failures - 1, 20));
}
