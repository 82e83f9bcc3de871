import type { ReadRow, ReadShape } from './decode.ts';
import type { ObservationBatch } from './observation-batch.ts';
import type { RowBatch } from './row-batch.ts';
import type { Row, TableName } from './tables.ts';

export type { ReadRow, ReadShape } from './decode.ts';
export type { Row, TableName } from './tables.ts';

/**
 * The store: ClickHouse's engine, in this process (a folder) or behind HTTP (a URL). Reads are bounded by position, so
 * late rows cannot disturb them; a redone insert writes equal rows and is harmless.
 */
export interface Statement {
  /** SQL with `{name:Type}` parameters; made by the pure builders in `sql.ts`. `Instant` is a type: epoch milliseconds. */
  readonly sql: string;
  readonly params?: Readonly<Record<string, unknown>>;
}

/** Separate connections, because one embedded connection is serial: writing, judging, and reading for people. */
export type Lane = 'write' | 'judge' | 'read';

/** Every failure is a `StoreError` with a closed code; busy engines and time-outs were already retried with backoff. */
export interface Store {
  /** The ClickHouse database all tables are in: one per edition. */
  readonly database: string;
  /** Applies missing migrations, forward only; refuses a schema newer than the code knows (`store_schema_newer`). */
  migrate(): Promise<{ readonly from: number; readonly to: number }>;
  /**
   * Resolves when the rows are durable. Over the row or byte bound they go in several inserts, in order; a batch too
   * large for the engine's memory is halved. Rows that no column can hold are left out and named in a
   * `RowsRejectedError` (`store_rows_rejected`) once all others are durable. Calling it again with the same rows is harmless.
   */
  insert<Table extends TableName>(table: Table, rows: readonly Row<Table>[]): Promise<void>;
  /** The same of rows that were encoded as they were made. */
  insertBatch<Table extends TableName>(batch: RowBatch<Table>): Promise<void>;
  /**
   * Rows of `observation` that were encoded as they were read: durable when it resolves. All or an error: whoever gets one
   * of bad rows or of memory gives the same rows to `insert`, which divides them.
   */
  insertObservations(batch: ObservationBatch): Promise<void>;
  /** Rows decoded from RowBinary by the shape of the select list: exact, typed, several times faster than JSON. */
  read<Shape extends ReadShape>(statement: Statement, shape: Shape, options?: QueryOptions): Promise<ReadRow<Shape>[]>;
  /** The answer's bytes in any ClickHouse format, unparsed. */
  bytes(statement: Statement, format: string, options?: QueryOptions): Promise<Uint8Array>;
  /** Rows as JSON objects; 64-bit integers and decimals as text, `DateTime64` as text in UTC. Refuses above `rowsMax` (default 1,000,000). */
  query<T>(statement: Statement, options?: QueryOptions): Promise<T[]>;
  /** The same, in batches, for exports and large reads; leaving the loop cancels the query. */
  stream<T>(statement: Statement, options?: QueryOptions): AsyncIterable<readonly T[]>;
  /** Chunks of the answer in any ClickHouse format, as the engine makes them. */
  streamBytes(statement: Statement, format: string, options?: QueryOptions): AsyncIterable<Uint8Array>;
  /**
   * Runs text that somebody else wrote, who may read and nothing else: on a connection of its own, in the scope's database, with
   * the scope's settings and then `readonly = 1`. The engine's read-only mode is no wall by itself (it lets `INTO OUTFILE` and
   * `file()` through): whoever calls this has read the text before. Few run at a time, the others wait; `store_busy` when too many do.
   */
  guest<T>(scope: GuestScope, work: (run: GuestRun) => Promise<T>, options?: Pick<QueryOptions, 'signal'>): Promise<T>;
  /** Statements without a result: DDL, OPTIMIZE. */
  command(statement: Statement): Promise<void>;
  ping(): Promise<void>;
  /** Waits for what is running, then lets go of the folder or the sockets. */
  close(): Promise<void>;
}

export interface QueryOptions {
  /** Default `read`. */
  readonly lane?: Lane;
  readonly rowsMax?: number;
  /** Default 30 s; the engine itself stops the query then. */
  readonly timeoutMs?: number;
  /** Rejects at once. Over HTTP the engine stops too; in this process it runs on until its time limit. */
  readonly signal?: AbortSignal;
}

export interface GuestScope {
  readonly database: string;
  readonly settings: Readonly<Record<string, string | number>>;
  /** Values of `{name:Type}` in ClickHouse's text form, bound by the engine. Names are words. */
  readonly params: Readonly<Record<string, string>>;
}

/** One statement, whole; of a cancelled call the engine finishes or meets its time limit, and its place stays taken until then. */
export type GuestRun = (sql: string, format: string) => Promise<GuestAnswer>;

export interface GuestAnswer {
  readonly bytes: Uint8Array;
  /** In the answer. */
  readonly rows: number;
}
