import { startClickHouse } from '@paceline/local-servers/clickhouse';
import { openStore, type Store } from '@paceline/store';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { HOSTILE } from './hostile-corpus.ts';
import { openWorld, type World } from './world.ts';

let engine: Awaited<ReturnType<typeof startClickHouse>>;
let store: Store;
let world: World;
beforeAll(async () => {
  engine = await startClickHouse();
  const { url, user, password } = engine;
  store = openStore({ url, user, password });
  await store.migrate();
  world = await openWorld(
    { rows: 10_000, bytes: 8 * 1024 ** 2, queryMs: 6_000, memoryBytes: 256 * 1024 ** 2 },
    { store, stop: () => store.close() },
  );
});
afterAll(async () => {
  await world?.stop();
  await engine?.stop();
});

interface Answered {
  readonly code: number;
  readonly text: string;
}

async function ask(sql: string, url: Readonly<Record<string, string>> = {}, key = 'key-of-acme'): Promise<Answered> {
  const response = await fetch(`${world.url}/?${new URLSearchParams(url)}`, {
    method: 'POST',
    body: sql,
    headers: { 'x-clickhouse-user': 'bi', 'x-clickhouse-key': key },
  });
  return { code: Number(response.headers.get('x-clickhouse-exception-code')), text: await response.text() };
}

it('answers with the rows of the key’s workspace from a server elsewhere', async () => {
  expect((await ask('SELECT name, target FROM kpi_status')).text).toBe('sales\t3000\n');
  expect((await ask('SELECT count() > 10 FROM metric_revenue')).text).toBe('1\n');
  expect((await ask('SELECT DISTINCT workspace FROM bi.status_history', {}, 'key-of-rival')).text).toBe('rival\n');
  expect((await ask('SELECT {n:UInt8} + 1', { param_n: '41' })).text).toBe('42\n');
  expect((await ask('SELECT 1', {}, 'no key')).code).toBe(516);
});

it('holds the limits of the guest there', async () => {
  expect((await ask('SELECT number FROM numbers(1000000)')).code).toBe(396);
  expect((await ask("SELECT groupArray(repeat('x', 100000)) FROM numbers(1000000)")).code).toBe(241);
});

/** The gates are the same as before the engine in this process, where all of them are tried; here some of every kind are. */
const SOME = HOSTILE.filter((_, at) => at % 5 === 0);

it('lets none of the hostile statements through', async () => {
  const through: string[] = [];
  for (const { why, sql, url } of SOME) {
    const { code, text } = await ask(sql, url);
    if (code === 0 || !text.startsWith(`Code: ${code}. DB::Exception: `)) through.push(`${why}: ${text.slice(0, 200)}`);
  }
  expect(through).toEqual([]);
  expect((await ask('SELECT count() > 0 FROM bi.kpi_trend')).text).toBe('1\n');
}, 180_000);
