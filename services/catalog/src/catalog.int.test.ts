import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decodeRecord, factsTopic } from '@paceline/events';
import type { EventLog } from '@paceline/log';
import { openMemoryLog } from '@paceline/log/memory';
import { openSqliteLog } from '@paceline/log/sqlite';
import { createHttp, createMetrics, type HttpServer, silentLogger, systemClock } from '@paceline/runtime';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Catalog, createCatalog } from './index.ts';

const METRIC = {
  apiVersion: 'paceline/v1',
  kind: 'Metric',
  metadata: { name: 'revenue' },
  spec: { aggregation: 'sum', grain: 'day' },
};
const kpi = (target: number) => ({
  apiVersion: 'paceline/v1',
  kind: 'Kpi',
  metadata: { name: 'k' },
  spec: {
    metric: 'revenue',
    direction: 'higher',
    period: { toDate: 'month' },
    targets: [{ effectiveFrom: '2026-01-01', value: target }],
  },
});
const GOALS = `apiVersion: paceline/v1
kind: Cycle
metadata: {name: this-year}
spec: {firstDay: 2020-01-01, lastDay: 2099-12-31, timezone: UTC}
---
apiVersion: paceline/v1
kind: Objective
metadata: {name: grow}
spec: {cycle: this-year, keyResults: [{name: nps, type: reach, baseline: 20, target: 50}]}
---
apiVersion: paceline/v1
kind: Metric
metadata: {name: revenue}
spec: {aggregation: sum, grain: day}
---
apiVersion: paceline/v1
kind: Source
metadata: {name: shop}
spec: {connector: csv, config: {path: a.csv}, map: {metric: revenue, time: day, value: revenue}}
`;

let folder: string;
let log: EventLog;
let catalog: Catalog;
let app: HttpServer;

async function open(on: EventLog, waitMs?: number): Promise<void> {
  log = on;
  catalog = createCatalog({
    log,
    clock: systemClock,
    logger: silentLogger,
    workspace: 'main',
    ...(waitMs === undefined ? {} : { waitMs }),
  });
  await catalog.start();
  app = await createHttp({
    logger: silentLogger,
    metrics: createMetrics({ defaults: false }),
    health: () => ({ live: true, ready: true, parts: [] }),
    title: 'test',
    version: '0',
    bodyBytesMax: 1_000_000,
  });
  await app.register(catalog.routes);
}

async function close(): Promise<void> {
  await app.close();
  await catalog.stop();
  await log.close();
}

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'paceline-catalog-'));
  await open(await openSqliteLog({ folder, now: Date.now }));
});
afterEach(async () => {
  await close();
  await rm(folder, { recursive: true, force: true });
});

async function call(method: 'GET' | 'POST', url: string, payload?: unknown, type?: string) {
  const answer = await app.inject({
    method,
    url,
    headers: { host: '127.0.0.1', ...(payload === undefined ? {} : { 'content-type': type ?? 'application/json' }) },
    ...(payload === undefined ? {} : { payload: typeof payload === 'string' ? payload : JSON.stringify(payload) }),
  });
  return { status: answer.statusCode, body: answer.json(), headers: answer.headers };
}
const apply = (body: object) => call('POST', '/v1/definitions/apply', body);

async function facts(): Promise<unknown[]> {
  const found: unknown[] = [];
  for await (const records of log.read(factsTopic('main'), { from: 0 })) {
    for (const record of records) {
      const decoded = decodeRecord(record);
      found.push(decoded.ok ? decoded.fact : decoded);
    }
  }
  return found;
}

describe('definitions over HTTP', () => {
  it('are planned, applied, read back, and planned again without changes', async () => {
    const documents = [METRIC, kpi(10)];
    const planned = await call('POST', '/v1/definitions/plan', { documents });
    expect(planned).toMatchObject({
      status: 200,
      body: { data: { expects: null, changes: [{ id: 'metric/revenue' }, {}] } },
    });
    expect(await facts()).toEqual([]);

    const applied = await apply({ documents, expects: null, command: 'first', actor: 'ada' });
    expect(applied).toMatchObject({
      status: 200,
      body: { position: '0:0', data: { command: 'first', outcome: 'accepted' } },
    });
    expect(await facts()).toMatchObject([
      { type: 'definitions', command: 'first', expects: null, actor: 'ada', remove: [] },
    ]);

    const read = await call('GET', '/v1/definitions');
    expect(read.body).toMatchObject({
      data: [
        { id: 'metric/revenue', position: '0:0' },
        { id: 'kpi/k', document: { spec: { targets: [{ value: '10' }] } } },
      ],
      meta: { workspace: 'main', position: '0:0' },
    });
    expect((await call('GET', '/v1/definitions?kind=kpi')).body.data).toHaveLength(1);

    const again = await apply({ documents, expects: '0:0' });
    expect(again).toMatchObject({
      status: 200,
      body: { position: '0:0', data: { outcome: 'unchanged', plan: { unchanged: 2 } } },
    });
    expect(await facts()).toHaveLength(1);
  });

  it('hold only what changed, and prune only when asked', async () => {
    await apply({ documents: [METRIC, kpi(10)] });
    await apply({ documents: [kpi(12)] });
    await apply({ documents: [METRIC], prune: true });
    expect(await facts()).toMatchObject([
      { put: [{}, {}], remove: [] },
      { put: [{ kind: 'Kpi' }], remove: [], expects: 0 },
      { put: [], remove: ['kpi/k'], expects: 1024 },
    ]);
    expect((await call('GET', '/v1/definitions')).body.data.map(({ id }: { id: string }) => id)).toEqual([
      'metric/revenue',
    ]);
  });

  it('are refused whole, with every fault at its place', async () => {
    const answer = await apply({ documents: [{ ...METRIC, spec: { agregation: 'sum', grain: 'day' } }, kpi(10), 5] });
    expect(answer).toMatchObject({ status: 422, body: { code: 'invalid_definitions' } });
    expect(answer.body.errors).toContainEqual({
      document: 'metric/revenue',
      pointer: '/spec/agregation',
      code: 'unknown_key',
      message: 'unknown key "agregation"',
      remedy: 'did you mean "aggregation"?',
    });
    expect(answer.body.errors).toContainEqual(
      expect.objectContaining({ document: 'documents/2', code: 'invalid_type' }),
    );
    const meant = await apply({ documents: [kpi(10)] });
    expect(meant).toMatchObject({ status: 422, body: { errors: [{ code: 'unknown_reference', document: 'kpi/k' }] } });
    expect(await facts()).toEqual([]);
  });

  it('come as YAML too, with lines in the faults and nothing of this process put in', async () => {
    const applied = await call('POST', '/v1/definitions/apply?command=yaml-1', GOALS, 'application/yaml');
    expect(applied).toMatchObject({ status: 200, body: { data: { command: 'yaml-1', outcome: 'accepted' } } });
    const broken = await call(
      'POST',
      '/v1/definitions/plan',
      GOALS.replace('a.csv', '"${env:HOME}"'),
      'application/yaml',
    );
    expect(broken).toMatchObject({ status: 422, body: { errors: [{ line: 19, code: 'undefined_secret' }] } });
  });

  it('keep numbers that a double would change', async () => {
    const body = JSON.stringify({ documents: [METRIC, kpi(7)] }).replace('"value":7', '"value":12345678901234567890.5');
    expect(await call('POST', '/v1/definitions/apply', body)).toMatchObject({ status: 200 });
    expect((await call('GET', '/v1/definitions?kind=Kpi')).body.data[0].document.spec.targets[0].value).toBe(
      '12345678901234567890.5',
    );
  });

  it('of a workspace that does not exist are not made by a look', async () => {
    expect(await call('GET', '/v1/definitions?workspace=other')).toMatchObject({
      status: 404,
      body: { code: 'unknown_workspace' },
    });
    expect(await call('GET', '/v1/definitions?workspace=Not%20One')).toMatchObject({ status: 404 });
    const planned = await call('POST', '/v1/definitions/plan?workspace=other', { documents: [METRIC] });
    expect(planned).toMatchObject({ status: 200, body: { data: { expects: null, changes: [{ change: 'added' }] } } });
    expect(await log.topics('facts.')).toEqual(['facts.main']);
    const applied = await call('POST', '/v1/definitions/apply?workspace=other', { documents: [METRIC] });
    expect(applied).toMatchObject({ status: 200, body: { meta: { workspace: 'other' } } });
    expect((await call('GET', '/v1/definitions')).body.data).toEqual([]);
  });
});

describe('two writers', () => {
  it('the second apply against the same definitions is refused and told which came first', async () => {
    await apply({ documents: [METRIC], command: 'first', expects: null });
    const late = await apply({ documents: [METRIC, kpi(10)], command: 'late', expects: null });
    expect(late).toMatchObject({
      status: 409,
      body: { code: 'conflict', competing: { command: 'first', position: '0:0' } },
    });
    expect(await facts()).toHaveLength(1);
  });
  it('of two at once one is accepted, and the log says the same to both', async () => {
    const answers = await Promise.all(
      [10, 11, 12].map((target) => apply({ documents: [METRIC, kpi(target)], command: `c-${target}`, expects: null })),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 409, 409]);
    const accepted = answers.find(({ status }) => status === 200)?.body.data.command;
    for (const { status, body } of answers) if (status === 409) expect(body.competing.command).toBe(accepted);
  });
  it('a command sent again changes nothing and answers the same', async () => {
    const first = await apply({ documents: [METRIC], command: 'once', expects: null });
    await apply({ documents: [kpi(10)], command: 'between' });
    const again = await apply({ documents: [METRIC], command: 'once', expects: null });
    expect([again.status, again.body.position]).toEqual([200, first.body.position]);
    expect(await facts()).toHaveLength(2);
  });
  it('another process sees what this one applied', async () => {
    await apply({ documents: [METRIC] });
    const other = createCatalog({ log, clock: systemClock, logger: silentLogger, workspace: 'main' });
    const workspace = await other.workspaces.current('main', { create: false });
    expect([...workspace.fold.documents.keys()]).toEqual(['metric/revenue']);
    await apply({ documents: [kpi(10)] });
    expect((await other.workspaces.current('main', { create: false })).fold.documents.size).toBe(2);
    await other.stop();
  });
});

describe('a log that misbehaves', () => {
  it('whose answer is lost: the command, sent again, is taken once', async () => {
    await close();
    let lose = true;
    await open(
      openMemoryLog({
        now: Date.now,
        faults: {
          append: () => {
            const outcome = lose ? 'ambiguous' : 'done';
            lose = false;
            return outcome;
          },
        },
      }),
    );
    expect((await apply({ documents: [METRIC], command: 'once', expects: null })).status).toBeGreaterThanOrEqual(500);
    expect(await apply({ documents: [METRIC], command: 'once', expects: null })).toMatchObject({
      status: 200,
      body: { data: { outcome: 'accepted' } },
    });
    expect(await facts()).toHaveLength(1);
  });
  it('that cannot be read for a while: 202 with an address that answers later', async () => {
    await close();
    const whole = openMemoryLog({ now: Date.now });
    const gate = Promise.withResolvers<void>();
    let closed = false;
    const slow: EventLog = Object.assign(Object.create(whole), {
      async *read(topic: string, range: Parameters<EventLog['read']>[1]) {
        for await (const records of whole.read(topic, range)) {
          if (closed && range.tail === true) await gate.promise;
          yield records;
        }
      },
    });
    for (const name of ['append', 'end', 'topics', 'ensureTopic', 'close'] as const) {
      Object.assign(slow, { [name]: whole[name].bind(whole) });
    }
    await open(slow, 100);
    closed = true;
    const pending = await apply({ documents: [METRIC], command: 'slow/1'.replace('/', '.') });
    expect(pending).toMatchObject({
      status: 202,
      headers: { location: '/v1/definitions/commands/slow.1' },
      body: { position: '0:0', data: { outcome: 'pending' }, links: { outcome: '/v1/definitions/commands/slow.1' } },
    });
    expect(await call('GET', '/v1/definitions/commands/slow.1')).toMatchObject({
      status: 503,
      body: { code: 'not_ready' },
    });
    gate.resolve();
    expect(await call('GET', '/v1/definitions/commands/slow.1')).toMatchObject({
      status: 200,
      body: { data: { outcome: 'accepted' }, position: '0:0' },
    });
    expect(await call('GET', '/v1/definitions/commands/never')).toMatchObject({
      status: 404,
      body: { code: 'unknown_command' },
    });
  });
});

describe('check-ins and overrides over HTTP', () => {
  beforeEach(async () => {
    await call('POST', '/v1/definitions/apply', GOALS, 'application/yaml');
  });
  it('a check-in is a fact with a position', async () => {
    const said = {
      subject: 'key_result/grow/nps',
      time: '2026-01-05T10:00:00+01:00',
      value: 34.5,
      confidence: 0.7,
      note: 'up',
    };
    const answer = await call('POST', '/v1/check-ins', said);
    expect(answer).toMatchObject({
      status: 202,
      body: { position: '1:0', data: { ...said, time: '2026-01-05T09:00:00Z', value: '34.5' } },
    });
    expect((await facts())[1]).toEqual({
      type: 'check_in',
      subject: said.subject,
      time: Date.UTC(2026, 0, 5, 9),
      value: '34.5',
      confidence: 0.7,
      note: 'up',
    });
  });
  it.each([
    [{ subject: 'key_result/grow/nsp', value: 1 }, 404, 'unknown_subject'],
    [{ subject: 'key_result/grow/nps' }, 422, 'invalid_check_in'],
    [{ subject: 'key_result/grow/nps', value: 1, time: '2099-01-01' }, 422, 'invalid_time'],
    [{ subject: 'key_result/grow/nps', value: 1, time: '2098-01-01T00:00:00Z' }, 422, 'in_future'],
    [{ subject: 'key_result/grow/nps', value: 1, confidence: 1.5 }, 400, 'invalid_request'],
    [{ subject: 'key_result/grow/nps', valeu: 1 }, 400, 'invalid_request'],
  ])('%j is refused', async (said, status, code) => {
    expect(await call('POST', '/v1/check-ins', said)).toMatchObject({ status, body: { code } });
    expect(await facts()).toHaveLength(1);
  });
  it('an override lets a source retract in mass, for a day', async () => {
    const answer = await call('POST', '/v1/overrides', { source: 'shop', allow: 'mass_retraction', command: 'o-1' });
    expect(answer).toMatchObject({ status: 200, body: { data: { command: 'o-1', outcome: 'accepted' } } });
    const fact = (await facts())[1] as { until: number };
    expect(fact.until - Date.now()).toBeGreaterThan(86_000_000);
    await call('POST', '/v1/overrides', { source: 'shop', allow: 'mass_retraction', command: 'o-1' });
    expect(await facts()).toHaveLength(2);
    expect(await call('POST', '/v1/overrides', { source: 'shpo', allow: 'mass_retraction' })).toMatchObject({
      status: 404,
      body: { code: 'unknown_source', detail: expect.stringContaining('did you mean shop?') },
    });
  });
});
