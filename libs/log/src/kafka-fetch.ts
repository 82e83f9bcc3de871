import type Cluster from 'kafkajs/src/cluster/index.js';
import type { FetchedMessages, OldMessage } from 'kafkajs/src/cluster/index.js';
import { createCluster, type KafkaConnection, kafkaErrorType } from './kafka-client.ts';
import { KafkaRecord } from './kafka-records.ts';
import { logClosed, topicUnknown } from './limits.ts';
import { type LogRecord, LogRefused } from './port.ts';
import { backoffMs, sleep } from './wakes.ts';

/** A long poll holds the connection; whoever comes meanwhile waits this long at most. kafkajs's default of 5 s would show. */
const POLL_MS = 100;
const PARTITION_BYTES = 1_048_576;
const RESPONSE_BYTES = 10_485_760;
/** Failures of a poll in a row after which those who wait are told; they may ask again. */
const FAILURES_MAX = 5;
const READ_COMMITTED = 1;

interface Want {
  from: number;
  resolve(records: readonly LogRecord[]): void;
  reject(error: unknown): void;
}

/** What the fetcher asks an admin client when a fetch fails. */
export interface TopicFacts {
  offsets(topic: string): Promise<{ readonly low: number; readonly high: number }>;
  topics(): Promise<readonly string[]>;
}

/**
 * Reads topics by offset, without a group: one long poll a broker serves all who wait, as brokers answer one request a
 * connection at a time. Used by `read`, by followers and by deliveries; groups only decide who delivers what.
 */
export class KafkaFetcher {
  readonly #cluster: Cluster;
  readonly #facts: TopicFacts;
  readonly #believesStamps: boolean;
  readonly #wants = new Map<string, Set<Want>>();
  readonly #ends = new Map<string, number>();
  readonly #polling = new Set<string>();
  readonly #closing = new AbortController();
  #connected: Promise<void> | undefined;
  #assigning: Promise<void> | undefined;
  #failures = 0;

  constructor(connection: KafkaConnection, facts: TopicFacts, believesStamps: boolean) {
    this.#cluster = createCluster(connection);
    this.#facts = facts;
    this.#believesStamps = believesStamps;
  }

  /** The topic's end as of the last answer about it. */
  end(topic: string): number {
    return this.#ends.get(topic) ?? 0;
  }

  /** At least one record from `from` on, waiting for it; nothing once the signal has aborted. */
  fetch(topic: string, from: number, signal?: AbortSignal): Promise<readonly LogRecord[]> {
    if (this.#closing.signal.aborted) return Promise.reject(logClosed());
    if (signal?.aborted) return Promise.resolve([]);
    const { promise, resolve, reject } = Promise.withResolvers<readonly LogRecord[]>();
    const want: Want = { from, resolve, reject };
    const wants = this.#wants.get(topic) ?? new Set();
    this.#wants.set(topic, wants.add(want));
    const abort = () => {
      this.#drop(topic, want);
      resolve([]);
    };
    signal?.addEventListener('abort', abort, { once: true });
    this.#wake();
    return promise.finally(() => signal?.removeEventListener('abort', abort));
  }

  async close(): Promise<void> {
    this.#closing.abort();
    for (const topic of [...this.#wants.keys()]) this.#refuse(topic, logClosed());
    // Disconnecting ends the long poll in flight with an error that nobody waits for any more.
    if (this.#connected !== undefined) await this.#cluster.disconnect();
  }

  #drop(topic: string, want: Want): void {
    const wants = this.#wants.get(topic);
    if (wants?.delete(want) && wants.size === 0) this.#wants.delete(topic);
  }

  #refuse(topic: string, error: unknown): void {
    const wants = this.#wants.get(topic);
    this.#wants.delete(topic);
    for (const want of wants ?? []) want.reject(error);
  }

  /** Starts a poll at every broker that leads a wanted topic and has none running. */
  #wake(): void {
    this.#assigning ??= this.#assign()
      .catch((error: unknown) => this.#failed(error))
      .finally(() => {
        this.#assigning = undefined;
        if (this.#isStranded()) this.#wake();
      });
  }

  /** Somebody waits for a topic that no poll will serve. */
  #isStranded(): boolean {
    if (this.#closing.signal.aborted || this.#wants.size === 0) return false;
    if (this.#polling.size === 0) return true;
    return [...this.#wants.keys()].some((topic) => !this.#cluster.targetTopics.has(topic));
  }

  async #assign(): Promise<void> {
    this.#connected ??= this.#cluster.connect().catch((error: unknown) => {
      this.#connected = undefined;
      throw error;
    });
    await this.#connected;
    await this.#cluster.addMultipleTargetTopics([...this.#wants.keys()]);
    // Of two refreshes that overlap the later answer stands, and may be that to the earlier question: without the topic just added.
    await this.#cluster.refreshMetadataIfNecessary();
    const asked = [...this.#wants.keys()].filter((topic) => this.#cluster.targetTopics.has(topic));
    const lost = asked.find((topic) => this.#leaderOf(topic) === undefined);
    // Going on would only ask the same again, at once and for ever, and nothing else of this process would get its turn.
    if (lost !== undefined) throw new Error(`Kafka names no broker that leads "${lost}"`);
    for (const node of this.#leaders().keys()) {
      if (this.#polling.has(node)) continue;
      this.#polling.add(node);
      void this.#poll(node);
    }
  }

  #leaderOf(topic: string): string | undefined {
    return Object.keys(this.#cluster.findLeaderForPartitions(topic, [0]))[0];
  }

  #leaders(): Map<string, string[]> {
    const byNode = new Map<string, string[]>();
    for (const topic of this.#wants.keys()) {
      const node = this.#leaderOf(topic);
      // Unknown until `assign` has loaded it.
      if (node !== undefined) byNode.set(node, [...(byNode.get(node) ?? []), topic]);
    }
    return byNode;
  }

  async #poll(node: string): Promise<void> {
    try {
      while (!this.#closing.signal.aborted) {
        await this.#cluster.refreshMetadataIfNecessary();
        const topics = this.#leaders().get(node);
        if (topics === undefined) return;
        await this.#fetchOnce(node, topics);
        this.#failures = 0;
      }
    } catch (error) {
      await this.#failed(error);
    } finally {
      this.#polling.delete(node);
      if (this.#wants.size > 0 && !this.#closing.signal.aborted) this.#wake();
    }
  }

  async #fetchOnce(node: string, topics: readonly string[]): Promise<void> {
    const broker = await this.#cluster.findBroker({ nodeId: node });
    // Who waited for a topic may have gone meanwhile.
    const wanted = topics.filter((topic) => this.#wants.has(topic));
    const asked = new Map(wanted.map((topic) => [topic, this.#lowest(topic)]));
    if (asked.size === 0) return;
    const { responses } = await broker.fetch({
      isolationLevel: READ_COMMITTED,
      maxWaitTime: POLL_MS,
      minBytes: 1,
      maxBytes: RESPONSE_BYTES,
      topics: wanted.map((topic) => ({
        topic,
        partitions: [{ partition: 0, fetchOffset: String(asked.get(topic)), maxBytes: PARTITION_BYTES }],
      })),
    });
    for (const { topicName, partitions } of responses) {
      const partition = partitions[0];
      if (partition === undefined) continue;
      this.#ends.set(topicName, Number(partition.highWatermark));
      this.#serve(topicName, asked.get(topicName) ?? 0, partition.messages);
    }
  }

  /** Those furthest back are served first; who follows at the end gets its records by the same answer once they meet. */
  #lowest(topic: string): number {
    let lowest = Number.MAX_SAFE_INTEGER;
    for (const want of this.#wants.get(topic) ?? []) lowest = Math.min(lowest, want.from);
    return lowest;
  }

  #serve(topic: string, asked: number, messages: FetchedMessages): void {
    const records = recordsOf(topic, messages, this.#believesStamps);
    const last = messages.at(-1);
    for (const want of [...(this.#wants.get(topic) ?? [])]) {
      // Who came while the poll was under way may want what lies before it: this answer would skip that.
      if (want.from < asked) continue;
      const served = startingAt(records, want.from);
      if (served.length > 0) {
        this.#drop(topic, want);
        want.resolve(served);
      } else if (last !== undefined && Number(last.offset) >= want.from) {
        // Only records of the broker's own: go on behind them.
        want.from = Number(last.offset) + 1;
      }
    }
  }

  async #failed(error: unknown): Promise<void> {
    if (this.#closing.signal.aborted) return;
    this.#failures += 1;
    if (this.#failures >= FAILURES_MAX) {
      this.#failures = 0;
      for (const topic of [...this.#wants.keys()]) this.#refuse(topic, error);
    }
    await sleep(backoffMs(this.#failures + 1, 50, 2_000), this.#closing.signal);
    if (this.#closing.signal.aborted) return;
    try {
      if (isOutOfRange(error)) await this.#outOfRange(error.topic);
      if (kafkaErrorType(error) === 'UNKNOWN_TOPIC_OR_PARTITION') await this.#dropMissing();
      await this.#cluster.refreshMetadata();
    } catch {
      // The next poll fails with the same cause and is counted.
      this.#connected = undefined;
    }
  }

  /** A deleted topic (a tenant that left) would fail every refresh of the metadata, and so every other topic. */
  async #dropMissing(): Promise<void> {
    const existing = new Set(await this.#facts.topics());
    for (const topic of [...this.#wants.keys()]) if (!existing.has(topic)) this.#refuse(topic, topicUnknown(topic));
    for (const topic of [...this.#cluster.targetTopics])
      if (!existing.has(topic)) this.#cluster.targetTopics.delete(topic);
  }

  /**
   * Records that retention has deleted are passed over. A place behind the end means that the topic lost records or was
   * made anew: jumping anywhere would lose data in silence, so it is refused.
   */
  async #outOfRange(topic: string): Promise<void> {
    const { low, high } = await this.#facts.offsets(topic);
    for (const want of [...(this.#wants.get(topic) ?? [])]) {
      if (want.from < low) want.from = low;
      else if (want.from > high) {
        this.#drop(topic, want);
        want.reject(
          new LogRefused(
            'offset_out_of_range',
            `"${topic}" ends at ${high}, yet ${want.from} was to be read: the topic lost records or was made anew; restore it, or rebuild what was derived from it`,
          ),
        );
      }
    }
  }
}

function isOutOfRange(error: unknown): error is Error & { readonly topic: string } {
  return (
    error instanceof Error &&
    error.name === 'KafkaJSOffsetOutOfRange' &&
    'topic' in error &&
    typeof error.topic === 'string'
  );
}

/** As few arrays as can be: a chunk holds thousands, and mostly all of it is wanted. */
function recordsOf(topic: string, messages: FetchedMessages, believesStamps: boolean): readonly LogRecord[] {
  if (!areRecords(messages)) return messages.map((message) => recordOf(topic, message));
  for (const { batch } of messages) batch.belongsTo(topic, believesStamps);
  return messages.some(isTheBrokers) ? messages.filter((record) => !isTheBrokers(record)) : messages;
}

function areRecords(messages: FetchedMessages): messages is readonly KafkaRecord[] {
  return messages[0] instanceof KafkaRecord;
}

function isTheBrokers({ isControlRecord }: KafkaRecord): boolean {
  return isControlRecord;
}

const EMPTY = new Uint8Array(0);
const NO_HEADERS: Readonly<Record<string, string>> = {};

function recordOf(topic: string, { offset, timestamp, key, value }: OldMessage): LogRecord {
  return {
    topic,
    offset: Number(offset),
    appendedAt: Number(timestamp),
    key,
    value: value ?? EMPTY,
    headers: NO_HEADERS,
  };
}

/** Without those before it: a broker sends whole batches, so an answer may begin earlier than was asked. */
function startingAt(records: readonly LogRecord[], from: number): readonly LogRecord[] {
  const at = records.findIndex(({ offset }) => offset >= from);
  if (at === 0) return records;
  return at < 0 ? [] : records.slice(at);
}

/** One topic read in bounded batches, the next chunk under way while this one is worked on. */
export class TopicReader {
  readonly #fetcher: KafkaFetcher;
  readonly #topic: string;
  readonly #recordsMax: number;
  #next = -1;
  #chunk: readonly LogRecord[] = [];
  /** How much of the chunk was handed out. */
  #taken = 0;
  #ahead: { readonly promise: Promise<readonly LogRecord[]>; readonly stop: AbortController } | undefined;

  constructor(fetcher: KafkaFetcher, topic: string, recordsMax: number) {
    this.#fetcher = fetcher;
    this.#topic = topic;
    this.#recordsMax = recordsMax;
  }

  /** Begins to fetch what `next` will probably be asked for first. */
  soon(from: number): void {
    if (this.#next !== -1) return;
    this.#next = from;
    this.#ahead = this.#begin(from);
  }

  async next(from: number, signal?: AbortSignal): Promise<readonly LogRecord[]> {
    if (from !== this.#next) {
      this.dispose();
      this.#next = from;
    }
    if (this.#chunk.length === 0) {
      const { promise, stop } = this.#ahead ?? this.#begin(from);
      const abort = () => stop.abort();
      if (signal?.aborted) abort();
      signal?.addEventListener('abort', abort, { once: true });
      this.#ahead = undefined;
      this.#keep(await promise.finally(() => signal?.removeEventListener('abort', abort)));
      const end = this.#chunk.at(-1);
      if (end !== undefined) this.#ahead = this.#begin(end.offset + 1);
    }
    const records = this.#chunk.slice(this.#taken, this.#taken + this.#recordsMax);
    const last = records.at(-1);
    if (last === undefined) return records;
    this.#taken += records.length;
    if (this.#taken === this.#chunk.length) this.#keep([]);
    this.#next = last.offset + 1;
    return records;
  }

  dispose(): void {
    this.#keep([]);
    this.#ahead?.stop.abort();
    this.#ahead = undefined;
    this.#next = -1;
  }

  #keep(chunk: readonly LogRecord[]): void {
    this.#chunk = chunk;
    this.#taken = 0;
  }

  #begin(from: number) {
    const stop = new AbortController();
    const promise = this.#fetcher.fetch(this.#topic, from, stop.signal);
    // Its error is for whoever asks for this chunk; nobody may.
    promise.catch(() => undefined);
    return { promise, stop };
  }
}
