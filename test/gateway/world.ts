import type { Document } from '@paceline/domain';
import type { Processor } from '@paceline/processor';
import { TestLog, testProcessor } from '@paceline/processor/testing/log';
import { createGateway, type Gateway, type GatewayLimits } from '@paceline/query/gateway/index';
import { createMetrics, silentLogger, systemClock } from '@paceline/runtime';
import type { Store } from '@paceline/store';
import { temporaryStore } from '@paceline/store/testing';

export const EDITION = 1;
/** Whoever has this key sees the rows of that workspace. */
export const KEYS: Readonly<Record<string, string>> = { 'key-of-acme': 'acme', 'key-of-rival': 'rival' };

/** Two workspaces in one engine, judged, and the gateway before it. */
export interface World {
  readonly store: Store;
  readonly gateway: Gateway;
  readonly url: string;
  stop(): Promise<void>;
}

const REGION = ['emea', 'us'] as const;

function definitions(metric: string): readonly Document[] {
  return [
    {
      apiVersion: 'paceline/v1',
      kind: 'Metric',
      metadata: { name: metric, title: "Revenue {net:String} '24", owner: 'finance' },
      spec: { aggregation: 'sum', grain: 'day', timezone: 'Europe/Berlin', dimensions: ['region'], unit: 'EUR' },
    },
    {
      apiVersion: 'paceline/v1',
      kind: 'Metric',
      metadata: { name: 'latency' },
      spec: { aggregation: 'p95', points: 'time', grain: 'hour' },
    },
    {
      apiVersion: 'paceline/v1',
      kind: 'Kpi',
      metadata: { name: 'sales', title: 'Sales', owner: 'ada' },
      spec: {
        metric,
        direction: 'higher',
        period: { toDate: 'month' },
        targets: [{ effectiveFrom: '2026-01-01', value: '3000' }],
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
      metadata: { name: 'grow', title: 'Grow', owner: 'eve' },
      spec: {
        cycle: 'q4',
        keyResults: [{ name: 'sell', title: 'Sell more', metric, type: 'reach', baseline: '0', target: '9000' }],
      },
    },
    {
      apiVersion: 'paceline/v1',
      kind: 'AlertRule',
      metadata: { name: 'behind' },
      spec: { watch: ['kpi/sales'], when: 'at_risk', severity: 'warn' },
    },
  ];
}

async function fill(workspace: string, metric: string, store: Store): Promise<{ processor: Processor; log: TestLog }> {
  const log = new TestLog(workspace, '2026-11-01T00:00:00Z');
  await log.define(definitions(metric));
  const processor = testProcessor(log.log, store);
  await processor.start();
  for (let day = 1; day <= 20; day++) {
    const label = `2026-11-${String(day).padStart(2, '0')}`;
    log.at(`2026-11-${String(day + 1).padStart(2, '0')}T03:00:00Z`);
    await log.append({
      type: 'observations',
      metric,
      feeder: 'push',
      points: REGION.map((region, index) => ({
        period: label,
        value: `${day * (index + 1)}.123456789`,
        dimensions: { region },
      })),
    });
    await log.append({
      type: 'observations',
      metric: 'latency',
      feeder: 'push',
      points: [1, 2, 3].map((value) => ({ time: `${label}T0${value}:15:00Z`, value: `${value}.5` })),
    });
    if (day % 5 === 0) await processor.tick(workspace);
  }
  await processor.settle(workspace, ((await log.log.end(log.topic)) - 1) * 1024);
  return { processor, log };
}

/** Over the engine in this process, or a store that the test opened elsewhere. */
export async function openWorld(
  limits: Partial<GatewayLimits> = {},
  elsewhere?: { readonly store: Store; stop(): Promise<void> },
): Promise<World> {
  const temporary = elsewhere ?? (await temporaryStore());
  const { store } = temporary;
  const acme = await fill('acme', 'revenue', store);
  const rival = await fill('rival', 'secret-sales', store);
  const gateway = createGateway({
    store,
    clock: systemClock,
    logger: silentLogger,
    metrics: createMetrics({ defaults: false }),
    edition: EDITION,
    host: '127.0.0.1',
    port: 0,
    limits: { rows: 100_000, bytes: 64 * 1024 ** 2, queryMs: 20_000, memoryBytes: 1024 ** 3, ...limits },
    authenticate: async (_user, key) => (KEYS[key] === undefined ? null : { workspace: KEYS[key] }),
    isKeyless: () => false,
  });
  await gateway.start();
  return {
    store,
    gateway,
    url: gateway.url,
    async stop() {
      await gateway.stop();
      await acme.processor.stop();
      await rival.processor.stop();
      await temporary.stop();
    },
  };
}
