import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { factsTopic } from '@paceline/events';
import type { LogRecord } from '@paceline/log';
import { openSqliteLog } from '@paceline/log/sqlite';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type Serving, serve } from '../support/serve.ts';

const WORKSPACE = 'stop';
const STOP_MS = 5_000;
const LINES = 2_000;
const LOAD_MS = 1_500;
let dir: string;
let serving: Serving | null = null;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'paceline-stop-'));
  writeFileSync(join(dir, 'paceline.yaml'), `workspace: ${WORKSPACE}\n`);
});
afterEach(async () => {
  await serving?.kill();
  rmSync(dir, { recursive: true, force: true });
});

const DEFINITIONS = `apiVersion: paceline/v1
kind: Metric
metadata: {name: events}
spec: {aggregation: count, points: time, grain: day}
---
apiVersion: paceline/v1
kind: Kpi
metadata: {name: events}
spec: {metric: events, direction: higher, period: {each: day}, targets: [{effectiveFrom: 2020-01-01, value: "10"}]}
`;

const yesterday = new Date(Date.now() - 86_400_000).toISOString().slice(0, 10);

function linesOf(batch: number): string {
  const line = (n: number): string =>
    `${JSON.stringify({ metric: 'events', time: `${yesterday}T10:00:00Z`, value: 1, id: `${batch}-${n}` })}\n`;
  return Array.from({ length: LINES }, (_, n) => line(n)).join('');
}

async function post(path: string, type: string, body: string): Promise<{ accepted?: number; position?: string }> {
  const response = await fetch(`${serving?.url}${path}`, { method: 'POST', headers: { 'content-type': type }, body });
  if (!response.ok) throw new Error(`${path} answered ${response.status}: ${await response.text()}`);
  return JSON.parse(await response.text());
}

/** Pushes one batch after the other until the server is gone; answers how many batches were acknowledged. */
async function load(ended: AbortSignal): Promise<number> {
  for (let batch = 0; ; batch++) {
    try {
      await post('/v1/observations', 'application/x-ndjson', linesOf(batch));
    } catch (error) {
      if (!ended.aborted) throw error;
      return batch;
    }
  }
}

interface Left {
  readonly records: readonly LogRecord[];
  readonly committed: number;
}

async function leftIn(folder: string): Promise<Left> {
  const log = await openSqliteLog({ folder: join(folder, '.paceline'), now: () => Date.now() });
  const topic = factsTopic(WORKSPACE);
  const records: LogRecord[] = [];
  for await (const batch of log.read(topic, { from: 0 })) records.push(...batch);
  const committed = await log.committed('processor', topic);
  await log.close();
  return { records, committed };
}

const typeOf = (record: LogRecord | undefined): string => record?.headers.ce_type ?? '';

it('a stop under load ends in good order within five seconds, and what was acknowledged is there at the next start', async () => {
  serving = await serve({ dir });
  await post('/v1/definitions/apply', 'application/yaml', DEFINITIONS);
  const stopping = new AbortController();
  const loading = load(stopping.signal);
  await sleep(LOAD_MS);
  stopping.abort();
  const began = performance.now();
  expect(await serving.stop()).toBe(0);
  expect(performance.now() - began).toBeLessThan(STOP_MS);
  const batches = await loading;
  expect(batches).toBeGreaterThan(0);
  serving = await serve({ dir });
  const { accepted, position } = await post('/v1/observations', 'application/x-ndjson', linesOf(batches + 1));
  expect(accepted).toBe(LINES);
  const query = `metric=events&window=day&from=${yesterday}T00:00:00Z&min_position=${position}`;
  const answer = await fetch(`${serving.url}/v1/trend?${query}`);
  const rows: { data: { value: string }[] } = JSON.parse(await answer.text());
  // The batch whose answer was cut off may be there too.
  const counted = Number(rows.data[0]?.value) / LINES;
  expect([batches + 1, batches + 2]).toContain(counted);
});

it('a stop judges a last time: the log ends with a tick, and all of it is committed', async () => {
  serving = await serve({ dir });
  await post('/v1/definitions/apply', 'application/yaml', DEFINITIONS);
  await sleep(LOAD_MS);
  await post('/v1/observations', 'application/x-ndjson', linesOf(0));
  expect(await serving.stop()).toBe(0);
  const touched = await leftIn(dir);
  expect(typeOf(touched.records.at(-1))).toMatch(/tick/);
  expect(touched.committed).toBe(touched.records.length);
  // Nothing came since, so nothing is said.
  serving = await serve({ dir });
  expect(await serving.stop()).toBe(0);
  expect((await leftIn(dir)).records.length).toBe(touched.records.length);
});
