import type { Kafka } from 'kafkajs';
import { expect, test } from 'vitest';
import type { KafkaFetcher } from './kafka-fetch.ts';
import { KafkaMember } from './kafka-member.ts';
import type { LogRecord } from './port.ts';

const TOPIC = 'facts.one';
const RECORD: LogRecord = { topic: TOPIC, offset: 0, appendedAt: 0, key: null, value: new Uint8Array(), headers: {} };

/** A consumer that joins when it is told: what the broker does at a bad moment, at that moment. */
function consumerOf() {
  const heard = new Map<string, (event: { payload: unknown }) => void>();
  const names = ['GROUP_JOIN', 'REBALANCING', 'COMMIT_OFFSETS', 'CRASH'];
  const consumer = {
    events: Object.fromEntries(names.map((name) => [name, name])),
    on: (name: string, listener: (event: { payload: unknown }) => void) => void heard.set(name, listener),
    connect: async () => undefined,
    subscribe: async () => undefined,
    run: async () => undefined,
    pause: () => undefined,
    disconnect: async () => undefined,
    commitOffsets: async () => undefined,
  };
  const tell = (name: string, payload: unknown = {}) => heard.get(name)?.({ payload });
  return { consumer, join: (topics: object) => tell('GROUP_JOIN', { memberAssignment: topics }), tell };
}

test('a topic that another member may have had meanwhile is taken away though a batch of it waits to commit', async () => {
  const { consumer, join, tell } = consumerOf();
  let committed = 0;
  let sent = false;
  const fetcher: Pick<KafkaFetcher, 'end' | 'fetch'> = {
    end: () => 1,
    fetch: async (_topic, _from, signal) => {
      if (!sent) {
        sent = true;
        return [RECORD];
      }
      await new Promise((resolve) => signal?.addEventListener('abort', resolve));
      return [];
    },
  };
  const begun = Promise.withResolvers<void>();
  const batches: Promise<unknown>[] = [];
  const taken: string[] = [];
  const member = new KafkaMember(
    {
      kafka: { consumer: () => consumer } as unknown as Kafka,
      fetcher: fetcher as KafkaFetcher,
      topics: async () => [TOPIC],
      verify: async () => undefined,
      committed: async () => committed,
      checkCommit: async () => undefined,
      left: () => undefined,
    },
    {
      group: 'processor',
      prefix: 'facts.',
      batch: (_records, context) => {
        begun.resolve();
        const commit = context.commit(1);
        batches.push(commit.catch((error: unknown) => error));
        return commit;
      },
      // As the processor does: it lets go once what is under way has ended.
      revoked: async (topic) => {
        await Promise.all(batches);
        taken.push(topic);
      },
    },
    { batchRecordsMax: 10, graceMs: 0, topicsPollMs: 60_000, sessionTimeoutMs: 6_000, rebalanceTimeoutMs: 60_000 },
  );
  await member.start();
  join({ [TOPIC]: [0] });
  // The member has fallen out of its group when the batch comes to its commit.
  tell('REBALANCING');
  await begun.promise;
  committed = 5;
  join({ [TOPIC]: [0] });
  await expect.poll(() => taken).toEqual([TOPIC]);
  await expect(batches[0]).resolves.toMatchObject({ code: 'topic_revoked' });
  await member.stop();
});
