import { spawn } from 'node:child_process';
import { available, type Kafka as LocalKafka, startKafka } from '@paceline/local-servers/kafka';
import { type KafkaProxy, startKafkaProxy } from '@paceline/local-servers/kafka-proxy';
import { type Admin, Kafka, logLevel } from 'kafkajs';
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { bodies, message } from './contract.ts';
import { type KafkaLogOptions, openKafkaLog } from './kafka.ts';
import type { BatchContext, EventLog, LogRecord, SubscribeOptions } from './port.ts';
import { LogRefused } from './port.ts';

let proxy: KafkaProxy;
let broker: LocalKafka;
let admin: Admin;
const logs: EventLog[] = [];
let topics = 0;

beforeAll(async () => {
  const can = available();
  if (!can.ok) throw new Error(can.reason);
  proxy = await startKafkaProxy(() => broker.port);
  broker = await startKafka({ advertisedPort: proxy.port });
  admin = new Kafka({ brokers: [broker.brokers], logLevel: logLevel.NOTHING }).admin();
  await admin.connect();
});
afterEach(async () => {
  proxy.disarm();
  for (const log of logs.splice(0)) await log.close();
});
afterAll(async () => {
  await admin?.disconnect();
  await broker?.stop();
  await proxy?.stop();
});

async function open(more: Partial<KafkaLogOptions> = {}): Promise<EventLog> {
  const log = await openKafkaLog({
    brokers: [broker.brokers],
    topicsPollMs: 300,
    sessionTimeoutMs: 6_000,
    rebalanceTimeoutMs: 6_000,
    ...more,
  });
  logs.push(log);
  return log;
}

/** A topic of this test's own, and the prefix by which only it is subscribed. */
async function freshTopic(log: EventLog): Promise<string> {
  topics += 1;
  const topic = `facts.t${topics}-a`;
  await log.ensureTopic(topic);
  return topic;
}
const prefixOf = (topic: string) => topic.replace(/-.*/, '-');

async function readAll(log: EventLog, topic: string): Promise<LogRecord[]> {
  const all: LogRecord[] = [];
  for await (const batch of log.read(topic, { from: 0 })) all.push(...batch);
  return all;
}

async function codeOf(promise: Promise<unknown>): Promise<string> {
  const error: unknown = await promise.then(
    () => 'accepted',
    (cause: unknown) => cause,
  );
  return error instanceof LogRefused ? error.code : String(error);
}

function reader(topic: string, more: Partial<SubscribeOptions> = {}) {
  const seen: string[] = [];
  const errors: unknown[] = [];
  const options: SubscribeOptions = {
    group: `group-${topic}`,
    prefix: prefixOf(topic),
    batch: async (records, context) => {
      seen.push(...bodies(records));
      await context.commit(records.at(-1)!.offset + 1);
    },
    failed: (error) => void errors.push(error),
    ...more,
  };
  return { seen, errors, options };
}

test('lost answers neither lose nor double appends, though many callers append at once', async () => {
  const log = await open();
  const topic = await freshTopic(log);
  const before = proxy.struck['answer lost'];
  const sent: string[] = [];
  for (let round = 0; round < 6; round++) {
    const batch = Array.from({ length: 100 }, (_, i) => String(round * 100 + i));
    sent.push(...batch);
    if (round % 2 === 1) proxy.arm('answer lost', 'produce');
    await Promise.all(batch.map((body) => log.append(topic, [message(body)])));
  }
  expect(proxy.struck['answer lost'] - before).toBe(3);
  expect(bodies(await readAll(log, topic))).toEqual(sent);
});

test('an append after one that was given up is not taken for its repetition', async () => {
  const log = await open();
  const topic = await freshTopic(log);
  await log.append(topic, [message('first')]);
  proxy.arm('answer lost', 'produce', 1_000);
  await expect(log.append(topic, [message('given up')])).rejects.toThrow();
  proxy.disarm();
  const { baseOffset } = await log.append(topic, [message('second')]);
  const records = await readAll(log, topic);
  expect(bodies(records).filter((body) => body !== 'given up')).toEqual(['first', 'second']);
  expect(records.find((record) => record.offset === baseOffset) && bodies(records).at(-1)).toBe('second');
  // Idempotence of the producer that was thrown away: its retries wrote it once at most.
  expect(records.length).toBeLessThanOrEqual(3);
});

test('nothing is committed but by the batch', async () => {
  const log = await open();
  const topic = await freshTopic(log);
  await log.append(
    topic,
    ['0', '1', '2'].map((body) => message(body)),
  );
  const { seen, options } = reader(topic, {
    batch: async (records) => void seen.push(...bodies(records)),
  });
  const subscription = await log.subscribe(options);
  await vi.waitFor(() => expect(seen).toEqual(['0', '1', '2']), 10_000);
  await subscription.stop();
  expect(await log.committed(options.group, topic)).toBe(0);
});

test('a place before the first record goes on with the first, never at the end', async () => {
  const log = await open();
  const topic = await freshTopic(log);
  await log.append(
    topic,
    ['0', '1', '2', '3'].map((body) => message(body)),
  );
  // kafkajs deletes only in topics whose leader it has looked up.
  await admin.fetchTopicOffsets(topic);
  await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: '2' }] });
  const { seen, options } = reader(topic);
  const subscription = await log.subscribe(options);
  await vi.waitFor(() => expect(seen).toEqual(['2', '3']), 10_000);
  expect(bodies(await readAll(log, topic))).toEqual(['2', '3']);
  await subscription.stop();
});

test('a place behind the end is refused: the topic lost records', async () => {
  const log = await open();
  const topic = await freshTopic(log);
  await log.append(topic, [message('0')]);
  const { seen, errors, options } = reader(topic, { assigned: async () => 5 });
  const subscription = await log.subscribe(options);
  await vi.waitFor(() => expect(errors.length).toBeGreaterThan(0), 10_000);
  expect(errors[0]).toMatchObject({ code: 'offset_out_of_range' });
  await vi.waitFor(() => expect(seen).toEqual(['0']), 10_000);
  await subscription.stop();
});

test('an idle subscription gets a new record within a fraction of a second', async () => {
  const log = await open();
  const topic = await freshTopic(log);
  const { seen, options } = reader(topic);
  const subscription = await log.subscribe(options);
  await log.append(topic, [message('0')]);
  await vi.waitFor(() => expect(seen.length).toBe(1), 10_000);
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  const from = performance.now();
  await log.append(topic, [message('1')]);
  await vi.waitFor(() => expect(seen.length).toBe(2), { timeout: 10_000, interval: 5 });
  expect(performance.now() - from).toBeLessThan(600);
  await subscription.stop();
});

test('a batch longer than the session keeps its topic, and the other topics flow meanwhile', async () => {
  const log = await open();
  const topic = await freshTopic(log);
  const other = topic.replace(/a$/, 'b');
  await log.ensureTopic(other);
  await log.append(topic, [message('long')]);
  const events: string[] = [];
  const seen: string[] = [];
  const release = Promise.withResolvers<void>();
  const { options } = reader(topic, {
    revoked: async (name) => void events.push(`revoked ${name}`),
    batch: async (records, context) => {
      seen.push(...bodies(records));
      if (context.topic === topic) await release.promise;
      await context.commit(records.at(-1)!.offset + 1);
    },
  });
  const subscription = await log.subscribe(options);
  await vi.waitFor(() => expect(seen).toEqual(['long']), 10_000);
  await new Promise((resolve) => setTimeout(resolve, 8_000));
  await log.append(other, [message('quick')]);
  await vi.waitFor(() => expect(seen).toEqual(['long', 'quick']), 10_000);
  release.resolve();
  await vi.waitFor(async () => expect(await log.committed(options.group, topic)).toBe(1), 10_000);
  expect(events).toEqual([]);
  await subscription.stop();
});

test('reading without a group leaves no group behind', async () => {
  const log = await open();
  const topic = await freshTopic(log);
  await log.append(topic, [message('0')]);
  const before = (await admin.listGroups()).groups.length;
  await readAll(log, topic);
  const stop = new AbortController();
  for await (const batch of log.read(topic, { from: 0, tail: true, signal: stop.signal })) {
    expect(bodies(batch)).toEqual(['0']);
    expect((await admin.listGroups()).groups.length).toBe(before);
    stop.abort();
  }
  expect((await admin.listGroups()).groups.length).toBe(before);
});

test('a topic with more than one partition, without the log’s own time, or that forgets, is refused with the cure', async () => {
  const log = await open();
  const time = { name: 'message.timestamp.type', value: 'LogAppendTime' };
  const size = { name: 'max.message.bytes', value: '8388608' };
  const keep = { name: 'retention.ms', value: '-1' };
  await admin.createTopics({
    waitForLeaders: true,
    topics: [
      { topic: 'facts.bad-wide', numPartitions: 2, configEntries: [time, size, keep] },
      { topic: 'facts.bad-time', numPartitions: 1, configEntries: [size, keep] },
      { topic: 'facts.bad-short', numPartitions: 1, configEntries: [time, size] },
      { topic: 'facts.bad-small', numPartitions: 1, configEntries: [time, keep] },
      { topic: 'facts.bad-none', numPartitions: 1, configEntries: [time, size, keep] },
    ],
  });
  expect(await codeOf(log.ensureTopic('facts.bad-wide'))).toBe('topic_partitions');
  expect(await codeOf(log.append('facts.bad-wide', [message('x')]))).toBe('topic_partitions');
  for (const topic of ['facts.bad-time', 'facts.bad-short', 'facts.bad-small']) {
    expect(await codeOf(log.ensureTopic(topic))).toBe('topic_settings');
  }
  await expect(log.ensureTopic('facts.bad-time')).rejects.toThrow(/--add-config message.timestamp.type=LogAppendTime/);
  // A subscription reads the sound topic and says what is wrong with the others.
  await log.append('facts.bad-none', [message('sound')]);
  const { seen, errors, options } = reader('facts.bad-none', { prefix: 'facts.bad-' });
  const subscription = await log.subscribe(options);
  await vi.waitFor(() => expect(seen).toEqual(['sound']), 10_000);
  expect(errors.filter((error) => error instanceof LogRefused).length).toBe(4);
  await subscription.stop();
});

test('a topic that is deleted (a tenant that left) does not hold up the others', async () => {
  const log = await open();
  const topic = await freshTopic(log);
  const leaving = topic.replace(/a$/, 'leaving');
  await log.ensureTopic(leaving);
  const { seen, options } = reader(topic);
  const subscription = await log.subscribe(options);
  await log.append(leaving, [message('bye')]);
  await vi.waitFor(() => expect(seen).toEqual(['bye']), 10_000);
  await admin.deleteTopics({ topics: [leaving] });
  await vi.waitFor(() => expect(subscription.assignment()).toEqual([topic]), 20_000);
  await log.append(topic, [message('0')]);
  await vi.waitFor(() => expect(seen).toEqual(['bye', '0']), 20_000);
  await subscription.stop();
});

test('a member that was killed is replaced after its session, from its last commit', async () => {
  const log = await open();
  const topic = await freshTopic(log);
  await log.append(
    topic,
    ['0', '1', '2', '3'].map((body) => message(body)),
  );
  const { seen, options } = reader(topic);
  const member = spawn(process.execPath, [
    '--input-type=module',
    '-e',
    `const { openKafkaLog } = await import(${JSON.stringify(new URL('./kafka.ts', import.meta.url).href)});
     const log = await openKafkaLog({ brokers: ['${broker.brokers}'], sessionTimeoutMs: 6000, rebalanceTimeoutMs: 6000 });
     await log.subscribe({ group: '${options.group}', prefix: '${options.prefix}', batch: async (records, context) => {
       await context.commit(2);
       console.log('committed');
       await new Promise((resolve) => setTimeout(resolve, 60_000));
     } });`,
  ]);
  await new Promise<void>((resolve, reject) => {
    member.stdout.once('data', () => resolve());
    member.stderr.once('data', (said) => reject(new Error(String(said))));
  });
  member.kill('SIGKILL');
  const subscription = await log.subscribe(options);
  await vi.waitFor(() => expect(seen).toEqual(['2', '3']), 20_000);
  await subscription.stop();
});

test('a broker that is killed and comes back loses nothing acknowledged, and everything goes on by itself', async () => {
  const log = await open();
  const topic = await freshTopic(log);
  const { seen, errors, options } = reader(topic);
  const contexts: BatchContext[] = [];
  const subscription = await log.subscribe({
    ...options,
    batch: async (records, context) => {
      contexts.push(context);
      await options.batch(records, context);
    },
  });
  const acknowledged: string[] = [];
  let running = true;
  const writing = (async () => {
    for (let i = 0; running; i++) {
      const body = String(i);
      while (running) {
        try {
          await log.append(topic, [message(body)]);
          acknowledged.push(body);
          break;
        } catch {
          await new Promise((resolve) => setTimeout(resolve, 100));
        }
      }
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  })();
  await vi.waitFor(() => expect(seen.length).toBeGreaterThan(20), 10_000);
  await broker.kill();
  await broker.restart();
  const count = acknowledged.length;
  await vi.waitFor(() => expect(acknowledged.length).toBeGreaterThan(count + 20), 30_000);
  running = false;
  await writing;
  await vi.waitFor(() => expect(new Set(seen)).toEqual(new Set(acknowledged)), 30_000);
  await vi.waitFor(async () => expect(await log.lag(options.group, topic)).toBe(0), 30_000);
  expect(errors.every((error) => error instanceof Error)).toBe(true);
  await subscription.stop();
});
