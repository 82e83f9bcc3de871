import type { Clock } from '@paceline/runtime';

/** Longest work without a turn of the event loop: what waits for a file, a socket or a timer waits as long at most. */
const BREATH_MS = 5;

/**
 * Gives way in long work. Awaiting what is there already never ends a turn of the event loop, so a tick or a full log would
 * keep inserts, heartbeats and requests waiting for as long as it takes.
 */
export class Breath {
  readonly #clock: Clock;
  #since: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#since = clock.monotonic();
  }

  get isDue(): boolean {
    return this.#clock.monotonic() - this.#since >= BREATH_MS;
  }

  async take(): Promise<void> {
    await this.#clock.turn();
    this.#since = this.#clock.monotonic();
  }
}
