import { mkdtempSync, rmSync } from 'node:fs';
import { get } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import type { InjectOptions, RouteOptions } from 'fastify';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { createHttp, type HttpServer, type Routes } from '../http.ts';
import { createFront } from '../http-front.ts';
import { createLogger, silentLogger } from '../logger.ts';
import { createMetrics } from '../metrics.ts';
import { changeKeys } from './file.ts';
import { mintKey, type NewKey } from './key.ts';
import { KeyRing } from './ring.ts';

const query = z.strictObject({ workspace: z.string().optional() });
const routes: Routes = async (app) => {
  app.get('/v1/numbers', { schema: { querystring: query } }, async (request) => ({ of: request.query.workspace }));
  for (const scope of ['push', 'check-in', 'apply'] as const) {
    app.post(`/v1/${scope}`, { schema: { querystring: query }, config: { scope } }, async (request) => ({
      of: request.query.workspace,
    }));
  }
  app.get('/v1/endless', { schema: { querystring: query } }, async (_request, reply) => {
    const stream = new PassThrough();
    stream.write('data: 1\n\n');
    return reply.type('text/event-stream').send(stream);
  });
};

let dir: string;
let file: string;
let app: HttpServer;
const metrics = createMetrics({ defaults: true });

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'paceline-guard-'));
  file = join(dir, 'keys.json');
  app = await server();
});
afterEach(async () => {
  await app.close();
  rmSync(dir, { recursive: true, force: true });
});

async function server(more: { readonly sessionSecret?: string; readonly logger?: typeof silentLogger } = {}) {
  const keys = new KeyRing({ file, usedFile: null, logger: silentLogger });
  const made = await createHttp({
    logger: silentLogger,
    metrics,
    health: () => ({
      live: true,
      ready: false,
      parts: [{ part: 'engine', live: true, ready: false, detail: 'secret-host' }],
    }),
    title: 'Test',
    version: '1',
    bodyBytesMax: 10_000,
    keys,
    ...more,
  });
  await made.register(routes);
  await made.ready();
  return made;
}

function key(given: Partial<NewKey> = {}): string {
  const { text, stored } = mintKey(
    { name: 'k', scopes: ['read'], workspace: 'a', expiresAt: null, ...given },
    Date.now(),
  );
  changeKeys(file, (keys) => [...keys, stored]);
  return text;
}

const bearer = (text: string) => ({ authorization: `Bearer ${text}` });

async function ask(request: InjectOptions | string, at = app) {
  const { statusCode: status, headers, body } = await at.inject(request);
  return { status, headers, body, code: status >= 400 ? String(JSON.parse(body).code) : '' };
}

describe('as long as there is no key', () => {
  it('this machine asks and does everything, and is asked for nothing', async () => {
    expect((await ask('/v1/numbers?workspace=any')).status).toBe(200);
    expect((await ask({ method: 'POST', url: '/v1/apply' })).status).toBe(200);
    expect((await ask({ url: '/v1/numbers', headers: { host: 'evil.example' } })).code).toBe('forbidden_host');
  });

  it('and from the first one on everybody has to show one, by whatever name the server is called', async () => {
    const text = key();
    expect((await ask('/v1/numbers')).code).toBe('unauthorized');
    expect((await ask({ url: '/v1/numbers', headers: { host: 'paceline.example', ...bearer(text) } })).status).toBe(
      200,
    );
  });
});

describe('a request', () => {
  it.each([
    ['no key', undefined],
    ['another scheme', 'Basic YTpi'],
    ['two words', 'Bearer a b'],
    ['an unknown key', `Bearer pcl_abcdefghijkl_${'x'.repeat(43)}`],
    ['nothing behind the scheme', 'Bearer '],
    ['a very long key', `Bearer ${'x'.repeat(5_000)}`],
  ])('with %s is answered 401 with how to do better', async (_, authorization) => {
    key();
    const headers = authorization === undefined ? {} : { authorization };
    const answer = await ask({ url: '/v1/numbers', headers });
    expect([answer.status, answer.headers['content-type']]).toEqual([401, 'application/problem+json']);
    expect(answer.headers['www-authenticate']).toMatch(/^Bearer realm="paceline"/);
    expect(answer.body).toContain('paceline keys create');
  });

  it.each([
    ['read', 200, 403, 403, 403],
    ['push', 403, 200, 403, 403],
    ['check-in', 403, 403, 200, 403],
    ['apply', 403, 403, 403, 200],
  ] as const)('with a key for %s does that and nothing else', async (scope, read, push, checkIn, apply) => {
    const headers = bearer(key({ scopes: [scope] }));
    const statuses = [
      (await ask({ url: '/v1/numbers', headers })).status,
      (await ask({ method: 'POST', url: '/v1/push', headers })).status,
      (await ask({ method: 'POST', url: '/v1/check-in', headers })).status,
      (await ask({ method: 'POST', url: '/v1/apply', headers })).status,
    ];
    expect(statuses).toEqual([read, push, checkIn, apply]);
    if (scope !== 'push') {
      const refused = await ask({ method: 'POST', url: '/v1/push', headers });
      expect(refused.code).toBe('forbidden');
      expect(refused.headers['www-authenticate']).toContain('error="insufficient_scope", scope="push"');
    }
  });

  it('that names no workspace means the one of its key, and every other is refused, whether it exists or not', async () => {
    const headers = bearer(key({ workspace: 'a' }));
    expect((await ask({ url: '/v1/numbers', headers })).body).toBe('{"of":"a"}');
    expect((await ask({ url: '/v1/numbers?workspace=a', headers })).body).toBe('{"of":"a"}');
    for (const other of ['b', '*', '', 'A', 'a&workspace=b', 'b&workspace=a', 'a%00', '%61%20']) {
      const { status } = await ask({ url: `/v1/numbers?workspace=${other}`, headers });
      expect([other, status]).toEqual([other, 403]);
    }
  });

  it('with a key for all of them may name any', async () => {
    const headers = bearer(key({ workspace: '*' }));
    expect((await ask({ url: '/v1/numbers?workspace=b', headers })).body).toBe('{"of":"b"}');
    expect((await ask({ url: '/v1/numbers', headers })).body).toBe('{}');
  });

  it('is answered in a way that no cache gives to somebody else', async () => {
    const { headers } = await ask({ url: '/v1/numbers', headers: bearer(key()) });
    expect(String(headers.vary)).toMatch(/authorization, cookie/);
  });

  it('tries too many wrong keys and is told to wait, while a right one from the same address is answered', async () => {
    const right = bearer(key());
    const wrong = { url: '/v1/numbers', headers: bearer(`pcl_abcdefghijkl_${'x'.repeat(43)}`) };
    const codes = new Set<string>();
    for (let at = 0; at < 20; at++) codes.add((await ask(wrong)).code);
    const late = await ask(wrong);
    expect([[...codes], late.code]).toEqual([['unauthorized'], 'rate_limited']);
    expect(Number(late.headers['retry-after'])).toBeGreaterThan(0);
    expect((await ask({ url: '/v1/numbers', headers: right })).status).toBe(200);
    expect((await ask({ ...wrong, remoteAddress: '203.0.113.9' })).code).toBe('unauthorized');
  });

  it('from anywhere in one IPv6 network counts as from one client', async () => {
    key();
    const wrong = { url: '/v1/numbers', headers: bearer('x') };
    for (let at = 0; at < 20; at++) await ask({ ...wrong, remoteAddress: `2001:db8:1:2::${at}` });
    expect((await ask({ ...wrong, remoteAddress: '2001:db8:1:2:ffff::1' })).code).toBe('rate_limited');
    expect((await ask({ ...wrong, remoteAddress: '2001:db8:1:3::1' })).code).toBe('unauthorized');
  });

  it('leaves its key in no log', async () => {
    const lines: string[] = [];
    const logger = createLogger({ level: 'trace', destination: { write: (line) => lines.push(line) } });
    const text = key();
    const own = await server({ logger });
    await ask({ url: `/v1/numbers?workspace=${text}`, headers: bearer(text) }, own);
    await ask({ url: `/v1/${text}`, headers: bearer(text) }, own);
    await own.close();
    expect(lines.length).toBeGreaterThan(1);
    expect(lines.join('')).not.toContain(text);
  });
});

describe('operators', () => {
  it('hear whether it is ready without a key, and why only with one for all workspaces', async () => {
    const bound = bearer(key());
    const all = bearer(key({ workspace: '*' }));
    for (const url of ['/health/ready', '/health/live']) {
      expect((await ask(url)).body).not.toContain('secret-host');
      expect((await ask({ url, headers: bound })).body).not.toContain('secret-host');
      expect((await ask({ url, headers: all })).body).toContain('secret-host');
    }
    expect((await app.inject('/health/ready')).statusCode).toBe(503);
  });

  it('hear no more while the service behind still waits for its servers', async () => {
    const health = () => ({
      live: true,
      ready: false,
      parts: [{ part: 'clickhouse', live: true, ready: false, detail: 'secret-host' }],
    });
    for (const isKeyed of [true, false]) {
      const front = createFront({ title: 'Query', health, inner: () => null, isKeyed: () => isKeyed });
      for (const url of ['/health/live', '/health/ready', '/v1/status']) {
        expect((await front.inject(url)).body.includes('secret-host')).toBe(!isKeyed);
      }
      await front.close();
    }
  });

  it('see the metrics of the workspace that their key is for', async () => {
    metrics.ticks.inc({ workspace: 'a' }, 7);
    metrics.ticks.inc({ workspace: 'b' }, 8);
    metrics.restoreSeconds.observe({ workspace: 'b' }, 1);
    metrics.sourceRuns.inc({ connector: 'csv', outcome: 'ok' });
    metrics.deliveries.inc({ channel: '",workspace="a"', outcome: 'ok' });
    expect((await app.inject('/metrics')).statusCode).toBe(200);
    const all = await ask({ url: '/metrics', headers: bearer(key({ workspace: '*' })) });
    const own = await ask({ url: '/metrics', headers: bearer(key({ workspace: 'a' })) });
    expect((await ask('/metrics')).code).toBe('unauthorized');
    expect(all.body).toContain('paceline_processor_ticks_total{workspace="b"} 8');
    expect(own.body).toContain(
      '# TYPE paceline_processor_ticks_total counter\npaceline_processor_ticks_total{workspace="a"} 7',
    );
    expect(own.body.split('\n').filter((line) => line !== '' && !line.startsWith('#'))).toEqual([
      'paceline_processor_ticks_total{workspace="a"} 7',
    ]);
  });

  it('may read what the API is without a key', async () => {
    key();
    for (const url of ['/openapi.json', '/docs/errors', '/docs']) expect((await ask(url)).status).toBeLessThan(400);
    expect((await ask('/nothing')).code).toBe('not_found');
  });
});

describe('a browser', () => {
  const cookieOf = (answer: { headers: Record<string, unknown> }): string =>
    String(answer.headers['set-cookie']).split(';')[0] ?? '';

  async function session(given: Partial<NewKey> = {}) {
    const text = key(given);
    return { text, cookie: cookieOf(await ask({ method: 'POST', url: '/v1/session', headers: bearer(text) })) };
  }

  it('gets a cookie for a key that scripts cannot read and no other site sends', async () => {
    const answer = await ask({ method: 'POST', url: '/v1/session', headers: bearer(key()) });
    expect(answer.headers['set-cookie']).toMatch(
      /^paceline_session=[\w.-]+; Path=\/; Max-Age=28800; HttpOnly; SameSite=Strict$/,
    );
    const cookie = cookieOf(answer);
    expect((await ask({ url: '/v1/numbers', headers: { cookie: `other=1; ${cookie}` } })).body).toBe('{"of":"a"}');
    expect((await ask({ url: '/v1/session', headers: { cookie } })).body).toContain('"workspace":"a"');
    expect((await ask('/v1/session')).body).toBe('{"data":null}');
    const gone = await ask({ method: 'DELETE', url: '/v1/session', headers: { cookie } });
    expect(gone.headers['set-cookie']).toContain('Max-Age=0');
  });

  it('without a key gets none', async () => {
    key();
    expect((await ask({ method: 'POST', url: '/v1/session' })).code).toBe('unauthorized');
    expect((await ask({ method: 'POST', url: '/v1/session', headers: bearer('x') })).code).toBe('unauthorized');
  });

  it('has what the key may, in its workspace, until the key is revoked', async () => {
    const { cookie } = await session({ scopes: ['read', 'check-in'] });
    const own = { cookie, host: 'board.example', origin: 'https://board.example' };
    expect((await ask({ method: 'POST', url: '/v1/check-in', headers: own })).status).toBe(200);
    expect((await ask({ method: 'POST', url: '/v1/apply', headers: own })).code).toBe('forbidden');
    expect((await ask({ url: '/v1/numbers?workspace=b', headers: { cookie } })).code).toBe('forbidden_workspace');
    changeKeys(file, (keys) => keys.map((each) => ({ ...each, revokedAt: '2026-01-01T00:00:00Z' })));
    expect((await ask({ url: '/v1/numbers', headers: { cookie } })).code).toBe('unauthorized');
  });

  it.each([
    ['another page reads', 'GET', { origin: 'https://evil.example' }],
    ['another page writes', 'POST', { origin: 'https://evil.example' }],
    ['a form without an origin writes', 'POST', {}],
    ['a page without an address writes', 'POST', { origin: 'null' }],
  ] as const)('lends its cookie to nobody: %s', async (_, method, more) => {
    const { cookie } = await session({ scopes: ['read', 'check-in'] });
    const url = method === 'GET' ? '/v1/numbers' : '/v1/check-in';
    expect((await ask({ method, url, headers: { cookie, ...more } })).code).toBe('unauthorized');
  });

  it('cannot make its session longer, change it, or make one up', async () => {
    const { cookie } = await session({ expiresAt: Date.now() + 60_000 });
    const [name, key = '', end = '', signature = ''] = cookie.split(/[=.]/);
    const later = (Number.parseInt(end, 36) + 1_000_000).toString(36);
    for (const made of [
      `${key}.${later}.${signature}`,
      `${key}.${end}.`,
      `${key}.${end}`,
      '',
      '..',
      `${key}..${signature}`,
    ]) {
      expect((await ask({ url: '/v1/numbers', headers: { cookie: `${name}=${made}` } })).code).toBe('unauthorized');
    }
    const own = { cookie, host: 'board.example', origin: 'https://board.example' };
    const again = await ask({ method: 'POST', url: '/v1/session', headers: own });
    expect(Number(/Max-Age=(\d+)/.exec(String(again.headers['set-cookie']))?.[1])).toBeLessThanOrEqual(60);
  });

  it('is known to every process that has the same secret, and to no other', async () => {
    const sessionSecret = 's'.repeat(32);
    const [one, two, three] = [await server({ sessionSecret }), await server({ sessionSecret }), await server()];
    const cookie = cookieOf(await ask({ method: 'POST', url: '/v1/session', headers: bearer(key()) }, one));
    expect((await ask({ url: '/v1/numbers', headers: { cookie } }, two)).status).toBe(200);
    expect((await ask({ url: '/v1/numbers', headers: { cookie } }, three)).status).toBe(401);
    await Promise.all([one.close(), two.close(), three.close()]);
  });
});

describe('a stream', () => {
  it('ends when its key is revoked', async () => {
    const text = key();
    await app.listen({ port: 0, host: '127.0.0.1' });
    const address = app.server.address();
    if (address === null || typeof address === 'string') throw new Error('listens nowhere');
    const ended = new Promise<string>((resolve, reject) => {
      const url = `http://127.0.0.1:${address.port}/v1/endless`;
      get(url, { headers: bearer(text) }, (answer) => {
        let got = '';
        answer.on('data', (part: Buffer) => {
          got += part.toString();
          changeKeys(file, (keys) => keys.map((each) => ({ ...each, revokedAt: '2026-01-01T00:00:00Z' })));
        });
        answer.on('error', () => resolve(got));
        answer.on('end', () => resolve(got));
      }).on('error', reject);
    });
    expect(await ended).toBe('data: 1\n\n');
  });
});

describe('a route', () => {
  const bad: [string, Pick<RouteOptions, 'method' | 'schema' | 'config'>, RegExp][] = [
    [
      'that writes and says no scope',
      { method: 'POST', schema: { querystring: query } },
      /POST \/v1\/new says no scope/,
    ],
    ['that takes no workspace and says nothing of it', { method: 'GET' }, /GET \/v1\/new takes no workspace/],
    [
      'that hides its workspace in its body',
      { method: 'POST', schema: { body: query }, config: { scope: 'push' } },
      /takes no workspace/,
    ],
  ];
  it.each(bad)('%s keeps the server from starting', async (_, route, message) => {
    const health = () => ({ live: true, ready: true, parts: [] });
    const fresh = await createHttp({
      logger: silentLogger,
      metrics,
      health,
      title: 'T',
      version: '1',
      bodyBytesMax: 1000,
    });
    expect(() => fresh.route({ ...route, url: '/v1/new', handler: async () => '' })).toThrow(message);
    await fresh.close();
  });
});
