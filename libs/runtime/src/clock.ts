import { DueTimers } from './due-timers.ts';

/**
 * Time as a dependency. Whatever waits takes a clock, so that tests and the demo can play years in seconds and a seed
 * can decide what happens first.
 */
export interface Clock {
  /** Epoch milliseconds. */
  now(): number;
  /** Milliseconds that never go back, for measuring durations; its zero means nothing. */
  monotonic(): number;
  /** Runs once after `delayMs`. An error thrown by `run` is the caller's to catch. */
  after(delayMs: number, run: () => void): Timer;
  /** Resolves after `delayMs`; rejects with the signal's reason as soon as it is aborted. */
  sleep(delayMs: number, signal?: AbortSignal): Promise<void>;
  /** Resolves when files, sockets and due timers had their turn of the event loop. */
  turn(): Promise<void>;
}

export interface Timer {
  cancel(): void;
}

/** Node's timers overflow above this and would fire at once. */
const TIMER_MS_MAX = 2 ** 31 - 1;

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(delayMs, run) {
    let handle: NodeJS.Timeout;
    const arm = (leftMs: number): void => {
      handle =
        leftMs > TIMER_MS_MAX
          ? setTimeout(() => arm(leftMs - TIMER_MS_MAX), TIMER_MS_MAX)
          : setTimeout(run, Math.max(0, leftMs));
    };
    arm(delayMs);
    return { cancel: () => clearTimeout(handle) };
  },
  sleep: (delayMs, signal) => sleepOn(systemClock, delayMs, signal),
  turn,
};

export interface ManualClockOptions {
  /** Resolves once everything already resolved has had its reactions. Default: one turn of the event loop. */
  readonly turn?: () => Promise<void>;
}

/** A clock that stands still until told. Timers fire in order of time, then of setting; each sees its own time as now. */
export class ManualClock implements Clock {
  #now: number;
  readonly #start: number;
  readonly #turn: () => Promise<void>;
  readonly #waiting = new DueTimers();

  constructor(now: number, options: ManualClockOptions = {}) {
    this.#now = now;
    this.#start = now;
    this.#turn = options.turn ?? turn;
  }

  now(): number {
    return this.#now;
  }

  monotonic(): number {
    return this.#now - this.#start;
  }

  after(delayMs: number, run: () => void): Timer {
    return this.#waiting.add(this.#now + Math.max(0, delayMs), run);
  }

  sleep(delayMs: number, signal?: AbortSignal): Promise<void> {
    return sleepOn(this, delayMs, signal);
  }

  turn(): Promise<void> {
    return this.#turn();
  }

  /** Timers not yet fired or cancelled. */
  get pending(): number {
    return this.#waiting.size;
  }

  /** When the next timer is due, or `null`. */
  get nextAt(): number | null {
    return this.#waiting.first?.at ?? null;
  }

  /** Moves to `now`, firing what falls due; between two timers pending promise reactions run, so that a timer set by one of them is seen. */
  async advanceTo(now: number): Promise<void> {
    for (;;) {
      await this.#turn();
      const next = this.#waiting.first;
      if (next === undefined || next.at > now) break;
      next.cancel();
      this.#now = Math.max(this.#now, next.at);
      next.run();
    }
    this.#now = Math.max(this.#now, now);
  }

  async advance(byMs: number): Promise<void> {
    await this.advanceTo(this.#now + byMs);
  }

  /** Jumps without firing anything, also backwards: how a corrected system clock looks. */
  set(now: number): void {
    this.#now = now;
  }
}

/** One turn of the event loop: everything already resolved has had its reactions. */
function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function sleepOn(clock: Clock, delayMs: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted === true) {
      reject(signal.reason);
      return;
    }
    const aborted = (): void => {
      timer.cancel();
      reject(signal?.reason);
    };
    const timer = clock.after(delayMs, () => {
      signal?.removeEventListener('abort', aborted);
      resolve();
    });
    signal?.addEventListener('abort', aborted, { once: true });
  });
}
