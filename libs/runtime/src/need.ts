import { systemClock } from './clock.ts';
import { describeError } from './errors.ts';
import type { PartHealth } from './lifecycle.ts';

/** A server that a process needs, as the library that speaks to it says how. */
export interface Need<Part extends { close(): Promise<void> }> {
  /** `Kafka at broker-1:9092`, for people. */
  readonly what: string;
  open(): Promise<Part>;
  /** Rejects while it cannot be used. */
  probe(part: Part): Promise<void>;
  /** `refused`: waiting does not cure it. `away`: it may come back. Neither: it is no error of this server. */
  judge(error: unknown): 'refused' | 'away' | undefined;
}

export type AnyNeed = Pick<Need<never>, 'what' | 'judge'>;

export interface Opened {
  readonly name: string;
  readonly what: string;
  probe(): Promise<void>;
  close(): Promise<void>;
}

export function isAway(error: unknown, needs: readonly AnyNeed[]): boolean {
  return needs.some((need) => need.judge(error) === 'away');
}

const EVERY_MS = 2_000;
const ANSWER_MS_MAX = 5_000;

/** Asks a server every now and then whether it is there, so that an idle process knows too. One question at a time. */
export class Probe {
  readonly #opened: Opened;
  readonly #stopped = new AbortController();
  #fault: string | null = null;

  constructor(opened: Opened) {
    this.#opened = opened;
    void this.#run();
  }

  get health(): PartHealth {
    const { name, what } = this.#opened;
    if (this.#fault === null) return { part: name, live: true, ready: true };
    return { part: name, live: true, ready: false, detail: `${what}: ${this.#fault}` };
  }

  stop(): void {
    this.#stopped.abort();
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopped;
    while (!signal.aborted) {
      await systemClock.sleep(EVERY_MS, signal).catch(() => undefined);
      if (signal.aborted) return;
      const answer = this.#opened.probe().then(
        () => null,
        (error: unknown) => describeError(error),
      );
      const late = systemClock.sleep(ANSWER_MS_MAX, signal).then(
        () => `no answer within ${ANSWER_MS_MAX} ms`,
        () => null,
      );
      this.#fault = await Promise.race([answer, late]);
      // The next question waits for this one's end.
      await answer;
    }
  }
}
