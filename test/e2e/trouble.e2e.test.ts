import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { listen } from '../support/listen.ts';
import { startReceiver } from '../support/receiver.ts';
import { paceline, type Ran, type Serving, serve } from '../support/serve.ts';
import { mountSmallDisk, type SmallDisk } from '../support/small-disk.ts';

let dir: string;
let serving: Serving | null;
let disk: SmallDisk | null;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'paceline-trouble-'));
  writeFileSync(join(dir, 'paceline.yaml'), 'workspace: trouble\negress:\n  allow: [127.0.0.1]\n');
  serving = null;
  disk = null;
});
afterEach(async () => {
  await serving?.kill();
  disk?.unmount();
  rmSync(dir, { recursive: true, force: true });
});

const METRIC = `apiVersion: paceline/v1
kind: Metric
metadata: {name: sales}
spec: {aggregation: sum, grain: day}
---
apiVersion: paceline/v1
kind: Kpi
metadata: {name: sales}
spec: {metric: sales, direction: higher, period: {each: day}, targets: [{effectiveFrom: 2020-01-01, value: "10"}]}
`;

/** Of a day that is over, wherever the machine's clock stands. */
const day = (ago: number): string => new Date(Date.now() - ago * 86_400_000).toISOString().slice(0, 10);

interface Answer {
  readonly status: number;
  readonly retryAfter: string | null;
  readonly body: Readonly<Record<string, unknown>> & { readonly position?: string };
}

async function post(path: string, body: unknown): Promise<Answer> {
  const isText = typeof body === 'string';
  const response = await fetch(`${serving?.url}${path}`, {
    method: 'POST',
    headers: { 'content-type': isText ? 'application/yaml' : 'application/json' },
    body: isText ? body : JSON.stringify(body),
  });
  const retryAfter = response.headers.get('retry-after');
  return { status: response.status, retryAfter, body: JSON.parse(await response.text()) };
}

async function get<T>(path: string): Promise<T> {
  const response = await fetch(`${serving?.url}${path}`);
  return JSON.parse(await response.text());
}

/** Values of the last days, as soon as all that was taken is in them. */
async function trend(position: string | undefined): Promise<Record<string, string>> {
  const path = `/v1/trend?metric=sales&window=day&from=${day(5)}&min_position=${position}`;
  const { data } = await get<{ data: { bucket: string; value: string | null }[] }>(path);
  return Object.fromEntries(data.flatMap(({ bucket, value }) => (value === null ? [] : [[bucket, value]])));
}

async function until<T>(what: string, look: () => Promise<T | null>): Promise<T> {
  const deadline = performance.now() + 60_000;
  for (;;) {
    const seen = await look();
    if (seen !== null) return seen;
    if (performance.now() > deadline) throw new Error(`${what} did not happen within a minute`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

function errorOf({ stdout }: Ran): Readonly<Record<string, string>> {
  return JSON.parse(stdout).error;
}

describe('a second serve', () => {
  it('says that a server answers for the folder, then that a process has it, and that a port is taken', async () => {
    serving = await serve({ dir });
    const answering = await paceline(['serve', '--port', '0', '--output', 'json'], { dir });
    expect(answering.code).toBe(1);
    expect(errorOf(answering)).toMatchObject({
      code: 'already_running',
      message: expect.stringContaining(serving.url),
      remedy: expect.stringContaining('stop it first'),
    });
    // Without its address there still is the folder's lock.
    rmSync(join(dir, '.paceline/server.json'));
    const locked = await paceline(['serve', '--port', '0', '--output', 'json'], { dir });
    expect(locked.code).toBe(1);
    expect(errorOf(locked)).toMatchObject({
      code: 'log_locked',
      message: expect.stringMatching(/is in use by process \d+/),
      remedy: 'Stop that process, talk to it with --url, or choose another --dir.',
    });
    const other = mkdtempSync(join(tmpdir(), 'paceline-trouble-'));
    try {
      const { port } = new URL(serving.url);
      const taken = await paceline(['serve', '--port', port, '--output', 'json'], { dir: other });
      expect(taken.code).toBe(1);
      expect(errorOf(taken)).toMatchObject({
        code: 'port_in_use',
        message: expect.stringContaining(port),
        remedy: 'Stop that program, choose another with --port, or let --port 0 pick one.',
      });
      expect(taken.stderr).toContain('(port_in_use)');
    } finally {
      rmSync(other, { recursive: true, force: true });
    }
  });
});

describe('Ctrl+C', () => {
  it('stops in good order, and leaves no address behind', async () => {
    serving = await serve({ dir });
    expect(await serving.interrupt()).toBe(0);
    expect(existsSync(join(dir, '.paceline/server.json'))).toBe(false);
  });
});

describe('kill -9, then start', () => {
  it('answers the same numbers, although nothing was closed', async () => {
    serving = await serve({ dir });
    await post('/v1/definitions/apply', METRIC);
    const observations = [3, 2, 1].map((ago) => ({ metric: 'sales', period: day(ago), value: String(10 + ago) }));
    const { body } = await post('/v1/observations', observations);
    const before = await trend(body.position);
    expect(before).toEqual({ [day(3)]: '13', [day(2)]: '12', [day(1)]: '11' });
    await serving.kill();
    serving = await serve({ dir });
    expect(await trend(body.position)).toEqual(before);
    const status = await get<{ data: { subject: string; value: string }[] }>(
      `/v1/status?min_position=${body.position}`,
    );
    expect(status.data.find(({ subject }) => subject === 'kpi/sales')?.value).toBe('11');
  });
});

describe('a source that is down', () => {
  it('is said with its address and what to do, and read when it is back', async () => {
    const answer = JSON.stringify([{ day: day(1), amount: 7 }]);
    let api = await listen((_request, response) => response.end(answer));
    const { port, url } = api;
    const source = `---
apiVersion: paceline/v1
kind: Source
metadata: {name: shop}
spec:
  connector: http-json
  config: {url: "${url}/sales"}
  window: {period: P1D, lookback: P3D, start: ${day(4)}}
  map: {metric: sales, time: day, value: amount}
`;
    serving = await serve({ dir });
    expect((await post('/v1/definitions/apply', METRIC + source)).status).toBe(200);
    await api.stop();
    const failed = await paceline(['run', 'shop', '--once', '--output', 'json'], { dir });
    expect(failed.code).toBe(1);
    expect(errorOf(failed)).toMatchObject({
      code: 'unreachable',
      message: expect.stringContaining(`127.0.0.1:${port} does not answer`),
      remedy: expect.stringContaining('Check that it runs'),
    });
    const { data } = await get<{ data: { outcome: string; fault: { code: string } }[] }>('/v1/sources');
    expect(data).toEqual([
      expect.objectContaining({ outcome: 'failed', fault: expect.objectContaining({ code: 'unreachable' }) }),
    ]);
    api = await listen((_request, response) => response.end(answer), port);
    const ran = await paceline(['run', 'shop', '--once', '--output', 'json'], { dir });
    expect(ran.code, ran.stderr).toBe(0);
    await until('the value of the source', async () => ((await trend('0:0'))[day(1)] === '7' ? true : null));
    await api.stop();
  });
});

describe('a receiver that is down', () => {
  it('gets its message once it is back, under the key it was first tried with, though the server was killed meanwhile', async () => {
    const secret = `whsec_${Buffer.from('a secret for this test alone').toString('base64')}`;
    let receiver = await startReceiver(secret);
    const env = { PACELINE_SECRET_HOOK_WHSEC: secret };
    const alerting = `---
apiVersion: paceline/v1
kind: Channel
metadata: {name: hook}
spec: {type: webhook, url: "${receiver.url}", secret: "\${secret:hook#whsec}"}
---
apiVersion: paceline/v1
kind: AlertRule
metadata: {name: low}
spec: {watch: [kpi/sales], when: off_track, for: 1, recover: 1, channels: [hook]}
`;
    serving = await serve({ dir, env });
    await post('/v1/definitions/apply', METRIC + alerting);
    await receiver.stop();
    await post('/v1/observations', { metric: 'sales', period: day(1), value: '5' });
    await until('a first try', async () => {
      const text = await (await fetch(`${serving?.url}/metrics`)).text();
      return /deliveries_total\{channel="webhook",outcome="retry"\} [1-9]/.test(text) ? true : null;
    });
    await serving.kill();
    receiver = await startReceiver(secret, receiver.port);
    try {
      serving = await serve({ dir, env });
      await until('the message', async () => (receiver.taken.length > 0 ? true : null));
      await serving.stop();
      expect(receiver.taken).toHaveLength(1);
      const [message] = receiver.taken;
      expect(message).toMatchObject({ type: 'alert.opened', data: { subject: 'kpi/sales', rule: 'low', value: '5' } });
      expect(message?.id).toBe(`${message?.data.id}_hook`);
      expect(receiver.refused).toEqual([]);
    } finally {
      await receiver.stop();
    }
  });
});

const MIB = 1024 * 1024;
const ROWS = 2_000;
/** Enough that a full disk is met: about 400 KB a push. */
const large = (round: number): unknown[] =>
  Array.from({ length: ROWS }, (_, n) => ({
    metric: 'events',
    time: new Date(Date.parse(day(2)) + n * 1_000).toISOString(),
    value: 1,
    id: `${round}-${n}-${'x'.repeat(150)}`,
  }));
const EVENTS = `apiVersion: paceline/v1
kind: Metric
metadata: {name: events}
spec: {aggregation: count, points: time, grain: day}
`;

async function eventsSeen(position: string | undefined): Promise<number | null> {
  const path = `/v1/trend?metric=events&window=day&from=${day(3)}&min_position=${position}`;
  const answer = await get<{ data?: { count: number }[] }>(path);
  return answer.data?.reduce((all, { count }) => all + count, 0) ?? null;
}

describe('a full disk', () => {
  it('of the log refuses a push whole, keeps what was taken, and takes it when there is room', async () => {
    disk = mountSmallDisk(join(dir, '.paceline'), 128 * MIB);
    // Only the log is to meet it: the tables have their own disk.
    const tables = mountSmallDisk(join(dir, '.paceline/clickhouse'), 256 * MIB);
    try {
      serving = await serve({ dir });
      await post('/v1/definitions/apply', EVENTS);
      const first = await post('/v1/observations', large(1));
      expect(first.body).toMatchObject({ accepted: ROWS });
      disk.fill();
      const refused = await until('a refusal', async () => {
        const answer = await post('/v1/observations', large(2));
        return answer.status === 202 ? null : answer;
      });
      expect(refused).toMatchObject({
        status: 503,
        retryAfter: expect.stringMatching(/^\d+$/),
        body: {
          code: 'log_disk_full',
          detail: expect.stringContaining('is full'),
          remedy: 'Free some room; the server goes on by itself.',
        },
      });
      disk.free();
      const third = await post('/v1/observations', large(3));
      expect(third.status).toBe(202);
      const again = await post('/v1/observations', large(2));
      expect(await until('all events', () => eventsSeen(again.body.position))).toBe(3 * ROWS);
    } finally {
      await serving?.kill();
      tables.unmount();
    }
  });

  it('of the tables lets pushes be taken, says so, and catches up when there is room', async () => {
    disk = mountSmallDisk(join(dir, '.paceline/clickhouse'), 192 * MIB);
    serving = await serve({ dir });
    await post('/v1/definitions/apply', EVENTS);
    const first = await post('/v1/observations', large(1));
    expect(await until('the first events', () => eventsSeen(first.body.position))).toBe(ROWS);
    disk.fill();
    const second = await post('/v1/observations', large(2));
    expect(second).toMatchObject({ status: 202, body: { accepted: ROWS } });
    const health = await until('the trouble', async () => {
      const response = await fetch(`${serving?.url}/health/ready`);
      const text = await response.text();
      return /full|room|No space/i.test(text) ? { status: response.status, text } : null;
    });
    expect(health.status).toBe(503);
    expect(health.text).toContain('store_disk_full');
    disk.free();
    expect(await until('all events', () => eventsSeen(second.body.position))).toBe(2 * ROWS);
    expect((await fetch(`${serving.url}/health/ready`)).status).toBe(200);
  });
});
