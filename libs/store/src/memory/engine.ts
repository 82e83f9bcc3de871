import { Reader } from '../decode.ts';
import { Writer } from '../rows.ts';
import { columnsOf, TABLES, type TableName } from '../tables.ts';
import type { Wire } from '../wire.ts';
import type { Column, Nested, Run, Tuple } from './compile.ts';
import { parseSelects } from './parse.ts';
import { planSelect } from './select.ts';
import { type Literal, lift, tokensOf } from './tokens.ts';
import { isList, nameOfType, readValue, TEXT, type Type, typeOf, typeOfColumn, type Value } from './values.ts';

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
  readonly slots: number;
  readonly constants: readonly Literal[];
}

/** Plans are made from text alone, so all engines share them. */
const plans = new Map<string, Plan>();
const PLANS_MAX = 2_000;
const columns = new Map<string, readonly Column[]>();

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
      const run: Run = { literals, memo: new Array(plan.slots), rowsOf };
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
  const types = columnsOfTable(table).map(({ type }) => type);
  const reader = new Reader(body);
  const rows: Tuple[] = [];
  while (!reader.done) rows.push(types.map((type) => readValue(reader, type)));
  return rows;
}

function withoutComments(sql: string): string {
  return sql.replace(/^\s*--.*$/gm, '').trim();
}

function planOf(text: string, values: readonly Literal[]): Plan {
  const { tokens, constants } = tokensOf(text, values.length);
  let slots = 0;
  const literals = [...values, ...constants];
  const planning = { literals, columnsOf: columnsOfTable, slot: () => slots++ };
  const parts = parseSelects(tokens).map((select) => planSelect(select, planning));
  const rows = (run: Run): Tuple[] => parts.flatMap((part) => [...part.rows(run)]);
  return { columns: parts[0]?.columns ?? [], rows, slots, constants };
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

function answer(plan: Plan, rows: readonly Tuple[], format: string): Uint8Array {
  const writer = new Writer(Math.max(256, rows.length * plan.columns.length * 12));
  if (format === 'RowBinaryWithNamesAndTypes') {
    writer.textLength(plan.columns.length);
    for (const { name } of plan.columns) writer.text(name);
    for (const { type } of plan.columns) writer.text(nameOfType(type));
  } else if (format !== 'RowBinary') throw new EngineError(73, `Unknown format ${format}`);
  const types = plan.columns.map(({ type }) => type);
  for (const row of rows) for (let at = 0; at < types.length; at++) write(writer, types[at] ?? TEXT, row[at] ?? null);
  return writer.finish();
}

function write(writer: Writer, type: Type, value: Value): void {
  if (type.nullable) {
    writer.byte(value === null ? 1 : 0);
    if (value === null) return;
  }
  WRITERS[type.name](writer, value, type);
}

const WRITERS: Readonly<Record<Type['name'], (writer: Writer, value: Value, type: Type) => void>> = {
  String: (writer, value) => writer.text(String(value ?? '')),
  Bool: (writer, value) => writer.byte(Number(value)),
  UInt8: (writer, value) => writer.byte(Number(value)),
  UInt32: (writer, value) => writer.uint32(Number(value)),
  UInt64: (writer, value) => writer.uint64(Number(value)),
  Int64: (writer, value) => writer.int64(Number(value)),
  'DateTime64(6)': (writer, value) => writer.int64(Number(value)),
  Float64: (writer, value) => writer.float64(Number(value)),
  'Decimal(38, 9)': (writer, value) => writer.decimal(value ?? 0n, 128),
  'Decimal(76, 9)': (writer, value) => writer.decimal(value ?? 0n, 256),
  'FixedString(16)': (writer, value) => writer.fixed(value, 16),
  Array: (writer, value, type) => {
    const items = value !== null && isList(value) ? value : [];
    writer.textLength(items.length);
    for (const item of items) write(writer, type.of[0] ?? TEXT, item);
  },
  Tuple: () => {
    throw new EngineError(48, 'the engine in memory writes no tuples');
  },
};
