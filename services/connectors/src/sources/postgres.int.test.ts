import { type Connector, check, createBudgets, createEgress, openSession, runLive } from '@paceline/connector-sdk';
import { type ConformanceFixture, collect, describeConnector, type KitRow } from '@paceline/connector-sdk/conformance';
import { at, inputOf, MemorySink, metric, metricsOf, source, TestClock } from '@paceline/connector-sdk/run.fixture';
import { type Postgres, startPostgres } from '@paceline/local-servers';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { postgres } from './postgres.ts';

let server: Postgres;
let admin: pg.Client;
const CANARY = 'c4n4ry-p4ssw0rd/+"x';

async function open(): Promise<void> {
  server = await startPostgres();
  admin = new pg.Client({ connectionString: server.url });
  await admin.connect();
  await admin.query(`
    CREATE ROLE reader LOGIN PASSWORD '${CANARY}';
    CREATE TABLE sales (day date NOT NULL, region text, amount numeric);
    CREATE TABLE hidden (day date, region text, amount numeric);
    CREATE TABLE orders (id bigint PRIMARY KEY, changed timestamptz NOT NULL, amount numeric);
    GRANT SELECT ON sales, orders TO reader`);
}
async function close(): Promise<void> {
  await admin.end();
  await server.stop();
}
const reader = () => ({
  host: '127.0.0.1',
  port: server.port,
  database: server.database,
  user: 'reader',
  password: '${secret:db#password}',
  tls: 'off',
});
const env = { PACELINE_SECRET_DB_PASSWORD: CANARY };
const QUERY = 'SELECT day, region, amount FROM sales WHERE day >= :from AND day < :to';
const allow = () => ['127.0.0.1'];

const fixture: ConformanceFixture = {
  connector: postgres,
  start: open,
  stop: close,
  async put(rows: readonly KitRow[]) {
    await admin.query('TRUNCATE sales');
    for (const { day, region, amount } of rows)
      await admin.query('INSERT INTO sales VALUES ($1, $2, $3)', [day, region, amount]);
  },
  config: reader,
  query: QUERY,
  window: { period: 'P1D', lookback: 'P3D', start: '2026-11-01' },
  env,
  allow,
  canary: CANARY,
  bad: () => [
    {
      why: 'wrong password',
      config: { ...reader(), password: '${secret:db#other}' },
      env: { PACELINE_SECRET_DB_OTHER: 'wrong' },
      stage: 'auth',
    },
    { why: 'unknown database', config: { ...reader(), database: 'nope' }, stage: 'auth' },
    { why: 'nobody listens', config: { ...reader(), port: 1 }, stage: 'tcp' },
    { why: 'unknown host', config: { ...reader(), host: 'no-such-host.invalid' }, stage: 'dns' },
    { why: 'metadata', config: { ...reader(), host: '0xa9fea9fe' }, stage: 'dns' },
    { why: 'no TLS there', config: { ...reader(), tls: 'verify' }, stage: 'tls' },
    { why: 'undefined secret', config: { ...reader(), password: '${secret:db#nowhere}' }, stage: 'config' },
  ],
  slow: () => ({ query: 'SELECT day, region, amount FROM sales, pg_sleep(20) WHERE day >= :from AND day < :to' }),
};

describeConnector(fixture);

describe('postgres', () => {
  beforeAll(open);
  afterAll(close);
  const kit = metricsOf(
    metric('kit', { aggregation: 'sum', grain: 'day', timezone: 'Europe/Berlin', dimensions: ['region'] }),
    metric('orders', { aggregation: 'sum', grain: 'day', points: 'time' }),
    metric('load', { aggregation: 'last', grain: 'hour', timezone: 'Europe/Berlin' }),
  );
  const clock = new TestClock(at('2026-11-05T12:00:00Z'));
  const deps = () => ({ egress: createEgress({ allow: allow() }), secrets: { env }, budgets: createBudgets(clock) });
  const windowed = (
    query: string,
    map: Parameters<typeof source>[1]['map'] = { metric: 'kit', time: 'day', value: 'amount' },
  ) =>
    source('s', {
      connector: 'postgres',
      config: reader(),
      query,
      window: { period: 'P1D', lookback: 'P3D', start: '2026-11-01' },
      map,
    });
  const run = (document: ReturnType<typeof source>, sink = new MemorySink()) =>
    runLive({ ...inputOf({ source: document, connector: postgres, metrics: kit, sink, clock }), ...deps() });

  it.each([
    [
      'INSERT',
      "INSERT INTO sales SELECT '2026-11-01'::date, 'x', 1 WHERE :from < :to RETURNING day, amount",
      ['invalid_query', 'write_refused', 'not_permitted'],
    ],
    [
      'a write in a CTE',
      'WITH gone AS (DELETE FROM sales WHERE day >= :from AND day < :to RETURNING *) SELECT day, amount FROM gone',
      ['write_refused', 'not_permitted'],
    ],
    [
      'a sequence',
      "SELECT '2026-11-01'::date AS day, setval('counter', 5) AS amount WHERE :from < :to",
      ['write_refused'],
    ],
    [
      'a second statement',
      'SELECT day, amount FROM sales WHERE day >= :from AND day < :to; DELETE FROM sales',
      ['invalid_query'],
    ],
    ['leaving the transaction', 'COMMIT; DELETE FROM sales WHERE day >= :from AND day < :to', ['invalid_query']],
  ])('refuses to write by %s, even as the owner', async (_name, query, codes) => {
    await admin.query("CREATE SEQUENCE IF NOT EXISTS counter; INSERT INTO sales VALUES ('2026-11-02', 'emea', 1)");
    const owner = source('s', {
      ...windowed(query).spec,
      config: { ...reader(), user: server.user, password: '${secret:db#owner}' },
    });
    const document = { ...owner };
    const failed = await runLive({
      ...inputOf({ source: document, connector: postgres, metrics: kit, sink: new MemorySink(), clock }),
      ...deps(),
      secrets: { env: { PACELINE_SECRET_DB_OWNER: server.password } },
    }).catch((error: unknown) => error);
    expect(codes).toContain(failed instanceof Error ? Reflect.get(failed, 'code') : '');
    expect((await admin.query('SELECT count(*)::int AS count FROM sales')).rows[0].count).toBeGreaterThan(0);
  });
  it('says which column the server does not know, at its line and column', async () => {
    await expect(
      run(windowed('SELECT day,\n  amont\nFROM sales WHERE day >= :from AND day < :to')),
    ).rejects.toMatchObject({
      kind: 'config',
      code: 'invalid_query',
      message: expect.stringContaining('line 2 column 3'),
    });
    await expect(
      run(windowed('SELECT day, amount FROM hidden WHERE day >= :from AND day < :to')),
    ).rejects.toMatchObject({ code: 'not_permitted' });
  });
  it('refuses a query without bounds before it asks any server', async () => {
    await expect(run(windowed('SELECT day, amount FROM sales'))).rejects.toMatchObject({
      code: 'invalid_query',
      message: expect.stringContaining('bounded by :from and :to'),
    });
  });
  it.each(['date', 'timestamp', 'timestamptz'])(
    'cuts days of the zone rightly for a column of type %s',
    async (type) => {
      await admin.query(
        `DROP TABLE IF EXISTS edges; CREATE TABLE edges (at ${type}); GRANT SELECT ON edges TO reader; SET TIME ZONE 'Europe/Berlin'`,
      );
      await admin.query(
        "INSERT INTO edges VALUES ('2026-11-03 00:00'), ('2026-11-03 23:59'), ('2026-11-04 00:00'), ('2026-11-05 00:00')",
      );
      await admin.query("SET TIME ZONE 'UTC'");
      const zoned = type === 'timestamptz' ? "at AT TIME ZONE 'Europe/Berlin'" : 'at';
      const sink = new MemorySink();
      await run(
        windowed(
          `SELECT (${zoned})::date AS day, count(*) AS amount FROM edges WHERE at >= :from AND at < :to GROUP BY 1`,
        ),
        sink,
      );
      expect(sink.standing('kit')).toEqual({ '2026-11-03': '2', '2026-11-04': '1' });
    },
  );
  it('tells the doubled hour of autumn apart', async () => {
    const sink = new MemorySink();
    const autumn = new TestClock(at('2026-10-26T12:00:00Z'));
    const query =
      "SELECT hour, extract(epoch FROM hour)::bigint % 7200 AS value FROM generate_series('2026-10-24T23:00Z'::timestamptz, '2026-10-25T02:00Z', '1 hour') AS hour WHERE hour >= :from AND hour < :to";
    const document = source('s', {
      connector: 'postgres',
      config: reader(),
      query,
      window: { period: 'PT1H', start: '2026-10-25' },
      map: { metric: 'load', time: 'hour', value: 'value' },
    });
    await runLive({
      ...inputOf({ source: document, connector: postgres, metrics: kit, sink, clock: autumn }),
      ...deps(),
    });
    expect(Object.keys(sink.standing('load'))).toEqual([
      '2026-10-25T01+02:00',
      '2026-10-25T02+01:00',
      '2026-10-25T02+02:00',
      '2026-10-25T03+01:00',
    ]);
  });
  it('stops a statement at its time-out and calls it transient', async () => {
    const document = windowed('SELECT day, amount FROM sales, pg_sleep(30) WHERE day >= :from AND day < :to');
    const hasty = { ...document, spec: { ...document.spec, config: { ...reader(), statementTimeout: 300 } } };
    await expect(run(hasty)).rejects.toMatchObject({ kind: 'transient', code: 'statement_timeout' });
  });
  it('stops the server too when a run is cancelled', async () => {
    const abort = new AbortController();
    const document = windowed('SELECT day, amount, pg_sleep(30) FROM sales WHERE day >= :from AND day < :to');
    await admin.query("INSERT INTO sales VALUES ('2026-11-02', 'emea', 1)");
    const work = runLive({
      ...inputOf({ source: document, connector: postgres, metrics: kit, sink: new MemorySink(), clock }),
      ...deps(),
      signal: abort.signal,
    });
    const active = async () =>
      (
        await admin.query(
          "SELECT count(*)::int AS count FROM pg_stat_activity WHERE query LIKE '%pg_sleep(30)%' AND state = 'active' AND pid <> pg_backend_pid()",
        )
      ).rows[0].count;
    await expect.poll(active).toBe(1);
    abort.abort(new Error('enough'));
    await expect(work).rejects.toThrow('enough');
    await expect.poll(active, { timeout: 2_000 }).toBe(0);
  });
  it('recovers when a server that was down is back', async () => {
    const sink = new MemorySink();
    await admin.query("TRUNCATE sales; INSERT INTO sales VALUES ('2026-11-02', 'emea', 1)");
    const document = windowed('SELECT day, amount FROM sales WHERE day >= :from AND day < :to');
    await admin.end();
    await server.stop();
    await expect(run(document, sink)).rejects.toMatchObject({ kind: 'transient', code: 'unreachable' });
    await open();
    await admin.query("INSERT INTO sales VALUES ('2026-11-02', 'emea', 1)");
    await run(windowed('SELECT day, amount FROM sales WHERE day >= :from AND day < :to'), sink);
    expect(sink.standing('kit')).toEqual({ '2026-11-02': '1' });
  });
  it('streams a million rows in flat memory', async () => {
    const connector: Connector = postgres;
    const abort = new AbortController();
    const document = windowed('SELECT 1');
    const opened = openSession(
      { ...inputOf({ source: document, connector: postgres, metrics: kit, sink: new MemorySink(), clock }), ...deps() },
      { ...document, spec: { ...document.spec, query: QUERY } },
      postgres,
      abort.signal,
    );
    try {
      const { ctx, config } = await opened.start();
      const edge = { local: '2026-11-01', utc: '2026-11-01', date: '2026-11-01', epochMs: 0 };
      const query =
        "SELECT '2026-11-01'::date AS day, i AS amount FROM generate_series(1, 1000000) AS i WHERE :from::date <= :to::date";
      let rows = 0;
      let peak = 0;
      let start = 0;
      for await (const item of connector.read(ctx, config, { stream: { query }, from: edge, to: edge })) {
        if ('row' in item) rows++;
        if (rows % 50_000 === 0) {
          const used = process.memoryUsage().heapUsed;
          if (rows === 50_000) start = used;
          peak = Math.max(peak, used);
        }
      }
      expect(rows).toBe(1_000_000);
      expect(peak - start).toBeLessThan(150 * 1024 * 1024);
    } finally {
      await opened.close();
    }
  }, 120_000);

  describe('by cursor', () => {
    const document = () =>
      source('orders', {
        connector: 'postgres',
        config: { ...reader(), cursor: { column: 'changed', key: 'id' } },
        schedule: { settle: 'PT5M' },
        query: 'SELECT id, changed, amount FROM orders',
        map: { metric: 'orders', time: 'changed', value: 'amount', id: 'id' },
      });
    const read = (sink: MemorySink, now: string) => {
      const later = new TestClock(at(now));
      return runLive({
        ...inputOf({ source: document(), connector: postgres, metrics: kit, sink, clock: later }),
        ...deps(),
      });
    };
    it('reads ties larger than a page, keeps microseconds, and goes on where it was', async () => {
      const sink = new MemorySink();
      await admin.query(
        "TRUNCATE orders; INSERT INTO orders SELECT i + 9007199254740992, '2026-11-04T10:00:00.123456Z', i FROM generate_series(1, 12000) AS i",
      );
      await read(sink, '2026-11-05T12:00:00Z');
      expect(Object.keys(sink.standing('orders'))).toHaveLength(12_000);
      expect(sink.standing('orders')['2026-11-04T10:00:00.123456Z 9007199254740993']).toBe('1');
      await admin.query("INSERT INTO orders VALUES (1, '2026-11-04T10:00:00.123457Z', 5)");
      expect(await read(sink, '2026-11-05T13:00:00Z')).toMatchObject({ rows: 1, stated: 1 });
      expect(sink.covered('orders').at(-1)).toBe('2026-11-05T11:55:00.000Z/2026-11-05T12:55:00.000Z');
    });
    it('catches a row that was committed late, because it reads only what has settled', async () => {
      const sink = new MemorySink();
      await admin.query("TRUNCATE orders; INSERT INTO orders VALUES (1, '2026-11-05T11:58:00Z', 1)");
      expect(await read(sink, '2026-11-05T12:00:00Z')).toMatchObject({ rows: 0 });
      await admin.query("INSERT INTO orders VALUES (2, '2026-11-05T11:57:00Z', 2)");
      await read(sink, '2026-11-05T12:10:00Z');
      expect(Object.keys(sink.standing('orders'))).toHaveLength(2);
    });
    it('loses nothing when killed at any checkpoint', async () => {
      await admin.query(
        "TRUNCATE orders; INSERT INTO orders SELECT i, '2026-11-04T10:00:00Z'::timestamptz + (i / 3) * interval '1 ms', i FROM generate_series(1, 11000) AS i",
      );
      for (let crash = 0; crash < 3; crash++) {
        const sink = new MemorySink();
        sink.crashAfter = crash;
        await expect(read(sink, '2026-11-05T12:00:00Z')).rejects.toThrow();
        sink.crashAfter = Number.POSITIVE_INFINITY;
        await read(sink, '2026-11-05T12:00:00Z');
        expect(Object.keys(sink.standing('orders'))).toHaveLength(11_000);
      }
    });
    it('passes its check', async () => {
      const stages = await collect(
        check({
          ...inputOf({ source: document(), connector: postgres, metrics: kit, sink: new MemorySink(), clock }),
          ...deps(),
        }),
      );
      expect(stages.filter((stage) => !stage.ok)).toEqual([]);
    });
  });
});
