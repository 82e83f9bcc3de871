import type { Clock } from './context.ts';

export interface Rate {
  /** Requests that may start within one minute. */
  readonly perMinute: number;
}

/** Budgets of requests, shared by all sources that use one credential: the far side counts them together too. */
export interface Budgets {
  /** Waits until the credential may make one more request. */
  take(credential: string, rate: Rate, signal: AbortSignal): Promise<void>;
}

const CREDENTIALS_MAX = 10_000;
const MINUTE_MS = 60_000;

/** Requests are spaced evenly, so that no minute of the far side's counting can hold more than its share. */
export function createBudgets(clock: Clock): Budgets {
  const nextAt = new Map<string, number>();
  return {
    async take(credential, rate, signal) {
      const now = clock.now();
      const at = Math.max(now, nextAt.get(credential) ?? 0);
      nextAt.delete(credential);
      nextAt.set(credential, at + MINUTE_MS / rate.perMinute);
      // The oldest entry has had no request for the longest time; its spacing is over or nearly so.
      const oldest = nextAt.keys().next();
      if (nextAt.size > CREDENTIALS_MAX && oldest.done !== true) nextAt.delete(oldest.value);
      if (at > now) await clock.sleep(at - now, signal);
    },
  };
}
