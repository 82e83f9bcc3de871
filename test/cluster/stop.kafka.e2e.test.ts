import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { factsTopic } from '@paceline/events';
import { freePort } from '@paceline/local-servers';
import { type Kafka, startKafka } from '@paceline/local-servers/kafka';
import { openKafkaLog } from '@paceline/log/kafka';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { clickhouseAt, environment, type Restartable } from './servers.ts';

const MAIN = join(dirname(dirname(import.meta.dirname)), 'services/processor/src/main.ts');
const STOP_MS = 5_000;
let kafka: Kafka;
let clickhouse: Restartable;
let dir: string;

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'paceline-stop-'));
  clickhouse = await clickhouseAt();
  [kafka] = await Promise.all([startKafka(), clickhouse.start()]);
  const log = await openKafkaLog({ brokers: [kafka.brokers] });
  await log.ensureTopic(factsTopic('main'));
  await log.close();
}, 60_000);
afterAll(async () => {
  await Promise.all([kafka.stop(), clickhouse.stop()]);
  rmSync(dir, { recursive: true, force: true });
});

interface Answer {
  readonly status: number;
  readonly text: string;
}

async function until(what: string, url: string, isIt: (answer: Answer) => boolean): Promise<void> {
  const deadline = performance.now() + 40_000;
  for (let last = 'nothing'; ; await sleep(50)) {
    try {
      const response = await fetch(`${url}/health/ready`);
      const answer = { status: response.status, text: await response.text() };
      if (isIt(answer)) return;
      last = answer.text;
    } catch (error) {
      last = String(error);
    }
    if (performance.now() > deadline) throw new Error(`not ${what} in time: ${last}`);
  }
}

it('a processor builds its tables again on request, and stops in good order within five seconds though Kafka is gone', async () => {
  const port = await freePort();
  // The processor needs no Redis, only its address.
  const redis = { ...clickhouse, url: 'redis://127.0.0.1:1' };
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', MAIN], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: {
      ...process.env,
      ...environment(kafka.brokers, clickhouse, redis),
      PACELINE_DIR: dir,
      PACELINE_PORT: String(port),
      PACELINE_LOG_LEVEL: 'error',
    },
  });
  try {
    const closed = once(child, 'close');
    const url = `http://127.0.0.1:${port}`;
    await until('ready', url, ({ status }) => status === 200);
    const headers = { 'content-type': 'application/json' };
    const replay = await fetch(`${url}/v1/replay`, { method: 'POST', headers, body: '{"swap": true}' });
    const last = (await replay.text()).trim().split('\n').at(-1) ?? '';
    expect(JSON.parse(last)).toMatchObject({ type: 'report', report: { same: true, swapped: true } });
    await kafka.kill();
    await until('waiting for Kafka', url, ({ status, text }) => status === 503 && text.includes('Kafka'));
    const began = performance.now();
    child.kill('SIGTERM');
    const [code] = await closed;
    expect(performance.now() - began).toBeLessThan(STOP_MS);
    expect(code).toBe(0);
  } finally {
    child.kill('SIGKILL');
  }
}, 90_000);
