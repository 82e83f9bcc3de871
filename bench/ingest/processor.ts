/** The real processor on real Kafka, from its start until everything in the topics is judged, visible and committed. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EDITION } from '@paceline/domain';
import { openKafkaLog } from '@paceline/log/kafka';
import { createProcessor } from '@paceline/processor';
import { createMetrics, silentLogger, systemClock } from '@paceline/runtime';
import { openStore, type Store } from '@paceline/store';
import { asChild } from '../children.ts';
import type { WorkspaceLoad } from './load.ts';

export interface ProcessorOrder {
  readonly brokers: string;
  readonly group: string;
  readonly loads: readonly WorkspaceLoad[];
}

export interface ProcessorDone {
  readonly ms: number;
  readonly cpuSeconds: number;
  readonly rows: number;
  readonly judgements: number;
  readonly rollups: number;
  readonly statuses: number;
  readonly deadLetters: number;
  readonly committed: number;
  readonly memoryMiBMax: number;
}

async function count(store: Store, sql: string): Promise<number> {
  const [row] = await store.query<{ n: string }>({ sql: `SELECT toString(count()) AS n FROM ${sql}` });
  return Number(row?.n);
}

asChild(async ({ brokers, group, loads }: ProcessorOrder): Promise<ProcessorDone> => {
  const dir = mkdtempSync(join(tmpdir(), 'paceline-bench-processor-'));
  const log = await openKafkaLog({ brokers: [brokers] });
  const store = openStore({ path: join(dir, 'clickhouse') });
  await store.migrate();
  const processor = createProcessor({
    log,
    store,
    clock: systemClock,
    logger: silentLogger,
    metrics: createMetrics(),
    edition: EDITION,
    options: { ticks: 'manual', group },
  });
  try {
    const cpu = process.cpuUsage();
    const began = performance.now();
    await processor.start();
    await Promise.all(loads.map(({ workspace, end }) => processor.settle(workspace, end)));
    const ms = performance.now() - began;
    const { user, system } = process.cpuUsage(cpu);
    let committed = 0;
    for (const { topic } of loads) committed += await log.committed(group, topic);
    const latest = 'status WHERE NOT removed';
    return {
      ms,
      cpuSeconds: (user + system) / 1e6,
      rows: await count(store, 'observation'),
      judgements: await count(store, 'judgement'),
      rollups: await count(store, 'rollup'),
      statuses: await count(store, `(SELECT DISTINCT workspace, subject FROM ${latest})`),
      deadLetters: await count(store, 'dead_letter'),
      committed,
      memoryMiBMax: Math.round(process.resourceUsage().maxRSS / 1024),
    };
  } finally {
    await processor.stop();
    await store.close();
    await log.close();
    rmSync(dir, { recursive: true, force: true });
  }
});
