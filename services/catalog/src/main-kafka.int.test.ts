import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { factsTopic } from '@paceline/events';
import { available, type Kafka, startKafka } from '@paceline/local-servers/kafka';
import { NODE_COMPILE_CACHE } from '@paceline/local-servers/server';
import { openKafkaLog } from '@paceline/log/kafka';
import { afterAll, beforeAll, expect, it } from 'vitest';

let broker: Kafka;
beforeAll(async () => {
  const can = available();
  if (!can.ok) throw new Error(can.reason);
  broker = await startKafka();
});
afterAll(() => broker?.stop());

/** The process, and the address that it says it listens at. */
async function startCatalog() {
  const child = spawn(process.execPath, [fileURLToPath(new URL('./main.ts', import.meta.url))], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: {
      PATH: process.env.PATH,
      NODE_COMPILE_CACHE,
      PACELINE_KAFKA_BROKERS: broker.brokers,
      // The catalog touches neither, but addresses are given together or not at all.
      PACELINE_CLICKHOUSE_URL: 'http://127.0.0.1:1',
      PACELINE_REDIS_URL: 'redis://127.0.0.1:1',
      PACELINE_PORT: '0',
      PACELINE_LOG_FORMAT: 'json',
    },
  });
  const exit = once(child, 'exit');
  const said: string[] = [];
  const url = await new Promise<string>((resolve, reject) => {
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      said.push(text);
      const found = /"url":"([^"]+)"/.exec(said.join(''))?.[1];
      if (found !== undefined) resolve(found);
    });
    child.once('exit', () => reject(new Error(`the catalog ended: ${said.join('')}`)));
  });
  await untilReady(url);
  return { child, url, exit };
}

/** It listens before it has read the log, and says so until it has. */
async function untilReady(url: string): Promise<void> {
  const deadline = performance.now() + 60_000;
  while ((await fetch(`${url}/health/ready`)).status !== 200) {
    if (performance.now() > deadline) throw new Error(`the catalog at ${url} is not ready after a minute`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

it('the catalog alone, on Kafka: a second process goes on where the first was stopped', async () => {
  const body = JSON.stringify({
    command: 'first',
    documents: [{ apiVersion: 'paceline/v1', kind: 'Unit', metadata: { name: 'sales' }, spec: { type: 'team' } }],
  });
  const post = (url: string) =>
    fetch(`${url}/v1/definitions/apply`, { method: 'POST', body, headers: { 'content-type': 'application/json' } });
  const first = await startCatalog();
  const applied = await post(first.url);
  expect([applied.status, await applied.json()]).toMatchObject([
    200,
    { data: { outcome: 'accepted' }, position: '0:0' },
  ]);
  expect((await fetch(`${first.url}/health/ready`)).status).toBe(200);
  first.child.kill('SIGKILL');
  await first.exit;

  const second = await startCatalog();
  const read = await fetch(`${second.url}/v1/definitions`);
  expect(await read.json()).toMatchObject({ data: [{ id: 'unit/sales', position: '0:0' }] });
  expect((await post(second.url)).status).toBe(200);
  second.child.kill('SIGTERM');
  expect(await second.exit).toEqual([0, null]);

  const log = await openKafkaLog({ brokers: [broker.brokers] });
  expect(await log.end(factsTopic('main'))).toBe(1);
  await log.close();
});
