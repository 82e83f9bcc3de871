import type { Document } from '@paceline/domain';
import type { Store } from '@paceline/store';
import { temporaryStore } from '@paceline/store/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openWorld, type World } from './world.ts';

const DEFINITIONS: readonly Document[] = [
  {
    apiVersion: 'paceline/v1',
    kind: 'Metric',
    metadata: { name: 'sales', title: 'Sales', owner: 'finance' },
    spec: { aggregation: 'sum', grain: 'day', dimensions: ['region'], unit: 'EUR' },
  },
  {
    apiVersion: 'paceline/v1',
    kind: 'Metric',
    metadata: { name: 'share' },
    spec: { derived: 'sales / sales', grain: 'day' },
  },
  { apiVersion: 'paceline/v1', kind: 'Unit', metadata: { name: 'company' }, spec: { type: 'company' } },
  { apiVersion: 'paceline/v1', kind: 'Unit', metadata: { name: 'shop' }, spec: { type: 'team', parent: 'company' } },
  {
    apiVersion: 'paceline/v1',
    kind: 'Kpi',
    metadata: { name: 'sales-day', title: '=1+1 & <b>', owner: 'ada' },
    spec: {
      unit: 'shop',
      metric: 'sales',
      direction: 'higher',
      period: { each: 'day' },
      targets: [{ effectiveFrom: '2026-01-01', value: '10' }],
    },
  },
  {
    apiVersion: 'paceline/v1',
    kind: 'Kpi',
    metadata: { name: 'loose' },
    spec: {
      metric: 'sales',
      direction: 'higher',
      period: { toDate: 'month' },
      targets: [{ effectiveFrom: '2026-01-01', value: '300' }],
    },
  },
  {
    apiVersion: 'paceline/v1',
    kind: 'Cycle',
    metadata: { name: 'q4' },
    spec: { firstDay: '2026-10-01', lastDay: '2026-12-31', timezone: 'UTC' },
  },
  {
    apiVersion: 'paceline/v1',
    kind: 'Cycle',
    metadata: { name: 'q3' },
    spec: { firstDay: '2026-07-01', lastDay: '2026-09-30', timezone: 'UTC' },
  },
  {
    apiVersion: 'paceline/v1',
    kind: 'Objective',
    metadata: { name: 'top', title: 'Grow' },
    spec: { unit: 'company', cycle: 'q4', rollup: 'min', keyResults: [{ name: 'done', type: 'done' }] },
  },
  {
    apiVersion: 'paceline/v1',
    kind: 'Objective',
    metadata: { name: 'below', owner: 'eve' },
    spec: {
      unit: 'shop',
      cycle: 'q4',
      parent: 'top',
      weight: 3,
      ambition: 'aspirational',
      keyResults: [{ name: 'sell', metric: 'sales', type: 'reach', baseline: '0', target: '1000', weight: 2 }],
    },
  },
  {
    apiVersion: 'paceline/v1',
    kind: 'AlertRule',
    metadata: { name: 'weak' },
    spec: { watch: ['kpi/sales-day'], when: 'off_track', for: 1, recover: 1, severity: 'page' },
  },
  {
    apiVersion: 'paceline/v1',
    kind: 'AlertRule',
    metadata: { name: 'slow' },
    spec: { watch: ['kpi/sales-day'], when: 'off_track', for: 1, recover: 2, severity: 'warn' },
  },
];

let store: Store;
let stopStore: () => Promise<void>;
let world: World;

const emea = { region: 'emea' };

beforeAll(async () => {
  ({ store, stop: stopStore } = await temporaryStore());
  world = await openWorld(store, { now: '2026-11-01T08:00:00Z', definitions: DEFINITIONS });
  const { log } = world;
  const day = async (now: string, period: string, value: string | null, dimensions = emea) => {
    log.at(now);
    await log.append({
      type: 'observations',
      metric: 'sales',
      feeder: 'push',
      points: [{ period, value, dimensions }],
    });
  };
  await day('2026-11-02T00:10:00Z', '2026-11-01', '12');
  await world.tick();
  await day('2026-11-03T00:10:00Z', '2026-11-02', '1');
  await world.tick();
  await day('2026-11-04T00:10:00Z', '2026-11-03', '15');
  await world.tick();
  await day('2026-11-05T00:10:00Z', '2026-11-04', '2');
  await world.tick();
  await day('2026-11-05T09:00:00Z', '2026-11-03', '16');
  await day('2026-11-05T09:10:00Z', '2026-11-01', null);
  await day('2026-11-05T09:20:00Z', '2026-11-04', '3', { region: 'apac' });
  await log.log.append(log.topic, [
    { key: null, value: new TextEncoder().encode('not json'), headers: { ce_type: 'paceline.observations.v1' } },
  ]);
  await world.settle();
});
afterAll(async () => {
  await world?.stop();
  await stopStore();
});

describe('statements', () => {
  it('tell where a number comes from, and which of them stands', async () => {
    const { body } = await world.get('/v1/observations?metric=sales');
    const short = body.data.map((row: Record<string, unknown>) => [row.period, row.value, row.standing, row.retracts]);
    expect(short).toEqual([
      ['2026-11-04', '3', true, false],
      ['2026-11-01', null, true, true],
      ['2026-11-03', '16', true, false],
      ['2026-11-04', '2', true, false],
      ['2026-11-03', '15', false, false],
      ['2026-11-02', '1', true, false],
      ['2026-11-01', '12', false, false],
    ]);
    expect(body.data[0]).toMatchObject({ source: 'push', dimensions: { region: 'apac' }, time: null, id: null });
  });

  it('come by pages that hold still', async () => {
    const first = await world.get('/v1/observations?metric=sales&limit=3&where.region=emea');
    expect(first.body.meta.truncated).toBe(true);
    const second = await world.get(first.body.links.next);
    expect(second.body.data.map(({ period }: { period: string }) => period)).toEqual([
      '2026-11-03',
      '2026-11-02',
      '2026-11-01',
    ]);
    expect(second.body.links).toEqual({});
  });

  it('refuse a cursor of another question, or one that was touched', async () => {
    const { body } = await world.get('/v1/observations?metric=sales&limit=3');
    const cursor = new URL(body.links.next, 'http://x').searchParams.get('cursor') ?? '';
    for (const query of [`metric=sales&where.region=emea&cursor=${cursor}`, `metric=sales&cursor=${cursor}x`]) {
      const refused = await world.get(`/v1/observations?${query}`);
      expect([refused.status, refused.body.code]).toEqual([400, 'invalid_cursor']);
    }
  });

  it('are narrowed by period, time and what was known', async () => {
    const values = async (query: string) =>
      (await world.get(`/v1/observations?metric=sales&${query}`)).body.data.map(
        ({ value }: { value: string }) => value,
      );
    expect(await values('period=2026-11-03')).toEqual(['16', '15']);
    expect(await values('from=2026-11-02&to=2026-11-04')).toEqual(['16', '15', '1']);
    expect(await values('known_at=2026-11-03T01:00:00Z')).toEqual(['1', '12']);
    expect(await values('as_of=2026-11-02T12:00:00Z')).toEqual([null, '1', '12']);
  });

  it('are not asked of a formula', async () => {
    const { status, body } = await world.get('/v1/observations?metric=share');
    expect([status, body.code]).toEqual([400, 'invalid_request']);
    expect(body.detail).toContain('ask sales');
  });

  it('can be taken as CSV with a column a dimension', async () => {
    const { text } = await world.get('/v1/observations?metric=sales&limit=1&format=csv');
    expect(text.split('\r\n')[0]).toMatch(/^position,.*,standing,region$/);
  });
});

describe('the tree', () => {
  it('nests units, objectives, key results and KPIs, with rules, weights and owners', async () => {
    const { body } = await world.get('/v1/tree');
    expect(body.data.cycle.name).toBe('q4');
    expect(body.meta.cycles.map(({ name }: { name: string }) => name)).toEqual(['q3', 'q4']);
    const [company] = body.data.units;
    expect(company).toMatchObject({ name: 'company', subject: 'unit/company@q4', type: 'company' });
    const [top] = company.objectives;
    expect(top).toMatchObject({
      subject: 'objective/top',
      title: 'Grow',
      rollup: { rule: 'min', minCoverage: 0.5 },
      members: [
        { subject: 'key_result/top/done', weight: 1 },
        { subject: 'objective/below', weight: 3 },
      ],
      objectives: [],
    });
    const [shop] = company.units;
    expect(shop.objectives[0]).toMatchObject({
      subject: 'objective/below',
      ambition: 'aspirational',
      owner: 'eve',
      keyResults: [{ subject: 'key_result/below/sell', weight: 2, metric: 'sales', owner: 'eve' }],
    });
    expect(shop.objectives[0].keyResults[0].evaluation).toMatchObject({ value: '22', target: '1000' });
    expect(shop.kpis).toMatchObject([{ subject: 'kpi/sales-day', direction: 'higher', unit: 'shop' }]);
    expect(body.data.kpis).toMatchObject([{ subject: 'kpi/loose', evaluation: { verdict: 'off_track' } }]);
  });

  it('shows another cycle when asked, and as of another time', async () => {
    const earlier = await world.get('/v1/tree?cycle=q3');
    expect(earlier.body.data.units[0]).toMatchObject({ name: 'company', subject: null, objectives: [] });
    const then = await world.get('/v1/tree?as_of=2026-11-03T00:30:00Z');
    expect(then.body.data.units[0].units[0].kpis[0].evaluation).toMatchObject({ value: '1', verdict: 'off_track' });
    expect((await world.get('/v1/tree?cycle=q5')).body).toMatchObject({ code: 'unknown_reference' });
  });
});

describe('alerts', () => {
  it('are listed by episode, open ones by default', async () => {
    const open = await world.get('/v1/alerts?rule=weak');
    expect(open.body.data).toMatchObject([
      {
        rule: 'weak',
        subject: 'kpi/sales-day',
        state: 'firing',
        outcome: null,
        severity: 'page',
        openedAt: '2026-11-05T00:00:00Z',
        suppression: null,
        verdict: 'off_track',
      },
    ]);
    const all = await world.get('/v1/alerts?state=all&rule=weak');
    expect(all.body.data.map(({ state, outcome }: { state: string; outcome: string }) => [state, outcome])).toEqual([
      ['firing', null],
      ['closed', 'recovered'],
    ]);
    expect((await world.get('/v1/alerts?subject=kpi/loose')).body.data).toEqual([]);
    expect((await world.get('/v1/alerts?rule=weak&state=all')).body.data).toHaveLength(2);
    const then = await world.get('/v1/alerts?rule=weak&as_of=2026-11-03T12:00:00Z');
    expect(then.body.data).toMatchObject([{ openedAt: '2026-11-03T00:00:00Z', state: 'firing' }]);
  });

  it('are recovering while they are good for fewer points than the rule asks', async () => {
    const state = async (asOf: string): Promise<string[]> => {
      const { body } = await world.get(`/v1/alerts?rule=slow${asOf}`);
      return body.data.map((row: { state: string; openedAt: string }) => `${row.state} ${row.openedAt.slice(0, 10)}`);
    };
    expect(await state('&as_of=2026-11-03T12:00:00Z')).toEqual(['firing 2026-11-03']);
    expect(await state('&as_of=2026-11-04T12:00:00Z')).toEqual(['recovering 2026-11-03']);
    expect(await state('')).toEqual(['firing 2026-11-03']);
  });

  it('say who keeps them quiet', async () => {
    const { body } = await world.get('/v1/alerts?rule=weak');
    const alert: string = body.data[0].id;
    await world.log.append({ type: 'acknowledgement', alert, actor: 'ada', note: 'known' });
    await world.settle();
    expect((await world.get('/v1/alerts?rule=weak')).body.data[0].suppression).toBe('acknowledged by ada: known');
    await world.log.append({ type: 'snooze', alert, until: Date.parse('2126-01-01T00:00:00Z') });
    await world.settle();
    const snoozed = await world.get('/v1/alerts?rule=weak');
    expect(snoozed.body.data[0].suppression).toBe('snoozed until 2126-01-01T00:00:00Z');
    expect(snoozed.body.meta.suppression).toBe('known');
  });
});

describe('explanations', () => {
  it('list what was read, computed and compared', async () => {
    const { body } = await world.get('/v1/explain/key_result/below/sell');
    expect(body.data).toMatchObject({
      evaluation: { subject: 'key_result/below/sell', value: '22' },
      policy: { label: 'paceline@1', kind: 'ratio' },
      calendar: { timezone: 'UTC', from: '2026-10-01T00:00:00Z' },
      windows: [{ what: 'value', metric: 'sales', value: '22', count: 4 }],
    });
    expect(body.data.definitions.map(({ id }: { id: string }) => id)).toContain('objective/below');
    expect(body.data.lines.join('\n')).toContain('P = (v − b) / (t − b) = (22 − 0) / (1000 − 0) = 0.022');
    const objective = await world.get('/v1/explain/objective/top');
    expect(objective.body.data.members).toHaveLength(2);
  });

  it('are of subjects that exist', async () => {
    const { status, body } = await world.get('/v1/explain/kpi/sales-dy');
    expect([status, body.code]).toEqual([404, 'unknown_subject']);
    expect(body.detail).toContain('did you mean "kpi/sales-day"?');
  });
});

describe('the rest', () => {
  it('describes the metrics and what reads them', async () => {
    const { body } = await world.get('/v1/metrics');
    expect(body.data[0]).toMatchObject({
      name: 'sales',
      title: 'Sales',
      owner: 'finance',
      aggregation: 'sum',
      dimensions: ['region'],
      cumulative: true,
    });
    expect(body.data[0].subjects).toContain('objective/top');
    expect(body.data[1]).toMatchObject({ name: 'share', derived: 'sales / sales', aggregation: null });
  });

  it('shows dead letters, and one with its payload', async () => {
    const { body } = await world.get('/v1/dead-letters');
    expect(body.data).toHaveLength(1);
    const { position } = body.data[0];
    const letter = await world.get(`/v1/dead-letters/${encodeURIComponent(position)}`);
    expect(letter.body.data).toMatchObject({ position, payload: expect.stringContaining('not json') });
    expect((await world.get('/v1/dead-letters/9:9')).status).toBe(404);
    expect((await world.get('/v1/dead-letters/x')).body.code).toBe('invalid_position');
  });

  it('keeps everything that was ever said of a subject', async () => {
    const all = await world.get('/v1/judgements?subject=kpi/sales-day');
    const said = all.body.data.map(({ at, evaluation }: { at: string; evaluation: { value: string } }) => [
      at.slice(0, 10),
      evaluation.value,
    ]);
    expect(said).toEqual([
      ['2026-11-01', null],
      ['2026-11-02', '12'],
      ['2026-11-03', '1'],
      ['2026-11-04', '15'],
      ['2026-11-05', '2'],
    ]);
    const first = await world.get('/v1/judgements?subject=kpi/sales-day&limit=2');
    expect(first.body.meta.truncated).toBe(true);
    const rest = await world.get(first.body.links.next);
    expect(rest.body.data[0].at).toBe('2026-11-03T00:00:00Z');
  });

  it('is a page for people, without a script, safe against what is in titles', async () => {
    const { text, headers } = await world.get('/');
    expect(headers['content-type']).toContain('text/html');
    expect(text).not.toContain('<script');
    expect(text).toContain('=1+1 &amp; &lt;b&gt;');
    expect(text).toContain('<span aria-hidden="true">■</span> off track');
    expect(String(headers['content-security-policy'])).toContain("style-src 'self' https: 'unsafe-inline'");
  });
});
