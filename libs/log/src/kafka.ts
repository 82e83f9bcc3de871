import { type Admin, ConfigResourceTypes, type Kafka } from 'kafkajs';
import { checkCommit } from './embedded.ts';
import { KafkaAppender } from './kafka-append.ts';
import { createKafka, type KafkaConnection, kafkaErrorType } from './kafka-client.ts';
import { KafkaFetcher, TopicReader } from './kafka-fetch.ts';
import { KafkaMember, type MemberLimits } from './kafka-member.ts';
import { checkTopicName, logClosed, MESSAGE_BYTES_MAX, topicUnknown } from './limits.ts';
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
}

/**
 * The event log on Kafka. Connects at once, so that a wrong address or password is told at the start.
 * @throws what kafkajs says about the connection.
 */
export async function openKafkaLog(options: KafkaLogOptions): Promise<EventLog> {
  const kafka = createKafka(options);
  const admin = kafka.admin();
  await admin.connect();
  return new KafkaLog(kafka, admin, options);
}

class KafkaLog implements EventLog {
  readonly #kafka: Kafka;
  readonly #admin: Admin;
  readonly #replicationFactor: number;
  readonly #limits: MemberLimits;
  readonly #appender: KafkaAppender;
  readonly #fetcher: KafkaFetcher;
  readonly #members = new Set<KafkaMember>();
  /** Topics whose shape has been looked at. */
  readonly #verified = new Map<string, Promise<void>>();
  readonly #isVerified = new Set<string>();
  #closed = false;

  constructor(kafka: Kafka, admin: Admin, options: KafkaLogOptions) {
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
    this.#appender = new KafkaAppender(kafka, options.queue ?? QUEUE_LIMITS);
    this.#fetcher = new KafkaFetcher(options, {
      offsets: (topic) => this.#offsets(topic),
      topics: () => admin.listTopics(),
    });
  }

  async ensureTopic(topic: string, options?: TopicOptions): Promise<void> {
    this.#refuseClosed();
    checkTopicName(topic);
    const created = await this.#create(topic, options?.retentionMs ?? -1);
    await this.#verify(topic);
    if (created) for (const member of this.#members) member.look().catch(() => undefined);
  }

  async topics(prefix: string): Promise<string[]> {
    this.#refuseClosed();
    return (await this.#admin.listTopics()).filter((topic) => topic.startsWith(prefix)).sort();
  }

  async append(topic: string, messages: readonly LogMessage[]): Promise<Appended> {
    this.#refuseClosed();
    // Only the first append to a topic waits here, so that the order of calls is the order of the queue.
    if (!this.#isVerified.has(topic)) await this.#verify(topic);
    return this.#appender.append(topic, messages);
  }

  async end(topic: string): Promise<number> {
    this.#refuseClosed();
    await this.#verify(topic);
    return (await this.#offsets(topic)).high;
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
    const [offsets] = await this.#admin.fetchOffsets({ groupId: group, topics: [topic] });
    const offset = Number(offsets?.partitions.find((one) => one.partition === 0)?.offset ?? -1);
    return Math.max(0, offset);
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

  async #verify(topic: string): Promise<void> {
    let verified = this.#verified.get(topic);
    if (verified === undefined) {
      verified = verifyTopic(this.#admin, topic);
      this.#verified.set(topic, verified);
    }
    try {
      await verified;
      this.#isVerified.add(topic);
    } catch (error) {
      this.#verified.delete(topic);
      throw error;
    }
  }

  async #create(topic: string, retentionMs: number): Promise<boolean> {
    return this.#admin.createTopics({
      waitForLeaders: true,
      topics: [
        {
          topic,
          numPartitions: 1,
          replicationFactor: this.#replicationFactor,
          configEntries: [
            { name: 'message.timestamp.type', value: 'LogAppendTime' },
            { name: 'cleanup.policy', value: 'delete' },
            { name: 'max.message.bytes', value: String(TOPIC_MESSAGE_BYTES_MAX) },
            { name: 'retention.ms', value: String(retentionMs) },
            { name: 'retention.bytes', value: '-1' },
          ],
        },
      ],
    });
  }

  async #checkCommit(topic: string, next: number): Promise<void> {
    const known = this.#fetcher.end(topic);
    checkCommit(topic, next, next <= known ? known : (await this.#offsets(topic)).high);
  }

  async #offsets(topic: string): Promise<{ low: number; high: number }> {
    try {
      const partitions = await this.#admin.fetchTopicOffsets(topic);
      const first = partitions.find((one) => one.partition === 0);
      if (first === undefined) throw topicUnknown(topic);
      return { low: Number(first.low), high: Number(first.high) };
    } catch (error) {
      throw kafkaErrorType(error) === 'UNKNOWN_TOPIC_OR_PARTITION' ? topicUnknown(topic) : error;
    }
  }

  #refuseClosed(): void {
    if (this.#closed) throw logClosed();
  }
}

const FACTS_PREFIX = 'facts.';
/** The largest message in a batch of its own, with room for the overhead of both. */
const TOPIC_MESSAGE_BYTES_MAX = MESSAGE_BYTES_MAX + 1024 * 1024;

/** A topic in another shape would break the one order, its clock or its permanence: it is refused, naming the cure. */
async function verifyTopic(admin: Admin, topic: string): Promise<void> {
  const partitions = await partitionsOf(admin, topic);
  if (partitions === 0) throw topicUnknown(topic);
  if (partitions !== 1) {
    throw new LogRefused(
      'topic_partitions',
      `topic "${topic}" has ${partitions} partitions, but one order needs exactly one: create it anew with one partition and copy the records in order`,
    );
  }
  const { resources } = await admin.describeConfigs({
    includeSynonyms: false,
    resources: [{ type: ConfigResourceTypes.TOPIC, name: topic }],
  });
  const settings = new Map(resources[0]?.configEntries.map((entry) => [entry.configName, entry.configValue]));
  if (!(Number(settings.get('max.message.bytes')) >= TOPIC_MESSAGE_BYTES_MAX)) {
    refuseSetting(
      topic,
      settings,
      'max.message.bytes',
      String(TOPIC_MESSAGE_BYTES_MAX),
      'a large record would be refused',
    );
  }
  refuseUnless(
    topic,
    settings,
    'message.timestamp.type',
    'LogAppendTime',
    'the log could not say when it recorded a fact',
  );
  if (!topic.startsWith(FACTS_PREFIX)) return;
  refuseUnless(topic, settings, 'cleanup.policy', 'delete', 'compaction would remove facts');
  refuseUnless(topic, settings, 'retention.ms', '-1', 'facts would be deleted by age');
  refuseUnless(topic, settings, 'retention.bytes', '-1', 'facts would be deleted by size');
}

async function partitionsOf(admin: Admin, topic: string): Promise<number> {
  try {
    const { topics } = await admin.fetchTopicMetadata({ topics: [topic] });
    return topics.find((one) => one.name === topic)?.partitions.length ?? 0;
  } catch (error) {
    if (kafkaErrorType(error) === 'UNKNOWN_TOPIC_OR_PARTITION') return 0;
    throw error;
  }
}

function refuseUnless(
  topic: string,
  settings: ReadonlyMap<string, string>,
  name: string,
  needed: string,
  because: string,
): void {
  if (settings.get(name) !== needed) refuseSetting(topic, settings, name, needed, because);
}

function refuseSetting(
  topic: string,
  settings: ReadonlyMap<string, string>,
  name: string,
  needed: string,
  because: string,
): never {
  throw new LogRefused(
    'topic_settings',
    `topic "${topic}" has ${name}=${settings.get(name) ?? '(unknown)'} and needs ${needed}, else ${because}: kafka-configs.sh --alter --entity-type topics --entity-name ${topic} --add-config ${name}=${needed}`,
  );
}
