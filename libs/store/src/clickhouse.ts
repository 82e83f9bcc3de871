import { bind, identifier } from './bind.ts';
import { decodeRows, type ReadRow, type ReadShape, ROWS_FORMAT } from './decode.ts';
import {
  isBadRows,
  isDivisible,
  isWorthRetrying,
  type RejectedRow,
  RowsRejectedError,
  StoreError,
  toStoreError,
} from './errors.ts';
import { Guests } from './guests.ts';
import { missing, readMigrations } from './migrate.ts';
import type { ObservationBatch } from './observation-batch.ts';
import type { GuestRun, GuestScope, QueryOptions, Statement, Store } from './port.ts';
import type { RowBatch } from './row-batch.ts';
import { encodeRows, RowEncodingError } from './rows.ts';
import type { Row, TableName } from './tables.ts';
import type { Wire, WireLimits } from './wire.ts';

export type InsertedRow<Table extends TableName> = Partial<Row<Table>> & { readonly workspace: string };

export interface StoreLimits {
  /** Rows of one INSERT. */
  readonly insertRowsMax: number;
  /** Tries of one call before its error is the caller's, the first included. */
  readonly triesMax: number;
  /** Milliseconds before the second try; doubles each time, to at most 5 s. */
  readonly backoffMs: number;
  readonly queryTimeoutMs: number;
  readonly insertTimeoutMs: number;
  readonly rowsMax: number;
  /** Guests that run at a time; five times as many may wait. */
  readonly guestsMax: number;
  /**
   * Told once rows are durable: whoever keeps what it has read knows then that it may be out of date. Of `observation` it may be
   * only the place of the last row of each metric.
   */
  readonly inserted: <Table extends TableName>(table: Table, rows: readonly InsertedRow<Table>[]) => void;
  /** Waits between tries; given by tests with a clock of their own. */
  readonly sleep: (milliseconds: number) => Promise<void>;
}

/** Where the engine refuses this many rows one by one, the table is at fault and not the rows: its error is thrown. */
const REJECTED_MAX = 1_000;
const BACKOFF_MAX_MS = 5_000;
const STREAM_ROWS = 10_000;

export class ClickHouseStore implements Store {
  readonly database: string;
  private readonly wire: Wire;
  private readonly limits: StoreLimits;
  private readonly guests: Guests;

  constructor(wire: Wire, database: string, limits: StoreLimits) {
    this.wire = wire;
    this.guests = new Guests(wire, limits.guestsMax);
    this.database = database;
    this.limits = limits;
  }

  async migrate(): Promise<{ readonly from: number; readonly to: number }> {
    await this.run(
      'write',
      `CREATE DATABASE IF NOT EXISTS ${identifier(this.database)}`,
      null,
      {},
      'Making the database',
    );
    await this.run('write', SCHEMA_TABLE, null, {}, 'Making the table of migrations');
    const known = readMigrations();
    const applied = await this.read(
      { sql: 'SELECT version, any(hash) FROM schema_migration GROUP BY version ORDER BY version' },
      { version: 'UInt32', hash: 'String' },
      { lane: 'write' },
    );
    const from = applied.at(-1)?.version ?? 0;
    for (const migration of missing(known, applied, `database ${this.database}`)) {
      for (const statement of migration.statements)
        await this.run('write', statement, null, {}, `Migration ${migration.version}`);
      await this.command({
        sql: 'INSERT INTO schema_migration (version, name, hash) VALUES ({version:UInt32}, {name:String}, {hash:String})',
        params: { version: migration.version, name: migration.name, hash: migration.hash },
      });
    }
    return { from, to: Math.max(from, known.at(-1)?.version ?? 0) };
  }

  async insert<Table extends TableName>(table: Table, rows: readonly Row<Table>[]): Promise<void> {
    await this.insertParts(table, rows.length, ({ from, to }) => encodeRows(table, rows, from, to).bytes, rows);
  }

  async insertBatch<Table extends TableName>(batch: RowBatch<Table>): Promise<void> {
    const { table, rows, workspace } = batch;
    // Of these tables it matters that the workspace has news, not which.
    const news = [{ workspace }] as readonly InsertedRow<Table>[];
    await this.insertParts(table, rows, ({ from, to }) => batch.bytes(from, to), news);
  }

  private async insertParts<Table extends TableName>(
    table: Table,
    rows: number,
    encoded: (part: Part) => Uint8Array,
    inserted: readonly InsertedRow<Table>[],
  ): Promise<void> {
    const refused: RejectedRow[] = [];
    let cause: unknown;
    const { insertRowsMax } = this.limits;
    // Parts still to store, the next one last: halves and remainders go in the order of their rows.
    const parts: Part[] = [];
    for (let to = rows; to > 0; to = Math.floor((to - 1) / insertRowsMax) * insertRowsMax)
      parts.push({ from: Math.floor((to - 1) / insertRowsMax) * insertRowsMax, to });
    for (let part = parts.pop(); part !== undefined; part = parts.pop()) {
      if (part.from >= part.to) continue;
      try {
        await this.insertBytes(table, part.to - part.from, encoded(part));
      } catch (error) {
        cause = error;
        parts.push(...divide(part, error, refused).reverse());
      }
    }
    this.limits.inserted(table, inserted);
    if (refused.length === 0) return;
    throw new RowsRejectedError(
      table,
      refused.sort((a, b) => a.index - b.index),
      cause,
    );
  }

  async insertObservations(batch: ObservationBatch): Promise<void> {
    if (batch.rows === 0) return;
    await this.insertBytes('observation', batch.rows, batch.bytes);
    const { workspace, latest } = batch;
    this.limits.inserted(
      'observation',
      Array.from(latest, ([metric, pos]) => ({ workspace, metric, pos })),
    );
  }

  private insertBytes(table: TableName, rows: number, bytes: Uint8Array): Promise<void> {
    const options = { timeoutMs: this.limits.insertTimeoutMs, insert: true };
    const what = `Inserting ${rows} row(s) into ${table}`;
    return this.attempt(what, (limits) => this.wire.insert(table, bytes, limits), options);
  }

  async read<Shape extends ReadShape>(
    statement: Statement,
    shape: Shape,
    options: QueryOptions = {},
  ): Promise<ReadRow<Shape>[]> {
    const rows = decodeRows(await this.bytes(statement, ROWS_FORMAT, options), shape);
    return this.within(rows, options);
  }

  bytes(statement: Statement, format: string, options: QueryOptions = {}): Promise<Uint8Array> {
    return this.run(options.lane ?? 'read', bind(statement), format, options, 'A query');
  }

  async query<T>(statement: Statement, options: QueryOptions = {}): Promise<T[]> {
    const text = Buffer.from(await this.bytes(statement, 'JSONEachRow', options)).toString('utf8');
    return this.within(parseLines<T>(text), options);
  }

  async *stream<T>(statement: Statement, options: QueryOptions = {}): AsyncIterable<readonly T[]> {
    const decoder = new TextDecoder();
    let rest = '';
    for await (const chunk of this.streamBytes(statement, 'JSONEachRow', options)) {
      const text = rest + decoder.decode(chunk, { stream: true });
      const end = text.lastIndexOf('\n') + 1;
      rest = text.slice(end);
      const rows = parseLines<T>(text.slice(0, end));
      for (let at = 0; at < rows.length; at += STREAM_ROWS) yield rows.slice(at, at + STREAM_ROWS);
    }
    const last = parseLines<T>(rest);
    if (last.length > 0) yield last;
  }

  async *streamBytes(statement: Statement, format: string, options: QueryOptions = {}): AsyncIterable<Uint8Array> {
    try {
      yield* this.wire.stream(bind(statement), format, this.limitsOf(options));
    } catch (cause) {
      throw toStoreError(cause, 'A streamed query');
    }
  }

  async command(statement: Statement): Promise<void> {
    await this.run('write', bind(statement), null, { timeoutMs: this.limits.insertTimeoutMs }, 'A command');
  }

  guest<T>(
    scope: GuestScope,
    work: (run: GuestRun) => Promise<T>,
    options: Pick<QueryOptions, 'signal'> = {},
  ): Promise<T> {
    return this.guests.use(scope, work, options.signal);
  }

  async ping(): Promise<void> {
    await this.read({ sql: 'SELECT toUInt8(1)' }, { one: 'UInt8' });
  }

  async close(): Promise<void> {
    await this.guests.drain();
    await this.wire.close();
  }

  private run(
    lane: 'write' | 'judge' | 'read',
    sql: string,
    format: string | null,
    options: QueryOptions,
    what: string,
  ) {
    return this.attempt(what, (limits) => this.wire.run(lane, sql, format, limits), options);
  }

  private async attempt<T>(
    what: string,
    call: (limits: WireLimits) => Promise<T>,
    options: QueryOptions & { readonly insert?: boolean },
  ): Promise<T> {
    const limits = this.limitsOf(options);
    for (let tried = 1; ; tried++) {
      try {
        return await call(limits);
      } catch (cause) {
        const error = limits.signal?.aborted === true ? cancelled(what, cause) : toStoreError(cause, what);
        if (tried >= this.limits.triesMax || !isWorthRetrying(error, options.insert === true)) throw error;
        await this.limits.sleep(Math.min(BACKOFF_MAX_MS, this.limits.backoffMs * 2 ** (tried - 1)));
      }
    }
  }

  private limitsOf(options: QueryOptions): WireLimits {
    const timeoutMs = options.timeoutMs ?? this.limits.queryTimeoutMs;
    return options.signal === undefined ? { timeoutMs } : { timeoutMs, signal: options.signal };
  }

  private within<T>(rows: T[], options: QueryOptions): T[] {
    const rowsMax = options.rowsMax ?? this.limits.rowsMax;
    if (rows.length <= rowsMax) return rows;
    throw new StoreError(
      'store_limit',
      `A query answered ${rows.length} rows where at most ${rowsMax} are taken: narrow it, or stream it`,
    );
  }
}

/** Rows `from` to `to`, exclusive. */
interface Part {
  readonly from: number;
  readonly to: number;
}

/** What is still to be stored of a part that failed: halves, or what lies around a refused row. Throws what no division cures. */
function divide({ from, to }: Part, error: unknown, refused: RejectedRow[]): Part[] {
  if (error instanceof RowEncodingError) {
    refused.push({ index: error.index, message: error.message, engineCode: null });
    return [
      { from, to: error.index },
      { from: error.index + 1, to },
    ];
  }
  if (!(error instanceof StoreError)) throw error;
  const bad = isBadRows(error);
  if (to - from > 1 && isDivisible(error)) {
    const middle = Math.floor((from + to) / 2);
    return [
      { from, to: middle },
      { from: middle, to },
    ];
  }
  if (!bad || refused.length >= REJECTED_MAX) throw error;
  refused.push({ index: from, message: error.message, engineCode: error.engineCode });
  return [];
}

const SCHEMA_TABLE = `CREATE TABLE IF NOT EXISTS schema_migration
(
    version UInt32,
    name String,
    hash String,
    applied_at DateTime64(6, 'UTC') DEFAULT now64(6, 'UTC')
)
ENGINE = MergeTree
ORDER BY version
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1`;

function cancelled(what: string, cause: unknown): StoreError {
  return new StoreError('store_cancelled', `${what}: the caller gave it up`, { cause });
}

function parseLines<T>(text: string): T[] {
  if (text === '') return [];
  try {
    // The engine's own JSON, of a shape that the statement's author names as T.
    return JSON.parse(`[${text.trimEnd().replaceAll('\n', ',')}]`) as T[];
  } catch (cause) {
    // Over HTTP an error after the first rows arrives as text among them.
    throw toStoreError(new Error(text.slice(-2_000), { cause }), 'The answer broke off');
  }
}
