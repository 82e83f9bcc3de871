import { available, type Kafka, startKafka } from '@paceline/local-servers/kafka';
import { type KafkaProxy, startKafkaProxy } from '@paceline/local-servers/kafka-proxy';
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { bodies, message } from './contract.ts';
import { type KafkaLogOptions, openKafkaLog } from './kafka.ts';
import type { Appended, EventLog, LogRecord } from './port.ts';

/** The log behind a network that loses answers, cuts sockets in the middle of a record, waits, and falls silent. */
let proxy: KafkaProxy;
let broker: Kafka;
const logs: EventLog[] = [];
let topics = 0;

beforeAll(async () => {
  const can = available();
  if (!can.ok) throw new Error(can.reason);
  proxy = await startKafkaProxy(() => broker.port);
  broker = await startKafka({ advertisedPort: proxy.port });
});
afterEach(async () => {
  proxy.disarm();
  proxy.delayMs = 0;
  for (const log of logs.splice(0)) await log.close();
});
afterAll(async () => {
  await broker?.stop();
  await proxy?.stop();
});

async function open(more: Partial<KafkaLogOptions> = {}): Promise<EventLog> {
  const log = await openKafkaLog({
    brokers: [broker.brokers],
    topicsPollMs: 300,
    sessionTimeoutMs: 6_000,
    rebalanceTimeoutMs: 6_000,
    // How long a silent connection is believed; a service believes it for 30 s.
    requestTimeoutMs: 1_500,
    ...more,
  });
  logs.push(log);
  return log;
}

async function freshTopic(log: EventLog): Promise<string> {
  topics += 1;
  const topic = `facts.network-${topics}`;
  await log.ensureTopic(topic);
  return topic;
}

async function readAll(log: EventLog, topic: string): Promise<LogRecord[]> {
  const all: LogRecord[] = [];
  for await (const batch of log.read(topic, { from: 0 })) all.push(...batch);
  return all;
}

/** What a writer was told of a body: the answer, and whether a try before it had failed. */
interface Told extends Appended {
  readonly body: string;
  readonly again: boolean;
}

/** Appends one after the other, as a client that tries again what was refused. */
async function write(log: EventLog, topic: string, writer: string, count: number): Promise<Told[]> {
  const told: Told[] = [];
  for (let n = 0; n < count; n++) {
    // Long enough that half a request ends in the middle of a record.
    const body = `${writer}-${n}-${'x'.repeat(200)}`;
    for (let again = false; ; again = true) {
      const answer = await log.append(topic, [message(body)]).catch(() => null);
      if (answer === null) continue;
      told.push({ ...answer, body, again });
      break;
    }
  }
  return told;
}

/** Nothing that was acknowledged is missing or elsewhere; only what a client itself sent again may be there twice. */
function expectKept(records: readonly LogRecord[], told: readonly Told[]): void {
  const at = new Map(records.map((record) => [record.offset, bodies([record])[0]]));
  const times = new Map<string, number>();
  for (const body of bodies(records)) times.set(body, (times.get(body) ?? 0) + 1);
  expect(told.filter(({ body, baseOffset }) => at.get(baseOffset) !== body)).toEqual([]);
  expect(told.filter(({ body, again }) => !again && times.get(body) !== 1)).toEqual([]);
  expect(new Set(times.keys()).size).toBe(told.length);
}

test('a socket that ends in the middle of a record leaves neither half a record nor two', async () => {
  const log = await open();
  const topic = await freshTopic(log);
  const told: Told[] = [];
  for (let round = 0; round < 3; round++) {
    proxy.arm('request cut', 'produce');
    told.push(...(await write(log, topic, `w${round}`, 10)));
  }
  expect(proxy.struck['request cut']).toBe(3);
  expectKept(await readAll(log, topic), told);
  // The cut was hidden from the caller: kafkajs sent the same record again, under the same number.
  expect(told.some(({ again }) => again)).toBe(false);
});

test('a connection that falls silent is given up, and what was appended before and after is there once', async () => {
  const log = await open();
  const topic = await freshTopic(log);
  const told = await write(log, topic, 'before', 5);
  proxy.silence();
  told.push(...(await write(log, topic, 'after', 5)));
  expectKept(await readAll(log, topic), told);
});

test('a reader whose answers are cut in the middle of a record skips nothing and repeats nothing', async () => {
  const log = await open();
  const topic = await freshTopic(log);
  const told = await write(log, topic, 'w', 200);
  proxy.arm('answer cut', 'fetch', 2);
  proxy.arm('answer lost', 'fetch', 1);
  expect(bodies(await readAll(log, topic))).toEqual(told.map(({ body }) => body));
  expect(proxy.armed).toBe(0);
});

const STORM = [
  ['answer lost', 'produce'],
  ['answer cut', 'fetch'],
  ['request cut', 'produce'],
  ['answer lost', 'fetch'],
  ['half open', 'produce'],
] as const;

test('all of it at once, with a broker that is restarted: nothing acknowledged is lost, a group goes on to the end', async () => {
  const log = await open();
  const topic = await freshTopic(log);
  const seen: string[] = [];
  const subscription = await log.subscribe({
    group: `group-${topic}`,
    prefix: topic,
    batch: async (records, context) => {
      seen.push(...bodies(records));
      await context.commit(records.at(-1)!.offset + 1);
    },
    failed: () => undefined,
  });
  let storming = true;
  const storm = (async () => {
    for (let n = 0; storming; n++) {
      proxy.delayMs = n % 5 === 0 ? 30 : 0;
      // One at a time: a write that meets a fault at every try never comes through, and nothing would be shown.
      const [fault, api] = STORM[n % STORM.length] ?? ['answer lost', 'produce'];
      if (proxy.armed === 0) proxy.arm(fault, api);
      if (n === 3) await broker.kill().then(() => broker.restart());
      if (n % 5 === 4) proxy.cutAll();
      await new Promise((resolve) => setTimeout(resolve, 300));
    }
  })();
  const writers = ['a', 'b', 'c', 'd'].map((writer) => write(log, topic, writer, 60));
  const told = (await Promise.all(writers)).flat();
  storming = false;
  await storm;
  proxy.disarm();
  proxy.delayMs = 0;
  const records = await readAll(log, topic);
  expectKept(records, told);
  await vi.waitFor(() => expect(new Set(seen)).toEqual(new Set(bodies(records))), 30_000);
  await vi.waitFor(async () => expect(await log.lag(`group-${topic}`, topic)).toBe(0), 30_000);
  await subscription.stop();
});
