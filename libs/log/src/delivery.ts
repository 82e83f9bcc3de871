import { topicRevoked } from './limits.ts';
import type { LogRecord, SubscribeOptions } from './port.ts';
import { backoffMs, type Sleep } from './wakes.ts';

/** What a delivery reads from and commits to. */
export interface DeliverySource {
  end(topic: string): number;
  /** Up to a batch of records from `from` on; never waits. */
  batch(topic: string, from: number): readonly LogRecord[];
  committed(group: string, topic: string): number;
  commit(group: string, topic: string, next: number): Promise<void>;
  /** Resolves when the topic may have grown. */
  grown(topic: string, signal: AbortSignal): Promise<void>;
  /** Where the next batch starts, given where this one ended: a fault injector may deliver some again. */
  after(group: string, topic: string, next: number): number;
  readonly sleep: Sleep;
}

/**
 * One topic delivered to one member of an embedded group: from assignment to revocation. Batches come one at a time and
 * in order; after a throw the topic waits with backoff and goes on from the last commit.
 */
export class Delivery {
  readonly topic: string;
  readonly done: Promise<void>;
  readonly #source: DeliverySource;
  readonly #options: SubscribeOptions;
  /** Aborts waiting; the batch in flight goes on. */
  readonly #ending = new AbortController();
  /** Aborts the batch in flight, whose commits fail from then on. */
  readonly #revoking = new AbortController();
  /** Ends the wait for growth: by a seek or by the end. */
  #waking = new AbortController();
  #position = 0;
  #sought: number | undefined;
  #failures = 0;

  constructor(topic: string, options: SubscribeOptions, source: DeliverySource) {
    this.topic = topic;
    this.#source = source;
    this.#options = options;
    this.done = this.#run();
  }

  seek(offset: number): void {
    this.#sought = offset;
    this.#waking.abort();
  }

  /** Lets the batch in flight finish for `graceMs`, then aborts it. Resolves when it is over or aborted; after that nothing commits. */
  async end(graceMs: number): Promise<void> {
    this.#ending.abort();
    this.#waking.abort();
    const waited = new AbortController();
    const finished = this.done.then(() => waited.abort());
    if (graceMs > 0) await Promise.race([finished, this.#source.sleep(graceMs, waited.signal)]);
    this.#revoking.abort();
  }

  async #run(): Promise<void> {
    await this.#retrying(async () => {
      const committed = this.#source.committed(this.#options.group, this.topic);
      this.#position = (await this.#options.assigned?.(this.topic, committed)) ?? committed;
    });
    while (!this.#ending.signal.aborted) {
      try {
        await this.#step();
        this.#failures = 0;
      } catch (error) {
        if (this.#revoking.signal.aborted) return;
        await this.#backOff(error);
        this.#position = this.#source.committed(this.#options.group, this.topic);
      }
    }
  }

  async #step(): Promise<void> {
    this.#waking = new AbortController();
    this.#position = this.#sought ?? this.#position;
    this.#sought = undefined;
    const records = this.#source.batch(this.topic, this.#position);
    if (records.length === 0) return this.#source.grown(this.topic, this.#waking.signal);
    await this.#options.batch(records, {
      topic: this.topic,
      signal: this.#revoking.signal,
      end: this.#source.end(this.topic),
      heartbeat: async () => this.#refuseRevoked(),
      commit: async (to) => {
        this.#refuseRevoked();
        await this.#source.commit(this.#options.group, this.topic, to);
      },
    });
    const next = records[records.length - 1]!.offset + 1;
    this.#position = this.#source.after(this.#options.group, this.topic, next);
  }

  async #retrying(step: () => Promise<void>): Promise<void> {
    while (!this.#ending.signal.aborted) {
      try {
        await step();
        return;
      } catch (error) {
        await this.#backOff(error);
      }
    }
  }

  async #backOff(error: unknown): Promise<void> {
    this.#failures += 1;
    this.#options.failed?.(error, this.topic);
    await this.#source.sleep(backoffMs(this.#failures), this.#ending.signal);
  }

  #refuseRevoked(): void {
    if (this.#revoking.signal.aborted) throw topicRevoked(this.#options.group, this.topic);
  }
}
