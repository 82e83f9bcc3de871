import { setTimeout as sleep } from 'node:timers/promises';
import { EDITION } from '@paceline/domain';
import { openKafkaLog } from '@paceline/log/kafka';
import { createProcessor, type Processor } from '@paceline/processor';
import { createMetrics, silentLogger, systemClock } from '@paceline/runtime';
import type { Servers } from '../cluster/servers.ts';
import { storeAt } from '../cluster/stage.ts';

const MEMBERS = 3;
const SESSION_MS = 6_000;

/** A processor in this process, a member of the group like any other. */
export interface Member {
  readonly processor: Processor;
  leave(): Promise<void>;
}

export async function join(servers: Servers): Promise<Member> {
  const log = await openKafkaLog({
    brokers: [servers.kafka.brokers],
    sessionTimeoutMs: SESSION_MS,
    topicsPollMs: 500,
    graceMs: 3_000,
  });
  const store = storeAt(servers.clickhouse);
  const processor = createProcessor({
    log,
    store,
    clock: systemClock,
    logger: silentLogger,
    metrics: createMetrics(),
    edition: EDITION,
  });
  await processor.start();
  return {
    processor,
    async leave() {
      await processor.stop();
      await log.close();
      await store.close();
    },
  };
}

/** Three processors; from then on the oldest leaves and another one comes, again and again. All are gone when it resolves. */
export async function comeAndGo(options: {
  readonly servers: Servers;
  readonly forMs: number;
  readonly everyMs: number;
}): Promise<void> {
  const { servers, forMs, everyMs } = options;
  const members: Member[] = [];
  try {
    while (members.length < MEMBERS) members.push(await join(servers));
    for (const deadline = performance.now() + forMs; performance.now() < deadline; ) {
      await sleep(everyMs);
      const [oldest] = members.splice(0, 1);
      const [joined] = await Promise.all([join(servers), oldest?.leave()]);
      members.push(joined);
    }
  } finally {
    await Promise.all(members.map((member) => member.leave()));
  }
}
