import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type BackfillProgress, ConnectorFault } from '@paceline/connector-sdk';
import type { Document, Fact, SourceDocument } from '@paceline/domain';
import { openSqliteJobs, type SqliteJobs } from '@paceline/jobs/sqlite';
import { createLogger, ManualClock, systemClock } from '@paceline/runtime';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Bench, type BenchOptions, metric, openBench, source } from './fixture.ts';

const CANARY = 'c4n4ry-of-the-service';
const revenue = metric('revenue', { aggregation: 'sum', grain: 'day', dimensions: ['region'] });
const map = { metric: 'revenue', time: 'day', value: 'amount', dimensions: ['region'] };
let dir = '';
let bench: Bench;
let server: Server;
let base = '';
let answer = (): { status: number; body: string } => ({ status: 200, body: '[]' });
const lines: string[] = [];

async function listen(port = 0): Promise<void> {
  server = createServer((_request, response) => {
    const { status, body } = answer();
    response.writeHead(status).end(body);
  });
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  const address = server.address();
  base = `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`;
}
async function hangUp(): Promise<void> {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
}
const open = async (options: BenchOptions = {}): Promise<void> => {
  const logger = createLogger({ level: 'debug', destination: { write: (line) => void lines.push(line) } });
  bench = await openBench({
    projectDir: dir,
    allow: ['127.0.0.1'],
    env: { PACELINE_SECRET_API_TOKEN: CANARY },
    logger,
    ...options,
  });
};

beforeEach(async () => {
  dir = await mkdtemp(path.join(tmpdir(), 'paceline-connectors-'));
  await mkdir(path.join(dir, 'data'));
  await listen();
  answer = () => ({ status: 200, body: '[]' });
  lines.length = 0;
});
afterEach(async () => {
  await bench.stop();
  await hangUp();
  await rm(dir, { recursive: true, force: true });
});

const api = (more: Partial<SourceDocument['spec']> = {}): SourceDocument =>
  source('api', {
    connector: 'http-json',
    config: { url: `${base}/?from={from}&to={to}`, auth: { bearer: '${secret:api#token}' } },
    window: { period: 'P1D', lookback: 'P2D', start: '2026-11-01' },
    map,
    ...more,
  });
const file = (more: Partial<SourceDocument['spec']> = {}): SourceDocument =>
  source('file', { connector: 'csv', config: { path: 'data/a.csv' }, map, ...more });
const rows = (...days: number[]): string =>
  JSON.stringify(days.map((day) => ({ day: `2026-11-${String(day).padStart(2, '0')}`, region: 'emea', amount: day })));
const observed = async (): Promise<string[]> =>
  (await bench.facts()).flatMap((fact: Fact) =>
    fact.type === 'observations' ? fact.points.map((point) => `${point.period} ${point.value}`) : [],
  );
const at = (text: string): number => Date.parse(text);

describe('runs of sources', () => {
  it('read what is applied, remember it in the log, and go on after a restart', async () => {
    const clock = new ManualClock(at('2026-11-05T12:00:00Z'));
    await open({ clock });
    await bench.define(revenue, api());
    answer = () => ({ status: 200, body: rows(1, 2, 3, 4) });
    expect(await bench.connectors.runOnce('api')).toMatchObject({ stated: 4, position: 3 * 1024 });
    expect((await bench.facts()).map((fact) => fact.type)).toEqual([
      'definitions',
      'observations',
      'covered',
      'source_state',
    ]);
    await clock.advance(60_000);
    const { log } = bench;
    await bench.connectors.stop?.();
    await open({ clock, log });
    expect(await bench.connectors.runOnce('api')).toMatchObject({ stated: 0, unchanged: 2 });
    expect(bench.connectors.status()).toEqual([
      expect.objectContaining({ source: 'api', outcome: 'ok', connector: 'http-json' }),
    ]);
  });
  it('say clearly that a source is down, and recover when it is back', async () => {
    await open();
    await bench.define(revenue, api());
    const port = Number(new URL(base).port);
    await hangUp();
    await expect(bench.connectors.runOnce('api')).rejects.toMatchObject({
      kind: 'transient',
      code: 'unreachable',
      remedy: expect.any(String),
    });
    expect(bench.connectors.health()).toMatchObject({
      live: true,
      ready: true,
      detail: expect.stringContaining(`127.0.0.1:${port} does not answer`),
    });
    await listen(port);
    answer = () => ({ status: 200, body: rows(1) });
    expect(await bench.connectors.runOnce('api')).toMatchObject({ stated: 1 });
    expect(bench.connectors.health()).toEqual({ live: true, ready: true });
    expect(lines.join()).toContain('a source answers again');
  }, 30_000);
  it('of one source never run twice at once', async () => {
    await open();
    await bench.define(revenue, api());
    const both = await Promise.allSettled([bench.connectors.runOnce('api'), bench.connectors.runOnce('api')]);
    expect(both.map((one) => one.status).sort()).toEqual(['fulfilled', 'rejected']);
    expect(both.find((one) => one.status === 'rejected')).toMatchObject({ reason: { code: 'already_running' } });
  });
  it('name what is not there, with a suggestion', async () => {
    await open();
    await bench.define(revenue, api(), source('odd', { connector: 'postgre', map }));
    await expect(bench.connectors.runOnce('apy')).rejects.toMatchObject({
      code: 'unknown_source',
      message: expect.stringContaining('did you mean "api"'),
    });
    await expect(bench.connectors.runOnce('odd')).rejects.toMatchObject({
      code: 'unknown_connector',
      message: expect.stringContaining('did you mean "postgres"'),
    });
    await expect(bench.connectors.runOnce('api', { workspace: 'nowhere' })).rejects.toMatchObject({
      code: 'unknown_workspace',
    });
  });
  it('name the package that a connector lacks', async () => {
    const { missingPackage } = await import('./registry.ts');
    const error = Object.assign(new Error("Cannot find package 'pg' imported from sources/postgres.ts"), {
      code: 'ERR_MODULE_NOT_FOUND',
    });
    expect(missingPackage(error, ['pg', 'pg-cursor'])).toBe('pg');
    expect(missingPackage(error, ['jsonata'])).toBeUndefined();
  });
  it('retract in mass once a person confirms it', async () => {
    await open({ clock: new ManualClock(at('2026-11-05T12:00:00Z')) });
    await bench.define(revenue, api());
    const many = Array.from({ length: 20 }, (_, index) => ({ day: '2026-11-04', region: `r${index}`, amount: 1 }));
    answer = () => ({ status: 200, body: JSON.stringify(many) });
    await bench.connectors.runOnce('api');
    many.length = 3;
    await expect(bench.connectors.runOnce('api')).rejects.toMatchObject({
      code: 'mass_retraction',
      remedy: expect.stringContaining('--confirm-retraction'),
    });
    expect(await bench.connectors.runOnce('api', { confirmRetraction: true, actor: 'ada' })).toMatchObject({
      retracted: 17,
    });
    expect((await bench.facts()).filter((fact) => fact.type === 'override')).toEqual([
      expect.objectContaining({ source: 'api', actor: 'ada' }),
    ]);
    many.length = 0;
  });
  it('end soon when the service stops', async () => {
    await open();
    await bench.define(revenue, api());
    server.removeAllListeners('request');
    const run = bench.connectors.runOnce('api').catch((error: unknown) => error);
    await expect.poll(() => server.listenerCount('request')).toBe(0);
    const began = performance.now();
    await bench.connectors.stop?.();
    expect(performance.now() - began).toBeLessThan(1_000);
    expect(await run).toBeInstanceOf(Error);
  });
  it('show no secret in log lines, facts or errors', async () => {
    await open();
    await bench.define(revenue, api());
    answer = () => ({ status: 403, body: `you sent ${CANARY}` });
    const failed = await bench.connectors.runOnce('api').catch((error: unknown) => error);
    expect(failed).toBeInstanceOf(ConnectorFault);
    const shown = [
      String(failed),
      failed instanceof Error ? failed.stack : '',
      JSON.stringify(bench.connectors.status()),
      JSON.stringify(bench.connectors.health()),
      lines.join(),
      JSON.stringify(await bench.facts()),
    ];
    expect(shown.join()).toContain('[redacted]');
    expect(shown.join()).not.toContain(CANARY);
  });
});

describe('what can be looked at', () => {
  it('is checked in stages', async () => {
    await open();
    await bench.define(revenue, api());
    answer = () => ({ status: 200, body: rows(1) });
    const stages: string[] = [];
    for await (const stage of bench.connectors.check('api')) stages.push(`${stage.stage} ${stage.ok}`);
    expect(stages).toEqual(['dns true', 'tcp true', 'auth true', 'sample true']);
  });
  it('is previewed from the document alone, before anything is applied', async () => {
    await open();
    await writeFile(path.join(dir, 'data', 'a.csv'), 'day,region,amount\n2026-11-01,emea,5\n2026-11-02,emea,x\n');
    await bench.define(revenue);
    const { metrics } = await catalogOf(revenue);
    const preview = await bench.connectors.workbench.preview(file(), metrics, {
      limit: 20,
      signal: new AbortController().signal,
    });
    expect(preview.rows.map((row) => [row.at, row.points[0]])).toEqual([
      [
        'data/a.csv:2',
        {
          metric: 'revenue',
          point: { period: '2026-11-01', value: '5', dimensions: { region: 'emea' } },
          key: '{"region":"emea"}\n2026-11-01\n',
        },
      ],
      ['data/a.csv:3', expect.objectContaining({ code: 'not_a_number' })],
    ]);
    expect(await observed()).toEqual([]);
  });
  it('is validated offline, all faults at once', async () => {
    await open();
    const broken = api({ config: { url: 'x', pages: 3, auth: { bearer: 'open secret' } } });
    expect((await bench.connectors.workbench.validate(broken)).map((fault) => fault.pointer)).toEqual([
      '/spec/config',
      '/spec/config/auth/bearer',
    ]);
    const sql = source('db', {
      connector: 'postgres',
      config: { host: 'h', database: 'd', user: 'u', port: '${env:PORT}' },
      query: 'SELECT 1',
      map,
    });
    expect(await bench.connectors.workbench.validate(sql)).toEqual([]);
  });
  it('is discovered', async () => {
    await open();
    await writeFile(path.join(dir, 'data', 'a.csv'), 'day,region,amount\n2026-11-01,emea,5\n');
    await bench.define(revenue, file());
    expect(await bench.connectors.discover('file')).toEqual([
      { name: 'data/a.csv', columns: ['day', 'region', 'amount'].map((name) => ({ name, type: 'text' })) },
    ]);
  });
});

async function catalogOf(...documents: readonly Document[]) {
  const { compileCatalog } = await import('@paceline/domain/definition/compile');
  return compileCatalog(documents.map((document) => ({ document, position: 0, recordedAt: 0 })));
}

describe('a backfill', () => {
  it("fills days of the metric's zone, tells its progress, and makes the next run state its window", async () => {
    const clock = new ManualClock(at('2026-11-20T12:00:00Z'));
    await open({ clock });
    await bench.define(revenue, api());
    answer = () => ({ status: 200, body: rows(...Array.from({ length: 19 }, (_, index) => index + 1)) });
    await bench.connectors.runOnce('api');
    const told: BackfillProgress[] = [];
    const report = await bench.connectors.backfill('api', {
      from: '2026-11-03',
      to: '2026-11-06',
      progress: (progress) => told.push(progress),
    });
    expect(report).toMatchObject({ mode: 'backfill', stated: 3 });
    expect((await observed()).slice(-3)).toEqual(['2026-11-03 3', '2026-11-04 4', '2026-11-05 5']);
    expect(told.at(-1)).toMatchObject({ windowsDone: 1, windowsTotal: 1, stated: 3 });
    expect(await bench.connectors.runOnce('api')).toMatchObject({ stated: 2, unchanged: 0 });
    await expect(bench.connectors.backfill('api', { from: 'spring', to: '2026-11-06' })).rejects.toMatchObject({
      code: 'invalid_window',
    });
  });
});

describe('schedules', () => {
  let jobs: SqliteJobs;
  const schedule = async (): Promise<void> => {
    jobs = await openSqliteJobs({ folder: path.join(dir, 'jobs'), now: () => Date.now(), random: () => 0 });
    await open({ jobs, clock: systemClock });
  };
  afterEach(async () => {
    await jobs.close();
  });

  it('run sources when they are applied and again as they say, and end when they are removed', async () => {
    await schedule();
    answer = () => ({ status: 200, body: rows(1, 2) });
    await bench.define(revenue, api({ schedule: { every: 'PT1S' } }));
    await expect.poll(observed, { timeout: 10_000 }).toEqual(['2026-11-01 1', '2026-11-02 2']);
    answer = () => ({ status: 200, body: rows(1, 2, 3) });
    await expect
      .poll(async () => (await bench.facts()).filter((fact) => fact.type === 'source_state').length, {
        timeout: 10_000,
      })
      .toBeGreaterThan(2);
    expect(await jobs.schedules('sources')).toEqual(['main/api']);
    await bench.define(api());
    await expect.poll(() => jobs.schedules('sources'), { timeout: 5_000 }).toEqual([]);
  }, 30_000);
});
