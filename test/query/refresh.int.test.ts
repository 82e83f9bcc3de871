import type { Document } from '@paceline/domain';
import type { Store } from '@paceline/store';
import { temporaryStore } from '@paceline/store/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Answered, openWorld, type World } from './world.ts';

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
    metadata: { name: 'daily' },
    spec: {
      metric: 'sales',
      direction: 'higher',
      period: { each: 'day' },
      targets: [{ effectiveFrom: '2026-01-01', value: '10' }],
    },
  },
];

/** Counts the questions that the engine is asked. */
function counted(store: Store): { readonly store: Store; asked(): number } {
  let count = 0;
  const asks = new Set<string | symbol>(['read', 'bytes', 'query', 'stream', 'streamBytes']);
  return {
    store: new Proxy(store, {
      get(target, name) {
        const value: unknown = Reflect.get(target, name);
        if (typeof value !== 'function') return value;
        return (...args: readonly unknown[]): unknown => {
          if (asks.has(name)) count += 1;
          return Reflect.apply(value, target, args);
        };
      },
    }),
    asked: () => count,
  };
}

let world: World | undefined;
let told: World;
let asked: World;
let engine: ReturnType<typeof counted>;
let stopStore: () => Promise<void>;

async function begin(refresh: Parameters<typeof openWorld>[1]['refresh']): Promise<World> {
  const options = { now: '2026-11-02T08:00:00Z', definitions: DEFINITIONS };
  const made = await openWorld(engine.store, refresh === undefined ? options : { ...options, refresh });
  return made;
}

beforeAll(async () => {
  const temporary = await temporaryStore({ inserted: (table, rows) => world?.query.written(table, rows) });
  stopStore = temporary.stop;
  engine = counted(temporary.store);
  told = await begin('told');
  world = told;
  asked = await begin({ everyMs: 50 });
  for (const each of [told, asked]) {
    await each.log.state('sales', { '2026-10-30': '4', '2026-10-31': '9', '2026-11-01': '12' });
    await each.settle();
  }
});
afterAll(async () => {
  await told?.stop();
  await asked?.stop();
  await stopStore();
});

/** The answer, and how often the engine was asked for it. */
async function ask(of: World, path: string, headers: Readonly<Record<string, string>> = {}) {
  const before = engine.asked();
  const answer: Answered = await of.get(path, headers);
  return { ...answer, asked: engine.asked() - before };
}

const PATHS = [
  '/v1/trend?metric=sales',
  '/v1/trend?subject=kpi/daily',
  '/v1/status',
  '/v1/status/kpi/daily',
  '/v1/tree',
  '/v1/explain/kpi/daily',
];

describe('where the writer tells of what it wrote', () => {
  it.each(PATHS)('%s is known to be unchanged without the engine', async (path) => {
    const first = await ask(told, path);
    expect(first.status).toBe(200);
    const again = await ask(told, path, { 'if-none-match': String(first.headers.etag) });
    expect([again.status, again.asked]).toEqual([304, 0]);
  });

  it('the status and a trend are answered from memory, and another range by one question', async () => {
    for (const path of ['/v1/status', '/v1/status?kind=kpi', '/v1/trend?metric=sales']) {
      await ask(told, path);
      expect([path, (await ask(told, path)).asked]).toEqual([path, 0]);
    }
    const path = (from: string) => `/v1/trend?metric=sales&from=${from}&to=2026-11-02`;
    expect((await ask(told, path('2026-10-20'))).asked).toBe(1);
    expect((await ask(told, path('2026-10-31'))).asked).toBe(0);
    await told.log.define([{ ...DEFINITIONS[0]!, metadata: { name: 'elsewhere' } }]);
    for (const name of ['sales', 'elsewhere']) {
      await told.log.state(name, { '2026-10-31': '8' });
      await told.settle();
      await ask(told, path('2026-10-20'));
    }
    await told.log.state('elsewhere', { '2026-10-31': '7' });
    await told.settle();
    expect((await ask(told, path('2026-10-20'))).asked).toBe(0);
    await told.log.state('sales', { '2026-10-31': '9' });
    await told.settle();
    const news = await ask(told, path('2026-10-20'));
    expect([news.asked, news.body.data.at(-2).value]).toEqual([1, '9']);
  });

  it('a trend that is carried on by news is the one that is read anew', async () => {
    const news: readonly [Readonly<Record<string, string | null>>, string?][] = [
      [{ '2026-10-31': '5', '2026-10-30': null }],
      [{ '2026-11-02': '1' }],
      [{ '2026-11-02': null }],
      [{ '2026-10-25': '3' }, 'source/other'],
      [{ '2026-10-20': '2', '2026-10-25': null }, 'source/other'],
      [{ '2026-10-30': '6', '2026-11-01': '12' }],
    ];
    const paths = [
      '/v1/trend?metric=sales&from=2026-10-10&to=2026-11-04',
      '/v1/trend?metric=sales&from=2026-10-28&to=2026-11-02',
      '/v1/trend?metric=sales',
    ];
    for (const [values, feeder] of news) {
      for (const path of paths) await told.get(path);
      await told.log.state('sales', values, feeder);
      await told.settle();
      const carried = [];
      for (const path of paths) carried.push((await told.get(path)).text);
      told.query.moved(told.log.workspace);
      for (const [index, path] of paths.entries()) expect(carried[index]).toBe((await told.get(path)).text);
    }
    await told.log.state('sales', { '2026-11-01': null });
    await told.settle();
    expect((await told.get(paths[0]!)).body.data.at(22)).toMatchObject({ bucket: '2026-11-01', final: false });
    await told.log.append({ type: 'covered', metric: 'sales', feeder: 'push', to: Date.UTC(2026, 10, 2) });
    await told.settle();
    const stated = await told.get(paths[0]!);
    expect(stated.body.data.at(22)).toMatchObject({ bucket: '2026-11-01', final: true });
    told.query.moved(told.log.workspace);
    expect(stated.text).toBe((await told.get(paths[0]!)).text);
    await told.log.state('sales', { '2026-11-01': '12' });
    await told.settle();
  });

  it('what was written is in the very next answer', async () => {
    const before = await ask(told, '/v1/status/kpi/daily');
    expect(before.body.data.value).toBe('12');
    await told.log.state('sales', { '2026-11-01': '13' });
    await told.settle();
    const after = await ask(told, '/v1/status/kpi/daily', { 'if-none-match': String(before.headers.etag) });
    expect([after.status, after.body.data.value]).toEqual([200, '13']);
    const trend = await ask(told, '/v1/trend?metric=sales');
    expect(trend.body.data.at(-1)).toMatchObject({ bucket: '2026-11-01', value: '13' });
  });

  it('definitions are in the next answer, too', async () => {
    await told.log.define([
      {
        apiVersion: 'paceline/v1',
        kind: 'Metric',
        metadata: { name: 'visits' },
        spec: { aggregation: 'sum', grain: 'day' },
      },
    ]);
    await told.settle();
    expect((await ask(told, '/v1/trend?metric=visits')).status).toBe(200);
    expect((await ask(told, '/v1/trend?metric=visitz')).body.code).toBe('unknown_metric');
  });
});

it.each(PATHS)('%s is read anew where the tables were exchanged, though they are as far', async (path) => {
  const first = await ask(told, path);
  told.query.moved(told.log.workspace);
  const again = await ask(told, path, { 'if-none-match': String(first.headers.etag) });
  // The tag of a status is of what it says, that of the others of where it stands.
  expect([again.status, again.asked > 0]).toEqual([/status|tree/.test(path) ? 304 : 200, true]);
});

describe('where the engine is asked in the background', () => {
  it('a reader that comes back does not wait for it, and sees what was written soon', async () => {
    const first = await ask(asked, '/v1/trend?metric=sales');
    const again = await asked.get('/v1/trend?metric=sales', { 'if-none-match': String(first.headers.etag) });
    expect(again.status).toBe(304);
    await asked.log.state('sales', { '2026-11-01': '14' });
    await asked.settle();
    const latest = async () => (await asked.get('/v1/trend?metric=sales')).body.data.at(-1).value;
    await expect.poll(latest, { timeout: 5_000 }).toBe('14');
  });

  it('a reader that names a position waits until it is there', async () => {
    await asked.get('/v1/status');
    const position = await asked.log.state('sales', { '2026-11-01': '15' });
    const at = `${Math.floor(position / 1024)}:0`;
    const { body } = await asked.get(`/v1/trend?metric=sales&min_position=${at}`);
    expect(body.data.at(-1).value).toBe('15');
  });
});
