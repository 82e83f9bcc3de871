import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DROPPED_SETTINGS, HOSTILE } from './hostile-corpus.ts';
import { openWorld, type World } from './world.ts';

let world: World;
const folder = mkdtempSync(join(tmpdir(), 'paceline-hostile-'));
/** What statements that write would write to. */
const file = join(folder, 'written');
beforeAll(async () => {
  world = await openWorld({ rows: 10_000, bytes: 8 * 1024 ** 2, queryMs: 2_500, memoryBytes: 256 * 1024 ** 2 });
});
afterAll(async () => {
  await world.stop();
  rmSync(folder, { recursive: true, force: true });
});

interface Answered {
  readonly status: number;
  readonly code: number | null;
  readonly text: string;
}

async function ask(sql: string, url: Readonly<Record<string, string>> = {}, key = 'key-of-acme'): Promise<Answered> {
  const params = new URLSearchParams(url);
  const response = await fetch(`${world.url}/?${params}`, {
    method: 'POST',
    body: sql.replaceAll('%FILE%', file),
    headers: { 'x-clickhouse-user': 'bi', 'x-clickhouse-key': key },
  });
  const code = response.headers.get('x-clickhouse-exception-code');
  return { status: response.status, code: code === null ? null : Number(code), text: await response.text() };
}

/** Refused by the gates before anything runs: arguments, tables, syntax, formats, databases, read-only, size, not allowed. */
const GATES = new Set([36, 60, 62, 73, 81, 164, 307, 497]);
/** What the engine itself refuses: unknown or unset parameters, and its limits of time, rows, memory and depth. */
const ENGINE = new Set([158, 159, 162, 167, 168, 241, 306, 396, 456, 457]);

it('holds at least 80 hostile statements, each once', () => {
  expect(HOSTILE.length).toBeGreaterThanOrEqual(80);
  expect(new Set(HOSTILE.map(({ sql, url }) => JSON.stringify([sql, url]))).size).toBe(HOSTILE.length);
});

it('lets none of the hostile statements through, and says why in ClickHouse’s words', async () => {
  const through: string[] = [];
  for (const { why, sql, url } of HOSTILE) {
    const { status, code, text } = await ask(sql, url);
    const isShaped =
      code !== null && code > 0 && text.startsWith(`Code: ${code}. DB::Exception: `) && /\([A-Z_]+\)\s*$/.test(text);
    if (status === 200 || !isShaped || !(GATES.has(code) || ENGINE.has(code)))
      through.push(`${why}: ${sql.slice(0, 120)} → ${status} ${text.slice(0, 200)}`);
  }
  expect(through).toEqual([]);
  expect(existsSync(file)).toBe(false);
  // Whoever asks properly is still answered, and everything is where it was.
  expect((await ask('SELECT count() > 0 FROM bi.kpi_trend')).text).toBe('1\n');
}, 180_000);

describe('settings', () => {
  it('that a client sends are dropped, and change nothing', async () => {
    expect((await ask('SELECT 1', DROPPED_SETTINGS)).text).toBe('1\n');
    expect((await ask('CREATE TABLE bi.t (a UInt8) ENGINE = Memory', DROPPED_SETTINGS)).code).toBe(164);
    expect((await ask('SELECT DISTINCT workspace FROM bi.status_history', DROPPED_SETTINGS)).text).toBe('acme\n');
    expect((await ask('SELECT number FROM numbers(1000000)', DROPPED_SETTINGS)).code).toBe(396);
    expect(
      (await ask('SELECT count() FROM numbers(100000000000) WHERE cityHash64(number) = 1', DROPPED_SETTINGS)).code,
    ).toBe(159);
    expect((await ask(`SELECT groupArray(repeat('x', 100000)) FROM numbers(1000000)`, DROPPED_SETTINGS)).code).toBe(
      241,
    );
    expect((await ask("SELECT file('/etc/passwd')", DROPPED_SETTINGS)).code).toBe(497);
  }, 60_000);

  it('may ask for less, and for how the answer looks', async () => {
    expect((await ask('SELECT number FROM numbers(100)', { max_result_rows: '10' })).code).toBe(396);
    const broken = await ask('SELECT number FROM numbers(100000) FORMAT Null', {
      max_result_rows: '10',
      result_overflow_mode: 'break',
    });
    expect(broken.code).toBeNull();
    expect(
      (await ask("SELECT toDateTime(0, 'UTC') AS t FORMAT JSONEachRow", { date_time_output_format: 'iso' })).text,
    ).toBe('{"t":"1970-01-01T00:00:00Z"}\n');
    expect((await ask('SELECT toDateTime(0) AS t', { session_timezone: 'Europe/Berlin' })).text).toBe(
      '1970-01-01 01:00:00\n',
    );
    expect((await ask('SELECT 1', { session_timezone: "x'; DROP" })).text).toBe('1\n');
  });

  it('cannot hide from the second gate what is looked at there', async () => {
    const nested = "SELECT * FROM (SELECT (SELECT (SELECT file('/etc/passwd'))))";
    expect(
      (await ask(nested, { max_result_rows: '1', result_overflow_mode: 'break', limit: '1', offset: '3' })).code,
    ).toBe(497);
  });
});

describe('workspaces', () => {
  it('see nothing of each other, whatever view or way is taken', async () => {
    const views = [
      'definitions',
      'metric_trend',
      'kpi_trend',
      'kpi_status',
      'key_result_status',
      'objective_status',
      'status_history',
      'alert_history',
    ];
    for (const view of views) {
      for (const sql of [
        `SELECT DISTINCT workspace FROM bi.${view}`,
        `SELECT DISTINCT workspace FROM (SELECT * FROM bi.${view} WHERE workspace != 'acme' OR 1)`,
        `WITH x AS (SELECT workspace FROM bi.${view}) SELECT DISTINCT workspace FROM x ORDER BY 1`,
        `SELECT DISTINCT a.workspace FROM bi.${view} AS a JOIN bi.${view} AS b ON a.workspace = b.workspace`,
        `SELECT DISTINCT workspace FROM ${view} WHERE workspace IN (SELECT workspace FROM bi.status_history)`,
        `SELECT any(workspace) FROM bi.${view} UNION DISTINCT SELECT any(workspace) FROM bi.${view}`,
      ]) {
        expect([sql, (await ask(sql)).text]).toEqual([sql, 'acme\n']);
      }
      expect((await ask(`SELECT DISTINCT workspace FROM bi.${view}`, {}, 'key-of-rival')).text).toBe('rival\n');
    }
  }, 120_000);

  it('do not hear of each other’s metrics in any list', async () => {
    for (const sql of [
      'SHOW TABLES',
      'SELECT * FROM system.tables FORMAT JSON',
      'SELECT * FROM system.columns FORMAT JSON',
      'SELECT * FROM information_schema.tables FORMAT JSON',
      'SELECT * FROM INFORMATION_SCHEMA.COLUMNS FORMAT JSON',
      'SELECT * FROM information_schema.views FORMAT JSON',
      'SELECT * FROM system.databases FORMAT JSON',
      'SHOW CREATE TABLE bi.metric_trend',
      'SELECT * FROM bi.definitions FORMAT JSON',
    ]) {
      const { text, status } = await ask(sql);
      expect([sql, status]).toEqual([sql, 200]);
      expect([sql, /secret|rival|paceline-store/.exec(text)?.[0]]).toEqual([sql, undefined]);
    }
    const { text } = await ask('SELECT * FROM bi.metric_secret_sales');
    expect(text).toMatch(/^Code: 60\. DB::Exception: Unknown table/);
    expect((await ask('SELECT count() > 0 FROM bi.metric_secret_sales', {}, 'key-of-rival')).text).toBe('1\n');
  });
});

const FORBIDDEN = [
  `file('/etc/passwd')`,
  'hostName()',
  `dictGet('d', 'a', 1)`,
  `getSetting('additional_table_filters')`,
  'sleep(1)',
];
const TABLES = [
  `file('/etc/passwd', LineAsString)`,
  'paceline.status',
  `url('http://127.0.0.1/', LineAsString)`,
  `merge('paceline', '.*')`,
  'system.stack_trace',
];

/** Expressions and queries around a hole; the hole is filled with what must be found. */
const expression: fc.Arbitrary<(hole: string) => string> = fc.letrec<{ wrap: (hole: string) => string }>((tie) => ({
  wrap: fc.oneof(
    { maxDepth: 6 },
    fc.constant((hole: string) => hole),
    ...[
      (inner: string) => `(${inner})`,
      (inner: string) => `if(1, ${inner}, 2)`,
      (inner: string) => `[1, ${inner}][1]`,
      (inner: string) => `tuple(${inner}).1`,
      (inner: string) => `arrayMap(x -> ${inner}, [1])`,
      (inner: string) => `CASE WHEN 1 THEN ${inner} ELSE 0 END`,
      (inner: string) => `(SELECT ${inner})`,
      (inner: string) => `(WITH ${inner} AS y SELECT y)`,
      (inner: string) => `1 IN (SELECT ${inner})`,
      (inner: string) => `toString(${inner})::String`,
      (inner: string) => `coalesce(NULL, ${inner}) || ''`,
      (inner: string) => `/* ( */ ${inner} /* ) */`,
      (inner: string) => `map('k', ${inner})['k']`,
      (inner: string) => `exists(SELECT 1 WHERE ${inner} = 1)`,
      (inner: string) => `(SELECT sum(1) OVER (ORDER BY ${inner}))`,
      (inner: string) => `(SELECT max(1) HAVING ${inner} = 1)`,
      (inner: string) => `(SELECT 1 UNION ALL SELECT ${inner})`,
    ].map((shape) => tie('wrap').map((inner) => (hole: string) => shape(inner(hole)))),
  ),
})).wrap;

const source: fc.Arbitrary<(hole: string) => string> = fc.letrec<{ wrap: (hole: string) => string }>((tie) => ({
  wrap: fc.oneof(
    { maxDepth: 5 },
    fc.constant((hole: string) => `SELECT * FROM ${hole}`),
    ...[
      (inner: string) => `SELECT * FROM (${inner})`,
      (inner: string) => `WITH c AS (${inner}) SELECT * FROM c`,
      (inner: string) => `SELECT 1 UNION ALL ${inner}`,
      (inner: string) => `SELECT 1 WHERE 1 IN (${inner})`,
      (inner: string) => `SELECT * FROM numbers(1) AS n JOIN (${inner}) AS s ON 1 = 1`,
      (inner: string) => `SELECT arrayMap(x -> (${inner}), [1])`,
      (inner: string) => `SELECT 1 EXCEPT ${inner}`,
      (inner: string) => `SELECT exists(${inner})`,
    ].map((shape) => tie('wrap').map((inner) => (hole: string) => shape(inner(hole)))),
  ),
})).wrap;

it('finds a forbidden function however it is nested', async () => {
  await fc.assert(
    fc.asyncProperty(expression, fc.constantFrom(...FORBIDDEN), async (wrap, forbidden) => {
      const { code } = await ask(`SELECT ${wrap(forbidden)}`);
      expect(code).toBe(497);
    }),
    { numRuns: Number(process.env.PACELINE_PROPERTY_RUNS ?? 60) },
  );
}, 120_000);

it('finds a forbidden table however it is nested', async () => {
  await fc.assert(
    fc.asyncProperty(source, fc.constantFrom(...TABLES), async (wrap, forbidden) => {
      const { code } = await ask(wrap(forbidden));
      expect(code).toBe(497);
    }),
    { numRuns: Number(process.env.PACELINE_PROPERTY_RUNS ?? 60) },
  );
}, 120_000);

it('answers only who shows a key, and never a wrong method, path or body', async () => {
  expect((await ask('SELECT 1', {}, 'no such key')).code).toBe(516);
  expect((await ask('SELECT 1', { user: 'default' }, '')).code).toBe(516);
  const put = await fetch(`${world.url}/`, {
    method: 'PUT',
    body: 'SELECT 1',
    headers: { 'x-clickhouse-key': 'key-of-acme' },
  });
  expect(put.headers.get('x-clickhouse-exception-code')).toBe('36');
  const play = await fetch(`${world.url}/play`, { headers: { 'x-clickhouse-key': 'key-of-acme' } });
  expect(play.status).toBe(400);
  const damaged = await fetch(`${world.url}/`, {
    method: 'POST',
    body: 'SELECT 1',
    headers: { 'x-clickhouse-key': 'key-of-acme', 'content-encoding': 'gzip' },
  });
  expect(await damaged.text()).toMatch(/^Code: 36\./);
});
