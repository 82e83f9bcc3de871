import { type Clock, systemClock } from '@paceline/runtime';

/**
 * Stands still until the story goes on, so that two plays of it write the same instants; its timers are the machine's, because
 * what waits for a moment of silence must not wait for the story.
 */
export class StoryClock implements Clock {
  #now: number;

  constructor(now: string) {
    this.#now = Date.parse(now);
  }

  now(): number {
    return this.#now;
  }

  go(now: string): void {
    const at = Date.parse(now);
    if (at < this.#now) throw new RangeError(`the story is past ${now}`);
    this.#now = at;
  }

  monotonic(): number {
    return systemClock.monotonic();
  }

  after(delayMs: number, run: () => void) {
    return systemClock.after(delayMs, run);
  }

  sleep(delayMs: number, signal?: AbortSignal): Promise<void> {
    return systemClock.sleep(delayMs, signal);
  }

  turn(): Promise<void> {
    return systemClock.turn();
  }
}
