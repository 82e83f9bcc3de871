import type { Position } from '@paceline/domain';
import type { Store } from '@paceline/store';
import type { Compared } from './compared.ts';

/** Two editions of a workspace's tables in one engine, and the span of positions that is compared. */
export interface Span {
  readonly workspace: string;
  readonly running: string;
  readonly rebuilt: string;
  /** Both included. */
  readonly from: Position;
  readonly to: Position;
}

export interface TableResult {
  readonly workspace: string;
  readonly table: string;
  /** In the rebuilt edition. */
  readonly rows: number;
  /** Groups of rows that are not the same. */
  readonly different: number;
  readonly first: Difference | null;
}

export interface Difference {
  readonly workspace: string;
  readonly table: string;
  readonly key: Readonly<Record<string, string>>;
  /** Only the columns that differ; `null`: there is no such row. */
  readonly running: Readonly<Record<string, string>> | null;
  readonly rebuilt: Readonly<Record<string, string>> | null;
}

/** Rows whose hashes are in memory at one time. */
const ROWS_MAX = 1_000_000;
const TIMEOUT_MS = 300_000;
const VALUE_CHARACTERS_MAX = 300;

interface Group {
  readonly name: string;
  readonly rows: number;
}

/** Compares the hashes of all groups of one table, and names the first row that is not the same. */
export async function compareTable(store: Store, compared: Compared, span: Span): Promise<TableResult> {
  const [running, rebuilt] = [
    await groupsOf(store, compared, span, 'running'),
    await groupsOf(store, compared, span, 'rebuilt'),
  ];
  const names = [...new Set([...running.keys(), ...rebuilt.keys()])].sort();
  const different: string[] = [];
  for (const batch of batchesOf(
    names.map((name) => ({ name, rows: Math.max(running.get(name) ?? 0, rebuilt.get(name) ?? 0) })),
  )) {
    const [left, right] = [
      await hashesOf(store, compared, span, 'running', batch),
      await hashesOf(store, compared, span, 'rebuilt', batch),
    ];
    for (const { name } of batch) if (left.get(name) !== right.get(name)) different.push(name);
  }
  const rows = [...rebuilt.values()].reduce((sum, count) => sum + count, 0);
  const [group] = different;
  const first = group === undefined ? null : await firstDifference(store, compared, span, group);
  return { workspace: span.workspace, table: compared.table, rows, different: different.length, first };
}

/** Both results of two spans of one table, as if they had been one. */
export function joined(left: TableResult, right: TableResult): TableResult {
  const { rows, different } = right;
  return { ...left, rows: left.rows + rows, different: left.different + different, first: left.first ?? right.first };
}

type Side = 'running' | 'rebuilt';

function rowsOf(compared: Compared, span: Span, side: Side): string {
  const { table, key, position, where, latest, columns } = compared;
  const from = `\`${span[side]}\`.${table}`;
  if (latest === true) {
    // As one tuple: the greatest of a single column would pass over what is null.
    const others = columns.filter((column) => !key.includes(column));
    const named = others.map((column, index) => `row.${index + 1} AS ${column}`);
    return `(SELECT ${key.join(', ')}, ${named.join(', ')} FROM (
  SELECT ${key.join(', ')}, argMax(tuple(${others.map((column) => `t.${column}`).join(', ')}), tuple(t.position, t.removed)) AS row
  FROM ${from} AS t WHERE t.workspace = {workspace:String}
  GROUP BY ${key.join(', ')} HAVING NOT argMax(t.removed, tuple(t.position, t.removed))
))`;
  }
  const bounds = `${position} >= {from:UInt64} AND ${position} <= {to:UInt64}`;
  const only = where === undefined ? '' : ` AND ${where}`;
  return `(SELECT ${columns.join(', ')}${columns.includes(compared.group) ? '' : `, ${compared.group}`} FROM ${from}
  WHERE workspace = {workspace:String} AND ${bounds}${only})`;
}

function paramsOf(compared: Compared, { workspace, from, to }: Span): Readonly<Record<string, unknown>> {
  return compared.latest === true ? { workspace } : { workspace, from: Math.max(0, from), to: Math.max(0, to) };
}

async function groupsOf(
  store: Store,
  compared: Compared,
  span: Span,
  side: Side,
): Promise<ReadonlyMap<string, number>> {
  const rows = await store.query<{ name: string; rows: string }>(
    {
      sql: `SELECT toString(${compared.group}) AS name, toString(count()) AS rows FROM ${rowsOf(compared, span, side)} GROUP BY name`,
      params: paramsOf(compared, span),
    },
    { timeoutMs: TIMEOUT_MS },
  );
  return new Map(rows.map(({ name, rows: count }) => [name, Number(count)]));
}

function* batchesOf(groups: readonly Group[]): Generator<readonly Group[]> {
  let batch: Group[] = [];
  let rows = 0;
  for (const group of groups) {
    if (batch.length > 0 && rows + group.rows > ROWS_MAX) {
      yield batch;
      batch = [];
      rows = 0;
    }
    batch.push(group);
    rows += group.rows;
  }
  if (batch.length > 0) yield batch;
}

const hashOf = (columns: readonly string[]): string => `reinterpretAsUInt128(sipHash128(tuple(${columns.join(', ')})))`;

/** By group, how many rows there are and the hash of all of them, whatever their order. One large group is read in parts. */
async function hashesOf(
  store: Store,
  compared: Compared,
  span: Span,
  side: Side,
  groups: readonly Group[],
): Promise<ReadonlyMap<string, string>> {
  const parts = Math.max(1, Math.ceil(groups.reduce((sum, { rows }) => sum + rows, 0) / ROWS_MAX));
  const hashes = new Map<string, string>();
  for (let part = 0; part < parts; part++) {
    const rows = await store.query<{ name: string; hash: string }>(
      {
        sql: `SELECT name, concat(toString(count()), ' ', lower(hex(groupBitXor(hash)))) AS hash FROM (
  SELECT DISTINCT toString(${compared.group}) AS name, ${hashOf(compared.columns)} AS hash FROM ${rowsOf(compared, span, side)}
  WHERE ${compared.group} IN {groups:Array(String)} AND hash % {parts:UInt64} = {part:UInt64}
) GROUP BY name`,
        params: { ...paramsOf(compared, span), groups: groups.map(({ name }) => name), parts, part },
      },
      { timeoutMs: TIMEOUT_MS },
    );
    for (const { name, hash } of rows) hashes.set(name, `${hashes.get(name) ?? ''}${part}: ${hash};`);
  }
  return hashes;
}

/** The least key, in the order of the table's columns, whose row only one edition has, or has otherwise. */
async function firstDifference(
  store: Store,
  compared: Compared,
  span: Span,
  group: string,
): Promise<Difference | null> {
  const only = async (side: Side, other: Side) => {
    const hash = hashOf(compared.columns);
    const order = compared.key.join(', ');
    return store.query<Record<string, unknown>>(
      {
        sql: `SELECT ${compared.columns.join(', ')} FROM ${rowsOf(compared, span, side)}
WHERE ${compared.group} = {group:String} AND ${hash} NOT IN (
  SELECT ${hash} FROM ${rowsOf(compared, span, other)} WHERE ${compared.group} = {group:String}
) ORDER BY ${order} LIMIT 1`,
        params: { ...paramsOf(compared, span), group },
      },
      { timeoutMs: TIMEOUT_MS },
    );
  };
  const [[running], [rebuilt]] = [await only('running', 'rebuilt'), await only('rebuilt', 'running')];
  const { workspace } = span;
  const { table } = compared;
  if (running !== undefined && rebuilt !== undefined && sameKey(compared, running, rebuilt)) {
    const columns = compared.columns.filter((column) => text(running[column]) !== text(rebuilt[column]));
    const key = picked(running, compared.key);
    return { workspace, table, key, running: picked(running, columns), rebuilt: picked(rebuilt, columns) };
  }
  if (rebuilt !== undefined) {
    return {
      workspace,
      table,
      key: picked(rebuilt, compared.key),
      running: null,
      rebuilt: valuesOf(compared, rebuilt),
    };
  }
  if (running === undefined) return null;
  return { workspace, table, key: picked(running, compared.key), running: valuesOf(compared, running), rebuilt: null };
}

function sameKey({ key }: Compared, left: Record<string, unknown>, right: Record<string, unknown>): boolean {
  return key.every((column) => text(left[column]) === text(right[column]));
}

function valuesOf({ key, columns }: Compared, row: Record<string, unknown>): Record<string, string> {
  return picked(
    row,
    columns.filter((column) => !key.includes(column)),
  );
}

function picked(row: Record<string, unknown>, columns: readonly string[]): Record<string, string> {
  return Object.fromEntries(columns.map((column) => [column, text(row[column])]));
}

function text(value: unknown): string {
  const whole = typeof value === 'string' ? value : JSON.stringify(value);
  return whole.length <= VALUE_CHARACTERS_MAX ? whole : `${whole.slice(0, VALUE_CHARACTERS_MAX - 1)}…`;
}
