import { mkdtempSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { changeKeys, mintKey, requireConfig, silentLogger } from '@paceline/runtime';
import { openPaceline, type Paceline } from '@paceline/standalone/open';
import { afterAll, beforeAll, expect, it } from 'vitest';

let paceline: Paceline;
let url: string;
const dir = mkdtempSync(join(tmpdir(), 'paceline-bi-'));
beforeAll(async () => {
  const config = requireConfig({
    dir,
    env: {},
    overrides: { http: { port: 0, clickhousePort: 0, clickhouseGateway: true } },
  });
  paceline = await openPaceline({ config, logger: silentLogger, env: {}, background: false });
  await paceline.start();
  url = paceline.gateway?.url ?? '';
});
afterAll(async () => {
  await paceline.stop('the test ends');
  rmSync(dir, { recursive: true, force: true });
});

const METRIC = {
  apiVersion: 'paceline/v1',
  kind: 'Metric',
  metadata: { name: 'visits', title: 'Visits' },
  spec: { aggregation: 'sum', grain: 'day', dimensions: ['page'] },
};

async function ask(sql: string, headers: Readonly<Record<string, string>> = {}): Promise<string> {
  const answer = await fetch(url, { method: 'POST', body: sql, headers });
  return (await answer.text()).trim();
}

/** `fetch` sets the host itself. */
function askAs(host: string, origin?: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const headers = { host, ...(origin === undefined ? {} : { origin }) };
    const asked = request(`${url}/?query=SELECT%201`, { headers }, (answer) => {
      answer.resume();
      resolve(answer.statusCode ?? 0);
    });
    asked.once('error', reject);
    asked.end();
  });
}

it('shows a metric that was defined and pushed a moment ago, without a key on this machine', async () => {
  expect(await ask('SELECT count() FROM definitions')).toBe('0');
  const defined = await paceline.app.inject({
    method: 'POST',
    url: '/v1/definitions/apply',
    payload: { documents: [METRIC] },
  });
  expect([200, 202]).toContain(defined.statusCode);
  const pushed = await paceline.app.inject({
    method: 'POST',
    url: '/v1/observations',
    payload: [
      { metric: 'visits', period: '2026-11-01', value: '3.5', dimensions: { page: 'home' } },
      { metric: 'visits', period: '2026-11-02', value: '4', dimensions: { page: 'home' } },
    ],
  });
  expect(pushed.statusCode).toBe(202);
  await paceline.settle();
  await expect
    .poll(() => ask('SELECT bucket, page, value FROM metric_visits ORDER BY bucket FORMAT CSV'), { timeout: 20_000 })
    .toBe('"2026-11-01","home",3.5\n"2026-11-02","home",4');
  expect(await ask("SELECT title FROM definitions WHERE id = 'metric/visits'")).toBe('Visits');
});

it('keeps out pages of a browser while no key protects the machine', async () => {
  const { port } = new URL(url);
  expect(await askAs(`127.0.0.1:${port}`)).toBe(200);
  expect(await askAs(`localhost:${port}`)).toBe(200);
  expect(await askAs(`evil.example:${port}`)).toBe(403);
  expect(await askAs(`127.0.0.1:${port}`, 'http://evil.example')).toBe(403);
});

it('asks for a key that may read as soon as there is one', async () => {
  const reader = mintKey({ name: 'bi', scopes: ['read'], workspace: 'main', expiresAt: null }, Date.now());
  const pusher = mintKey({ name: 'feed', scopes: ['push'], workspace: 'main', expiresAt: null }, Date.now());
  const other = mintKey({ name: 'other', scopes: ['read'], workspace: 'other', expiresAt: null }, Date.now());
  changeKeys(join(dir, '.paceline/keys.json'), () => [reader.stored, pusher.stored, other.stored]);
  const withKey = (key: string, user = 'default') =>
    ask('SELECT count() FROM metric_trend', { 'x-clickhouse-user': user, 'x-clickhouse-key': key });
  expect(await ask('SELECT 1')).toMatch(/^Code: 516\./);
  expect(await withKey(pusher.text)).toMatch(/^Code: 516\./);
  expect(await withKey(`${reader.text}x`)).toMatch(/^Code: 516\./);
  expect(await withKey(reader.text)).toBe('2');
  expect(await withKey(reader.text, 'whatever a tool fills in')).toBe('2');
  expect(await withKey(other.text)).toBe('0');
});
