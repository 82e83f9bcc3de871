import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openStore } from '@paceline/store';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { paceline, type Serving, serve } from '../support/serve.ts';

let dir: string;
let serving: Serving | null = null;

beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'paceline-replay-'));
  writeFileSync(join(dir, 'paceline.yaml'), 'workspace: again\n');
});
afterAll(async () => {
  await serving?.kill();
  rmSync(dir, { recursive: true, force: true });
});

const DEFINITIONS = `apiVersion: paceline/v1
kind: Metric
metadata: {name: sales}
spec: {aggregation: sum, grain: day}
---
apiVersion: paceline/v1
kind: Kpi
metadata: {name: sales}
spec: {metric: sales, direction: higher, period: {each: day}, targets: [{effectiveFrom: 2020-01-01, value: "10"}]}
`;

const day = (ago: number): string => new Date(Date.now() - ago * 86_400_000).toISOString().slice(0, 10);

async function post(path: string, type: string, body: string): Promise<{ readonly position?: string }> {
  const response = await fetch(`${serving?.url}${path}`, { method: 'POST', headers: { 'content-type': type }, body });
  if (!response.ok) throw new Error(`${path} answered ${response.status}: ${await response.text()}`);
  return JSON.parse(await response.text());
}

interface Report {
  readonly same: boolean;
  readonly first: { readonly table: string; readonly key: Readonly<Record<string, string>> } | null;
  readonly tables: readonly { readonly table: string; readonly rows: number }[];
}

async function replay(
  ...options: string[]
): Promise<{ readonly code: number; readonly report: Report; readonly said: string }> {
  const { code, stdout, stderr } = await paceline(['replay', '--output', 'json', ...options], { dir });
  return { code, report: JSON.parse(stdout || '{}'), said: stderr };
}

it('paceline replay says whether the tables are what the log says, names what is not, and puts it right', async () => {
  serving = await serve({ dir });
  await post('/v1/definitions/apply', 'application/yaml', DEFINITIONS);
  const values = [4, 3, 2].map((ago) => ({ metric: 'sales', period: day(ago), value: String(ago) }));
  const { position } = await post('/v1/observations', 'application/json', JSON.stringify(values));
  await (await fetch(`${serving.url}/v1/status?min_position=${position}`)).text();

  const running = await replay('--verify');
  expect(running, running.said).toMatchObject({ code: 0, report: { same: true, first: null } });
  expect(running.report.tables.find(({ table }) => table === 'observation')?.rows).toBe(3);
  expect(await serving.stop()).toBe(0);
  serving = null;

  const store = openStore({ path: join(dir, '.paceline', 'clickhouse') });
  await store.command({
    sql: 'ALTER TABLE judgement UPDATE value = 99 WHERE toDate(as_of) = {day:String} SETTINGS mutations_sync = 1',
    params: { day: day(2) },
  });
  await store.close();

  const damaged = await replay('--verify');
  expect(damaged.code).toBe(2);
  expect(damaged.report.first).toMatchObject({
    table: 'judgement',
    key: { subject: 'kpi/sales' },
    running: { value: '99' },
  });
  const told = await paceline(['replay'], { dir });
  expect(told.code).toBe(2);
  expect(told.stderr).toContain('first difference: judgement of again, subject kpi/sales');

  expect(await replay('--swap')).toMatchObject({ code: 0, report: { same: false, swapped: true } });
  expect(await replay('--verify')).toMatchObject({ code: 0, report: { same: true } });
});
