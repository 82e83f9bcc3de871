import { decodeRecord, encodeFact, RECORDED_AT_HEADER } from '@paceline/events';
import { type Kafka as LocalKafka, startKafka } from '@paceline/local-servers/kafka';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { followWorkspace } from './follow.ts';
import { openKafkaLog } from './kafka.ts';
import type { EventLog, LogRecord } from './port.ts';

let broker: LocalKafka;
beforeAll(async () => {
  broker = await startKafka();
});
afterAll(() => broker?.stop());

const STORY = Date.parse('2020-02-29T12:00:00.123Z');
const tick = (id: string, recordedAt?: number) =>
  encodeFact(
    'main',
    { type: 'tick', edition: 1 },
    { id, source: 'test', ...(recordedAt === undefined ? {} : { recordedAt }) },
  );

async function read(log: EventLog, topic: string): Promise<LogRecord[]> {
  const records: LogRecord[] = [];
  for await (const batch of log.read(topic, { from: 0 })) records.push(...batch);
  return records;
}

/** What a group member and a follower are told, besides `read`. */
async function told(log: EventLog, topic: string): Promise<{ delivered: LogRecord; followed: number }> {
  const delivered = Promise.withResolvers<LogRecord>();
  const subscription = await log.subscribe({
    group: `of-${topic}-${Math.random()}`,
    prefix: topic,
    batch: async ([first]) => {
      if (first !== undefined) delivered.resolve(first);
    },
  });
  const stop = new AbortController();
  const followed = Promise.withResolvers<number>();
  const follower = followWorkspace(log, topic, {
    types: ['tick'],
    apply: ({ recordedAt }) => followed.resolve(recordedAt),
    signal: stop.signal,
  });
  const answer = { delivered: await delivered.promise, followed: await followed.promise };
  stop.abort();
  await follower.done;
  await subscription.stop();
  return answer;
}

test('a producer cannot say when the log recorded its record', async () => {
  const log = await openKafkaLog({ brokers: [broker.brokers] });
  await log.ensureTopic('facts.a');
  const before = Date.now() - 60_000;
  const { appendedAt } = await log.append('facts.a', [tick('forged', STORY)]);
  expect(appendedAt).toBeGreaterThan(before);
  const [record] = await read(log, 'facts.a');
  expect(record?.headers[RECORDED_AT_HEADER]).toBeUndefined();
  expect(record?.appendedAt).toBe(appendedAt);
  expect(decodeRecord(record!)).toMatchObject({ ok: true, recordedAt: appendedAt });
  const { delivered, followed } = await told(log, 'facts.a');
  expect([delivered.appendedAt, delivered.headers[RECORDED_AT_HEADER], followed]).toEqual([
    appendedAt,
    undefined,
    appendedAt,
  ]);
  await log.close();
});

test('a log opened with a clock of its own stamps what it appends, keeps stamps that are there, and reads by them', async () => {
  let now = STORY + 5_000;
  const log = await openKafkaLog({ brokers: [broker.brokers], now: () => now });
  await log.ensureTopic('facts.b');
  expect(await log.append('facts.b', [tick('copied', STORY + 0.25)])).toMatchObject({ appendedAt: STORY + 0.25 });
  expect(await log.append('facts.b', [tick('own')])).toMatchObject({ appendedAt: now });
  now += 86_400_000;
  await log.append('facts.b', [{ ...tick('bad'), headers: { ...tick('bad').headers, [RECORDED_AT_HEADER]: 'soon' } }]);
  const records = await read(log, 'facts.b');
  expect(records.slice(0, 2).map(({ appendedAt }) => appendedAt)).toEqual([STORY + 0.25, STORY + 5_000]);
  expect(records.map(decodeRecord).map((decoded) => (decoded.ok ? decoded.recordedAt : decoded.code))).toEqual([
    STORY + 0.25,
    STORY + 5_000,
    'invalid_recorded_at',
  ]);
  const { delivered, followed } = await told(log, 'facts.b');
  expect([delivered.appendedAt, followed]).toEqual([STORY + 0.25, STORY + 0.25]);
  await log.close();
});
