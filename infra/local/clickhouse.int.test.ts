import { ClickHouseLogLevel, createClient } from '@clickhouse/client';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type ClickHouse, startClickHouse } from './clickhouse.ts';

let server: ClickHouse;
beforeAll(async () => {
  server = await startClickHouse();
});
afterAll(() => server.stop());

function client(compression: boolean) {
  const { url, user: username, password } = server;
  return createClient({
    url,
    username,
    password,
    compression: { request: compression, response: compression },
    log: { level: ClickHouseLogLevel.OFF },
  });
}

it('answers an unmodified client: formats, parameters, settings, gzip both ways', async () => {
  for (const compression of [false, true]) {
    const own = client(compression);
    const name = 'it\'s "ü" 😀\t\\n';
    const answer = await own.query({
      query: 'SELECT {name:String} AS name, {list:Array(UInt8)} AS list, getSetting({setting:String}) AS threads',
      query_params: { name, list: [1, 2], setting: 'max_threads' },
      clickhouse_settings: { max_threads: 1 },
      format: 'JSONEachRow',
    });
    expect(await answer.json()).toEqual([{ name, list: [1, 2], threads: expect.anything() }]);
    expect(answer.response_headers['x-clickhouse-format']).toBe('JSONEachRow');
    await own.command({ query: 'CREATE TABLE IF NOT EXISTS t (a UInt64, b String) ENGINE = MergeTree ORDER BY a' });
    await own.command({ query: 'TRUNCATE TABLE t' });
    await own.insert({ table: 't', values: [{ a: '18446744073709551615', b: name }], format: 'JSONEachRow' });
    expect(
      await (
        await own.query({
          query: 'SELECT * FROM t',
          format: 'JSONCompactEachRow',
          clickhouse_settings: { output_format_json_quote_64bit_integers: 1 },
        })
      ).json(),
    ).toEqual([['18446744073709551615', name]]);
    expect((await own.ping()).success).toBe(true);
    await own.close();
  }
});

it('says errors with ClickHouse’s codes and names', async () => {
  const own = client(false);
  await expect(own.query({ query: 'SELECT 1 FROM nowhere' })).rejects.toMatchObject({
    code: '60',
    type: 'UNKNOWN_TABLE',
  });
  await expect(own.query({ query: 'SELEC 1' })).rejects.toMatchObject({ code: '62', type: 'SYNTAX_ERROR' });
  await expect(own.query({ query: 'SELECT 1', clickhouse_settings: { max_nothing: 1 } })).rejects.toMatchObject({
    code: '115',
  });
  await own.close();
  const stranger = createClient({
    url: server.url,
    username: 'nobody',
    password: 'x',
    log: { level: ClickHouseLogLevel.OFF },
  });
  await expect(stranger.query({ query: 'SELECT 1' })).rejects.toMatchObject({
    code: '516',
    type: 'AUTHENTICATION_FAILED',
  });
  await stranger.close();
});

it('lets a GET read and nothing else', async () => {
  const authorization = `Basic ${Buffer.from(`${server.user}:${server.password}`).toString('base64')}`;
  const get = (query: string) =>
    fetch(`${server.url}/?query=${encodeURIComponent(query)}`, { headers: { authorization } });
  expect(await (await get('SELECT 1 + 1')).text()).toBe('2\n');
  const refused = await get('CREATE TABLE u (a UInt8) ENGINE = Memory');
  expect(refused.headers.get('x-clickhouse-exception-code')).toBe('164');
});
