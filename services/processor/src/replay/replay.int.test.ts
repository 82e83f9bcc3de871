import type { Document } from '@paceline/domain';
import { ALERTS_TOPIC, decodeAlertRecord } from '@paceline/events';
import { type OpenedStore, statusList } from '@paceline/store';
import { temporaryStore } from '@paceline/store/testing';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createProcessor, type Processor } from '../processor.ts';
import { TestLog, testDeps } from '../testing/log.ts';
import { Replay, type ReplayEvent, type ReplayReport } from './replay.ts';

let store: OpenedStore;
let stopStore: () => Promise<void>;
let log: TestLog;
let processor: Processor;
let replay: Replay;
let count = 0;

beforeAll(async () => {
  ({ store, stop: stopStore } = await temporaryStore());
});
beforeEach(async () => {
  log = await begun();
  const deps = testDeps(log.log, store);
  processor = createProcessor(deps);
  replay = new Replay({ ...deps, processor, beside: (database) => store.beside(database) });
  await processor.start();
  await processor.tick(log.workspace);
});
afterEach(() => processor.stop());
afterAll(() => stopStore());

const META = { apiVersion: 'paceline/v1' } as const;
const DEFINITIONS: readonly Document[] = [
  { ...META, kind: 'Metric', metadata: { name: 'sales' }, spec: { aggregation: 'sum', points: 'time', grain: 'day' } },
  {
    ...META,
    kind: 'Kpi',
    metadata: { name: 'sales' },
    spec: {
      metric: 'sales',
      direction: 'higher',
      period: { each: 'day' },
      targets: [{ effectiveFrom: '2026-01-01', value: '100' }],
    },
  },
  {
    ...META,
    kind: 'AlertRule',
    metadata: { name: 'low' },
    spec: { watch: ['kpi/*'], when: 'off_track', for: 1, recover: 1, severity: 'page', channels: ['hook'] },
  },
];

async function begun(): Promise<TestLog> {
  const begun = new TestLog(`replay${++count}`, '2026-11-01T08:00:00Z');
  await begun.define(DEFINITIONS);
  for (let day = 1; day <= 6; day++) {
    begun.at(`2026-11-0${day + 1}T00:30:00Z`);
    const points = [7, 12].map((hour) => ({
      time: `2026-11-0${day}T${String(hour).padStart(2, '0')}:00:00Z`,
      value: String(day * 3),
      id: `${day}-${hour}`,
    }));
    await begun.append({ type: 'observations', metric: 'sales', feeder: 'push', points });
  }
  return begun.at('2026-11-07T12:00:00Z');
}

async function run(swap = false, tell: (event: ReplayEvent) => void = () => undefined): Promise<ReplayReport> {
  return replay.run({ swap, signal: new AbortController().signal, tell });
}

const damage = (sql: string): Promise<void> =>
  store.command({
    sql: `ALTER TABLE ${sql} SETTINGS mutations_sync = 1`,
    params: { workspace: log.workspace },
  });
const OF = 'WHERE workspace = {workspace:String}';

async function sent(): Promise<string[]> {
  const texts: string[] = [];
  for await (const batch of log.log.read(ALERTS_TOPIC, { from: 0 })) {
    for (const record of batch) {
      const decoded = decodeAlertRecord(record);
      if (decoded.ok && decoded.record.type === 'transition') {
        const { kind, subject, channels } = decoded.record.transition;
        texts.push(`${kind} ${subject} ${channels.join()}`);
      }
    }
  }
  return texts;
}

async function statuses(): Promise<string[]> {
  const query = statusList(log.workspace, 1);
  return (await store.read(query, query.shape)).map(({ subject }) => subject);
}

describe('a replay', () => {
  it('finds tables that were made from the log to be the same, tells how it goes, and leaves nothing behind', async () => {
    const events: ReplayEvent[] = [];
    const ended = await log.log.end(log.topic);
    const report = await run(false, (event) => events.push(event));
    expect(report).toMatchObject({ same: true, first: null, swapped: false, alerts: { retracted: [], opened: [] } });
    const rows = new Map(report.tables.map((table) => [table.table, table.rows]));
    expect(rows.get('observation')).toBe(12);
    for (const table of ['definition', 'rollup', 'judgement', 'alert', 'status'])
      expect(rows.get(table), table).toBeGreaterThan(0);
    expect(events).toContainEqual({ type: 'progress', workspace: log.workspace, done: ended, total: ended });
    expect(await log.log.end(log.topic)).toBe(ended);
    const databases = await store.query<{ name: string }>({ sql: 'SELECT name FROM system.databases' });
    expect(databases.map(({ name }) => name).filter((name) => name.endsWith('_replay'))).toEqual([]);
  });

  it.each([
    ['a value', `observation UPDATE value = 7 ${OF} AND id = '3-7'`, 'observation', 'value', ['7', '9']],
    [
      'a judgement',
      `judgement UPDATE verdict = 'on_track' ${OF} AND toDate(as_of) = '2026-11-04'`,
      'judgement',
      'verdict',
      ['on_track', 'off_track'],
    ],
    ['a status', `status UPDATE evaluation = 'x' ${OF}`, 'status', 'evaluation', ['x', undefined]],
  ] as const)('names %s that was changed behind its back', async (_, sql, table, column, [running, rebuilt]) => {
    await damage(sql);
    const report = await run();
    expect(report.same).toBe(false);
    expect(report.first).toMatchObject({ table, workspace: log.workspace });
    expect(report.first?.running?.[column]).toBe(running);
    if (rebuilt !== undefined) expect(report.first?.rebuilt?.[column]).toBe(rebuilt);
    expect(Object.keys(report.first?.running ?? {})).toEqual([column]);
  });

  it('names a row that is missing, and one that is too much', async () => {
    await damage(`rollup DELETE ${OF} AND toDate(bucket_from) = '2026-11-02'`);
    const missing = (await run()).first;
    expect(missing).toMatchObject({ table: 'rollup', running: null, key: { metric: 'sales', grain: 'day' } });
    expect(missing?.key.bucket_from).toContain('2026-11-02');
    await store.command({
      sql: `INSERT INTO observation SELECT * REPLACE ('b-0' AS id) FROM (SELECT * FROM observation ${OF} AND id = '1-7')`,
      params: { workspace: log.workspace },
    });
    expect((await run()).first).toMatchObject({ table: 'observation', rebuilt: null, key: { id: 'b-0' } });
  });

  it('goes on with what it built when it is told to: readers see no gap, and what came meanwhile is there', async () => {
    await damage(`observation UPDATE value = 700 ${OF} AND id = '3-7'`);
    const counts: number[] = [];
    let reading = true;
    const reader = (async () => {
      while (reading) counts.push((await statuses()).length);
    })();
    const before = (await statuses()).length;
    const swapped = await run(true, (event) => {
      if (event.type === 'stage' && event.note.includes('comparing') && log.facts.length < 8)
        void log.append({
          type: 'observations',
          metric: 'sales',
          feeder: 'push',
          points: [{ time: '2026-11-06T15:00:00Z', value: '500', id: 'late' }],
        });
    });
    reading = false;
    await reader;
    expect(swapped).toMatchObject({ swapped: true, same: false });
    expect(new Set(counts)).toEqual(new Set([before]));
    await processor.tick(log.workspace);
    const again = await run();
    expect(again.first).toBeNull();
    const [row] = await store.query<{ rows: string }>({
      sql: `SELECT toString(uniqExact(id)) AS rows FROM observation ${OF}`,
      params: { workspace: log.workspace },
    });
    expect(row?.rows).toBe('13');
  });
});

describe('the alerts of a change', () => {
  it('that the rebuilt tables do not have open are taken back, to the channels that were told', async () => {
    const told = await sent();
    expect(told).toEqual(['opened kpi/sales hook']);
    await store.command({
      sql: `INSERT INTO alert SELECT * REPLACE ('none' AS alert, replaceOne(body, alert, 'none') AS body) FROM alert ${OF}`,
      params: { workspace: log.workspace },
    });
    expect((await run()).alerts.retracted).toEqual([
      { workspace: log.workspace, rule: 'low', subject: 'kpi/sales', period: '' },
    ]);
    expect(await sent()).toEqual(told);
    await run(true);
    expect(await sent()).toEqual([...told, 'retracted kpi/sales hook']);
    expect(await run()).toMatchObject({ same: true, alerts: { retracted: [], opened: [] } });
  });

  it('that only the rebuilt tables have open are listed and not sent', async () => {
    await damage(`alert DELETE ${OF}`);
    const told = await sent();
    const { alerts } = await run(true);
    expect(alerts).toEqual({
      retracted: [],
      opened: [{ workspace: log.workspace, rule: 'low', subject: 'kpi/sales', period: '' }],
    });
    expect(await sent()).toEqual(told);
  });
});
