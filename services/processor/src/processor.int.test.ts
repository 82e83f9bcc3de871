import { type Document, evaluationToJson } from '@paceline/domain';
import { ALERTS_TOPIC, DEADLETTER_TOPIC, decodeAlertRecord } from '@paceline/events';
import type { LogRecord } from '@paceline/log';
import { openMemoryLog } from '@paceline/log/memory';
import { type Store, statusList } from '@paceline/store';
import { temporaryStore } from '@paceline/store/testing';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Processor } from './processor.ts';
import { rebuild } from './rebuild.ts';
import { TestLog, testDeps, testProcessor } from './testing/log.ts';
import { factsOf, faultsOf, type Judged, judgementsOf, statusOf } from './testing/oracle.ts';
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

const DEFINITIONS: readonly Document[] = [
  {
    apiVersion: 'paceline/v1',
    kind: 'Metric',
    metadata: { name: 'revenue' },
    spec: { aggregation: 'sum', grain: 'day', settle: 'PT6H', timezone: 'Europe/Berlin', dimensions: ['region'] },
  },
  {
    apiVersion: 'paceline/v1',
    kind: 'Metric',
    metadata: { name: 'load' },
    spec: { aggregation: 'avg', points: 'time', grain: 'day', settle: 'PT1H' },
  },
  {
    apiVersion: 'paceline/v1',
    kind: 'Kpi',
    metadata: { name: 'revenue-month', owner: 'ada' },
    spec: {
      metric: 'revenue',
      direction: 'higher',
      period: { toDate: 'month' },
      targets: [{ effectiveFrom: '2026-01-01', value: '310' }],
      policy: 'viva',
    },
  },
  {
    apiVersion: 'paceline/v1',
    kind: 'Kpi',
    metadata: { name: 'load-day' },
    spec: {
      metric: 'load',
      direction: 'lower',
      period: { each: 'day' },
      targets: [{ effectiveFrom: '2026-01-01', value: '50' }],
    },
  },
  {
    apiVersion: 'paceline/v1',
    kind: 'Cycle',
    metadata: { name: 'q4' },
    spec: { firstDay: '2026-10-01', lastDay: '2026-12-31', timezone: 'Europe/Berlin' },
  },
  {
    apiVersion: 'paceline/v1',
    kind: 'Objective',
    metadata: { name: 'grow' },
    spec: {
      cycle: 'q4',
      keyResults: [
        { name: 'sell', metric: 'revenue', type: 'reach', baseline: '0', target: '900' },
        { name: 'nps', type: 'reach', baseline: '20', target: '50' },
      ],
    },
  },
  {
    apiVersion: 'paceline/v1',
    kind: 'AlertRule',
    metadata: { name: 'behind' },
    spec: { watch: ['kpi/*'], when: 'off_track', for: 1, recover: 1, severity: 'page' },
  },
];

/** Ten days of November, ten a day; the clock stands at noon of the eleventh. */
async function begun(): Promise<TestLog> {
  const log = new TestLog(`w${++count}`, '2026-11-01T08:00:00Z');
  await log.define(DEFINITIONS);
  for (let day = 1; day <= 10; day++) {
    const label = `2026-11-${String(day).padStart(2, '0')}`;
    log.at(`2026-11-${String(day + 1).padStart(2, '0')}T00:30:00Z`);
    await log.state('revenue', { [label]: '10' });
    await log.append({
      type: 'observations',
      metric: 'load',
      feeder: 'push',
      points: [{ time: `${label}T10:00:00Z`, value: String(40 + day), id: `a${day}` }],
    });
  }
  return log.at('2026-11-11T12:00:00Z');
}

async function process(log: TestLog, options = {}): Promise<Processor> {
  const processor = testProcessor(log.open(), store, options);
  running.add(processor);
  await processor.start();
  return processor;
}

async function restart(log: TestLog, processor: Processor, kill = false): Promise<Processor> {
  running.delete(processor);
  if (kill) log.log.crash();
  else await processor.stop();
  return process(log);
}

async function recordsOf(log: TestLog): Promise<LogRecord[]> {
  const records: LogRecord[] = [];
  for await (const batch of log.log.read(log.topic, { from: 0 })) records.push(...batch);
  return records;
}

/** Judgements of a workspace; rows written twice are one. */
async function judged(workspace: string): Promise<Judged[]> {
  const rows = await store.query<{ subject: string; at: string; position: string; hash: string }>({
    sql: `SELECT DISTINCT subject, toUnixTimestamp64Micro(as_of) AS at, position, lower(hex(hash)) AS hash FROM judgement
WHERE workspace = {workspace:String} ORDER BY position, subject, at`,
    params: { workspace },
  });
  return rows.map(({ at, position, ...row }) => ({ ...row, at: Number(at) / 1000, position: Number(position) }));
}

function textOf({ subject, at, position, hash }: Judged): string {
  return `${position} ${subject} ${at} ${hash}`;
}

async function statusRows(workspace: string): Promise<Map<string, string>> {
  const query = statusList(workspace, 1);
  const rows = await store.read(query, query.shape);
  return new Map(rows.map(({ subject, evaluation }) => [subject, evaluation]));
}

async function expectOracle(log: TestLog): Promise<void> {
  const facts = factsOf(await recordsOf(log));
  const expected = judgementsOf(facts, Date.parse('2026-10-31T23:00:00Z'));
  expect((await judged(log.workspace)).map(textOf).sort()).toEqual(expected.map(textOf).sort());
}

async function deadLetters(workspace: string): Promise<Record<string, string>[]> {
  return store.query({
    sql: 'SELECT DISTINCT position, code, payload FROM dead_letter WHERE workspace = {workspace:String} ORDER BY position',
    params: { workspace },
  });
}

async function transitions(workspace: string): Promise<string[]> {
  const rows = await store.query<Record<string, string>>({
    sql: `SELECT DISTINCT position, subject, period_label, kind, transition FROM alert
WHERE workspace = {workspace:String} ORDER BY position, subject`,
    params: { workspace },
  });
  return rows.map(({ subject, period_label, kind }) => `${kind} ${subject} ${period_label}`.trim());
}

/** Facts that arrive late, twice, corrected, taken back, and definitions that change, with a tick after each. */
const TROUBLE: readonly ((log: TestLog) => Promise<unknown>)[] = [
  (log) => log.state('revenue', { '2026-11-03': '25' }),
  (log) => log.state('revenue', { '2026-11-03': '25' }),
  (log) => log.state('revenue', { '2026-11-05': null }),
  (log) => log.state('revenue', { '2026-11-10': null }),
  (log) => log.append({ type: 'covered', metric: 'revenue', feeder: 'push', to: Date.parse('2026-11-10T23:00:00Z') }),
  (log) =>
    log.append({
      type: 'check_in',
      subject: 'key_result/grow/nps',
      time: Date.parse('2026-11-06T10:00:00Z'),
      value: '31',
    }),
  (log) =>
    log.append({
      type: 'observations',
      metric: 'load',
      feeder: 'push',
      points: [{ time: '2026-11-04T23:30:00Z', value: '900', id: 'late' }],
    }),
  (log) =>
    log.define([
      {
        apiVersion: 'paceline/v1',
        kind: 'Kpi',
        metadata: { name: 'revenue-month', owner: 'ada' },
        spec: {
          metric: 'revenue',
          direction: 'higher',
          period: { toDate: 'month' },
          targets: [{ effectiveFrom: '2026-01-01', value: '200' }],
        },
      },
    ]),
  (log) => log.define([], [], { policy: 'viva', pace: { points: [{ elapsed: 0.5, expected: 0.9 }] } }),
  (log) => log.define([], ['kpi/load-day']),
  (log) => log.at('2026-12-02T12:00:00Z').state('revenue', { '2026-11-30': '40', '2026-12-01': '5' }),
  (log) => log.append({ type: 'covered', metric: 'revenue', feeder: 'push', to: Date.parse('2026-12-01T23:00:00Z') }),
  (log) => log.state('revenue', { '2026-11-20': '500' }),
];

describe('judgements', () => {
  it('equal what the evaluator says of every subject and grid point, tick by tick', async () => {
    const log = await begun();
    const processor = await process(log);
    await processor.tick(log.workspace);
    await expectOracle(log);
    expect((await judged(log.workspace)).length).toBeGreaterThan(40);
  });

  it('follow late, corrected and retracted values, check-ins and changed definitions', async () => {
    const log = await begun();
    const processor = await process(log);
    await processor.tick(log.workspace);
    for (const trouble of TROUBLE) {
      await trouble(log);
      await processor.tick(log.workspace);
    }
    await expectOracle(log);
    const { restated } = (
      await store.query<{ restated: string }>({
        sql: 'SELECT toString(countIf(restatement)) AS restated FROM judgement WHERE workspace = {workspace:String}',
        params: { workspace: log.workspace },
      })
    )[0] ?? { restated: '' };
    expect(Number(restated)).toBeGreaterThan(0);
  });

  it('a value stated again changes nothing', async () => {
    const log = await begun();
    const processor = await process(log);
    await processor.tick(log.workspace);
    const before = await judged(log.workspace);
    await log.state('revenue', { '2026-11-03': '10' });
    await processor.tick(log.workspace);
    expect(await judged(log.workspace)).toEqual(before);
  });

  it('are the same after restarts and kills at every fact', async () => {
    const log = await begun();
    let processor = await process(log);
    await processor.tick(log.workspace);
    for (const [index, trouble] of TROUBLE.entries()) {
      await trouble(log);
      processor = await restart(log, processor, index % 2 === 1);
      await processor.tick(log.workspace);
    }
    await expectOracle(log);
  });

  it('are the same when the whole log is read at once, ticks and all', async () => {
    const log = await begun();
    await log.append({ type: 'tick', edition: 1 });
    for (const trouble of TROUBLE) {
      await trouble(log);
      await log.append({ type: 'tick', edition: 1 });
    }
    const processor = await process(log);
    await processor.settle(log.workspace, (await log.log.end(log.topic)) * 1024 - 1);
    await expectOracle(log);
  });
});

/** Everything derived that stands for something, table by table; rows written twice are one. */
const TABLES: Readonly<Record<string, string>> = {
  observation:
    'metric, series, period, at, id, pos, recorded_at, read_at, revision, feeder, value, numerator, denominator',
  rollup: '*',
  judgement: '*',
  definition: '*',
  command: '*',
  check_in: '*',
  covered: '*',
  alert: '*',
  dead_letter: '*',
};

async function tables(workspace: string): Promise<Record<string, unknown[]>> {
  const all: Record<string, unknown[]> = {};
  for (const [table, columns] of Object.entries(TABLES)) {
    const sql = `SELECT DISTINCT ${columns} FROM ${table} WHERE workspace = {workspace:String} ORDER BY ALL`;
    all[table] = await store.query({ sql, params: { workspace } });
  }
  return all;
}

async function forget(workspace: string): Promise<void> {
  for (const table of [...Object.keys(TABLES), 'status', 'snapshot', 'progress']) {
    const sql = `ALTER TABLE ${table} DELETE WHERE workspace = {workspace:String} SETTINGS mutations_sync = 1`;
    await store.command({ sql, params: { workspace } });
  }
}

describe('a log in which everything happens', () => {
  it.each([4, 25])(
    'of seed %i, cut into random batches with failing commits, is judged as the evaluator says',
    async (seed) => {
      const log = new TestLog(`w${++count}`, '2026-11-01T08:00:00Z');
      await randomLog(log, seed, 60);
      const random = randomOf(seed);
      const faulty = openMemoryLog({
        disk: log.disk,
        now: () => log.now,
        sleep: async () => {},
        faults: {
          cut: (_topic, available) => 1 + Math.floor(random() * available),
          commit: () => (random() < 0.05 ? 'failed' : 'done'),
        },
      });
      const processor = testProcessor(faulty, store, { spanPointsMax: 5 });
      running.add(processor);
      await processor.start();
      await processor.settle(log.workspace, (await faulty.end(log.topic)) * 1024 - 1);
      const rows = await judged(log.workspace);
      expect(rows.length).toBeGreaterThan(50);
      expect(faultsOf(rows, factsOf(await recordsOf(log)), Date.parse('2026-10-01T00:00:00Z'))).toEqual([]);
    },
  );
});

describe('tables built again from the log', () => {
  it('hold the same rows, though the first time was full of stops and kills', async () => {
    const log = await begun();
    let processor = await process(log);
    await processor.tick(log.workspace);
    for (const [index, trouble] of TROUBLE.entries()) {
      await trouble(log);
      processor = await restart(log, processor, index % 2 === 0);
      await processor.tick(log.workspace);
    }
    await processor.stop();
    running.delete(processor);
    const rows = await tables(log.workspace);
    for (const table of ['rollup', 'judgement', 'covered', 'check_in', 'alert', 'definition', 'command']) {
      expect(rows[table]?.length, table).toBeGreaterThan(0);
    }
    await forget(log.workspace);
    processor = await process(log, { group: 'second', spanPointsMax: 3 });
    await processor.settle(log.workspace, (await log.log.end(log.topic)) * 1024 - 1);
    expect(await tables(log.workspace)).toEqual(rows);
    await processor.stop();
    running.delete(processor);
    await forget(log.workspace);
    const sent = await log.log.end(ALERTS_TOPIC);
    await rebuild(testDeps(log.open(), store), log.workspace);
    expect(await tables(log.workspace)).toEqual(rows);
    expect(await log.log.end(ALERTS_TOPIC)).toBe(sent);
  });
});

describe('rollups', () => {
  it('are those of the complete buckets that were touched or completed, emptied ones at zero', async () => {
    const log = await begun();
    const processor = await process(log);
    const first = await processor.tick(log.workspace);
    const rows = async (at: number) =>
      store.query<{ grain: string; day: string; count: string; sum: string }>({
        sql: `SELECT grain, toString(toDate(bucket_from)) AS day, toString(count) AS count, toString(sum) AS sum FROM rollup
WHERE workspace = {workspace:String} AND metric = 'load' AND position = {at:UInt64} ORDER BY grain, bucket_from`,
        params: { workspace: log.workspace, at },
      });
    const days = await rows(first);
    expect(days.map(({ day }) => day)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9].map((day) => `2026-11-0${day}`));
    expect(days[2]).toMatchObject({ count: '1', sum: '43' });
    await log.append({
      type: 'observations',
      metric: 'load',
      feeder: 'push',
      points: [
        { time: '2026-11-03T10:00:00Z', value: null, id: 'a3' },
        { time: '2026-11-05T11:00:00Z', value: '5', id: 'b5' },
        { time: '2026-11-11T11:00:00Z', value: '7', id: 'a11' },
      ],
    });
    expect(await rows(await processor.tick(log.workspace))).toEqual([
      { grain: 'day', day: '2026-11-03', count: '0', sum: '0' },
      { grain: 'day', day: '2026-11-05', count: '2', sum: '50' },
      { grain: 'day', day: '2026-11-10', count: '1', sum: '50' },
    ]);
  });
});

describe('the status', () => {
  it('is what the evaluator says at the last fact, for everything the last facts touched', async () => {
    const log = await begun();
    const processor = await process(log);
    await processor.tick(log.workspace);
    const at = await log.at('2026-11-11T15:00:00Z').state('revenue', { '2026-11-11': '99' });
    await processor.settle(log.workspace, at);
    const status = await statusRows(log.workspace);
    const expected = statusOf(factsOf(await recordsOf(log)));
    expect(expected.map(({ subject }) => subject).sort()).toEqual([...status.keys()].sort());
    const month = expected.find(({ subject }) => subject === 'kpi/revenue-month');
    expect(status.get('kpi/revenue-month')).toBe(JSON.stringify(evaluationToJson(month!)));
  });

  it('of a subject that is no longer defined leaves the list', async () => {
    const log = await begun();
    const processor = await process(log);
    await processor.tick(log.workspace);
    await processor.settle(log.workspace, await log.define([], ['kpi/load-day']));
    const query = statusList(log.workspace, 1);
    const subjects = (await store.read(query, query.shape)).map(({ subject }) => subject);
    expect(subjects).toContain('kpi/revenue-month');
    expect(subjects.filter((subject) => subject.startsWith('kpi/load-day'))).toEqual([]);
  });
});

describe('alerts', () => {
  it('are announced once, and taken back when a correction removes what opened them', async () => {
    const log = await begun();
    let processor = await process(log);
    await processor.tick(log.workspace);
    expect(await transitions(log.workspace)).toEqual([]);
    await log.append({
      type: 'observations',
      metric: 'load',
      feeder: 'push',
      points: [{ time: '2026-11-09T23:30:00Z', value: '900', id: 'bad' }],
    });
    await processor.tick(log.workspace);
    await processor.tick(log.workspace);
    expect(await transitions(log.workspace)).toEqual(['opened kpi/load-day']);
    processor = await restart(log, processor);
    await log.append({
      type: 'observations',
      metric: 'load',
      feeder: 'push',
      points: [{ time: '2026-11-09T23:30:00Z', value: null, id: 'bad' }],
    });
    await processor.tick(log.workspace);
    expect(await transitions(log.workspace)).toEqual(['opened kpi/load-day', 'retracted kpi/load-day']);
    const sent: string[] = [];
    for await (const batch of log.log.read(ALERTS_TOPIC, { from: 0 })) {
      for (const record of batch) {
        const decoded = decodeAlertRecord(record);
        if (decoded.ok && decoded.record.type === 'transition') sent.push(decoded.record.transition.kind);
      }
    }
    expect(sent).toEqual(['opened', 'retracted']);
  });
});

describe('a rule written after the fact', () => {
  it.each([false, true])('sees at once what is bad already, restarted before the tick: %s', async (restarted) => {
    const log = await begun();
    await log.append({
      type: 'observations',
      metric: 'load',
      feeder: 'push',
      points: [{ time: '2026-11-09T23:30:00Z', value: '900', id: 'bad' }],
    });
    let processor = await process(log);
    await processor.tick(log.workspace);
    await log.define([
      {
        apiVersion: 'paceline/v1',
        kind: 'AlertRule',
        metadata: { name: 'new' },
        spec: { watch: ['kpi/load-day'], when: 'at_risk' },
      },
    ]);
    if (restarted) processor = await restart(log, processor);
    await processor.tick(log.workspace);
    expect(await transitions(log.workspace)).toEqual(['opened kpi/load-day', 'opened kpi/load-day']);
    await log.define([], ['alert_rule/new']);
    if (restarted) processor = await restart(log, processor);
    await processor.tick(log.workspace);
    expect((await transitions(log.workspace)).at(-1)).toBe('retracted kpi/load-day');
  });
});

describe('poison', () => {
  it('is put aside with its cause and place, and the rest flows', async () => {
    const log = await begun();
    const bytes = new TextEncoder();
    const headers = { ce_specversion: '1.0', ce_id: 'x', ce_type: 'paceline.observations.v1', ce_source: 'test' };
    const { baseOffset } = await log.log.append(log.topic, [
      { key: null, value: bytes.encode('{"no json'), headers },
      { key: null, value: bytes.encode('{}'), headers: {} },
    ]);
    await log.state('revenue', { '2026-11-10': '11' });
    const processor = await process(log);
    await processor.tick(log.workspace);
    expect(await deadLetters(log.workspace)).toEqual([
      { position: String(baseOffset * 1024), code: 'invalid_json', payload: '{"no json' },
      { position: String((baseOffset + 1) * 1024), code: 'unknown_type', payload: '{}' },
    ]);
    await expectOracle(log);
    expect(await log.log.end(DEADLETTER_TOPIC)).toBe(2);
  });
});

describe('a crash between write and commit', () => {
  it('writes the same rows again', async () => {
    const log = await begun();
    await log.append({ type: 'tick', edition: 1 });
    let left = 3;
    const faulty = openMemoryLog({
      disk: log.disk,
      now: () => log.now,
      faults: { commit: () => (left-- > 0 ? 'failed' : 'done') },
    });
    const processor = testProcessor(faulty, store);
    running.add(processor);
    await processor.start();
    await processor.settle(log.workspace, (await faulty.end(log.topic)) * 1024 - 1);
    expect(left).toBeLessThan(0);
    await expectOracle(log);
    const points = await store.query<{ rows: string; points: string }>({
      sql: 'SELECT toString(count()) AS rows, toString(uniqExact(pos)) AS points FROM observation WHERE workspace = {workspace:String}',
      params: { workspace: log.workspace },
    });
    expect(Number(points[0]?.points)).toBe(20);
    expect(Number(points[0]?.rows)).toBeGreaterThan(20);
  });

  it('a store that fails for a while loses nothing', async () => {
    const log = await begun();
    await log.append({ type: 'tick', edition: 1 });
    let left = 6;
    const failing: Store = new Proxy(store, {
      get(target, name) {
        if (name === 'insert' && left-- > 0 && left % 2 === 0) {
          return () => Promise.reject(new Error('the engine is gone'));
        }
        const member: unknown = Reflect.get(target, name, target);
        return typeof member === 'function' ? member.bind(target) : member;
      },
    });
    const processor = testProcessor(log.open(), failing);
    running.add(processor);
    await processor.start();
    await processor.settle(log.workspace, (await log.log.end(log.topic)) * 1024 - 1);
    await expectOracle(log);
    expect(processor.health().ready).toBe(true);
  });
});
