import type { Consumer, Kafka } from 'kafkajs';
import { Delivery, type DeliverySource } from './delivery.ts';
import { pacelineAssigner } from './kafka-assigner.ts';
import { RETRY } from './kafka-client.ts';
import { type KafkaFetcher, TopicReader } from './kafka-fetch.ts';
import { topicRevoked } from './limits.ts';
import { LogRefused, type SubscribeOptions, type Subscription } from './port.ts';
import { backoffMs, sleep } from './wakes.ts';

export interface MemberLimits {
  readonly batchRecordsMax: number;
  readonly graceMs: number;
  /** How often topics are looked for that others created. */
  readonly topicsPollMs: number;
  readonly sessionTimeoutMs: number;
  readonly rebalanceTimeoutMs: number;
}

export interface MemberDependencies {
  readonly kafka: Kafka;
  readonly fetcher: KafkaFetcher;
  /** Topics that begin with the prefix. */
  topics(prefix: string): Promise<string[]>;
  /** Refuses a topic in another shape. */
  verify(topic: string): Promise<void>;
  committed(group: string, topic: string): Promise<number>;
  /** Refuses a commit outside the topic. */
  checkCommit(topic: string, next: number): Promise<void>;
  left(member: KafkaMember): void;
}

/**
 * A member of a consumer group. kafkajs's consumer does what only a group member can: join, share, beat, commit. It never
 * fetches (its partitions stay paused), since it would hold up every topic until the slowest batch is done and would go
 * back to the commit at every rebalance; the deliveries fetch by offset and keep their places.
 */
export class KafkaMember implements Subscription {
  readonly #deps: MemberDependencies;
  readonly #options: SubscribeOptions;
  readonly #limits: MemberLimits;
  readonly #deliveries = new Map<string, Delivery>();
  readonly #readers = new Map<string, TopicReader>();
  readonly #ending = new AbortController();
  readonly #source: DeliverySource;
  #topics: readonly string[] = [];
  #consumer: Consumer | undefined;
  /** Fulfilled while the member is in the group. */
  #joined = Promise.withResolvers<void>();
  /** Offsets that the broker said it has, by topic. */
  readonly #acknowledged = new Map<string, string>();
  #looking: Promise<void> | undefined;
  #lookAgain = false;
  #restarts = 0;
  /** Assignments are taken over one after the other. */
  #turn: Promise<void> = Promise.resolve();
  #watching: Promise<void> = Promise.resolve();

  constructor(deps: MemberDependencies, options: SubscribeOptions, limits: MemberLimits) {
    this.#deps = deps;
    this.#options = options;
    this.#limits = limits;
    this.#source = {
      end: (topic) => deps.fetcher.end(topic),
      next: (topic, from, signal) => this.#reader(topic).next(from, signal),
      soon: (topic, from) => this.#reader(topic).soon(from),
      committed: (group, topic) => deps.committed(group, topic),
      commit: (_group, topic, next, signal) => this.#commit(topic, next, signal),
      after: (_topic, _committed, next) => next,
      sleep,
    };
  }

  async start(): Promise<void> {
    await this.look();
    this.#watching = this.#watch();
  }

  assignment(): string[] {
    return [...this.#deliveries.keys()].sort();
  }

  seek(topic: string, offset: number): void {
    const delivery = this.#deliveries.get(topic);
    if (delivery === undefined) {
      throw new LogRefused(
        'not_assigned',
        `this member of group "${this.#options.group}" does not read "${topic}" now`,
      );
    }
    delivery.seek(offset);
  }

  async stop(): Promise<void> {
    if (this.#ending.signal.aborted) return;
    this.#ending.abort();
    await this.#looking;
    await this.#turn;
    await Promise.all([...this.#deliveries.values()].map((delivery) => delivery.end(this.#limits.graceMs)));
    this.#deliveries.clear();
    for (const reader of this.#readers.values()) reader.dispose();
    await this.#leave();
    await this.#watching;
    this.#deps.left(this);
  }

  /** Looks for topics of the prefix and joins again when there are others than before. One look at a time. */
  look(): Promise<void> {
    this.#lookAgain = true;
    this.#looking ??= this.#lookWhileAsked().finally(() => {
      this.#looking = undefined;
    });
    return this.#looking;
  }

  async #lookWhileAsked(): Promise<void> {
    while (this.#lookAgain && !this.#ending.signal.aborted) {
      this.#lookAgain = false;
      const topics: string[] = [];
      for (const topic of await this.#deps.topics(this.#options.prefix))
        if (await this.#isSound(topic)) topics.push(topic);
      if (this.#consumer !== undefined && sameTopics(topics, this.#topics)) continue;
      this.#topics = topics;
      await this.#leave();
      if (topics.length > 0) await this.#join(topics);
      else await this.#assigned([]);
    }
  }

  async #isSound(topic: string): Promise<boolean> {
    try {
      await this.#deps.verify(topic);
      return true;
    } catch (error) {
      if (!(error instanceof LogRefused)) throw error;
      // Said as long as it lasts; the others go on.
      this.#options.failed?.(error, topic);
      return false;
    }
  }

  async #watch(): Promise<void> {
    const { signal } = this.#ending;
    while (!signal.aborted) {
      await sleep(this.#limits.topicsPollMs, signal);
      if (signal.aborted) return;
      try {
        await this.look();
      } catch (error) {
        this.#options.failed?.(error, null);
      }
    }
  }

  async #join(topics: readonly string[]): Promise<void> {
    const consumer = this.#deps.kafka.consumer({
      groupId: this.#options.group,
      partitionAssigners: [pacelineAssigner(() => [...this.#deliveries.keys()])],
      sessionTimeout: this.#limits.sessionTimeoutMs,
      rebalanceTimeout: this.#limits.rebalanceTimeoutMs,
      heartbeatInterval: Math.min(3_000, Math.floor(this.#limits.sessionTimeoutMs / 5)),
      // A paused consumer sleeps this long between two looks at whether a heartbeat is due.
      maxWaitTimeInMs: 100,
      allowAutoTopicCreation: false,
      // Restarts are ours: kafkajs's own would go on after `stop`.
      retry: { ...RETRY, restartOnFailure: async () => false },
    });
    this.#consumer = consumer;
    const isCurrent = () => this.#consumer === consumer && !this.#ending.signal.aborted;
    consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
      const assigned = Object.keys(payload.memberAssignment);
      if (assigned.length > 0) consumer.pause(assigned.map((topic) => ({ topic })));
      if (!isCurrent()) return;
      this.#restarts = 0;
      void this.#assigned(assigned);
      this.#joined.resolve();
    });
    consumer.on(consumer.events.REBALANCING, () => {
      if (isCurrent()) this.#joined = Promise.withResolvers();
    });
    consumer.on(consumer.events.COMMIT_OFFSETS, ({ payload }) => {
      for (const { topic, partitions } of payload.topics) {
        for (const { offset } of partitions) this.#acknowledged.set(topic, String(offset));
      }
    });
    consumer.on(consumer.events.CRASH, ({ payload }) => {
      if (isCurrent()) void this.#rejoin(payload.error);
    });
    try {
      await consumer.connect();
      // Without it, a place that is out of range would become the end of the topic.
      await consumer.subscribe({ topics: [...topics], fromBeginning: true });
      await consumer.run({
        autoCommit: false,
        eachBatchAutoResolve: false,
        // Reached when a fetch was under way while a partition was given to us and paused; not resolved, so not lost.
        eachBatch: async () => undefined,
      });
    } catch (error) {
      if (isCurrent()) void this.#rejoin(error);
    }
  }

  /** The consumer has given up (no broker, no coordinator): say so, wait, begin anew. */
  async #rejoin(error: unknown): Promise<void> {
    this.#options.failed?.(error, null);
    await this.#leave();
    this.#restarts += 1;
    await sleep(backoffMs(this.#restarts, 200, 5_000), this.#ending.signal);
    try {
      await this.look();
    } catch (again) {
      if (!this.#ending.signal.aborted) void this.#rejoin(again);
    }
  }

  async #leave(): Promise<void> {
    const consumer = this.#consumer;
    if (consumer === undefined) return;
    this.#consumer = undefined;
    this.#joined = Promise.withResolvers();
    try {
      await consumer.disconnect();
    } catch (error) {
      // The group notices by its session time-out.
      this.#options.failed?.(error, null);
    }
  }

  /** Takes over an assignment: what was lost is aborted at once, what is new begins, what was kept goes on where it is. */
  #assigned(topics: readonly string[]): Promise<void> {
    const lost = [...this.#deliveries.keys()].filter((topic) => !topics.includes(topic));
    const kept = topics.filter((topic) => this.#deliveries.has(topic));
    for (const topic of lost) void this.#deliveries.get(topic)?.end(0);
    this.#turn = this.#turn.then(async () => {
      for (const topic of kept) if (await this.#wasOvertaken(topic)) lost.push(topic);
      for (const topic of lost) await this.#take(topic);
      if (this.#ending.signal.aborted) return;
      for (const topic of topics) {
        if (!this.#deliveries.has(topic)) this.#deliveries.set(topic, new Delivery(topic, this.#options, this.#source));
      }
    });
    return this.#turn;
  }

  /** While we were out of the group another member may have had the topic; if it has committed, our place is an old one. */
  async #wasOvertaken(topic: string): Promise<boolean> {
    const own = this.#deliveries.get(topic)?.committed;
    if (own === undefined) return false;
    try {
      return (await this.#deps.committed(this.#options.group, topic)) !== own;
    } catch (error) {
      this.#options.failed?.(error, topic);
      return true;
    }
  }

  async #take(topic: string): Promise<void> {
    const delivery = this.#deliveries.get(topic);
    if (delivery === undefined) return;
    await delivery.end(0);
    this.#deliveries.delete(topic);
    this.#readers.get(topic)?.dispose();
    this.#readers.delete(topic);
    try {
      await this.#options.revoked?.(topic);
    } catch (error) {
      this.#options.failed?.(error, topic);
    }
  }

  async #commit(topic: string, next: number, revoked: AbortSignal): Promise<void> {
    await this.#deps.checkCommit(topic, next);
    // Taking a topic away waits for its batch, which may be here: who is waited for must not wait in turn.
    await within(
      this.#joined.promise,
      this.#limits.rebalanceTimeoutMs,
      AbortSignal.any([revoked, this.#ending.signal]),
    );
    await within(this.#turn, this.#limits.rebalanceTimeoutMs, revoked);
    const consumer = this.#consumer;
    const isGone = revoked.aborted || consumer === undefined || !this.#deliveries.has(topic);
    if (isGone) throw topicRevoked(this.#options.group, topic);
    this.#acknowledged.delete(topic);
    await consumer.commitOffsets([{ topic, partition: 0, offset: String(next) }]);
    // A consumer that is being stopped drops a commit without a word; only the event says that the broker has it.
    if (this.#acknowledged.get(topic) !== String(next)) throw topicRevoked(this.#options.group, topic);
  }

  #reader(topic: string): TopicReader {
    let reader = this.#readers.get(topic);
    if (reader === undefined) {
      reader = new TopicReader(this.#deps.fetcher, topic, this.#limits.batchRecordsMax);
      this.#readers.set(topic, reader);
    }
    return reader;
  }
}

/** Resolves with the work, when the signal aborts, or after `ms`; leaves no timer behind. */
async function within(work: Promise<unknown>, ms: number, signal: AbortSignal): Promise<void> {
  const over = new AbortController();
  try {
    await Promise.race([work, sleep(ms, AbortSignal.any([signal, over.signal]))]);
  } finally {
    over.abort();
  }
}

function sameTopics(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.every((topic) => other.includes(topic));
}
