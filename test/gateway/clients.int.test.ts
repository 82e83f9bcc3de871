import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { CLIENTS_JARS, CLIENTS_PYTHON } from '@paceline/local-servers';
import { memoryDisk, openMemoryLog } from '@paceline/log/memory';
import { createQuery } from '@paceline/query';
import { createHttp, createMetrics, type HttpServer, httpService, silentLogger, systemClock } from '@paceline/runtime';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { EDITION, openWorld, type World } from './world.ts';

const run = promisify(execFile);
const PROGRAMS = join(import.meta.dirname, 'clients');
const MINUTES = 60_000;

let world: World;
let app: HttpServer;
let rest: ReturnType<typeof httpService>;
const folder = mkdtempSync(join(tmpdir(), 'paceline-clients-'));
beforeAll(async () => {
  world = await openWorld();
  const metrics = createMetrics({ defaults: false });
  const query = createQuery({
    store: world.store,
    log: openMemoryLog({ disk: memoryDisk(), now: () => systemClock.now() }),
    clock: systemClock,
    logger: silentLogger,
    metrics,
    workspace: 'acme',
    edition: EDITION,
    limits: { rows: 100_000, waitMs: 2_000, queryMs: 30_000 },
  });
  app = await createHttp({
    logger: silentLogger,
    metrics,
    health: () => ({ live: true, ready: true, parts: [] }),
    title: 'query',
    version: '0',
    bodyBytesMax: 1024,
    docs: false,
  });
  await app.register(query.routes);
  rest = httpService(app, { host: '127.0.0.1', port: 0, clock: systemClock });
  await rest.start();
}, 3 * MINUTES);
afterAll(async () => {
  await rest.stop();
  await world.stop();
  rmSync(folder, { recursive: true, force: true });
});

async function program(file: string, args: readonly string[]): Promise<string> {
  const { stdout } = await run(file, args, { timeout: 4 * MINUTES, maxBuffer: 8 * 1024 ** 2 });
  return stdout.trim().split('\n').at(-1) ?? '';
}

it(
  'satisfies clickhouse-connect: clients, pandas, Arrow, SQLAlchemy as Superset uses it',
  async () => {
    expect(await program(CLIENTS_PYTHON, [join(PROGRAMS, 'read_views.py'), world.url, 'key-of-acme'])).toBe('ok');
  },
  5 * MINUTES,
);

it(
  'satisfies clickhouse-jdbc: metadata as Metabase asks it, pages, cancelling, errors',
  async () => {
    const address = world.url.replace(/^http:/, '');
    const args = ['-cp', CLIENTS_JARS, join(PROGRAMS, 'Metadata.java'), address, 'key-of-acme'];
    expect(await program('java', args)).toBe('ok');
  },
  5 * MINUTES,
);

it(
  'gives Parquet, Arrow, CSV and NDJSON over REST that pandas, DuckDB and polars read alike',
  async () => {
    const addresses = [
      '/v1/trend?metric=revenue&from=2026-11-01&to=2026-11-21&group_by=region',
      '/v1/trend?metric=revenue&from=2026-11-01&to=2026-11-21&compare=previous',
      '/v1/trend?subject=kpi/sales&from=2026-11-01&to=2026-11-21',
      '/v1/status',
      '/v1/status/kpi/sales',
    ].map((path) => `${rest.url}${path}`);
    expect(await program(CLIENTS_PYTHON, [join(PROGRAMS, 'read_exports.py'), folder, ...addresses])).toBe('ok');
  },
  5 * MINUTES,
);
