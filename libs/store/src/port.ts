/**
 * The store: ClickHouse's engine, in this process (a folder) or behind HTTP (a URL). Reads are bounded by position, so
 * late rows cannot disturb them; a redone insert writes equal rows and is harmless.
 */
export interface Statement {
  /** SQL with `{name:Type}` parameters; made by the pure builders in `sql.ts`. */
  readonly sql: string;
  readonly params?: Readonly<Record<string, unknown>>;
}

/** Separate connections, because one embedded connection is serial: writing, judging, and reading for people. */
export type Lane = 'write' | 'judge' | 'read';

export interface Store {
  /** Applies missing migrations, forward only; refuses a schema newer than the code knows. */
  migrate(): Promise<{ readonly from: number; readonly to: number }>;
  /** Resolves when the rows are durable. Rows are encoded by `rows.ts`; over the row bound it is split. */
  insert<Table extends TableName>(table: Table, rows: readonly Row<Table>[]): Promise<void>;
  /** All rows as objects; 64-bit integers and decimals as text, `DateTime64` as text in UTC. Refuses above `rowsMax` (default 1,000,000). */
  query<T>(statement: Statement, options?: QueryOptions): Promise<T[]>;
  /** The same, in batches, for exports and large reads. */
  stream<T>(statement: Statement, options?: QueryOptions): AsyncIterable<readonly T[]>;
  /** Statements without a result: DDL, OPTIMIZE. */
  command(statement: Statement): Promise<void>;
  ping(): Promise<void>;
  close(): Promise<void>;
}

export interface QueryOptions {
  readonly lane?: Lane;
  readonly rowsMax?: number;
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

import type { Row, TableName } from './tables.ts';

export type { Row, TableName } from './tables.ts';
