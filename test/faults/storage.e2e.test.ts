import { execFile } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ask, askUntilAnswered } from '../chaos/client.ts';
import { paceline, type Serving, serve } from '../support/serve.ts';
import { mountSmallDisk } from '../support/small-disk.ts';

/** One process whose disk is full, cut off, copied or put back from before: what was accepted is there, or the start is refused with a remedy. */
const MIB = 1024 * 1024;
const DAY_MS = 86_400_000;
const ROWS = 500;
const run = promisify(execFile);

let dir: string;
let serving: Serving | null;
const never = new AbortController();

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'paceline-storage-'));
  writeFileSync(join(dir, 'paceline.yaml'), 'workspace: storage\n');
  serving = null;
});
afterEach(async () => {
  await serving?.kill();
  rmSync(dir, { recursive: true, force: true });
});

const day = (ago: number): string => new Date(Date.now() - ago * DAY_MS).toISOString().slice(0, 10);
const DEFINITIONS = `apiVersion: paceline/v1
kind: Metric
metadata: {name: events}
spec: {aggregation: count, points: time, grain: day}
---
apiVersion: paceline/v1
kind: Kpi
metadata: {name: events}
spec: {metric: events, direction: higher, period: {each: day}, targets: [{effectiveFrom: 2020-01-01, value: "10"}]}
`;

async function start(folder = dir): Promise<void> {
  serving = await serve({ dir: folder });
}

async function define(): Promise<void> {
  await askUntilAnswered(
    () => serving?.url ?? '',
    { method: 'POST', path: '/v1/definitions/apply', body: DEFINITIONS, type: 'application/yaml' },
    never.signal,
  );
}

const batchOf = (n: number): string =>
  JSON.stringify(
    Array.from({ length: ROWS }, (_, index) => ({
      metric: 'events',
      time: `${day(2)}T10:00:00Z`,
      value: 1,
      id: `${n}-${index}-${'x'.repeat(100)}`,
    })),
  );

/** Pushes a batch until it is taken; its position. */
async function push(n: number): Promise<string> {
  const { body } = await askUntilAnswered<{ accepted: number; position: string }>(
    () => serving?.url ?? '',
    { method: 'POST', path: '/v1/observations', body: batchOf(n) },
    never.signal,
  );
  expect(body.accepted).toBe(ROWS);
  return body.position;
}

/** Events of the day, once everything up to the position is in the tables. */
async function events(position = '0:0'): Promise<number> {
  const path = `/v1/trend?metric=events&window=day&from=${day(3)}&min_position=${position}`;
  const { body } = await askUntilAnswered<{ data: { count: number }[] }>(
    () => serving?.url ?? '',
    { method: 'GET', path },
    never.signal,
  );
  return body.data.reduce((all, { count }) => all + count, 0);
}

async function refusedStart(folder = dir): Promise<Readonly<Record<string, string>>> {
  const { code, stdout } = await paceline(['serve', '--port', '0', '--output', 'json'], { dir: folder });
  expect(code).toBe(1);
  return JSON.parse(stdout).error;
}

async function health(): Promise<string> {
  return (await fetch(`${serving?.url}/health/ready`)).text();
}

describe('a disk that log and tables share', () => {
  it('and that is full refuses pushes, keeps what was taken, and goes on by itself when there is room', async () => {
    const disk = mountSmallDisk(join(dir, '.paceline'), 192 * MIB);
    try {
      await start();
      await define();
      await push(1);
      disk.fill();
      let taken = 1;
      for (let refused = false; !refused; ) {
        const tried = await ask(serving?.url ?? '', {
          method: 'POST',
          path: '/v1/observations',
          body: batchOf(taken + 1),
        });
        refused = !tried.ok && tried.text.includes('log_disk_full');
        if (tried.ok) taken++;
      }
      disk.free();
      const position = await push(taken + 1);
      expect(await events(position)).toBe((taken + 1) * ROWS);
      // Killed on a full disk, it starts with all that it took.
      disk.fill();
      await serving?.kill();
      disk.free();
      await start();
      expect(await events(position)).toBe((taken + 1) * ROWS);
    } finally {
      await serving?.kill();
      disk.unmount();
    }
  });
});

describe('a write-ahead log that was cut off', () => {
  it('is refused at the start: acknowledged values are missing, and it says what to do', async () => {
    await start();
    await define();
    for (let n = 0; n < 3; n++) await push(n);
    await serving?.kill();
    const wal = join(dir, '.paceline/log.sqlite-wal');
    truncateSync(wal, Math.floor(statSync(wal).size / 2));
    expect(await refusedStart()).toMatchObject({
      code: 'log_truncated',
      message: expect.stringMatching(/holds \d+ records, and \d+ were acknowledged/),
      remedy: expect.stringContaining('log.end'),
    });
  });
});

describe('tables', () => {
  it('that are gone are made again from the log at the next start', async () => {
    await start();
    await define();
    const position = await push(1);
    expect(await events(position)).toBe(ROWS);
    await serving?.stop();
    rmSync(join(dir, '.paceline/clickhouse'), { recursive: true });
    await start();
    expect(await events(position)).toBe(ROWS);
    const { data } = JSON.parse(await (await fetch(`${serving?.url}/v1/status?min_position=${position}`)).text());
    expect(data).toContainEqual(expect.objectContaining({ subject: 'kpi/events', target: '10' }));
  });

  it('that are ahead of an older log are not mixed with it: the workspace waits until they are removed', async () => {
    await start();
    await define();
    await push(1);
    await serving?.stop();
    const [log, backup] = [join(dir, '.paceline/log.sqlite'), join(dir, 'backup.sqlite')];
    cpSync(log, backup);
    await start();
    expect(await events(await push(2))).toBe(2 * ROWS);
    await serving?.stop();
    cpSync(backup, log);
    expect((await refusedStart()).code).toBe('log_truncated');
    rmSync(join(dir, '.paceline/log.end'));
    await start();
    await expect.poll(health, { timeout: 10_000 }).toMatch(/offset_out_of_range|hold its records up to/);
    await serving?.stop();
    rmSync(join(dir, '.paceline/clickhouse'), { recursive: true });
    await start();
    expect(await events(await push(3))).toBe(2 * ROWS);
  });
});

describe('a data folder', () => {
  it('that was copied while it was written holds all that was accepted before, or says what to remove', async () => {
    await start();
    await define();
    const first = serving;
    let [accepted, writing] = [0, true];
    const writer = (async () => {
      for (let n = 0; writing; n++) {
        await push(n);
        accepted = (n + 1) * ROWS;
      }
    })();
    await expect.poll(() => accepted, { timeout: 20_000 }).toBeGreaterThan(3 * ROWS);
    const copy = mkdtempSync(join(tmpdir(), 'paceline-storage-'));
    const before = accepted;
    // A file that a merge removed meanwhile is no reason to stop, as it is none for people.
    await run('cp', ['-r', `${dir}/.`, copy]).catch((error: { stderr: string }) =>
      expect(error.stderr).toMatch(/No such file/),
    );
    await expect.poll(() => accepted).toBeGreaterThan(before);
    writing = false;
    await writer;
    await first?.kill();
    try {
      const refused = await refusedStart(copy);
      expect(refused.code).toMatch(/^(log_truncated|log_corrupt|store_copied)$/);
      if (refused.code !== 'store_copied') return;
      expect(refused.message).toContain(join(copy, '.paceline/clickhouse'));
      rmSync(join(copy, '.paceline/clickhouse'), { recursive: true });
      await start(copy);
      const found = await events(await push(100_000));
      expect(found).toBeGreaterThanOrEqual(before + ROWS);
      expect(found % ROWS).toBe(0);
    } finally {
      await serving?.kill();
      rmSync(copy, { recursive: true, force: true });
    }
  });

  it('that was copied after an orderly stop starts with everything, tables included', async () => {
    await start();
    await define();
    const position = await push(1);
    expect(await events(position)).toBe(ROWS);
    await serving?.stop();
    const copy = mkdtempSync(join(tmpdir(), 'paceline-storage-'));
    try {
      cpSync(dir, copy, { recursive: true });
      await start(copy);
      expect(await events(position)).toBe(ROWS);
    } finally {
      await serving?.kill();
      rmSync(copy, { recursive: true, force: true });
    }
  });
});
