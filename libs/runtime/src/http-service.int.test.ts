import { createServer } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { systemClock } from './clock.ts';
import { createHttp, type HttpServer, httpService } from './http.ts';
import { silentLogger } from './logger.ts';
import { createMetrics } from './metrics.ts';

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

async function app(): Promise<HttpServer> {
  return createHttp({
    logger: silentLogger,
    metrics: createMetrics({ defaults: false }),
    health: () => ({ live: true, ready: true, parts: [] }),
    title: 'Test',
    version: '1.0.0',
    bodyBytesMax: 1_000,
    docs: false,
  });
}

it('port 0 picks one and tells which', async () => {
  const service = httpService(await app(), { host: '127.0.0.1', port: 0, clock: systemClock });
  expect(service.health().ready).toBe(false);
  await service.start();
  closing.push(() => service.stop());
  expect(service.port).toBeGreaterThan(0);
  expect(service.health().ready).toBe(true);
  expect((await fetch(`${service.url}/health/live`)).status).toBe(200);
});

it('a taken port says so', async () => {
  const other = createServer();
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
  closing.push(async () => other.close());
  const address = other.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const service = httpService(await app(), { host: '127.0.0.1', port, clock: systemClock });
  await expect(service.start()).rejects.toMatchObject({
    code: 'port_in_use',
    message: `port ${port} on 127.0.0.1 is taken by another program`,
  });
});

it('an answer without an end does not keep it from stopping', async () => {
  const server = await app();
  server.get('/stream', { config: { scope: 'open' } }, (_request, reply) => {
    reply.hijack();
    reply.raw.writeHead(200, { 'content-type': 'text/event-stream' });
    reply.raw.write(': hello\n\n');
  });
  const service = httpService(server, { host: '127.0.0.1', port: 0, clock: systemClock });
  await service.start();
  const answer = await fetch(`${service.url}/stream`);
  expect(answer.status).toBe(200);
  const started = performance.now();
  await service.stop();
  expect(performance.now() - started).toBeLessThan(4_000);
  await expect(answer.text()).rejects.toThrow();
});
