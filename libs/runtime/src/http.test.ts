import { gzipSync } from 'node:zlib';
import type { InjectOptions } from 'fastify';
import { afterEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { PacelineError } from './errors.ts';
import { createHttp, type HttpOptions, type HttpServer, type Routes } from './http.ts';
import type { SystemHealth } from './lifecycle.ts';
import { silentLogger } from './logger.ts';
import { createMetrics } from './metrics.ts';

const routes: Routes = async (app) => {
  const body = z.strictObject({ value: z.number(), 'a/b': z.string().optional() });
  const workspace = z.string().optional();
  app.post(
    '/v1/things',
    {
      schema: { querystring: z.object({ workspace }), body, response: { 200: z.object({ twice: z.number() }) } },
      config: { scope: 'push' },
    },
    async (request) => ({ twice: request.body.value * 2 }),
  );
  app.get(
    '/v1/things',
    { schema: { querystring: z.object({ workspace, limit: z.coerce.number().int().max(10).optional() }) } },
    async (request) => request.query,
  );
  app.post('/v1/text', { config: { scope: 'push', workspace: 'shared' } }, async (request) => ({
    characters: String(request.body).length,
  }));
  app.get('/v1/busy', { config: { workspace: 'shared' } }, async () => {
    throw new PacelineError('backlogged', 'too much waits', { retryAfterSeconds: 7 });
  });
  app.get('/v1/library', { config: { workspace: 'shared' } }, async () => {
    throw Object.assign(new Error('append queue is full'), { code: 'log_busy' });
  });
  app.get('/v1/bug', { config: { workspace: 'shared' } }, async () => {
    throw new Error('secret inside');
  });
};

let app: HttpServer;
let health: SystemHealth = { live: true, ready: true, parts: [] };

async function server(options: Partial<HttpOptions> = {}): Promise<HttpServer> {
  app = await createHttp({
    logger: silentLogger,
    metrics: createMetrics({ defaults: false }),
    health: () => health,
    title: 'Test',
    version: '1.0.0',
    bodyBytesMax: 2_000,
    docs: false,
    ...options,
  });
  await app.register(routes);
  return app;
}

afterEach(async () => {
  health = { live: true, ready: true, parts: [] };
  await app.close();
});

async function ask(request: InjectOptions | string, options: Partial<HttpOptions> = {}) {
  const answer = await (await server(options)).inject(request);
  return {
    status: answer.statusCode,
    type: answer.headers['content-type'],
    headers: answer.headers,
    body: answer.body,
    json: () => answer.json(),
  };
}

const csv = { 'content-type': 'text/csv' };
const gzip = { ...csv, 'content-encoding': 'gzip' };

describe('a request', () => {
  it('is answered through its schemas', async () => {
    expect((await ask({ method: 'POST', url: '/v1/things', payload: { value: 4 } })).json()).toEqual({ twice: 8 });
  });

  it('with several faults gets all of them, each with pointer and code', async () => {
    const { status, type, json } = await ask({ method: 'POST', url: '/v1/things', payload: { value: 'x', 'c/d~': 1 } });
    expect([status, type]).toEqual([400, 'application/problem+json']);
    expect(json()).toMatchObject({
      code: 'invalid_request',
      instance: '/v1/things',
      errors: [
        { code: 'invalid_type', pointer: '/value' },
        { code: 'unknown_key', pointer: '/c~1d~0' },
      ],
    });
  });

  it('without a key that must be there is told so', async () => {
    const { json } = await ask({ method: 'POST', url: '/v1/things', payload: {} });
    expect(json().errors).toEqual([expect.objectContaining({ code: 'missing_key', pointer: '/value' })]);
  });

  it('with a bad parameter is told its name', async () => {
    const { json } = await ask('/v1/things?limit=99');
    expect(json().errors).toEqual([expect.objectContaining({ code: 'invalid_value', parameter: 'limit' })]);
  });

  it('with broken JSON is told so', async () => {
    const { status, json } = await ask({
      method: 'POST',
      url: '/v1/things',
      payload: '{"value":',
      headers: { 'content-type': 'application/json' },
    });
    expect([status, json().code]).toEqual([400, 'invalid_json']);
  });

  it('cannot reach into prototypes', async () => {
    const payload = '{"value": 1, "__proto__": {"x": 1}}';
    const { json } = await ask({
      method: 'POST',
      url: '/v1/things',
      payload,
      headers: { 'content-type': 'application/json' },
    });
    expect(json().code).toBe('invalid_json');
  });

  it('for nothing gets 404, and with the wrong method 405 with the right ones', async () => {
    expect((await ask('/v1/nothing')).json()).toMatchObject({ status: 404, code: 'not_found' });
    await app.close();
    const { status, headers } = await ask({ method: 'DELETE', url: '/v1/things' });
    expect([status, headers.allow]).toEqual([405, 'GET, HEAD, POST']);
  });

  it('keeps its own id when harmless, and gets one otherwise', async () => {
    expect((await ask({ url: '/v1/things', headers: { 'x-request-id': 'abc-1' } })).headers['x-request-id']).toBe(
      'abc-1',
    );
    await app.close();
    expect((await ask({ url: '/v1/things', headers: { 'x-request-id': 'a b' } })).headers['x-request-id']).toMatch(
      /^[0-9a-f-]{36}$/,
    );
  });
});

describe('a failure', () => {
  it('carries code, remedy and when to come back', async () => {
    const { status, headers, json } = await ask('/v1/busy');
    expect([status, headers['retry-after'], json().code]).toEqual([429, '7', 'backlogged']);
    expect(json().remedy).toMatch(/Retry-After/);
  });

  it('of a library with a code of the table keeps it', async () => {
    expect((await ask('/v1/library')).json()).toMatchObject({
      status: 503,
      code: 'log_busy',
      detail: 'append queue is full',
    });
  });

  it('that is a bug says nothing of its inside', async () => {
    const { status, body } = await ask('/v1/bug');
    expect(status).toBe(500);
    expect(body).not.toContain('secret');
  });
});

describe('a body', () => {
  it('may be gzip', async () => {
    const payload = gzipSync('a\n'.repeat(900));
    expect((await ask({ method: 'POST', url: '/v1/text', payload, headers: gzip })).json()).toEqual({
      characters: 1_800,
    });
  });

  it.each([
    ['too large', 'x'.repeat(3_000), csv, 413, 'body_too_large'],
    ['a bomb', gzipSync('0'.repeat(500_000)), gzip, 413, 'body_too_large'],
    ['no gzip at all', 'abc', gzip, 400, 'invalid_encoding'],
    ['half a gzip', gzipSync('a\n'.repeat(900)).subarray(0, 20), gzip, 400, 'invalid_encoding'],
    ['encoded otherwise', 'abc', { ...csv, 'content-encoding': 'br' }, 415, 'unsupported_media_type'],
    [
      'of a type that browsers send without asking',
      'abc',
      { 'content-type': 'text/plain' },
      415,
      'unsupported_media_type',
    ],
  ])('that is %s is refused', async (_what, payload, headers, status, code) => {
    const answer = await ask({ method: 'POST', url: '/v1/text', payload, headers });
    expect([answer.status, answer.json().code]).toEqual([status, code]);
  });
});

describe('without keys', () => {
  it.each([
    [{ host: 'evil.example' }],
    [{ host: '127.0.0.1.evil.example' }],
    [{ origin: 'https://evil.example' }],
    [{ origin: 'null' }],
    [{ host: 'localhost:8787', origin: 'http://localhost:9999' }],
  ])('a request with %j is refused', async (headers) => {
    const { status, json } = await ask({ url: '/v1/things', headers });
    expect([status, json().code]).toEqual([403, 'forbidden_host']);
  });

  it.each([
    [{ host: '127.0.0.1:8787' }],
    [{ host: '[::1]:8787' }],
    [{ host: 'localhost:8787', origin: 'http://localhost:8787' }],
    [{ origin: 'https://board.example' }],
  ])('a request with %j is answered', async (headers) => {
    expect((await ask({ url: '/v1/things', headers }, { origins: ['https://board.example'] })).status).toBe(200);
  });
});

describe('limits and headers', () => {
  it('too many requests in a minute get 429 and when to come back', async () => {
    await server({ requestsPerMinuteMax: 2 });
    const statuses: number[] = [];
    for (let call = 0; call < 3; call++) statuses.push((await app.inject('/v1/things')).statusCode);
    const last = await app.inject('/v1/things');
    expect(statuses).toEqual([200, 200, 429]);
    expect(last.json().code).toBe('rate_limited');
    expect(Number(last.headers['retry-after'])).toBeGreaterThan(0);
  });

  it('health is not counted', async () => {
    await server({ requestsPerMinuteMax: 1 });
    for (let call = 0; call < 3; call++) expect((await app.inject('/health/live')).statusCode).toBe(200);
  });

  it('pages may load nothing from elsewhere', async () => {
    expect((await ask('/docs/errors')).headers['content-security-policy']).toContain("default-src 'self'");
  });

  it('only listed origins may read answers', async () => {
    const origins = ['https://board.example'];
    expect(
      (await ask({ url: '/v1/things', headers: { origin: 'https://board.example' } }, { origins })).headers[
        'access-control-allow-origin'
      ],
    ).toBe('https://board.example');
    await app.close();
    expect(
      (await ask({ url: '/v1/things', headers: { origin: 'https://evil.example' } }, { origins })).headers[
        'access-control-allow-origin'
      ],
    ).toBeUndefined();
  });
});

describe('operators', () => {
  it('see which part is behind', async () => {
    health = {
      live: true,
      ready: false,
      parts: [{ part: 'processor', live: true, ready: false, behind: { records: 3 } }],
    };
    const { status, json } = await ask('/health/ready');
    expect(status).toBe(503);
    expect(json()).toEqual({ ready: false, parts: health.parts });
    expect((await app.inject('/health/live')).statusCode).toBe(200);
  });

  it('count requests by the pattern of their route', async () => {
    await server();
    await app.inject('/v1/things?limit=1');
    const { body } = await app.inject('/metrics');
    expect(body).toContain('paceline_http_request_seconds_count{method="GET",route="/v1/things",status="200"} 1');
  });
});

describe('the description', () => {
  it('is OpenAPI 3.1 with the schemas of the routes and a problem for every refusal', async () => {
    const document = (await ask('/openapi.json')).json();
    expect(document.openapi).toBe('3.1.0');
    expect(Object.keys(document.paths)).toContain('/v1/things');
    expect(document.paths['/v1/things'].post.responses.default.content['application/problem+json'].schema).toEqual({
      $ref: '#/components/schemas/Problem',
    });
    expect(document.components.schemas.Problem.required).toContain('code');
    expect(document.paths['/health/live']).toBeUndefined();
  });

  it('explains every code where problems point to', async () => {
    const { json } = await ask('/v1/nothing');
    const [path, code] = json().type.split('#');
    expect((await app.inject(path)).body).toContain(`id="${code}"`);
  });

  it('is shown to people at /docs', async () => {
    const { status, body } = await ask('/docs/', { docs: true });
    expect(status).toBe(200);
    expect(body).toContain('swagger-ui');
  });
});
