import type { Clock } from './clock.ts';

export interface BackoffOptions {
  readonly firstMs: number;
  readonly maxMs: number;
  /** 0 = none, 1 = anywhere between zero and the full delay. Default 0.5. */
  readonly jitter?: number;
}

/** Delay before the `attempt`-th retry (1 for the first): doubles up to `maxMs`, spread by jitter so that many do not return at once. */
export function backoffMs(attempt: number, options: BackoffOptions, random: () => number = Math.random): number {
  const full = Math.min(options.maxMs, options.firstMs * 2 ** Math.min(attempt - 1, 50));
  const jitter = options.jitter ?? 0.5;
  return Math.round(full * (1 - jitter * random()));
}

export interface RetryOptions extends BackoffOptions {
  readonly clock: Clock;
  readonly attemptsMax: number;
  readonly signal?: AbortSignal;
  /** Whether trying again can help; default: always. */
  retryable?(error: unknown): boolean;
  /** Told before each wait, for logs and health. */
  failed?(error: unknown, attempt: number, delayMs: number): void;
}

/** Runs until it succeeds, `attemptsMax` is used up, or an error is not retryable; then the last error is thrown. */
export async function retry<T>(run: (attempt: number) => Promise<T>, options: RetryOptions): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    options.signal?.throwIfAborted();
    try {
      return await run(attempt);
    } catch (error) {
      const canRetry = options.retryable?.(error) ?? true;
      if (attempt >= options.attemptsMax || !canRetry) throw error;
      const delayMs = backoffMs(attempt, options);
      options.failed?.(error, attempt, delayMs);
      await options.clock.sleep(delayMs, options.signal);
    }
  }
}
