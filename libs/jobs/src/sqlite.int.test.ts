import { cpSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { describeJobs } from './contract.ts';
import type { JobRefused } from './port.ts';
import { openSqliteJobs } from './sqlite.ts';

describeJobs(
  'sqlite',
  async () => {
    const root = mkdtempSync(join(tmpdir(), 'paceline-jobs-'));
    let lives = 1;
    return {
      open: () => openSqliteJobs({ folder: join(root, String(lives)), now: Date.now, random: () => 0.5 }),
      // What is on the disk at this moment is all that a killed process leaves.
      crash: async () => {
        cpSync(join(root, String(lives)), join(root, String(lives + 1)), { recursive: true });
        lives += 1;
      },
      dispose: async () => rmSync(root, { recursive: true, force: true }),
    };
  },
  { waitMsMax: 5_000 },
);

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'paceline-jobs-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** A clock and timers that move only when told. */
function manualTime() {
  let now = 1_000_000;
  const timers = new Set<{ readonly at: number; readonly step: () => void }>();
  return {
    now: () => now,
    after: (ms: number, step: () => void) => {
      const timer = { at: now + ms, step };
      timers.add(timer);
      return () => void timers.delete(timer);
    },
    get timers() {
      return [...timers].map((timer) => timer.at - now).sort((a, b) => a - b);
    },
    advance(ms: number) {
      now += ms;
      for (const timer of [...timers]) {
        if (timer.at > now || !timers.delete(timer)) continue;
        timer.step();
      }
    },
  };
}

test('an idle queue waits on one timer for the next due job, and without jobs on none', async () => {
  const time = manualTime();
  const jobs = await openSqliteJobs({ folder, ...time, random: () => 0 });
  await jobs.work('q', { concurrency: 1, run: async () => undefined });
  expect(time.timers).toEqual([]);
  await jobs.schedule('q', 'a', { everyMs: 60_000, startAt: time.now() + 20_000 }, {});
  await jobs.enqueue('q', 'b', {}, { delayMs: 5_000 });
  expect(time.timers).toEqual([5_000]);
  await jobs.enqueue('nobody-works-on-it', 'c', {});
  expect(time.timers).toEqual([5_000]);
  await jobs.close();
  expect(time.timers).toEqual([]);
});

test('after a long downtime a schedule runs once and goes on in its old rhythm', async () => {
  const time = manualTime();
  const first = await openSqliteJobs({ folder, ...time, random: () => 0 });
  const began = time.now();
  await first.schedule('q', 'a', { everyMs: 3_600_000 }, {});
  await first.close();
  time.advance(10 * 3_600_000 + 1_800_000);
  const second = await openSqliteJobs({ folder, ...time, random: () => 0 });
  const due: number[] = [];
  await second.work('q', { concurrency: 1, run: async (job) => void due.push(job.dueAt) });
  await vi.waitFor(() => expect(due).toEqual([began]));
  await vi.waitFor(async () => expect((await second.counts('q')).delayed).toBe(1));
  time.advance(1_800_000);
  second.wake();
  await vi.waitFor(() => expect(due).toEqual([began, began + 11 * 3_600_000]));
  await second.close();
});

test('a run that outlasts its interval is followed by one run, not by all it covered', async () => {
  const time = manualTime();
  const jobs = await openSqliteJobs({ folder, ...time, random: () => 0 });
  const runs: (() => void)[] = [];
  await jobs.work('q', { concurrency: 4, run: () => new Promise((resolve) => runs.push(resolve)) });
  await jobs.schedule('q', 'a', { everyMs: 1_000 }, {});
  expect(runs.length).toBe(1);
  time.advance(3_500);
  jobs.wake();
  expect(runs.length).toBe(1);
  runs[0]!();
  await vi.waitFor(() => expect(runs.length).toBe(2));
  runs[1]!();
  await vi.waitFor(async () => expect((await jobs.counts('q')).delayed).toBe(1));
  expect(runs.length).toBe(2);
  await jobs.close();
});

test('a queue that is full refuses', async () => {
  const jobs = await openSqliteJobs({ folder, now: Date.now, random: () => 0, queueJobsMax: 2 });
  await jobs.enqueue('q', 'a', {});
  await jobs.enqueue('q', 'b', {});
  await expect(jobs.enqueue('q', 'c', {})).rejects.toMatchObject({ code: 'queue_full' } satisfies Partial<JobRefused>);
  await jobs.close();
});

test('a damaged file is set aside and the queue begins anew: nothing in it is truth', async () => {
  const first = await openSqliteJobs({ folder, now: Date.now, random: () => 0 });
  for (let i = 0; i < 500; i++) await first.enqueue('q', `job-${i}`, { text: 'x'.repeat(200) });
  await first.close();
  truncateSync(join(folder, 'jobs.sqlite'), 20_000);
  const asides: string[] = [];
  const second = await openSqliteJobs({
    folder,
    now: Date.now,
    random: () => 0,
    setAside: (file) => void asides.push(file),
  });
  expect(await second.enqueue('q', 'a', {})).toBe('added');
  await second.close();
  writeFileSync(join(folder, 'jobs.sqlite'), 'no database at all'.repeat(1_000));
  const third = await openSqliteJobs({
    folder,
    now: Date.now,
    random: () => 0,
    setAside: (file) => void asides.push(file),
  });
  expect(await third.counts('q')).toEqual({ waiting: 0, delayed: 0, active: 0, failed: 0 });
  await third.close();
  expect(asides.every((file) => file.endsWith('jobs.sqlite.damaged'))).toBe(true);
  expect(asides.length).toBe(2);
});
