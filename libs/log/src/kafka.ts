import type { Instant } from '@paceline/domain';
import type { Kafka } from 'kafkajs';
import { checkCommit } from './embedded.ts';
import { KafkaAdmin } from './kafka-admin.ts';
import { KafkaAppender } from './kafka-append.ts';
import { createKafka, type KafkaConnection, reached } from './kafka-client.ts';
import { KafkaFetcher, TopicReader } from './kafka-fetch.ts';
import { KafkaMember, type MemberLimits } from './kafka-member.ts';
import { checkTopicName, logClosed } from './limits.ts';
import {
  type Appended,
  type EventLog,
  type LogMessage,
  type LogRecord,
  LogRefused,
  type ReadRange,
  type SubscribeOptions,
  type Subscription,
  type TopicOptions,
} from './port.ts';
import { QUEUE_LIMITS, type QueueLimits } from './queue.ts';
import { stamped, stampOf } from './stamp.ts';
import { backoffMs, sleep } from './wakes.ts';

/** Looks for a topic that was just made; about five seconds. */
const MADE_TRIES_MAX = 15;

export interface KafkaLogOptions extends KafkaConnection {
  /** Of topics that `ensureTopic` creates. Default 1; production: 3. */
  readonly replicationFactor?: number;
  readonly queue?: QueueLimits;
  readonly batchRecordsMax?: number;
  /** How long a batch in flight may go on when its member stops. */
  readonly graceMs?: number;
  readonly topicsPollMs?: number;
  readonly sessionTimeoutMs?: number;
  readonly rebalanceTimeoutMs?: number;
  /**
   * Whose time is `appendedAt`. Left out: the broker's, and no producer can say otherwise. With a clock, writers stamp what they
   * append by it, unless it carries a stamp already, and readers believe stamps: for copies of a log and for simulations.
   * Whoever may write to a topic then decides its time.
   */
  readonly now?: () => Instant;
}

/**
 * The event log on Kafka. Connects at once, so that a wrong address or password is told at the start.
 * @throws what kafkajs says about the connection.
 */
export async function openKafkaLog(options: KafkaLogOptions): Promise<EventLog> {
  const kafka = createKafka(options);
  const admin = new KafkaAdmin(kafka);
  await admin.connect();
  return new KafkaLog(kafka, admin, options);
}

class KafkaLog implements EventLog {
  readonly #kafka: Kafka;
  readonly #admin: KafkaAdmin;
  readonly #replicationFactor: number;
  readonly #limits: MemberLimits;
  readonly #now: (() => Instant) | undefined;
  readonly #appender: KafkaAppender;
  readonly #fetcher: KafkaFetcher;
  readonly #members = new Set<KafkaMember>();
  /** Topics whose shape has been looked at. */
  readonly #verified = new Map<string, Promise<void>>();
  readonly #isVerified = new Set<string>();
  #closed = false;

  constructor(kafka: Kafka, admin: KafkaAdmin, options: KafkaLogOptions) {
    this.#kafka = kafka;
    this.#admin = admin;
    this.#replicationFactor = options.replicationFactor ?? 1;
    this.#limits = {
      batchRecordsMax: options.batchRecordsMax ?? 1_000,
      graceMs: options.graceMs ?? 30_000,
      topicsPollMs: options.topicsPollMs ?? 5_000,
      sessionTimeoutMs: options.sessionTimeoutMs ?? 30_000,
      rebalanceTimeoutMs: options.rebalanceTimeoutMs ?? 60_000,
    };
    this.#now = options.now;
    this.#appender = new KafkaAppender(kafka, options.queue ?? QUEUE_LIMITS);
    this.#fetcher = new KafkaFetcher(options, admin, options.now !== undefined);
  }

  async ensureTopic(topic: string, options?: TopicOptions): Promise<void> {
    this.#refuseClosed();
    checkTopicName(topic);
    const created = await reached(this.#admin.create(topic, options?.retentionMs ?? -1, this.#replicationFactor));
    await this.#verifyMade(topic);
    if (created) for (const member of this.#members) member.look().catch(() => undefined);
  }

  async topics(prefix: string): Promise<string[]> {
    this.#refuseClosed();
    const topics = await reached(this.#admin.topics());
    for (const topic of this.#verified.keys()) if (!topics.includes(topic)) this.#forget(topic);
    return topics.filter((topic) => topic.startsWith(prefix)).sort();
  }

  async append(topic: string, messages: readonly LogMessage[]): Promise<Appended> {
    this.#refuseClosed();
    // Only the first append to a topic waits here, so that the order of calls is the order of the queue.
    if (!this.#isVerified.has(topic)) await this.#verify(topic);
    const now = this.#now;
    if (now === undefined) return reached(this.#appender.append(topic, messages));
    const own = messages.map((message) => stamped(message, now()));
    const appended = await reached(this.#appender.append(topic, own));
    return { ...appended, appendedAt: stampOf(own.at(-1)?.headers ?? {}) ?? appended.appendedAt };
  }

  async end(topic: string): Promise<number> {
    this.#refuseClosed();
    await this.#verify(topic);
    return (await reached(this.#admin.offsets(topic))).high;
  }

  async *read(topic: string, range: ReadRange): AsyncIterable<readonly LogRecord[]> {
    this.#refuseClosed();
    await this.#verify(topic);
    const tail = range.tail === true && range.to === undefined;
    const to = tail ? Number.MAX_SAFE_INTEGER : Math.min(range.to ?? Infinity, await this.end(topic));
    const reader = new TopicReader(this.#fetcher, topic, this.#limits.batchRecordsMax);
    try {
      for (let next = range.from; next < to && range.signal?.aborted !== true; ) {
        const records = await reader.next(next, range.signal);
        const last = records.at(-1);
        if (last === undefined) return;
        next = last.offset + 1;
        yield next <= to ? records : records.filter((record) => record.offset < to);
      }
    } finally {
      reader.dispose();
    }
  }

  async subscribe(options: SubscribeOptions): Promise<Subscription> {
    this.#refuseClosed();
    const member = new KafkaMember(
      {
        kafka: this.#kafka,
        fetcher: this.#fetcher,
        topics: (prefix) => this.topics(prefix),
        verify: (topic) => this.#verify(topic),
        committed: (group, topic) => this.committed(group, topic),
        checkCommit: (topic, next) => this.#checkCommit(topic, next),
        left: (one) => this.#members.delete(one),
      },
      options,
      this.#limits,
    );
    this.#members.add(member);
    try {
      await member.start();
    } catch (error) {
      await member.stop();
      throw error;
    }
    return member;
  }

  async committed(group: string, topic: string): Promise<number> {
    this.#refuseClosed();
    return reached(this.#admin.committed(group, topic));
  }

  async lag(group: string, topic: string): Promise<number> {
    const [end, committed] = await Promise.all([this.end(topic), this.committed(group, topic)]);
    return Math.max(0, end - committed);
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    await Promise.all([...this.#members].map((member) => member.stop()));
    this.#closed = true;
    await this.#appender.close();
    await this.#fetcher.close();
    await this.#admin.disconnect();
  }

  /** A broker says that it has made a topic before it tells everybody that there is one. */
  async #verifyMade(topic: string): Promise<void> {
    for (let tried = 1; ; tried++) {
      try {
        return await this.#verify(topic);
      } catch (error) {
        if (!(error instanceof LogRefused) || error.code !== 'topic_unknown' || tried >= MADE_TRIES_MAX) throw error;
        await sleep(backoffMs(tried, 20, 500));
      }
    }
  }

  async #verify(topic: string): Promise<void> {
    let verified = this.#verified.get(topic);
    if (verified === undefined) {
      verified = reached(this.#admin.verify(topic));
      this.#verified.set(topic, verified);
    }
    try {
      await verified;
      this.#isVerified.add(topic);
    } catch (error) {
      this.#forget(topic);
      throw error;
    }
  }

  /** A topic that is gone may come back in another shape. */
  #forget(topic: string): void {
    this.#verified.delete(topic);
    this.#isVerified.delete(topic);
  }

  async #checkCommit(topic: string, next: number): Promise<void> {
    const known = this.#fetcher.end(topic);
    checkCommit(topic, next, next <= known ? known : (await this.#admin.offsets(topic)).high);
  }

  #refuseClosed(): void {
    if (this.#closed) throw logClosed();
  }
}
