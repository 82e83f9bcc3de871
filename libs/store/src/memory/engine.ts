import { Reader } from '../decode.ts';
import { Writer } from '../rows.ts';
import { columnsOf, TABLES, type TableName } from '../tables.ts';
import type { Wire } from '../wire.ts';
import type { Column, Nested, Run, Tuple } from './compile.ts';
import { parseSelects } from './parse.ts';
import { planSelect } from './select.ts';
import { type Literal, lift, tokensOf } from './tokens.ts';
import { isList, nameOfType, TEXT, type Type, typeOf, typeOfColumn, type Value, valueReader } from './values.ts';

/** Rows of every database, by table and workspace. Hand the same disk to another engine to start again with what is durable. */
export interface EngineDisk {
  readonly databases: Map<string, Map<string, Map<string, Tuple[]>>>;
}

export function engineDisk(): EngineDisk {
  return { databases: new Map() };
}

/** How the engine refuses, with the numbers of ClickHouse. */
export class EngineError extends Error {
  override readonly name = 'EngineError';
  readonly code: string;
  constructor(code: number, message: string) {
    super(`Code: ${code}. DB::Exception: ${message}`);
    this.code = String(code);
  }
}

const SCHEMA: readonly Column[] = [
  { name: 'version', type: typeOf('UInt32') },
  { name: 'name', type: TEXT },
  { name: 'hash', type: TEXT },
];
const SCHEMA_TABLE = 'schema_migration';

/** The engine's wire; an insert may be cut off. */
export interface MemoryWire extends Wire {
  /** Stores the first rows of a body, this share of them: what an insert over several parts leaves when it is cut off. */
  insertSome(table: TableName, body: Uint8Array, share: number): void;
}

interface Plan extends Nested {
  readonly constants: readonly Literal[];
  /** Names and types as the answer begins with them. */
  readonly header: Uint8Array;
  readonly writers: readonly ValueWriter[];
}

type ValueWriter = (writer: Writer, value: Value) => void;

/** Plans are made from text alone, so all engines share them. */
const plans = new Map<string, Plan>();
const PLANS_MAX = 2_000;
const columns = new Map<string, readonly Column[]>();
const readers = new Map<TableName, readonly ((reader: Reader) => Value)[]>();
let runs = 0;

/**
 * The engine in memory, for simulations of hundreds of thousands of queries: it reads the very text that the builders make for
 * ClickHouse, in the part of its language that they use, and answers the same bytes. It refuses what it does not know.
 */
export function openMemoryEngine(disk: EngineDisk, database: string): MemoryWire {
  const { databases } = disk;
  const tables = (): Map<string, Map<string, Tuple[]>> => {
    const found = databases.get(database);
    if (found === undefined) throw new EngineError(81, `Database ${database} does not exist`);
    return found;
  };

  function rowsOf(table: string, workspace: Value | undefined): readonly Tuple[] {
    const byWorkspace = tables().get(table);
    if (byWorkspace === undefined) throw new EngineError(60, `Table ${database}.${table} does not exist`);
    return workspace === undefined ? [...byWorkspace.values()].flat() : (byWorkspace.get(String(workspace)) ?? []);
  }

  function put(table: string, row: Tuple): void {
    const byWorkspace = tables().get(table);
    if (byWorkspace === undefined) throw new EngineError(60, `Table ${database}.${table} does not exist`);
    const workspace = String(row[0]);
    const rows = byWorkspace.get(workspace);
    if (rows === undefined) byWorkspace.set(workspace, [row]);
    else rows.push(row);
  }

  function insert(table: TableName, body: Uint8Array, share: number): void {
    const rows = rowsOfBody(table, body);
    for (const row of rows.slice(0, Math.floor(rows.length * share))) put(table, row);
  }

  function command(sql: string): void {
    if (/^CREATE DATABASE/.test(sql)) {
      if (!databases.has(database)) databases.set(database, new Map());
      return;
    }
    const made = /^CREATE TABLE IF NOT EXISTS (\w+)/.exec(withoutComments(sql))?.[1];
    if (made !== undefined) {
      if (!tables().has(made)) tables().set(made, new Map());
      return;
    }
    if (sql.startsWith(`INSERT INTO ${SCHEMA_TABLE}`)) {
      const [version, name, hash] = lift(sql.slice(sql.indexOf('VALUES'))).literals;
      put(SCHEMA_TABLE, [version ?? 0, name ?? '', hash ?? '']);
      return;
    }
    // Views for people are made of what only the real engine knows.
    if (/^CREATE (OR REPLACE )?VIEW|^ALTER TABLE/.test(withoutComments(sql))) return;
    throw new EngineError(62, `the engine in memory knows no statement like ${sql.slice(0, 60)}`);
  }

  return {
    async run(_lane, sql, format) {
      if (format === null) {
        command(sql);
        return new Uint8Array();
      }
      const { text, literals } = lift(sql);
      let plan = plans.get(text);
      if (plan === undefined) {
        plan = planOf(text, literals);
        if (plans.size < PLANS_MAX) plans.set(text, plan);
      }
      for (const constant of plan.constants) literals.push(constant);
      const run: Run = { id: ++runs, literals, rowsOf };
      return answer(plan, plan.rows(run), format);
    },
    async insert(table, body) {
      insert(table, body, 1);
    },
    insertSome: insert,
    stream: () => {
      throw new EngineError(48, 'the engine in memory does not stream');
    },
    guest: () => {
      throw new EngineError(48, 'the engine in memory has no guests');
    },
    async close() {},
  };
}

function rowsOfBody(table: TableName, body: Uint8Array): Tuple[] {
  let own = readers.get(table);
  if (own === undefined) {
    own = columnsOfTable(table).map(({ type }) => valueReader(type));
    readers.set(table, own);
  }
  const reader = new Reader(body);
  const rows: Tuple[] = [];
  while (!reader.done) {
    const row: Value[] = [];
    for (const read of own) row.push(read(reader));
    rows.push(row);
  }
  return rows;
}

function withoutComments(sql: string): string {
  return sql.replace(/^\s*--.*$/gm, '').trim();
}

function planOf(text: string, values: readonly Literal[]): Plan {
  const { tokens, constants } = tokensOf(text, values.length);
  const literals = [...values, ...constants];
  const planning = { literals, columnsOf: columnsOfTable };
  const parts = parseSelects(tokens).map((select) => planSelect(select, planning));
  const [only] = parts;
  const planned = only?.columns ?? [];
  return {
    columns: planned,
    rows: only !== undefined && parts.length === 1 ? only.rows : (run) => parts.flatMap((part) => part.rows(run)),
    constants,
    header: headerOf(planned),
    writers: planned.map(({ type }) => valueWriter(type)),
  };
}

function columnsOfTable(table: string): readonly Column[] {
  if (table === SCHEMA_TABLE) return SCHEMA;
  if (!isTable(table)) throw new EngineError(60, `Table ${table} does not exist`);
  let known = columns.get(table);
  if (known === undefined) {
    known = columnsOf(table).map(([name, type]) => ({ name, type: typeOfColumn(type) }));
    columns.set(table, known);
  }
  return known;
}

function isTable(name: string): name is TableName {
  return Object.hasOwn(TABLES, name);
}

function headerOf(planned: readonly Column[]): Uint8Array {
  const writer = new Writer(planned.length * 32);
  writer.textLength(planned.length);
  for (const { name } of planned) writer.text(name);
  for (const { type } of planned) writer.text(nameOfType(type));
  return writer.finish();
}

/** Answers are written here and copied: thousands of them are small. */
const writer = new Writer(65_536);

function answer({ header, writers }: Plan, rows: readonly Tuple[], format: string): Uint8Array {
  writer.cut(0);
  if (format === 'RowBinaryWithNamesAndTypes') writer.bytes(header);
  else if (format !== 'RowBinary') throw new EngineError(73, `Unknown format ${format}`);
  for (const row of rows) for (let at = 0; at < writers.length; at++) writers[at]?.(writer, row[at] ?? null);
  return Buffer.from(writer.finish());
}

function valueWriter(type: Type): ValueWriter {
  const write = writerOf(type);
  if (!type.nullable) return write;
  return (writer, value) => {
    writer.byte(value === null ? 1 : 0);
    if (value !== null) write(writer, value);
  };
}

function writerOf({ name, of }: Type): ValueWriter {
  switch (name) {
    case 'String':
      return (writer, value) => writer.text(String(value ?? ''));
    case 'Bool':
    case 'UInt8':
      return (writer, value) => writer.byte(Number(value));
    case 'UInt32':
      return (writer, value) => writer.uint32(Number(value));
    case 'UInt64':
      return (writer, value) => writer.uint64(Number(value));
    case 'Int64':
    case 'DateTime64(6)':
      return (writer, value) => writer.int64(Number(value));
    case 'Float64':
      return (writer, value) => writer.float64(Number(value));
    case 'Decimal(38, 9)':
      return (writer, value) => writer.decimal(value ?? 0n, 128);
    case 'Decimal(76, 9)':
      return (writer, value) => writer.decimal(value ?? 0n, 256);
    case 'FixedString(16)':
      return (writer, value) => writer.fixed(value, 16);
    case 'Array': {
      const write = valueWriter(of[0] ?? TEXT);
      return (writer, value) => {
        const items = value !== null && isList(value) ? value : [];
        writer.textLength(items.length);
        for (const item of items) write(writer, item);
      };
    }
    case 'Tuple':
      // Within a plan there are tuples; only an answer cannot hold them.
      return () => {
        throw new EngineError(48, 'the engine in memory writes no tuples');
      };
  }
}
