/** A processor that finds a long log: what it takes in memory while it works it off. The log is made by one process and read by another. */
import { join } from 'node:path';
import { EDITION, position } from '@paceline/domain';
import { factsTopic } from '@paceline/events';
import { openSqliteLog } from '@paceline/log/sqlite';
import { createProcessor } from '@paceline/processor';
import { createMetrics, silentLogger, systemClock } from '@paceline/runtime';
import { openStore } from '@paceline/store';
import { asChild } from './children.ts';
import { type IngestLoad, pointsOfLoad, produce } from './ingest/load.ts';

export interface WaitingOrder {
  readonly folder: string;
  readonly load: IngestLoad;
  /** The values of the load are stated this often, each time with a tick behind them. `null`: the log is there and is read. */
  readonly times: number | null;
}

export interface WaitingDone {
  readonly points: number;
  readonly seconds: number;
  /** Most resident memory in MiB, by tenth of the log. */
  readonly mib: readonly number[];
}

const SAMPLE_MS = 25;
const PARTS = 10;

asChild(async ({ folder, load, times }: WaitingOrder): Promise<WaitingDone> => {
  const log = await openSqliteLog({ folder, now: () => Date.now() });
  const workspace = `${load.name}-0`;
  try {
    if (times !== null) {
      for (let time = 0; time < times; time++) await produce(log, load);
      return { points: times * pointsOfLoad(load), seconds: 0, mib: [] };
    }
    const store = openStore({ path: join(folder, 'clickhouse') });
    await store.migrate();
    const deps = { log, store, clock: systemClock, logger: silentLogger, metrics: createMetrics(), edition: EDITION };
    const processor = createProcessor({ ...deps, options: { ticks: 'manual' } });
    const end = await log.end(factsTopic(workspace));
    const mib = Array.from({ length: PARTS }, () => 0);
    const sampling = setInterval(() => {
      const next = processor.health().workspaces[workspace]?.next ?? 0;
      const part = Math.min(PARTS - 1, Math.floor((next / end) * PARTS));
      mib[part] = Math.max(mib[part] ?? 0, Math.round(process.memoryUsage.rss() / 1024 ** 2));
    }, SAMPLE_MS);
    const began = performance.now();
    try {
      await processor.start();
      await processor.settle(workspace, position(end) - 1);
      const seconds = (performance.now() - began) / 1000;
      const [row] = await store.query<{ n: string }>({ sql: 'SELECT toString(count()) AS n FROM observation' });
      return { points: Number(row?.n), seconds, mib };
    } finally {
      clearInterval(sampling);
      await processor.stop();
      await store.close();
    }
  } finally {
    await log.close();
  }
});
