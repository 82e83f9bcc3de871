import type { Document, KpiDocument } from '@paceline/domain';
import type { Store } from '@paceline/store';
import { temporaryStore } from '@paceline/store/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openWorld, type World } from './world.ts';

function daily(name: string, target: string): KpiDocument {
  return {
    apiVersion: 'paceline/v1',
    kind: 'Kpi',
    metadata: { name },
    spec: {
      metric: 'sales',
      direction: 'higher',
      period: { each: 'day' },
      targets: [{ effectiveFrom: '2026-01-01', value: target }],
    },
  };
}

const DEFINITIONS: readonly Document[] = [
  {
    apiVersion: 'paceline/v1',
    kind: 'Metric',
    metadata: { name: 'sales' },
    spec: { aggregation: 'sum', grain: 'day' },
  },
  daily('daily', '10'),
  daily('other', '1'),
];

let store: Store;
let stopStore: () => Promise<void>;
let world: World;
let before: unknown;

beforeAll(async () => {
  ({ store, stop: stopStore } = await temporaryStore());
  world = await openWorld(store, { now: '2026-11-01T00:00:00Z', definitions: DEFINITIONS });
  for (const [day, value] of [5, 15, 25, 12, 30].entries()) {
    world.log.at(`2026-11-0${day + 2}T06:00:00Z`);
    await world.log.state('sales', { [`2026-11-0${day + 1}`]: String(value) });
    await world.tick();
  }
  before = (await world.get('/v1/status')).headers.etag;
});
afterAll(async () => {
  await world?.stop();
  await stopStore();
});

const ask = (documents: readonly unknown[], query = '', prune = false) =>
  world.post(`/v1/what-if${query}`, { documents, prune });

describe('other definitions over the same history', () => {
  it('would have said otherwise on some days, and nothing is changed', async () => {
    const { status, body } = await ask([daily('daily', '20')]);
    expect(status).toBe(200);
    expect(body.data).toMatchObject([
      { subject: 'kpi/daily', now: { before: 'on_track', after: 'on_track' }, judged: 6, changed: 2 },
    ]);
    expect(body.data[0].flips).toEqual([
      { asOf: '2026-11-03T00:00:00Z', before: 'on_track', after: 'at_risk' },
      { asOf: '2026-11-05T00:00:00Z', before: 'on_track', after: 'off_track' },
    ]);
    expect((await world.get('/v1/status')).headers.etag).toBe(before);
  });

  it('look back as far as asked, and show what stays when asked', async () => {
    const late = await ask([daily('daily', '20')], '?from=2026-11-04');
    expect(late.body.data[0]).toMatchObject({ judged: 3, changed: 1 });
    const all = await ask([daily('daily', '20')], '?all=true');
    expect(all.body.data.map(({ subject }: { subject: string }) => subject)).toEqual(['kpi/daily', 'kpi/other']);
    expect((await ask([daily('daily', '10')])).body.data).toEqual([]);
  });

  it('may be of subjects that are new, or gone', async () => {
    const added = await ask([daily('fresh', '100')]);
    expect(added.body.data).toMatchObject([
      { subject: 'kpi/fresh', now: { before: null, after: 'off_track' }, judged: 0 },
    ]);
    const gone = await ask([DEFINITIONS[0], daily('daily', '10')], '', true);
    expect(gone.body.data).toMatchObject([
      { subject: 'kpi/other', now: { before: 'on_track', after: null }, changed: 6 },
    ]);
  });

  it('are refused when they are wrong', async () => {
    const wrong = await ask([{ ...daily('daily', '20'), spec: { metric: 'nothing' } }]);
    expect([wrong.status, wrong.body.code]).toEqual([422, 'invalid_definitions']);
    expect((await ask([], '?from=yesterday')).body.code).toBe('invalid_time');
  });
});
