/** A workspace's tables built again from its log alone, beside the engine's own copy of the same rows. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EDITION } from '@paceline/domain';
import { openSqliteLog } from '@paceline/log/sqlite';
import { rebuild } from '@paceline/processor';
import { createMetrics, silentLogger, systemClock } from '@paceline/runtime';
import { openStore } from '@paceline/store';
import { asChild } from './children.ts';
import { type IngestLoad, pointsOfLoad, produce } from './ingest/load.ts';

export interface ReplayOrder {
  readonly load: IngestLoad;
}

export interface ReplayDone {
  readonly points: number;
  readonly ms: number;
  readonly engineMs: number;
  readonly cpuSeconds: number;
  readonly memoryMiBMax: number;
}

asChild(async ({ load }: ReplayOrder): Promise<ReplayDone> => {
  const dir = mkdtempSync(join(tmpdir(), 'paceline-bench-replay-'));
  const log = await openSqliteLog({ folder: dir, now: () => Date.now() });
  const store = openStore({ path: join(dir, 'clickhouse') });
  try {
    const [made] = await produce(log, load);
    if (made === undefined) throw new Error('no workspace was made');
    await store.migrate();
    const deps = {
      log,
      store,
      clock: systemClock,
      logger: silentLogger,
      metrics: createMetrics(),
      edition: EDITION,
    };
    const cpu = process.cpuUsage();
    const began = performance.now();
    await rebuild(deps, made.workspace);
    const ms = performance.now() - began;
    const { user, system } = process.cpuUsage(cpu);
    const [row] = await store.query<{ n: string }>({ sql: 'SELECT toString(count()) AS n FROM observation' });
    if (Number(row?.n) !== pointsOfLoad(load)) throw new Error(`${row?.n} of ${pointsOfLoad(load)} points are back`);
    await store.command({ sql: 'CREATE TABLE copied AS observation' });
    const copying = performance.now();
    await store.command({ sql: 'INSERT INTO copied SELECT * FROM observation' });
    const engineMs = performance.now() - copying;
    return {
      points: pointsOfLoad(load),
      ms,
      engineMs,
      cpuSeconds: (user + system) / 1e6,
      memoryMiBMax: Math.round(process.resourceUsage().maxRSS / 1024),
    };
  } finally {
    await store.close();
    await log.close();
    rmSync(dir, { recursive: true, force: true });
  }
});
