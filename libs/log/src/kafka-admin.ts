import kafkajs, { type Admin, type Kafka } from 'kafkajs';
import { kafkaErrorType } from './kafka-client.ts';
import { MESSAGE_BYTES_MAX, topicUnknown } from './limits.ts';
import { LogRefused } from './port.ts';
import { backoffMs, sleep } from './wakes.ts';

/** Short: who waits for an answer about a topic asks again himself. */
const ADMIN_RETRY = { initialRetryTime: 50, maxRetryTime: 500, retries: 4 } as const;

/** What the log asks and tells a broker besides records. */
export class KafkaAdmin {
  readonly #kafka: Kafka;
  #admin: Admin;

  constructor(kafka: Kafka) {
    this.#kafka = kafka;
    this.#admin = kafka.admin({ retry: ADMIN_RETRY });
  }

  connect(): Promise<void> {
    return this.#admin.connect();
  }

  disconnect(): Promise<void> {
    return this.#admin.disconnect();
  }

  topics(): Promise<string[]> {
    return this.#ask((admin) => admin.listTopics());
  }

  /** Answers whether it was created: `false` when it existed. */
  create(topic: string, retentionMs: number, replicationFactor: number): Promise<boolean> {
    const configEntries = [
      { name: 'message.timestamp.type', value: 'LogAppendTime' },
      { name: 'cleanup.policy', value: 'delete' },
      { name: 'max.message.bytes', value: String(TOPIC_MESSAGE_BYTES_MAX) },
      { name: 'retention.ms', value: String(retentionMs) },
      { name: 'retention.bytes', value: '-1' },
    ];
    return this.#ask((admin) =>
      admin.createTopics({
        waitForLeaders: true,
        topics: [{ topic, numPartitions: 1, replicationFactor, configEntries }],
      }),
    );
  }

  /** @throws {LogRefused} `topic_unknown`, `topic_partitions`, `topic_settings`. */
  async verify(topic: string): Promise<void> {
    try {
      await this.#ask((admin) => verifyShape(admin, topic));
    } catch (error) {
      throw isUnknownTopic(error) ? topicUnknown(topic) : error;
    }
  }

  /** The first record's offset, and that of the next one. */
  async offsets(topic: string): Promise<{ readonly low: number; readonly high: number }> {
    try {
      const partitions = await this.#ask((admin) => admin.fetchTopicOffsets(topic));
      const first = partitions.find((one) => one.partition === 0);
      if (first === undefined) throw topicUnknown(topic);
      return { low: Number(first.low), high: Number(first.high) };
    } catch (error) {
      throw isUnknownTopic(error) ? topicUnknown(topic) : error;
    }
  }

  async committed(group: string, topic: string): Promise<number> {
    const [offsets] = await this.#ask((admin) => admin.fetchOffsets({ groupId: group, topics: [topic] }));
    return Math.max(0, Number(offsets?.partitions.find((one) => one.partition === 0)?.offset ?? -1));
  }

  /** Not every question of kafkajs is asked again when a coordinator is still loading or a connection was lost. */
  async #ask<T>(question: (admin: Admin) => Promise<T>): Promise<T> {
    for (let failures = 1; ; failures++) {
      try {
        return await this.#askOnce(question);
      } catch (error) {
        if (failures > ADMIN_RETRY.retries || !isRetriable(error)) throw error;
        await sleep(backoffMs(failures, ADMIN_RETRY.initialRetryTime, ADMIN_RETRY.maxRetryTime));
      }
    }
  }

  /**
   * kafkajs remembers every topic it was asked about, and once one of them is deleted (a tenant that left) it fails all
   * later questions: a fresh client forgets it.
   */
  async #askOnce<T>(question: (admin: Admin) => Promise<T>): Promise<T> {
    const admin = this.#admin;
    try {
      return await question(admin);
    } catch (error) {
      // Whoever was asked at the same time may have put another in its place, and hung up on this one in the middle of its answer.
      if (this.#admin !== admin) return question(this.#admin);
      if (!isUnknownTopic(error)) throw error;
    }
    const fresh = this.#kafka.admin({ retry: ADMIN_RETRY });
    await fresh.connect();
    const isFirst = this.#admin === admin;
    if (isFirst) this.#admin = fresh;
    await (isFirst ? admin : fresh).disconnect();
    return question(this.#admin);
  }
}

function isRetriable(error: unknown): boolean {
  return error instanceof Error && 'retriable' in error && error.retriable === true && !isUnknownTopic(error);
}

function isUnknownTopic(error: unknown): boolean {
  return kafkaErrorType(error) === 'UNKNOWN_TOPIC_OR_PARTITION';
}

const FACTS_PREFIX = 'facts.';
/** The largest message in a batch of its own, with room for the overhead of both. */
const TOPIC_MESSAGE_BYTES_MAX = MESSAGE_BYTES_MAX + 1024 * 1024;

/** A topic in another shape would break the one order, its clock or its permanence: it is refused, naming the cure. */
async function verifyShape(admin: Admin, topic: string): Promise<void> {
  const { topics } = await admin.fetchTopicMetadata({ topics: [topic] });
  const partitions = topics.find((one) => one.name === topic)?.partitions.length;
  if (partitions === undefined) throw topicUnknown(topic);
  if (partitions !== 1) {
    throw new LogRefused(
      'topic_partitions',
      `topic "${topic}" has ${partitions} partitions, but one order needs exactly one: create it anew with one partition and copy the records in order`,
    );
  }
  const { resources } = await admin.describeConfigs({
    includeSynonyms: false,
    resources: [{ type: kafkajs.ConfigResourceTypes.TOPIC, name: topic }],
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
