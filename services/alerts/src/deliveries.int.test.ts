import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  ALERTS_TOPIC,
  type DeliveryAttempt,
  decodeAlertRecord,
  encodeAlertRecord,
  encodeFact,
  factsTopic,
} from '@paceline/events';
import { openSqliteJobs } from '@paceline/jobs/sqlite';
import type { EventLog } from '@paceline/log';
import { openMemoryLog } from '@paceline/log/memory';
import { createMetrics, silentLogger, systemClock } from '@paceline/runtime';
import { Webhook } from 'standardwebhooks';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { transitionOf } from './fixture.ts';
import { type Alerts, createAlerts } from './index.ts';

const SECRET = `whsec_${Buffer.from('a secret of at least 24 bytes').toString('base64')}`;

interface Received {
  readonly id: string;
  readonly body: string;
  readonly headers: Record<string, string>;
}

let folder: string;
let receiver: Server;
let url: string;
let received: Received[];
let answers: { status: number; headers?: Record<string, string> }[];
let log: EventLog;
let alerts: Alerts;
let closeJobs: () => Promise<void>;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'paceline-alerts-'));
  received = [];
  answers = [];
  receiver = createServer((request, response) => {
    let body = '';
    request.on('data', (part) => (body += String(part)));
    request.on('end', () => {
      const headers = Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name, String(value)]));
      received.push({ id: headers['webhook-id'] ?? '', body, headers });
      const next = answers.shift() ?? { status: 200 };
      response.writeHead(next.status, next.headers);
      response.end();
    });
  });
  await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/hook`;
  log = openMemoryLog({ now: () => Date.now() });
  await log.ensureTopic(factsTopic('w'));
  await define(url);
  await start();
});

afterEach(async () => {
  await alerts.stop();
  await closeJobs();
  await log.close();
  receiver.closeAllConnections();
  await new Promise((resolve) => receiver.close(resolve));
  await rm(folder, { recursive: true, force: true });
});

async function start(allow: readonly string[] = ['127.0.0.1']): Promise<void> {
  const jobs = await openSqliteJobs({ folder, now: () => Date.now(), random: () => 0 });
  closeJobs = () => jobs.close();
  alerts = createAlerts({
    log,
    jobs,
    clock: systemClock,
    logger: silentLogger,
    metrics: createMetrics({ defaults: false }),
    workspace: 'w',
    egressAllow: allow,
    env: { PACELINE_SECRET_OPS_WHSEC: SECRET },
    options: { firstRetryMs: 40, retryMsMax: 80 },
  });
  await alerts.start();
}

async function define(address: string, workspace = 'w'): Promise<void> {
  const put = [
    {
      apiVersion: 'paceline/v1' as const,
      kind: 'Channel' as const,
      metadata: { name: 'ops-hook' },
      spec: { type: 'webhook' as const, url: address, secret: '${secret:ops#whsec}' },
    },
  ];
  const fact = { type: 'definitions', command: 'c', expects: null, put, remove: [] } as const;
  await log.append(factsTopic(workspace), [encodeFact(workspace, fact, { id: 'c', source: 'test' })]);
}

async function announce(id: string, recordedAt = Date.now(), workspace = 'w'): Promise<void> {
  const transition = transitionOf({ id, recordedAt });
  await log.append(ALERTS_TOPIC, [
    encodeAlertRecord({ type: 'transition', workspace, transition }, { id, source: 'test' }),
  ]);
}

async function attempts(): Promise<DeliveryAttempt[]> {
  const found: DeliveryAttempt[] = [];
  for await (const records of log.read(ALERTS_TOPIC, { from: 0 })) {
    for (const record of records) {
      const decoded = decodeAlertRecord(record);
      if (decoded.ok && decoded.record.type === 'delivery') found.push(decoded.record.delivery);
    }
  }
  return found;
}

async function until(done: () => Promise<boolean> | boolean): Promise<void> {
  const deadline = performance.now() + 15_000;
  while (!(await done())) {
    if (performance.now() > deadline) throw new Error('it did not happen within 15 seconds');
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

it('delivers a signed message that the Standard Webhooks verifier accepts, once', async () => {
  await announce('t1');
  await announce('t1');
  await until(async () => (await attempts()).length === 1);
  expect(received).toHaveLength(1);
  const message = new Webhook(SECRET).verify(received[0]!.body, received[0]!.headers) as {
    type: string;
    data: { subject: string };
  };
  expect(message.type).toBe('alert.opened');
  expect(message.data.subject).toBe('kpi/new-revenue');
});

it('tries again under the same id when the receiver fails, and records every try', async () => {
  answers = [{ status: 503 }, { status: 429, headers: { 'retry-after': '0' } }, { status: 200 }];
  await announce('t1');
  await until(async () => (await attempts()).some(({ outcome }) => outcome === 'delivered'));
  expect(new Set(received.map(({ id }) => id)).size).toBe(1);
  expect((await attempts()).map(({ outcome, attempt }) => [outcome, attempt])).toEqual([
    ['retry', 1],
    ['retry', 2],
    ['delivered', 3],
  ]);
});

it('gives up at once on an answer that waiting does not change', async () => {
  answers = [{ status: 400 }];
  await announce('t1');
  await until(async () => (await attempts()).length === 1);
  expect((await attempts())[0]).toMatchObject({ outcome: 'failed', status: 400 });
});

it('sends nothing more to an endpoint that is gone', async () => {
  answers = [{ status: 410 }];
  await announce('t1');
  await until(async () => (await attempts()).length === 1);
  await announce('t2');
  await until(async () => (await attempts()).length === 2);
  expect((await attempts()).map(({ outcome }) => outcome)).toEqual(['disabled', 'suppressed']);
  expect(received).toHaveLength(1);
});

it('records a transition that is first seen after a day and does not send it', async () => {
  await announce('t1', Date.now() - 25 * 3_600_000);
  await until(async () => (await attempts()).length === 1);
  expect((await attempts())[0]?.outcome).toBe('expired');
  expect(received).toHaveLength(0);
});

it('owes after a restart with an emptied queue exactly what was owed before', async () => {
  answers = [{ status: 503 }];
  await announce('t1');
  await until(async () => (await attempts()).length === 1);
  await alerts.stop();
  await closeJobs();
  await rm(join(folder, 'jobs.sqlite'), { force: true });
  await start();
  await until(async () => (await attempts()).some(({ outcome }) => outcome === 'delivered'));
  expect(received.at(-1)?.id).toBe(received[0]?.id);
});

it('tries what is owed again at a start, because a restart often is the cure', async () => {
  await alerts.stop();
  await closeJobs();
  await start([]);
  await announce('t1');
  await until(async () => (await attempts()).length === 1);
  await alerts.stop();
  await closeJobs();
  await start();
  expect(await alerts.deliveries.settled(15_000)).toBe(true);
  expect((await attempts()).map(({ outcome }) => outcome)).toEqual(['retry', 'delivered']);
});

it('does not reach a private address that nobody allowed, and says so', async () => {
  await alerts.stop();
  await closeJobs();
  await start([]);
  await announce('t1');
  await until(async () => (await attempts()).length === 1);
  expect((await attempts())[0]?.message).toMatch(/127\.0\.0\.1/);
  expect(received).toHaveLength(0);
});

it('a workspace made a moment ago has its channel, although nobody has looked for new ones since', async () => {
  await log.ensureTopic(factsTopic('young'));
  await define(url, 'young');
  await announce('t1', Date.now(), 'young');
  await until(async () => (await attempts()).length > 0);
  expect(await attempts()).toEqual([expect.objectContaining({ outcome: 'delivered', attempt: 1 })]);
});
