import {
  cellsFromStatements,
  compileMetric,
  type Metric,
  type ObservationsFact,
  position,
  type Recorded,
  statementsOf,
} from '@paceline/domain';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readCells } from './cells/read.ts';
import type { StoreOptions } from './connect.ts';
import type { ReadShape } from './decode.ts';
import { RowsRejectedError } from './errors.ts';
import { observationRows, timelineRows } from './observations.ts';
import type { Store } from './port.ts';
import { RowBatch } from './row-batch.ts';
import { positionAt } from './sql.ts';
import { type ColumnType, columnsOf, type Row, TABLES, type TableName } from './tables.ts';

/** An engine to run the contract on. Each store it opens is one more way in to the same engine. */
export interface StoreUnderTest {
  open(options?: StoreOptions): Store;
  stop(): Promise<void>;
}

/**
 * What every adapter of the store promises; run it over the real thing. `rows`: only what is said of rows, which is all that
 * the engine in memory is for; an engine that people ask keeps limits, refuses by constraints, and streams.
 */
export function describeStore(
  name: string,
  make: () => Promise<StoreUnderTest>,
  promises: 'rows' | 'all' = 'all',
): void {
  describe(`the store ${name}`, () => {
    const ofEngine = promises === 'all' ? test : NO_TEST;
    let engine: StoreUnderTest;
    let store: Store;
    beforeAll(async () => {
      engine = await make();
      store = engine.open();
      await store.migrate();
    });
    afterAll(async () => {
      await store.close();
      await engine.stop();
    });

    test.each(Object.keys(TABLES).filter(isTable))(
      'reads every column of table %s back as it was written',
      async (table) => {
        const workspace = `columns ${table}`;
        const rows = extremeRows(table, workspace);
        await store.insert(table, rows);
        const columns = columnsOf(table);
        const shape: ReadShape = Object.fromEntries(columns);
        const read = await store.read(
          {
            sql: `SELECT ${columns.map(([column]) => column).join(', ')} FROM ${table} WHERE workspace = {workspace:String} ORDER BY ${orderOf(table)}`,
            params: { workspace },
          },
          shape,
        );
        expect(read).toEqual(rows.map((row) => asRead(table, row)));
      },
    );

    ofEngine('answers 64-bit integers, decimals and instants of JSON as text, whole', async () => {
      const [row] = await store.query<Record<string, unknown>>({
        sql: `SELECT toUInt64(18446744073709551615) AS big, toDecimal256('${'9'.repeat(67)}.999999999', 9) AS decimal, toDateTime64('2026-11-22 06:00:00.000001', 6, 'UTC') AS at`,
      });
      expect(row).toEqual({
        big: '18446744073709551615',
        decimal: `${'9'.repeat(67)}.999999999`,
        at: '2026-11-22 06:00:00.000001',
      });
    });

    ofEngine('counts and sums 200,000 rows of six decimals exactly', async () => {
      const rows = Array.from({ length: 200_000 }, (_, index) =>
        observation(
          'bulk',
          index,
          `${(index * 7919) % 100_000}.${
            String(index % 1_000_000)
              .padStart(6, '0')
              .replace(/0+$/, '') || '0'
          }`,
        ),
      );
      await store.insert('observation', rows);
      const sum = rows.reduce((total, { value }) => total + scaled(String(value)), 0n);
      const [all] = await store.read(
        {
          sql: `SELECT count(), sum(toDecimal256(assumeNotNull(value), 9)), max(pos) FROM observation WHERE workspace = 'bulk'`,
        },
        { count: 'UInt64', sum: 'Decimal(76, 9)', last: 'UInt64' },
      );
      expect(all).toEqual({ count: 200_000, sum, last: 199_999 });
    });

    test('a batch written twice, cut differently, changes nothing that is read', async () => {
      const log = observations('twice', [
        ['1', 0],
        ['2', 0],
        ['3', 1],
        [null, 2],
        ['7', 3],
      ]);
      const rows = log.flatMap((record) => observationRows('twice', record));
      await store.insert('observation', rows);
      const before = await cellsAt(store, 'twice', 9);
      for (const row of rows) await store.insert('observation', [row]);
      await store.insert('observation', rows.slice(1));
      expect(await cellsAt(store, 'twice', 9)).toEqual(before);
      expect(before).toEqual(plain(cellsFromStatements(METRIC, log.flatMap(statementsOf))));
    });

    test('a reader at a position does not see what came later, and a retracted point stays retracted', async () => {
      const log = observations('late', [
        ['5', 0],
        ['6', 1],
        [null, 1],
        ['9', 0],
      ]);
      await store.insert(
        'observation',
        log.slice(2).flatMap((record) => observationRows('late', record)),
      );
      await store.insert(
        'observation',
        log.slice(0, 2).flatMap((record) => observationRows('late', record)),
      );
      const sums = [];
      for (let at = 0; at < 4; at++)
        sums.push(
          (await cellsAt(store, 'late', at)).flatMap(({ cells }) => cells.map(({ sum }) => sum / 1_000_000_000n)),
        );
      expect(sums).toEqual([[5n], [5n, 6n], [5n], [9n]]);
    });

    test('an instant names the last record at or before it, also where runs were cut twice', async () => {
      const records = Array.from({ length: 50 }, (_, index) => ({
        position: position(index),
        recordedAt: 1_700_000_000_000 + (index < 30 ? index : index + 5_000) / 1000,
      }));
      await store.insert('timeline', timelineRows('time', records));
      await store.insert('timeline', timelineRows('time', records.slice(10, 20)));
      for (const [at, expected] of [
        [-1, undefined],
        [0, 0],
        [0.015, 15],
        [0.029, 29],
        [3, 29],
        [5.03, 30],
        [5.031, 31],
        [9, 49],
      ] as const) {
        const query = positionAt('time', 1_700_000_000_000 + at);
        const [row] = await store.read(query, query.shape);
        expect(row?.position, `at ${at}`).toBe(expected === undefined ? undefined : position(expected));
      }
    });

    test('values of statements are values, whatever they look like', async () => {
      const hostile = [
        "it's",
        '\\',
        "\\'; DROP TABLE observation; --",
        '{workspace:String}',
        '\0',
        'tab\tline\n',
        '😀',
        '`',
        '"',
        '$$',
        '%s',
        '/*',
      ];
      const [row] = await store.read(
        {
          sql: 'SELECT {list:Array(String)}, {one:String}, {bytes:String}, {n:UInt64}, {at:Instant}, {yes:Bool}, {f:Float64}',
          params: {
            list: hostile,
            one: hostile.join(''),
            bytes: hostile.join('|'),
            n: 2 ** 53 - 1,
            at: 1_700_000_000_000.001,
            yes: true,
            f: 0.1,
          },
        },
        {
          list: 'Array(String)',
          one: 'String',
          bytes: 'String',
          n: 'UInt64',
          at: 'DateTime64(6)',
          yes: 'Bool',
          f: 'Float64',
        },
      );
      expect(row).toEqual({
        list: hostile,
        one: hostile.join(''),
        bytes: hostile.join('|'),
        n: 2 ** 53 - 1,
        at: 1_700_000_000_000.001,
        yes: true,
        f: 0.1,
      });
    });

    ofEngine('rows that cannot be stored are named, and all others are stored', async () => {
      await store.command({
        sql: `ALTER TABLE observation ADD CONSTRAINT IF NOT EXISTS no_poison CHECK feeder != 'poison'`,
      });
      const rows = Array.from({ length: 1_000 }, (_, index) => ({
        ...observation('poisoned', index, index === 500 ? '1.0000000001' : '1'),
        feeder: index === 77 || index === 901 ? 'poison' : 'push',
      }));
      const failure = await store.insert('observation', rows).catch((error: unknown) => error);
      const batch = new RowBatch('observation', 'poisoned-batch');
      // What cannot be encoded never gets into a batch.
      for (const row of rows) if (row.value === '1') batch.add({ ...row, workspace: 'poisoned-batch' });
      await expect(store.insertBatch(batch)).rejects.toMatchObject({ rejected: [{ index: 77 }, { index: 900 }] });
      expect(await countOf(store, 'poisoned-batch')).toBe(997);
      expect(failure).toBeInstanceOf(RowsRejectedError);
      expect(failure).toMatchObject({
        code: 'store_rows_rejected',
        table: 'observation',
        rejected: [{ index: 77 }, { index: 500 }, { index: 901 }],
      });
      expect(await countOf(store, 'poisoned')).toBe(997);
      await store.command({ sql: 'ALTER TABLE observation DROP CONSTRAINT no_poison' });
    });

    ofEngine('an engine with too many parts is waited for', async () => {
      const waits: number[] = [];
      const patient = engine.open({
        backoffMs: 7,
        sleep: async (milliseconds) => {
          waits.push(milliseconds);
          if (waits.length === 3)
            await store.command({ sql: 'ALTER TABLE dead_letter RESET SETTING parts_to_throw_insert' });
        },
      });
      const letter = { workspace: 'patience', position: 1, recorded_at: 0, code: 'x', message: 'm', payload: '' };
      await patient.insert('dead_letter', [letter]);
      await store.command({ sql: 'ALTER TABLE dead_letter MODIFY SETTING parts_to_throw_insert = 1' });
      await patient.insert('dead_letter', [{ ...letter, position: 2 }]);
      expect(waits).toEqual([7, 14, 28]);
      await patient.close();
    });

    test('a batch above the bounds goes in parts, in order', async () => {
      const small = engine.open({ insertRowsMax: 300 });
      await small.insert(
        'observation',
        Array.from({ length: 1_000 }, (_, index) => observation('parts', index, '1')),
      );
      expect(await countOf(store, 'parts')).toBe(1_000);
      const batch = new RowBatch('observation', 'batch-parts');
      for (let index = 0; index < 1_000; index++) batch.add(observation('batch-parts', index, String(index)));
      await small.insertBatch(batch);
      await small.insertBatch(new RowBatch('observation', 'batch-parts'));
      expect(await countOf(store, 'batch-parts')).toBe(1_000);
      await small.close();
    });

    ofEngine(
      'a batch too large for the engine’s memory is halved',
      async () => {
        const narrow = engine.open({ memoryBytesMax: 48 * 1024 * 1024 });
        const rows = Array.from({ length: 120_000 }, (_, index) => ({
          ...observation('narrow', index, '1'),
          id: `${index} ${'x'.repeat(400)}`,
        }));
        await narrow.insert('observation', rows);
        expect(await countOf(store, 'narrow')).toBe(120_000);
        await narrow.close();
      },
      60_000,
    );

    ofEngine('large answers come in batches, and an early end stops them', async () => {
      const statement = { sql: 'SELECT number AS n FROM numbers(1000000)' };
      let rows = 0;
      let last = '';
      for await (const batch of store.stream<{ n: string }>(statement)) {
        rows += batch.length;
        last = batch.at(-1)?.n ?? last;
      }
      expect([rows, last]).toEqual([1_000_000, '999999']);
      for await (const batch of store.stream<{ n: string }>(statement)) {
        expect(batch.length).toBeGreaterThan(0);
        break;
      }
      await expect(store.query(statement, { rowsMax: 1_000 })).rejects.toMatchObject({ code: 'store_limit' });
    });

    ofEngine('a query ends at its time limit, and at its caller’s word', async () => {
      const endless = { sql: 'SELECT count() FROM numbers(1000000000000) WHERE number % 3 = 1' };
      const once = engine.open({ triesMax: 1 });
      await expect(once.query(endless, { timeoutMs: 200 })).rejects.toMatchObject({
        code: 'store_limit',
        engineCode: 159,
      });
      const giveUp = new AbortController();
      setTimeout(() => giveUp.abort(), 50);
      await expect(once.query(endless, { signal: giveUp.signal, timeoutMs: 500 })).rejects.toMatchObject({
        code: 'store_cancelled',
      });
      await once.close();
    });

    test('editions are databases that know nothing of each other', async () => {
      const other = engine.open({ database: 'paceline_edition_2' });
      await expect(other.migrate()).resolves.toMatchObject({ from: 0 });
      await other.insert('progress', [{ workspace: 'edition', position: 5, recorded_at: 0 }]);
      const here = await store.read(
        { sql: `SELECT count() FROM progress WHERE workspace = 'edition'` },
        { count: 'UInt64' },
      );
      expect(here).toEqual([{ count: 0 }]);
      await other.close();
    });

    ofEngine('a schema newer than the code, or made by an edited migration, is refused', async () => {
      const newer = engine.open({ database: 'paceline_newer' });
      await newer.migrate();
      await newer.command({ sql: `INSERT INTO schema_migration (version, name, hash) VALUES (9999, 'later', '')` });
      await expect(newer.migrate()).rejects.toMatchObject({
        code: 'store_schema_newer',
        message: expect.stringContaining('9999'),
      });
      await newer.close();
      const edited = engine.open({ database: 'paceline_edited' });
      await edited.migrate();
      await edited.command({
        sql: `ALTER TABLE schema_migration UPDATE hash = 'other' WHERE 1 SETTINGS mutations_sync = 2`,
      });
      await expect(edited.migrate()).rejects.toMatchObject({ code: 'store_schema_changed' });
      await edited.close();
    });

    ofEngine('tables that nobody made yet are named as such', async () => {
      const empty = engine.open({ database: 'paceline_empty' });
      await expect(empty.query({ sql: 'SELECT * FROM observation' })).rejects.toMatchObject({
        code: 'store_schema_missing',
      });
      await empty.close();
    });

    test('a select list that is not its shape is found before a wrong value is read', async () => {
      await expect(store.read({ sql: 'SELECT toInt64(1)' }, { one: 'UInt64' })).rejects.toThrow(/expects one UInt64/);
    });
  });
}

/** Takes a test that an adapter does not promise. */
const NO_TEST = (_name: string, _run: () => Promise<void>, _timeoutMs?: number): void => undefined;

function isTable(name: string): name is TableName {
  return Object.hasOwn(TABLES, name);
}

/** Values at the ends of what each type holds, and those that break encoders. */
const EXTREMES: Readonly<Record<ColumnType, readonly unknown[]>> = {
  String: ['', 'plain', '\0"\'\\\t\n😀é', 'x'.repeat(40_000)],
  'LowCardinality(String)': ['', '😀', 'tab\t', `${'long '.repeat(60)}`],
  Bool: [true, false],
  UInt32: [0, 4_294_967_295, 1_024],
  UInt64: [0, 2 ** 53 - 1, 2 ** 32, 4_294_967_295],
  Float64: [0, -0.1, Number.MAX_VALUE, Number.MIN_VALUE],
  'DateTime64(6)': [0, -0.001, 1_700_000_000_000.001, Date.UTC(2299, 11, 31), Date.UTC(1900, 0, 1)],
  'Decimal(38, 9)': [0n, 10n ** 38n - 1n, -(10n ** 38n) + 1n, 1n, -1n, 2n ** 63n, -(2n ** 63n) - 1n],
  'Decimal(76, 9)': [0n, 10n ** 76n - 1n, -(10n ** 76n) + 1n, -1n, 2n ** 64n, -(2n ** 127n)],
  'FixedString(16)': [new Uint8Array(16), Uint8Array.from({ length: 16 }, (_, at) => 255 - at)],
  'Nullable(Float64)': [null, 0.1, 0],
  'Nullable(DateTime64(6))': [null, 0, 1_700_000_000_000.999],
  'Nullable(Decimal(38, 9))': [null, 0n, -(10n ** 38n) + 1n, 10n ** 38n - 1n],
};

const ROWS = 8;
/** Tables of which the engine keeps the latest row of a key: there one row must not stand for another. */
const ONE_PER_WORKSPACE = new Set<TableName>(['snapshot', 'progress']);

function extremeRows<Table extends TableName>(table: Table, workspace: string): Row<Table>[] {
  return Array.from({ length: ONE_PER_WORKSPACE.has(table) ? 1 : ROWS }, (_, index) => {
    const row: Record<string, unknown> = {};
    columnsOf(table).forEach(([column, type], at) => {
      const values = EXTREMES[type];
      row[column] = values[(index + at) % values.length];
    });
    // Every row its own key, ascending, so that what is read back can be told apart.
    Object.assign(row, { workspace }, KEYS[table](index));
    return row as Row<Table>;
  });
}

/** The columns that order and tell the rows of a table apart. */
const KEYS: Readonly<Record<TableName, (index: number) => Readonly<Record<string, unknown>>>> = {
  observation: (index) => ({ pos: index }),
  rollup: (index) => ({ position: index }),
  judgement: (index) => ({ position: index }),
  status: (index) => ({ subject: `subject ${index}` }),
  definition: (index) => ({ position: index }),
  command: (index) => ({ position: index }),
  check_in: (index) => ({ position: index }),
  covered: (index) => ({ position: index }),
  alert: (index) => ({ position: index }),
  dead_letter: (index) => ({ position: index }),
  snapshot: (index) => ({ position: index }),
  progress: (index) => ({ position: index }),
  timeline: (index) => ({ position: index }),
  bi_definition: (index) => ({ id: `document ${index}` }),
  bi_bucket: (index) => ({ bucket_from: Date.UTC(2026, 0, 1 + index) }),
};

function orderOf(table: TableName): string {
  return Object.keys(KEYS[table](0)).join(', ');
}

function asRead<Table extends TableName>(_table: Table, row: Row<Table>): Readonly<Record<string, unknown>> {
  return row;
}

function observation(workspace: string, index: number, value: string): Row<'observation'> {
  return {
    workspace,
    metric: 'm',
    series: '{}',
    period: '',
    at: 1_700_000_000_000 + index,
    id: String(index),
    pos: index,
    recorded_at: 1_700_000_000_000,
    read_at: 1_700_000_000_000,
    revision: 0,
    feeder: 'push',
    value,
    numerator: null,
    denominator: null,
  };
}

function scaled(text: string): bigint {
  const [whole = '', fraction = ''] = text.split('.');
  return BigInt(whole + fraction.padEnd(9, '0'));
}

const METRIC: Metric = (() => {
  const compiled = compileMetric(
    {
      apiVersion: 'paceline/v1',
      kind: 'Metric',
      metadata: { name: 'm' },
      spec: { aggregation: 'sum', grain: 'day', timezone: 'Europe/Berlin' },
    },
    new Map(),
    new Map(),
  );
  if (!compiled.ok) throw new Error(JSON.stringify(compiled.faults));
  return compiled.value;
})();

/** One record each: a value and the day of November 2026 it is for. */
function observations(
  name: string,
  points: readonly (readonly [value: string | null, day: number])[],
): Recorded<ObservationsFact>[] {
  return points.map(([value, day], index) => ({
    position: position(index),
    recordedAt: Date.UTC(2026, 11, 1) + index,
    id: `${name} ${index}`,
    fact: {
      type: 'observations',
      metric: 'm',
      feeder: 'push',
      points: [{ period: `2026-11-${String(10 + day)}`, value }],
    },
  }));
}

async function cellsAt(store: Store, workspace: string, offset: number) {
  const need = { metric: 'm', from: Number.NEGATIVE_INFINITY, to: Number.POSITIVE_INFINITY, running: [] };
  const cells = await readCells(store, workspace, [{ metric: METRIC, need }], position(offset));
  return plain(cells.get('m') ?? { series: [] });
}

function plain(cells: {
  readonly series: readonly { readonly key: string; readonly cells: readonly { readonly sum: bigint }[] }[];
}) {
  return cells.series.map(({ key, cells: own }) => ({ key, cells: own }));
}

async function countOf(store: Store, workspace: string): Promise<number> {
  const rows = await store.read(
    { sql: 'SELECT count() FROM observation WHERE workspace = {workspace:String}', params: { workspace } },
    { count: 'UInt64' },
  );
  return rows[0]?.count ?? 0;
}
