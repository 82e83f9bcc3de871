import { type Clock, systemClock } from '@paceline/runtime';

/**
 * A clock whose now is played, and whose timers are the machine's: what waits for a moment of silence waits a real one. It goes
 * on with the machine's clock between two jumps, so that time never stands still.
 */
export class PlayedClock implements Clock {
  #at: number;
  #since = systemClock.monotonic();

  constructor(at: number) {
    this.#at = at;
  }

  now(): number {
    return Math.floor(this.#at + systemClock.monotonic() - this.#since);
  }

  /** Never backwards. */
  jump(at: number): void {
    this.#at = Math.max(at, this.now());
    this.#since = systemClock.monotonic();
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
