import { available, type Kafka as LocalKafka, startKafka } from '@paceline/local-servers/kafka';
import { Kafka, logLevel } from 'kafkajs';
import { afterAll, beforeAll } from 'vitest';
import { describeEventLog } from './contract.ts';
import { openKafkaLog } from './kafka.ts';
import type { EventLog } from './port.ts';

let broker: LocalKafka;
beforeAll(async () => {
  const can = available();
  if (!can.ok) throw new Error(can.reason);
  broker = await startKafka();
});
afterAll(() => broker?.stop());

describeEventLog(
  'kafka',
  async () => {
    const logs: EventLog[] = [];
    return {
      open: async (options) => {
        const log = await openKafkaLog({
          brokers: [broker.brokers],
          topicsPollMs: 300,
          sessionTimeoutMs: 6_000,
          rebalanceTimeoutMs: 6_000,
          ...options,
        });
        logs.push(log);
        return log;
      },
      crash: (log) => log.close(),
      dispose: async () => {
        for (const log of logs) await log.close();
        await deleteTopics();
      },
    };
  },
  { waitMsMax: 30_000, memberIsLog: true },
);

/** Every test begins with an empty broker: topics and groups of the one before are gone. */
async function deleteTopics(): Promise<void> {
  const admin = new Kafka({ brokers: [broker.brokers], logLevel: logLevel.NOTHING }).admin();
  await admin.connect();
  const topics = (await admin.listTopics()).filter((topic) => !topic.startsWith('__'));
  if (topics.length > 0) await admin.deleteTopics({ topics });
  const { groups } = await admin.listGroups();
  if (groups.length > 0) await admin.deleteGroups(groups.map((group) => group.groupId));
  await admin.disconnect();
}
