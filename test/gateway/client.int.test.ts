import { ClickHouseLogLevel, createClient } from '@clickhouse/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openWorld, type World } from './world.ts';

let world: World;
beforeAll(async () => {
  world = await openWorld();
});
afterAll(() => world.stop());

function client(options: { readonly key?: string; readonly compression?: boolean } = {}) {
  const on = options.compression ?? false;
  return createClient({
    url: world.url,
    username: 'bi',
    password: options.key ?? 'key-of-acme',
    database: 'bi',
    compression: { request: on, response: on },
    log: { level: ClickHouseLogLevel.OFF },
  });
}

async function rows<T>(query: string, params: Record<string, unknown> = {}, key?: string): Promise<T[]> {
  const own = client(key === undefined ? {} : { key });
  try {
    return await (await own.query({ query, query_params: params, format: 'JSONEachRow' })).json<T>();
  } finally {
    await own.close();
  }
}

it('answers ping, and queries with parameters, plain and compressed both ways', async () => {
  for (const compression of [false, true]) {
    const own = client({ compression });
    expect((await own.ping()).success).toBe(true);
    const name = 'it\'s "ü" 😀\t\\n';
    const answer = await own.query({
      query: 'SELECT {name:String} AS name, {list:Array(UInt8)} AS list /* a comment; with /* more */ */ -- and more',
      query_params: { name, list: [1, 2] },
      clickhouse_settings: { max_threads: 64, allow_ddl: 1 },
      format: 'JSONEachRow',
    });
    expect(await answer.json()).toEqual([{ name, list: [1, 2] }]);
    expect(answer.response_headers['x-clickhouse-format']).toBe('JSONEachRow');
    expect(answer.response_headers['x-clickhouse-query-id']).toBe(answer.query_id);
    await own.close();
  }
});

describe('the views', () => {
  it('are listed with their columns and comments', async () => {
    const tables = await rows<{ name: string }>('SHOW TABLES FROM bi');
    expect(tables.map(({ name }) => name)).toEqual([
      'alert_history',
      'definitions',
      'key_result_status',
      'kpi_status',
      'kpi_trend',
      'metric_latency',
      'metric_revenue',
      'metric_trend',
      'objective_status',
      'status_history',
    ]);
    const columns = await rows<{ name: string; type: string; comment: string }>('DESCRIBE TABLE bi.metric_revenue');
    expect(columns.map(({ name, type }) => `${name} ${type}`)).toEqual([
      'workspace LowCardinality(String)',
      'bucket String',
      "bucket_from DateTime64(6, 'UTC')",
      "bucket_to DateTime64(6, 'UTC')",
      'region String',
      'value Nullable(Decimal(38, 9))',
      'value_float Nullable(Float64)',
      'points UInt64',
      'numerator Nullable(Decimal(38, 9))',
      'numerator_float Nullable(Float64)',
      'denominator Nullable(Decimal(38, 9))',
      'denominator_float Nullable(Float64)',
      'ended Bool',
    ]);
    expect(columns.every(({ comment }) => comment.length > 3)).toBe(true);
  });

  it('hold the workspace’s rows with exact decimals', async () => {
    expect(
      await rows(
        "SELECT workspace, bucket, region, toString(value) AS value, points, ended FROM metric_revenue WHERE bucket = '2026-11-07' ORDER BY region",
      ),
    ).toEqual([
      {
        workspace: 'acme',
        bucket: '2026-11-07',
        region: 'emea',
        value: '7.123456789',
        points: '1',
        ended: expect.any(Boolean),
      },
      {
        workspace: 'acme',
        bucket: '2026-11-07',
        region: 'us',
        value: '14.123456789',
        points: '1',
        ended: expect.any(Boolean),
      },
    ]);
    expect(await rows('SELECT DISTINCT workspace FROM status_history')).toEqual([{ workspace: 'acme' }]);
    expect(await rows('SELECT DISTINCT workspace FROM status_history', {}, 'key-of-rival')).toEqual([
      { workspace: 'rival' },
    ]);
    expect(
      await rows(
        'SELECT kpi, bucket, verdict, final, toString(target) AS target FROM kpi_trend ORDER BY bucket DESC LIMIT 1',
      ),
    ).toEqual([
      { kpi: 'sales', bucket: '2026-11-20', verdict: expect.any(String), final: expect.any(Boolean), target: '3000' },
    ]);
    expect(await rows('SELECT title, owner, toString(target) AS target, freshness FROM kpi_status')).toEqual([
      { title: 'Sales', owner: 'ada', target: '3000', freshness: expect.any(String) },
    ]);
    expect(await rows('SELECT title, objective, cycle, verdict FROM key_result_status')).toEqual([
      { title: 'Sell more', objective: 'grow', cycle: 'q4', verdict: expect.any(String) },
    ]);
    expect(await rows('SELECT title, owner FROM objective_status')).toEqual([{ title: 'Grow', owner: 'eve' }]);
    expect(await rows("SELECT kind, rule, subject FROM alert_history WHERE kind = 'opened'")).toEqual([
      { kind: 'opened', rule: 'behind', subject: 'kpi/sales' },
    ]);
    expect(await rows("SELECT id, title, owner FROM definitions WHERE kind = 'metric' ORDER BY id")).toEqual([
      { id: 'metric/latency', title: 'latency', owner: '' },
      { id: 'metric/revenue', title: "Revenue {net:String} '24", owner: 'finance' },
    ]);
  });

  it('can be read whole, each in every column', async () => {
    for (const { name } of await rows<{ name: string }>('SHOW TABLES')) {
      const own = client();
      const answer = await own.query({ query: `SELECT * FROM bi.${name}`, format: 'JSON' });
      const json = await answer.json<Record<string, unknown>>();
      expect(json.data.length, name).toBeGreaterThan(0);
      expect(json.meta?.length, name).toBe(Object.keys(json.data[0] ?? {}).length);
      await own.close();
    }
  });
});

it('takes the format of the clause first, then of the header, then of default_format, else TSV', async () => {
  const ask = async (query: string, headers: Record<string, string> = {}, format = '') => {
    const params = new URLSearchParams({
      query,
      user: 'bi',
      password: 'key-of-acme',
      ...(format === '' ? {} : { default_format: format }),
    });
    const response = await fetch(`${world.url}/?${params}`, { headers });
    return [response.headers.get('x-clickhouse-format'), (await response.text()).trim()];
  };
  expect(await ask('SELECT 1 AS a')).toEqual(['TabSeparated', '1']);
  expect(await ask('SELECT 1 AS a', {}, 'CSVWithNames')).toEqual(['CSVWithNames', '"a"\n1']);
  expect(await ask('SELECT 1 AS a', { 'x-clickhouse-format': 'JSONEachRow' }, 'CSV')).toEqual([
    'JSONEachRow',
    '{"a":1}',
  ]);
  expect(await ask('SELECT 1 AS a FORMAT TSKV', { 'x-clickhouse-format': 'JSONEachRow' }, 'CSV')).toEqual([
    'TSKV',
    'a=1',
  ]);
});

it('says errors with ClickHouse’s codes and names', async () => {
  const own = client();
  await expect(own.query({ query: 'SELECT 1 FROM nowhere' })).rejects.toMatchObject({
    code: '60',
    type: 'UNKNOWN_TABLE',
  });
  await expect(own.query({ query: 'SELEC 1' })).rejects.toMatchObject({ code: '62', type: 'SYNTAX_ERROR' });
  await expect(own.query({ query: 'SELECT nothing FROM kpi_trend' })).rejects.toMatchObject({
    code: '47',
    type: 'UNKNOWN_IDENTIFIER',
  });
  await expect(own.query({ query: 'SELECT {a:UInt8}' })).rejects.toMatchObject({ code: '456' });
  await own.close();
  const stranger = client({ key: 'nobody' });
  await expect(stranger.query({ query: 'SELECT 1' })).rejects.toMatchObject({
    code: '516',
    type: 'AUTHENTICATION_FAILED',
  });
  await stranger.close();
});

it('pages, and lets a caller go who gives up', async () => {
  const page = (offset: number) =>
    rows<{ bucket: string }>(
      `SELECT bucket FROM metric_revenue WHERE region = 'us' ORDER BY bucket LIMIT 7 OFFSET ${offset}`,
    );
  const all = [...(await page(0)), ...(await page(7)), ...(await page(14))];
  expect(all.length).toBe(20);
  expect(new Set(all.map(({ bucket }) => bucket)).size).toBe(20);
  const own = client();
  const started = performance.now();
  const slow = own.query({
    query: 'SELECT sum(cityHash64(number)) FROM numbers(3000000000)',
    abort_signal: AbortSignal.timeout(300),
  });
  await expect(slow).rejects.toThrow(/abort/i);
  expect(performance.now() - started).toBeLessThan(3_000);
  expect(await rows('SELECT 1 AS one')).toEqual([{ one: 1 }]);
  await own.close();
});
