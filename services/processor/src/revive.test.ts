import { offsetOf, position } from '@paceline/domain';
import { encodeFact, factsTopic } from '@paceline/events';
import { openMemoryLog } from '@paceline/log/memory';
import { createMetrics, ManualClock, silentLogger } from '@paceline/runtime';
import type { Row, Store, TableName } from '@paceline/store';
import { engineDisk, openMemoryStore } from '@paceline/store/memory/index';
import { expect, test } from 'vitest';
import { createProcessor } from './processor.ts';

const TOPIC = factsTopic('one');

/** `insert` is the store's own, for a test that puts another in its place. */
async function openWorld() {
  const clock = new ManualClock(Date.UTC(2026, 10, 26));
  // As the log's own waits: one that is aborted is over, and nothing went wrong.
  const sleep = (ms: number, signal?: AbortSignal) => clock.sleep(ms, signal).catch(() => undefined);
  const log = openMemoryLog({ now: () => clock.now(), sleep });
  await log.ensureTopic(TOPIC);
  const store = openMemoryStore(engineDisk(), { sleep });
  const insert: Store['insert'] = store.insert.bind(store);
  return { clock, log, store, insert };
}

test('a workspace that is revived goes on behind what was committed while the log was asked where it ends', async () => {
  const { clock, log, store, insert } = await openWorld();
  const end = log.end.bind(log);
  let failures = 2;
  store.insert = async <Table extends TableName>(table: Table, rows: readonly Row<Table>[]) => {
    // What a tick writes behind its commit: there is nothing to be delivered again.
    if (table === 'progress' && failures-- > 0) throw new Error('the engine is gone');
    await insert(table, rows);
  };
  const metrics = createMetrics({ defaults: false });
  const options = { ticks: 'manual', statusIdleMs: 3_600_000, statusHeadMs: 3_600_000 } as const;
  const processor = createProcessor({ log, store, clock, logger: silentLogger, metrics, edition: 1, options });
  await processor.start?.();
  let ticks = 0;
  const tick = () =>
    log.append(TOPIC, [encodeFact('one', { type: 'tick', edition: 1 }, { id: `tick-${ticks++}`, source: 'test' })]);
  const next = () => processor.health().workspaces.one?.next;

  await clock.advance(1_000);
  await tick();
  await clock.advance(1_000);
  expect([failures, await log.committed('processor', TOPIC)]).toEqual([1, 1]);
  const slow = Promise.withResolvers<void>();
  log.end = async (topic) => {
    const answer = await end(topic);
    await slow.promise;
    return answer;
  };
  await clock.advance(3_000);
  await tick();
  await clock.advance(1_000);
  log.end = end;
  slow.resolve();
  for (let second = 0; second < 20; second++) await clock.advance(1_000);
  expect([failures <= 0, await log.committed('processor', TOPIC), next()]).toEqual([true, 2, 2]);
  expect(processor.health().workspaces.one?.lastTick?.position).toBe(position(1));
  await processor.stop?.();
});

test('what was taken at the head and could not be written is delivered again, though nothing follows it', async () => {
  const { clock, log, store, insert } = await openWorld();
  let failures = 0;
  /** Records whose place is durable. */
  const placed = new Set<number>();
  store.insert = async <Table extends TableName>(table: Table, rows: readonly Row<Table>[]) => {
    if (table === 'timeline' && failures-- > 0) throw new Error('the engine is gone');
    await insert(table, rows);
    for (const row of table === 'timeline' ? (rows as readonly Row<'timeline'>[]) : [])
      for (let record = 0; record < Number(row.records); record++) placed.add(offsetOf(Number(row.position)) + record);
  };
  const metrics = createMetrics({ defaults: false });
  const options = { ticks: 'manual' } as const;
  const processor = createProcessor({ log, store, clock, logger: silentLogger, metrics, edition: 1, options });
  await processor.start?.();
  const state = (value: string) => {
    const points = [{ period: '2026-11-20', value }];
    const fact = { type: 'observations', metric: 'm', feeder: 'push', points } as const;
    return log.append(TOPIC, [encodeFact('one', fact, { id: value, source: 'test' })]);
  };
  const committed = () => log.committed('processor', TOPIC);
  await clock.advance(1_000);

  failures = 1;
  await state('1');
  await clock.advance(1_000);
  expect([failures <= 0, await committed()]).toEqual([true, 0]);
  for (let second = 0; second < 10; second++) await clock.advance(1_000);
  expect(await committed()).toBe(1);

  // And where something follows: the fact before it is not passed over.
  failures = 1;
  await state('2');
  await clock.advance(1_000);
  await state('3');
  for (let second = 0; second < 10; second++) await clock.advance(1_000);
  expect([failures <= 0, await committed(), [...placed].sort()]).toEqual([true, 3, [0, 1, 2]]);
  await processor.stop?.();
});
