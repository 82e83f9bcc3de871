import { type Document, type Fact, position } from '@paceline/domain';
import { encodeFact, factsTopic } from '@paceline/events';
import { memoryDisk, openMemoryLog } from '@paceline/log/memory';
import { createMetrics, ManualClock, silentLogger } from '@paceline/runtime';
import type { Store } from '@paceline/store';
import { engineDisk, openMemoryStore } from '@paceline/store/memory/index';
import { expect, test } from 'vitest';
import { CellBudget } from './cell-budget.ts';
import { DEFAULTS } from './options.ts';
import { Workspace } from './workspace.ts';

const TOPIC = factsTopic('one');

function metric(name: string): Document {
  const spec = { aggregation: 'sum', grain: 'day' } as const;
  return { apiVersion: 'paceline/v1', kind: 'Metric', metadata: { name }, spec };
}

function command(name: string, expects: number | null): Fact {
  return { type: 'definitions', command: name, actor: 'test', expects, put: [metric(name)], remove: [] };
}

/** A log that holds the facts, and what a workspace over it needs. */
async function worldOf(facts: readonly Fact[]) {
  const disk = memoryDisk();
  const clock = new ManualClock(Date.UTC(2026, 10, 26));
  const log = openMemoryLog({ disk, now: () => clock.now() });
  const store = openMemoryStore(engineDisk());
  await store.migrate();
  await log.ensureTopic(TOPIC);
  const messages = facts.map((fact, at) => encodeFact('one', fact, { id: `fact-${at}`, source: 'test' }));
  await log.append(TOPIC, messages);
  const budget = new CellBudget(DEFAULTS.cellBytesMax);
  const own = { workspace: 'one', topic: TOPIC, options: DEFAULTS, budget, mode: 'live' } as const;
  const workspaceOn = (used: Store): Workspace => {
    const metrics = createMetrics({ defaults: false });
    return new Workspace({ log, store: used, clock, logger: silentLogger, metrics, edition: 1, ...own });
  };
  return { records: disk.topics.get(TOPIC) ?? [], store, workspaceOn };
}

test('what another processor took and committed meanwhile is read before the batch behind it', async () => {
  const facts = [command('sales', null), command('orders', position(0)), command('visits', position(1))];
  const { records, store, workspaceOn } = await worldOf(facts);
  const workspace = workspaceOn(store);
  const { signal } = new AbortController();
  const context = { end: records.length, signal, heartbeat: async () => undefined, commit: async () => undefined };
  await workspace.load(0);
  await workspace.take(records.slice(0, 1), context);
  await workspace.take(records.slice(2), context);
  expect([...workspace.fold.catalog.metrics.keys()]).toEqual(['sales', 'orders', 'visits']);
});

test('what was said of coverage before a tick is kept, though the tick itself is cut off again and again', async () => {
  const covered = (from: number, to: number): Fact => ({
    type: 'covered',
    metric: 'sales',
    feeder: 'source/shop',
    from: Date.UTC(2026, 10, from),
    to: Date.UTC(2026, 10, to),
  });
  const facts: Fact[] = [
    command('sales', null),
    covered(1, 10),
    { type: 'tick', edition: 1 },
    covered(10, 20),
    { type: 'tick', edition: 1 },
  ];
  const { records, store, workspaceOn } = await worldOf(facts);
  let committed = 0;
  const { signal } = new AbortController();
  const commit = async (next: number): Promise<void> => {
    committed = next;
  };
  const context = { end: records.length, signal, heartbeat: async () => undefined, commit };
  const start = async (used: Store): Promise<Workspace> => {
    const workspace = workspaceOn(used);
    await workspace.load(committed);
    return workspace;
  };
  let spans = 0;
  const cut = new Proxy(store, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name);
      if (name !== 'insert' || typeof value !== 'function')
        return typeof value === 'function' ? value.bind(target) : value;
      return async (table: string, rows: unknown) => {
        if (table === 'covered' && ++spans > 1) throw new Error('the engine is away');
        return value.call(target, table, rows);
      };
    },
  });
  const first = await start(cut);
  await expect(first.take(records, context)).rejects.toThrow('away');
  const second = await start(store);
  await second.take(records.slice(committed), context);
  const rows = await store.read(
    {
      sql: 'SELECT DISTINCT metric, feeder, position FROM covered WHERE workspace = {workspace:String}',
      params: { workspace: 'one' },
    },
    { metric: 'LowCardinality(String)', feeder: 'LowCardinality(String)', position: 'UInt64' },
  );
  expect(rows.map((row) => row.position)).toEqual([position(1), position(3)]);
});
