import type { AlertRuleDocument, Document } from '@paceline/domain';
import type { Store } from '@paceline/store';
import { temporaryStore } from '@paceline/store/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openWorld, type World } from './world.ts';

const rule = (spec: Partial<AlertRuleDocument['spec']> = {}): AlertRuleDocument => ({
  apiVersion: 'paceline/v1',
  kind: 'AlertRule',
  metadata: { name: 'behind' },
  spec: { watch: ['kpi/*'], when: 'off_track', for: 1, recover: 1, severity: 'page', ...spec },
});

const DEFINITIONS: readonly Document[] = [
  {
    apiVersion: 'paceline/v1',
    kind: 'Metric',
    metadata: { name: 'sales' },
    spec: { aggregation: 'sum', grain: 'day' },
  },
  {
    apiVersion: 'paceline/v1',
    kind: 'Kpi',
    metadata: { name: 'week' },
    spec: {
      metric: 'sales',
      direction: 'higher',
      period: { toDate: 'week' },
      targets: [{ effectiveFrom: '2026-01-01', value: '70' }],
      policy: 'viva',
    },
  },
];

/** A week that falls behind and catches up, one that falls behind and is missed, and one that is missed on its last day. */
const WEEKS = [
  [10, 0, 0, 0, 0, 30, 35],
  [10, 10, 0, 0, 0, 5, 5],
  [10, 10, 10, 10, 10, 10, 5],
];

let store: Store;
let stopStore: () => Promise<void>;
let world: World;

beforeAll(async () => {
  ({ store, stop: stopStore } = await temporaryStore());
  world = await openWorld(store, { now: '2026-11-01T00:00:00Z', definitions: DEFINITIONS });
  for (const [index, value] of WEEKS.flat().entries()) {
    const at = Date.UTC(2026, 10, 2 + index);
    const label = new Date(at).toISOString().slice(0, 10);
    world.log.at(new Date(at + 30 * 3_600_000).toISOString());
    await world.log.state('sales', { [label]: String(value) });
    await world.tick();
  }
});
afterAll(async () => {
  await world?.stop();
  await stopStore();
});

const ask = async (asked: unknown, query = '') => (await world.post(`/v1/backtest${query}`, { rule: asked })).body;

describe('a rule over the history', () => {
  it('would have been wrong once, right once and silent once, so long before the end', async () => {
    const { data } = await ask(rule());
    const short = data.alerts.map((each: Record<string, string>) => [
      each.period,
      each.opened?.slice(0, 10),
      each.end,
      each.outcome,
    ]);
    expect(short).toEqual([
      ['2026-W45', '2026-11-05', 'closed', 'achieved'],
      ['2026-W46', '2026-11-13', 'closed', 'missed'],
      // What opens with the close comes too late to be right.
      ['2026-W47', '2026-11-23', null, 'missed'],
    ]);
    expect(data).toMatchObject({ rule: 'behind', subjects: 1, right: 1, wrong: 1, silent: 1 });
    expect(data.leadDaysMedian).toBe(3);
  });

  it('is quieter when it waits longer, and looks back as far as asked', async () => {
    expect((await ask(rule({ for: 4 }))).data).toMatchObject({ right: 0, wrong: 1, silent: 2, leadDaysMedian: null });
    expect((await ask(rule(), '?from=2026-11-09')).data).toMatchObject({ right: 1, wrong: 0, silent: 1 });
    expect((await ask(rule({ watch: ['kpi/other'] }))).data).toMatchObject({ subjects: 0, judged: 0, perYear: 0 });
  });

  it('is named when it is applied, and refused when it is none', async () => {
    expect((await ask('behind')).code).toBe('unknown_reference');
    expect((await ask(DEFINITIONS[0])).code).toBe('invalid_definitions');
    await world.log.define([rule()]);
    await world.settle();
    expect((await ask('behind')).data.alerts).toHaveLength(3);
  });
});
