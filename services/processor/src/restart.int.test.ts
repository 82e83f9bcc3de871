import type { Document } from '@paceline/domain';
import { factsTopic } from '@paceline/events';
import { openMemoryLog } from '@paceline/log/memory';
import type { Store } from '@paceline/store';
import { temporaryStore } from '@paceline/store/testing';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { ProcessorOptions } from './options.ts';
import type { Processor } from './processor.ts';
import { TestLog, testProcessor } from './testing/log.ts';
import { factsOf, faultsOf, type Judged } from './testing/oracle.ts';
import { randomLog, randomOf } from './testing/random-log.ts';

let store: Store;
let stopStore: () => Promise<void>;
const running = new Set<Processor>();
let count = 0;

beforeAll(async () => {
  ({ store, stop: stopStore } = await temporaryStore());
});
afterEach(async () => {
  for (const processor of running) await processor.stop();
  running.clear();
});
afterAll(() => stopStore());

const KILLS = 5;
const ORIGIN = Date.parse('2026-10-01T00:00:00Z');
const KEEPING: Partial<ProcessorOptions> = { spanPointsMax: 5, snapshotPoints: 8, snapshotRecords: 100_000 };

async function logOf(seed: number, steps: number): Promise<TestLog> {
  const log = new TestLog(`restart${++count}`, '2026-11-01T08:00:00Z');
  await randomLog(log, seed, steps);
  return log;
}

/** Four metrics of samples on six days, each with a KPI, and one tick that has all of it to judge and to roll up. */
async function samples(): Promise<TestLog> {
  const log = new TestLog(`restart${++count}`, '2026-11-01T08:00:00Z');
  const names = ['a', 'b', 'c', 'd'];
  const meta = { apiVersion: 'paceline/v1' } as const;
  const targets = [{ effectiveFrom: '2026-01-01', value: '5' }];
  await log.define(
    names.flatMap((name): Document[] => [
      { ...meta, kind: 'Metric', metadata: { name }, spec: { aggregation: 'sum', points: 'time', grain: 'day' } },
      {
        ...meta,
        kind: 'Kpi',
        metadata: { name },
        spec: { metric: name, direction: 'higher', period: { each: 'day' }, targets },
      },
    ]),
  );
  for (const [index, metric] of names.entries()) {
    const points = [1, 2, 3, 4, 5, 6].map((day) => ({
      time: `2026-11-0${day}T10:00:00Z`,
      value: String(index + day),
      id: String(day),
    }));
    await log.at(`2026-11-08T08:0${index}:00Z`).append({ type: 'observations', metric, feeder: 'push', points });
  }
  await log.at('2026-11-08T09:00:00Z').append({ type: 'tick', edition: 1 });
  return log;
}

async function start(log: TestLog, options: Partial<ProcessorOptions>, over: Store = store): Promise<Processor> {
  const processor = testProcessor(log.log, over, options);
  running.add(processor);
  await processor.start();
  return processor;
}

async function judged(workspace: string, distinct = 'DISTINCT'): Promise<Judged[]> {
  const rows = await store.query<{ subject: string; at: string; position: string; hash: string }>({
    sql: `SELECT ${distinct} subject, toUnixTimestamp64Micro(as_of) AS at, position, lower(hex(hash)) AS hash FROM judgement
WHERE workspace = {workspace:String} ORDER BY position, subject, at`,
    params: { workspace },
  });
  return rows.map(({ at, position, ...row }) => ({ ...row, at: Number(at) / 1000, position: Number(position) }));
}

async function expectOracle(log: TestLog): Promise<void> {
  const records = [];
  for await (const batch of log.log.read(log.topic, { from: 0 })) records.push(...batch);
  expect(faultsOf(await judged(log.workspace), factsOf(records), ORIGIN)).toEqual([]);
}

async function snapshots(workspace: string): Promise<number> {
  const [row] = await store.query<{ position: string }>({
    sql: 'SELECT toString(max(position)) AS position FROM snapshot WHERE workspace = {workspace:String}',
    params: { workspace },
  });
  return Math.floor(Number(row?.position ?? 0) / 1024);
}

/** The store, on which some insert kills the process: nothing of it and after it happens. */
function killedAt(log: TestLog, inserts: () => boolean): Store {
  return new Proxy(store, {
    get(target, name) {
      const dies = (table: string): void => {
        if (!((table === 'judgement' || table === 'rollup') && inserts())) return;
        log.log.crash();
        throw new Error('killed');
      };
      const insert: Store['insert'] = async (table, rows) => {
        dies(table);
        await target.insert(table, rows);
      };
      const insertBatch: Store['insertBatch'] = async (batch) => {
        dies(batch.table);
        await target.insertBatch(batch);
      };
      if (name === 'insert') return insert;
      if (name === 'insertBatch') return insertBatch;
      const member: unknown = Reflect.get(target, name);
      return typeof member === 'function' ? member.bind(target) : member;
    },
  });
}

describe('after a kill', () => {
  it('of many, all is judged as the evaluator says', async () => {
    const seed = 29;
    const log = await logOf(seed, 40);
    const end = await log.log.end(log.topic);
    const random = randomOf(seed);
    for (let kills = 0; kills < KILLS; kills++) {
      log.log = openMemoryLog({
        disk: log.disk,
        now: () => log.now,
        faults: { cut: (_topic, available) => 1 + Math.floor(random() * Math.min(4, available)) },
      });
      const processor = await start(log, KEEPING);
      const until = Math.floor(((kills + random()) / KILLS) * end);
      await processor.settle(log.workspace, until * 1024);
      log.log.crash();
      running.delete(processor);
    }
    log.open();
    const processor = await start(log, KEEPING);
    await processor.settle(log.workspace, end * 1024 - 1);
    await expectOracle(log);
  });

  it('far behind the head, little of the log is read again: the fold was kept by its points', async () => {
    const log = await logOf(7, 30);
    const end = await log.log.end(log.topic);
    const processor = await start(log, KEEPING);
    await processor.settle(log.workspace, end * 1024 - 1);
    log.log.crash();
    running.delete(processor);
    // Keeping it takes a bounded share of the time, so how many there are depends on the machine.
    expect(await snapshots(log.workspace)).toBeGreaterThan(end / 4);
  });

  it('a tick goes on where it was cut off, so that it is judged though every start is killed again', async () => {
    const log = await samples();
    const end = await log.log.end(log.topic);
    const options = { sliceEvaluations: 3, sliceMetrics: 1 };
    let kills = 0;
    for (let finished = false; !finished; ) {
      log.open();
      let left = 2;
      const processor = await start(
        log,
        options,
        killedAt(log, () => left-- <= 0),
      );
      const done = processor.settle(log.workspace, end * 1024 - 1).then(() => true);
      const died = new Promise<boolean>((resolve) => {
        const look = setInterval(() => {
          if (left >= 0) return;
          clearInterval(look);
          resolve(false);
        }, 1);
        void done.then(() => clearInterval(look));
      });
      finished = await Promise.race([done, died]);
      running.delete(processor);
      if (finished) await processor.stop();
      kills += finished ? 0 : 1;
      expect(kills).toBeLessThan(400);
    }
    expect(kills).toBeGreaterThan(5);
    expect(await judged(log.workspace, '')).toEqual(await judged(log.workspace));
    // Of rollups the slice that was begun last is written again.
    const [rollups] = await store.query<{ rows: string; buckets: string }>({
      sql: `SELECT toString(count()) AS rows, toString(uniqExact(metric, grain, bucket_from)) AS buckets FROM rollup
WHERE workspace = {workspace:String}`,
      params: { workspace: log.workspace },
    });
    expect(rollups?.buckets).toBe('20');
    expect(Number(rollups?.rows)).toBeLessThan(3 * 20);
    await expectOracle(log);
  });
});

describe('readiness', () => {
  it('comes once all that the log held is in the tables, the status too, and says before how far it is', async () => {
    const log = await logOf(17, 40);
    const end = await log.log.end(log.topic);
    log.open();
    const processor = await start(log, { statusIdleMs: 20 });
    const seen: string[] = [];
    while (!processor.health().ready) {
      const { detail, workspaces } = processor.health();
      seen.push(detail ?? '');
      const progress = workspaces[log.workspace];
      expect(progress === undefined || progress.settled < end * 1024 - 1 || progress.doing !== 'waiting').toBe(true);
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    expect(processor.health().workspaces[log.workspace]?.settled).toBe(end * 1024 - 1);
    expect(seen.some((detail) => /is not read yet|is restoring|is reading/.test(detail))).toBe(true);
    expect(processor.health().detail).toBeUndefined();
  });
});

describe('an orderly stop', () => {
  const ticksOf = async (log: TestLog): Promise<number> => {
    let ticks = 0;
    for await (const batch of log.log.read(factsTopic(log.workspace), { from: 0 }))
      for (const { headers } of batch) if (headers.ce_type?.includes('tick')) ticks++;
    return ticks;
  };

  it('judges a last time what was touched, and appends nothing when nothing was', async () => {
    const log = await logOf(19, 10);
    log.now = Math.max(log.now, Date.now());
    await log.append({ type: 'tick', edition: 1 });
    log.open();
    const first = await start(log, { tickAtStop: true, stopMs: 20_000 });
    await first.settle(log.workspace, (await log.log.end(log.topic)) * 1024 - 1);
    const before = await ticksOf(log);
    await first.stop();
    expect(await ticksOf(log)).toBe(before);
    const second = await start(log, { tickAtStop: true, stopMs: 20_000 });
    await log.define([
      {
        apiVersion: 'paceline/v1',
        kind: 'Metric',
        metadata: { name: 'sales' },
        spec: { aggregation: 'max', grain: 'day', dimensions: ['region'] },
      },
    ]);
    await second.settle(log.workspace, (await log.log.end(log.topic)) * 1024 - 1);
    await second.stop();
    expect(await ticksOf(log)).toBe(before + 1);
    await expectOracle(log);
  });
});
