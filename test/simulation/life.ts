import type { Clock, ManualClock, Timer } from '@paceline/runtime';

export type Port = 'log' | 'store' | 'source';

/** One fault that waits for the call it is meant for. */
export interface Ambush {
  readonly call: 'append' | 'commit' | 'insert' | 'query';
  readonly kind: 'failed' | 'ambiguous' | 'partial' | 'busy' | 'memory' | 'timeout';
  /** Calls that pass before it. */
  skip: number;
}

const LATENCY_MS: Readonly<Record<Port, number>> = { log: 8, store: 25, source: 60 };

/**
 * One process from its start to its death. Whatever it asks of the world passes through here: a call takes a while, and the
 * process may be dead before it or before its answer, as after `kill -9`: nobody is told, the code just never goes on.
 */
export class Life {
  readonly name: string;
  readonly clock: ManualClock;
  readonly ambushes: Ambush[] = [];
  /** Told once when it dies. */
  readonly died: (() => void)[] = [];
  /** Added to the clock of the world: clocks of machines differ, and jump. */
  skewMs = 0;
  pausedUntil = 0;
  /** Calls of the store take this much longer, until then. */
  slow = { until: 0, factor: 1 };
  #isDead = false;
  #hopsLeft = Number.POSITIVE_INFINITY;
  readonly #random: () => number;

  constructor(name: string, clock: ManualClock, random: () => number) {
    this.name = name;
    this.clock = clock;
    this.#random = random;
  }

  get isDead(): boolean {
    return this.#isDead;
  }

  get isPaused(): boolean {
    return this.pausedUntil > this.clock.now();
  }

  die(): void {
    if (this.#isDead) return;
    this.#isDead = true;
    for (const tell of this.died) tell();
  }

  /** It dies at one of its next awaits. */
  dieAfter(hops: number): void {
    this.#hopsLeft = hops;
  }

  /** One way of a call: to the port, or back. Who is dead, or dies on it, never hears. */
  hop(port: Port): Promise<void> {
    if (this.#hopsLeft-- <= 0) this.die();
    return new Promise((resolve) => {
      if (this.#isDead) return;
      const slow = port === 'store' && this.slow.until > this.clock.now() ? this.slow.factor : 1;
      const arrive = (): void => {
        if (this.isPaused) this.#after(this.pausedUntil - this.clock.now(), arrive);
        else if (!this.#isDead) resolve();
      };
      this.#after(LATENCY_MS[port] * slow * this.#random() ** 2, arrive);
    });
  }

  /** The fault that lies in wait for this call, if any. */
  ambush(call: Ambush['call']): Ambush['kind'] | null {
    const at = this.ambushes.findIndex((each) => each.call === call);
    const found = this.ambushes[at];
    if (found === undefined) return null;
    if (found.skip-- > 0) return null;
    this.ambushes.splice(at, 1);
    return found.kind;
  }

  random(): number {
    return this.#random();
  }

  #after(ms: number, run: () => void): void {
    // Whole milliseconds: a rest too small to move the clock would be waited for without end.
    this.clock.after(Math.max(1, Math.ceil(ms)), run);
  }
}

/** The clock as one process sees it: wrong by its skew, standing while the process is paused, silent after its death. */
export class LifeClock implements Clock {
  readonly #life: Life;

  constructor(life: Life) {
    this.#life = life;
  }

  now(): number {
    return this.#life.clock.now() + this.#life.skewMs;
  }

  monotonic(): number {
    return this.#life.clock.monotonic();
  }

  after(delayMs: number, run: () => void): Timer {
    const life = this.#life;
    let timer: Timer;
    const arm = (waitMs: number): void => {
      timer = life.clock.after(waitMs, () => {
        if (life.isDead) return;
        if (life.isPaused) arm(Math.ceil(life.pausedUntil - life.clock.now()));
        else run();
      });
    };
    arm(delayMs);
    return { cancel: () => timer.cancel() };
  }

  sleep(delayMs: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted === true) return reject(signal.reason);
      const aborted = (): void => {
        timer.cancel();
        reject(signal?.reason);
      };
      const timer = this.after(delayMs, () => {
        signal?.removeEventListener('abort', aborted);
        resolve();
      });
      signal?.addEventListener('abort', aborted, { once: true });
    });
  }

  /** Nothing here waits for files or sockets, and the others' turns are the schedule's. */
  turn(): Promise<void> {
    return Promise.resolve();
  }

  /** As the log's own waits: it never rejects. */
  async wait(delayMs: number, signal?: AbortSignal): Promise<void> {
    try {
      await this.sleep(delayMs, signal);
    } catch {
      // An aborted wait is over.
    }
  }
}
