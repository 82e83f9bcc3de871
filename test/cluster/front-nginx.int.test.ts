import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { freePort, type LocalServer, startServer } from '@paceline/local-servers';
import { findProgram, serverFolder } from '@paceline/local-servers/server';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { bodyOf, type Listening, listen } from '../support/listen.ts';
import { serviceOf } from './routes.ts';

/** The proxy as it is shipped, in a real nginx; only addresses and folders are those of this test. */
const ROOT = dirname(dirname(import.meta.dirname));
const BEHIND = ['connectors', 'catalog', 'query', 'alerts', 'clickhouse_protocol'] as const;

let dir: string;
let nginx: LocalServer;
let clickhousePort: number;
const behind = new Map<string, Listening>();

beforeAll(async () => {
  for (const name of BEHIND) {
    const answer = await listen(async (request, response) => {
      const body = await bodyOf(request);
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ name, url: request.url, bytes: body.length, headers: request.headers }));
    });
    behind.set(name, answer);
  }
  dir = mkdtempSync(join(tmpdir(), 'paceline-front-'));
  const port = await freePort();
  clickhousePort = await freePort();
  let text = readFileSync(join(ROOT, 'infra/nginx.conf'), 'utf8')
    .replaceAll('/tmp/', `${dir}/`)
    .replace('listen 8787;', `listen 127.0.0.1:${port};`)
    .replace('listen 8723;', `listen 127.0.0.1:${clickhousePort};`)
    .replace('server query:8723;', `server 127.0.0.1:${behind.get('clickhouse_protocol')?.port};`);
  for (const name of BEHIND.slice(0, 4))
    text = text.replace(`server ${name}:8787;`, `server 127.0.0.1:${behind.get(name)?.port};`);
  writeFileSync(join(dir, 'nginx.conf'), text);
  const program = findProgram('nginx');
  if (program === undefined) throw new Error('nginx is not installed; on Debian: apt-get install nginx');
  nginx = await startServer({
    name: 'nginx',
    command: [program, '-e', '/dev/stderr', '-c', join(dir, 'nginx.conf'), '-g', 'daemon off;'],
    port,
    dir: serverFolder('nginx'),
  });
});
afterAll(async () => {
  await nginx?.stop();
  for (const one of behind.values()) await one.stop();
  rmSync(dir, { recursive: true, force: true });
});

interface Seen {
  readonly name: string;
  readonly url: string;
  readonly bytes: number;
  readonly headers: Readonly<Record<string, string>>;
}

async function ask(method: string, path: string, init: RequestInit = {}): Promise<Seen> {
  const answer = await fetch(`http://127.0.0.1:${nginx.port}${path}`, { method, ...init });
  expect(answer.status, `${method} ${path}`).toBe(200);
  return (await answer.json()) as Seen;
}

it.each([
  ['POST', '/v1/observations?allow_unknown=true'],
  ['GET', '/v1/observations?metric=mrr'],
  ['POST', '/v1/covered'],
  ['GET', '/v1/sources'],
  ['POST', '/v1/sources/billing/run'],
  ['GET', '/v1/sourcesque'],
  ['POST', '/v1/definitions/plan'],
  ['GET', '/v1/definitions'],
  ['POST', '/v1/check-ins'],
  ['POST', '/v1/overrides'],
  ['GET', '/v1/alerts'],
  ['POST', '/v1/alerts/a1b2/ack'],
  ['POST', '/v1/alerts/a1b2/snooze'],
  ['GET', '/v1/alerts/a1b2/ackx'],
  ['GET', '/v1/status/key_result/grow/mrr-emea'],
  ['GET', '/v1/trend?metric=mrr'],
  ['GET', '/'],
  ['GET', '/health/ready'],
  ['GET', '/docs/errors'],
])('%s %s reaches the service that owns it', async (method, path) => {
  const { name, url } = await ask(method, path);
  expect([name, url]).toEqual([serviceOf(method, path), path]);
});

it('who asks is told to the service, and not who is claimed to ask', async () => {
  const { headers } = await ask('GET', '/v1/status', { headers: { 'x-forwarded-for': '1.2.3.4' } });
  expect(headers['x-forwarded-for']).toBe('127.0.0.1');
  expect(headers.host).toBe(`127.0.0.1:${nginx.port}`);
});

it('16 MiB of observations go through', async () => {
  const body = 'x'.repeat(16 * 1024 * 1024);
  expect((await ask('POST', '/v1/observations', { body })).bytes).toBe(body.length);
});

it('ClickHouse has a port of its own', async () => {
  const answer = await fetch(`http://127.0.0.1:${clickhousePort}/?query=SELECT+1`, { method: 'POST' });
  expect(await answer.json()).toMatchObject({ name: 'clickhouse_protocol', url: '/?query=SELECT+1' });
});

it('metrics of the services are not shown to the world', async () => {
  expect((await fetch(`http://127.0.0.1:${nginx.port}/metrics`)).status).toBe(404);
});

it('a service that does not run is told as a problem', async () => {
  await behind.get('catalog')?.stop();
  const answer = await fetch(`http://127.0.0.1:${nginx.port}/v1/definitions`);
  expect(answer.status).toBe(503);
  expect(answer.headers.get('content-type')).toContain('application/problem+json');
  expect(answer.headers.get('retry-after')).toBe('2');
  expect(await answer.json()).toMatchObject({ code: 'not_ready', status: 503 });
});
