import { type Document, type Fact, position } from '@paceline/domain';
import { encodeFact, factsTopic } from '@paceline/events';
import { memoryDisk, openMemoryLog } from '@paceline/log/memory';
import { createMetrics, ManualClock, silentLogger } from '@paceline/runtime';
import { engineDisk, openMemoryStore } from '@paceline/store/memory/index';
import { expect, test } from 'vitest';
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

test('what another processor took and committed meanwhile is read before the batch behind it', async () => {
  const disk = memoryDisk();
  const clock = new ManualClock(Date.UTC(2026, 10, 26));
  const log = openMemoryLog({ disk, now: () => clock.now() });
  const store = openMemoryStore(engineDisk());
  await store.migrate();
  await log.ensureTopic(TOPIC);
  const facts = [command('sales', null), command('orders', position(0)), command('visits', position(1))];
  const messages = facts.map((fact, at) => encodeFact('one', fact, { id: `fact-${at}`, source: 'test' }));
  await log.append(TOPIC, messages);
  const records = disk.topics.get(TOPIC) ?? [];
  const metrics = createMetrics({ defaults: false });
  const own = { workspace: 'one', topic: TOPIC, options: DEFAULTS, mode: 'live' } as const;
  const workspace = new Workspace({ log, store, clock, logger: silentLogger, metrics, edition: 1, ...own });
  const { signal } = new AbortController();
  const context = { end: records.length, signal, heartbeat: async () => undefined, commit: async () => undefined };
  await workspace.load(0);
  await workspace.take(records.slice(0, 1), context);
  await workspace.take(records.slice(2), context);
  expect([...workspace.fold.catalog.metrics.keys()]).toEqual(['sales', 'orders', 'visits']);
});
