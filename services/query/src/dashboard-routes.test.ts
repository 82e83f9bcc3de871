import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { createHttp, createMetrics, type HttpServer, silentLogger } from '@paceline/runtime';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { dashboardRoutes } from './dashboard-routes.ts';

const PLAIN = '<p>plain</p>';
const SCRIPT = 'console.log("the dashboard")'.repeat(20);
let folder = '';
let app: HttpServer;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dashboard-'));
});

afterEach(async () => {
  await app.close();
  await rm(folder, { recursive: true });
});

async function build(): Promise<void> {
  await mkdir(join(folder, 'assets'));
  await writeFile(join(folder, 'index.html'), '<title>Paceline</title>');
  await writeFile(join(folder, 'inputs.json'), '{}');
  await writeFile(join(folder, 'assets', 'index-3fx.js'), SCRIPT);
  await writeFile(join(folder, 'assets', 'index-9ab.css'), 'body{}');
}

async function serve(): Promise<void> {
  app = await createHttp({
    logger: silentLogger,
    metrics: createMetrics({ defaults: false }),
    health: () => ({ live: true, ready: true, parts: [] }),
    title: 'dashboard',
    version: '0',
    bodyBytesMax: 1024,
    requestsPerMinuteMax: null,
    docs: false,
  });
  await app.register(dashboardRoutes(folder));
  await app.register(async (plain) => {
    plain.get('/', { config: { scope: 'open' } }, async (_request, reply) => reply.type('text/html').send(PLAIN));
  });
  await app.ready();
}

describe('the built dashboard', () => {
  beforeEach(async () => {
    await build();
    await serve();
  });

  it('is the page at the root, whatever is asked of it', async () => {
    const answer = await app.inject({ url: '/?as_of=2026-11-22T06:00:00Z', headers: { host: '127.0.0.1' } });
    expect(answer.statusCode).toBe(200);
    expect(answer.headers['content-type']).toBe('text/html; charset=utf-8');
    expect(answer.body).toBe('<title>Paceline</title>');
  });

  it('is asked for again each time, and may load nothing from elsewhere nor run what is written inline', async () => {
    const { headers } = await app.inject({ url: '/', headers: { host: '127.0.0.1' } });
    expect(headers['cache-control']).toBe('no-cache');
    expect(headers['content-security-policy']).toContain("default-src 'none'");
    expect(headers['content-security-policy']).toContain("script-src 'self';");
    expect(headers['content-security-policy']).not.toContain('unsafe');
    expect(headers['x-content-type-options']).toBe('nosniff');
  });

  it('has its files by their types, to be kept for ever', async () => {
    const script = await app.inject({ url: '/assets/index-3fx.js', headers: { host: '127.0.0.1' } });
    expect(script.body).toBe(SCRIPT);
    expect(script.headers['content-type']).toBe('text/javascript; charset=utf-8');
    expect(script.headers['cache-control']).toBe('public, max-age=31536000, immutable');
    const style = await app.inject({ url: '/assets/index-9ab.css', headers: { host: '127.0.0.1' } });
    expect(style.headers['content-type']).toBe('text/css; charset=utf-8');
  });

  it('is sent packed to who takes that', async () => {
    const request = (encoding: string) =>
      app.inject({ url: '/assets/index-3fx.js', headers: { host: '127.0.0.1', 'accept-encoding': encoding } });
    const packed = await request('br, gzip;q=0.8');
    expect(packed.headers['content-encoding']).toBe('gzip');
    expect(packed.headers.vary).toBe('accept-encoding');
    expect(gunzipSync(packed.rawPayload).toString()).toBe(SCRIPT);
    expect((await request('gzip;q=0')).headers['content-encoding']).toBeUndefined();
  });

  it('keeps what it was built from, and everything beside it, to itself', async () => {
    for (const url of [
      '/inputs.json',
      '/assets/inputs.json',
      '/assets/../index.html',
      '/assets/%2e%2e/inputs.json',
      '/index.html',
    ]) {
      expect((await app.inject({ url, headers: { host: '127.0.0.1' } })).statusCode).toBe(404);
    }
  });

  it('answers nobody whom the server turns away', async () => {
    expect((await app.inject({ url: '/', headers: { host: 'evil.example' } })).statusCode).toBe(403);
  });
});

it('leaves the plain page where it was not built', async () => {
  await serve();
  const answer = await app.inject({ url: '/', headers: { host: '127.0.0.1' } });
  expect(answer.body).toBe(PLAIN);
});
