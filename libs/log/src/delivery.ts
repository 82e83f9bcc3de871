import { topicRevoked } from './limits.ts';
import type { LogRecord, SubscribeOptions } from './port.ts';
import { backoffMs, type Sleep } from './wakes.ts';

/** Nobody asks why a wait is over, and an abort without a reason makes one with a stack, which costs more than all else here. */
const OVER = new Error('the wait is over');

/** What a delivery reads from and commits to. */
export interface DeliverySource {
  end(topic: string): number;
  /** The next batch from `from` on, waiting for the first record; nothing when the signal aborts. */
  next(topic: string, from: number, signal: AbortSignal): Promise<readonly LogRecord[]>;
  /** `next` will be asked from there in a moment, probably. */
  soon?(topic: string, from: number): void;
  committed(group: string, topic: string): Promise<number>;
  /** Rejects at once when the signal aborts: whoever takes the topic away waits for the batch that commits. */
  commit(group: string, topic: string, next: number, signal: AbortSignal): Promise<void>;
  /** Where the next batch starts, given where this one ended: a fault injector may deliver some again. */
  after(topic: string, committed: number, next: number): number;
  readonly sleep: Sleep;
}

/**
 * One topic delivered to one member of a group: from assignment to revocation. Batches come one at a time and in order;
 * after a throw the topic waits with backoff and goes on from the last commit. The same for every adapter.
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
  /** Ends the wait for records: by a seek or by the end. */
  #waking = new AbortController();
  #position = 0;
  #committed: number | undefined;
  #sought: number | undefined;
  #failures = 0;

  constructor(topic: string, options: SubscribeOptions, source: DeliverySource) {
    this.topic = topic;
    this.#source = source;
    this.#options = options;
    this.done = this.#run();
  }

  /** The place this member last knew to be committed; `undefined` before it has asked. */
  get committed(): number | undefined {
    return this.#committed;
  }

  seek(offset: number): void {
    this.#sought = offset;
    this.#waking.abort(OVER);
  }

  /** Lets the batch in flight finish for `graceMs`, then aborts it. Resolves when it is over or aborted; after that nothing commits. */
  async end(graceMs: number): Promise<void> {
    this.#ending.abort(OVER);
    this.#waking.abort(OVER);
    if (graceMs > 0) {
      const waited = new AbortController();
      const finished = this.done.then(() => waited.abort(OVER));
      await Promise.race([finished, this.#source.sleep(graceMs, waited.signal)]);
    }
    this.#revoking.abort();
  }

  async #run(): Promise<void> {
    while (!this.#ending.signal.aborted) {
      try {
        if (this.#committed === undefined) await this.#begin();
        else await this.#step(this.#committed);
        this.#failures = 0;
      } catch (error) {
        if (this.#revoking.signal.aborted) return;
        await this.#backOff(error);
        this.#position = this.#committed ?? 0;
      }
    }
  }

  async #begin(): Promise<void> {
    const committed = await this.#source.committed(this.#options.group, this.topic);
    // Taken away before the broker answered: the topic may have come back by now, and what follows it would be sent back to this place.
    if (this.#ending.signal.aborted) return;
    this.#source.soon?.(this.topic, committed);
    this.#position = (await this.#options.assigned?.(this.topic, committed)) ?? committed;
    this.#committed = committed;
  }

  async #step(committed: number): Promise<void> {
    this.#waking = new AbortController();
    this.#position = this.#sought ?? this.#position;
    this.#sought = undefined;
    const records = await this.#source.next(this.topic, this.#position, this.#waking.signal);
    const last = records.at(-1);
    if (last === undefined || this.#waking.signal.aborted) return;
    await this.#options.batch(records, {
      topic: this.topic,
      signal: this.#revoking.signal,
      end: this.#source.end(this.topic),
      heartbeat: async () => this.#refuseRevoked(),
      commit: (next) => this.#commit(next),
    });
    this.#position = this.#source.after(this.topic, this.#committed ?? committed, last.offset + 1);
  }

  async #commit(next: number): Promise<void> {
    this.#refuseRevoked();
    await this.#source.commit(this.#options.group, this.topic, next, this.#revoking.signal);
    this.#committed = next;
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
