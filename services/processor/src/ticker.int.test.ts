import type { Document } from '@paceline/domain';
import type { LogRecord } from '@paceline/log';
import { createMetrics, ManualClock, silentLogger } from '@paceline/runtime';
import type { Store } from '@paceline/store';
import { temporaryStore } from '@paceline/store/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createProcessor, type Processor } from './processor.ts';
import { TestLog } from './testing/log.ts';
import { factsOf } from './testing/oracle.ts';

let store: Store;
let stopStore: () => Promise<void>;
beforeAll(async () => {
  ({ store, stop: stopStore } = await temporaryStore());
});
afterAll(() => stopStore());

const DEFINITIONS: readonly Document[] = [
  {
    apiVersion: 'paceline/v1',
    kind: 'Metric',
    metadata: { name: 'sales' },
    spec: { aggregation: 'sum', grain: 'day', settle: 'PT5H30M15S' },
  },
  {
    apiVersion: 'paceline/v1',
    kind: 'Kpi',
    metadata: { name: 'sales' },
    spec: {
      metric: 'sales',
      direction: 'higher',
      period: { toDate: 'month' },
      targets: [{ effectiveFrom: '2026-01-01', value: '100' }],
    },
  },
];

/** A processor whose clock, like its log's, stands until it is moved. */
class Run {
  readonly log: TestLog;
  readonly clock: ManualClock;
  readonly processor: Processor;

  constructor(workspace: string, now: string) {
    this.log = new TestLog(workspace, now);
    this.clock = new ManualClock(Date.parse(now));
    Object.defineProperty(this.log, 'now', { get: () => this.clock.now() });
    this.processor = createProcessor({
      log: this.log.open(),
      store,
      clock: this.clock,
      logger: silentLogger,
      metrics: createMetrics({ defaults: false }),
      edition: 1,
    });
  }

  /** Moves the clock in small steps, giving the processor real time to do what became due. */
  async passTo(instant: string): Promise<void> {
    const end = Date.parse(instant);
    const stepMs = Math.max(100, (end - this.clock.now()) / 40);
    while (this.clock.now() < end) {
      await this.clock.advanceTo(Math.min(end, this.clock.now() + stepMs));
      await this.quiet();
    }
  }

  async quiet(): Promise<void> {
    for (let still = 0, seen = ''; still < 5; ) {
      await new Promise((resolve) => setTimeout(resolve, 5));
      const now = JSON.stringify(this.processor.health());
      const busy = (this.processor.health().behind?.records ?? 0) > 0;
      still = now === seen && !busy ? still + 1 : 0;
      seen = now;
    }
  }

  async ticks(): Promise<string[]> {
    const records: LogRecord[] = [];
    for await (const batch of this.log.log.read(this.log.topic, { from: 0 })) records.push(...batch);
    const ticks = factsOf(records).filter(({ fact }) => fact.type === 'tick');
    return ticks.map(({ recordedAt }) => new Date(recordedAt).toISOString().slice(0, 16));
  }
}

describe('ticks', () => {
  it('come when something is due, rounded up to the minute, and when something judged was touched', async () => {
    const run = new Run('ticking', '2026-11-10T08:00:00Z');
    await run.log.define(DEFINITIONS);
    await run.log.state('sales', { '2026-11-08': '5', '2026-11-09': '5' });
    await run.processor.start();
    await run.passTo('2026-11-10T08:01:00Z');
    expect(await run.ticks()).toEqual(['2026-11-10T08:00']);
    await run.log.state('sales', { '2026-11-10': '5' });
    await run.passTo('2026-11-11T05:30:00Z');
    expect(await run.ticks()).toHaveLength(1);
    await run.passTo('2026-11-11T05:33:00Z');
    expect(await run.ticks()).toEqual(['2026-11-10T08:00', '2026-11-11T05:31']);
    // The running day touches nothing that was judged.
    await run.log.state('sales', { '2026-11-11': '7' });
    await run.passTo('2026-11-11T06:00:00Z');
    expect(await run.ticks()).toHaveLength(2);
    await run.log.state('sales', { '2026-11-09': '6' });
    await run.passTo('2026-11-11T06:01:00Z');
    expect((await run.ticks()).slice(2)).toEqual(['2026-11-11T06:00']);
    await run.processor.stop();
  });

  it('after downtime are one, not one a missed grid point', async () => {
    const run = new Run('down', '2026-11-10T08:00:00Z');
    await run.log.define(DEFINITIONS);
    await run.log.append({ type: 'tick', edition: 1 });
    run.clock.set(Date.parse('2026-11-20T12:00:00Z'));
    await run.processor.start();
    await run.passTo('2026-11-20T12:01:00Z');
    expect(await run.ticks()).toEqual(['2026-11-10T08:00', '2026-11-20T12:00']);
    await run.processor.stop();
  });
});
