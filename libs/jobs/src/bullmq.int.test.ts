import { connect, createServer, type Socket } from 'node:net';
import { type Redis as LocalRedis, startRedis } from '@paceline/local-servers/redis';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { openBullJobs } from './bullmq.ts';
import { describeJobs } from './contract.ts';
import type { Job, Jobs } from './port.ts';

let server: LocalRedis;
let tests = 0;
beforeAll(async () => {
  server = await startRedis();
});
afterAll(() => server?.stop());

const open = (prefix: string, more: { readonly reconcileMs?: number } = {}) =>
  openBullJobs({ url: server.url, prefix, random: () => 0.5, lockMs: 1_000, ...more });

/** A way to Redis that can be cut for good, as a process that dies loses it. */
async function cuttableWay(): Promise<{ readonly url: string; cut(): void }> {
  const sockets = new Set<Socket>();
  const way = createServer((client) => {
    const redis = connect({ host: '127.0.0.1', port: server.port });
    for (const socket of [client, redis]) {
      sockets.add(socket);
      socket
        .on('error', () => undefined)
        .on('close', () => {
          client.destroy();
          redis.destroy();
        });
    }
    client.pipe(redis).pipe(client);
  });
  await new Promise<void>((resolve) => way.listen(0, '127.0.0.1', resolve));
  const address = way.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return {
    url: `redis://127.0.0.1:${address.port}`,
    cut: () => {
      way.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

describeJobs(
  'bullmq',
  async () => {
    tests += 1;
    const prefix = `test-${tests}`;
    const ways = new Map<Jobs, { cut(): void }>();
    return {
      open: async () => {
        const way = await cuttableWay();
        const jobs = await openBullJobs({ url: way.url, prefix, random: () => 0.5, lockMs: 1_000 });
        ways.set(jobs, way);
        return jobs;
      },
      // Its connections are gone at once, its locks stay until they run out.
      crash: async (jobs) => ways.get(jobs)?.cut(),
      dispose: async () => {
        for (const way of ways.values()) way.cut();
      },
    };
  },
  { waitMsMax: 20_000 },
);

test('Redis emptied in flight loses no schedule', async () => {
  const jobs = await open('emptied', { reconcileMs: 200 });
  const runs: Job[] = [];
  await jobs.work('q', { concurrency: 1, run: async (job) => void runs.push(job) });
  await jobs.schedule('q', 'a', { everyMs: 300 }, { source: 'billing' });
  await vi.waitFor(() => expect(runs.length).toBeGreaterThan(0), 5_000);
  const redis = new Redis(server.url);
  await redis.flushall();
  await redis.quit();
  const count = runs.length;
  await vi.waitFor(() => expect(runs.length).toBeGreaterThan(count + 2), 10_000);
  expect(runs.at(-1)?.payload).toEqual({ source: 'billing' });
  await jobs.close();
});

test('Redis that is killed and comes back is worked on again, and a caller hears that it is away', async () => {
  const away = await startRedis({ keepFolder: true });
  const options = { url: away.url, prefix: 'away', random: () => 0.5, lockMs: 1_000 };
  const jobs: Jobs = await openBullJobs(options);
  const runs: string[] = [];
  await jobs.work('q', { concurrency: 1, run: async (job) => void runs.push(job.id) });
  await jobs.enqueue('q', 'before', {});
  await vi.waitFor(() => expect(runs).toEqual(['before']), 5_000);
  await away.kill();
  await expect(jobs.enqueue('q', 'during', {})).rejects.toThrow();
  await away.stop();
  const back = await startRedis({ port: away.port, dir: away.dir });
  await vi.waitFor(async () => expect(await jobs.enqueue('q', 'after', {})).toBe('added'), {
    timeout: 20_000,
    interval: 200,
  });
  await vi.waitFor(() => expect(runs.at(-1)).toBe('after'), 20_000);
  await jobs.close();
  await back.stop();
});

test('nothing but names and times lies in Redis, and finished jobs leave nothing behind', async () => {
  const jobs = await open('tidy');
  const ran: number[] = [];
  await jobs.work('q', { concurrency: 8, run: async () => void ran.push(1) });
  for (let i = 0; i < 50; i++) await jobs.enqueue('q', `job-${i}`, { n: i });
  await vi.waitFor(() => expect(ran.length).toBe(50), 10_000);
  const redis = new Redis(server.url);
  await vi.waitFor(async () => {
    const left = (await redis.keys('tidy:*')).filter((key) => key.includes('job-'));
    expect(left).toEqual([]);
  }, 5_000);
  await redis.quit();
  await jobs.close();
});

test('a Redis that is not there is told', async () => {
  await expect(openBullJobs({ url: 'redis://127.0.0.1:1', random: () => 0 })).rejects.toThrow(/ECONNREFUSED|closed/);
});
