import type { TableName } from './tables.ts';

/** Everything that can go wrong in the store, closed; `retryable` says whether the same call can succeed later. */
export const STORE_ERRORS = {
  store_locked: { retryable: false, remedy: 'Stop the process that owns the folder, or talk to it with --url.' },
  store_folder: { retryable: false, remedy: 'Check that the folder exists and its owner and permissions.' },
  store_copied: {
    retryable: false,
    remedy: 'Remove the folder of the tables; they are made again from the event log.',
  },
  store_thread_pool: {
    retryable: false,
    remedy: 'Start the process with UV_THREADPOOL_SIZE=16 (or more) in its environment.',
  },
  store_disk_full: { retryable: true, remedy: 'Free some room; the same rows are stored once there is any.' },
  store_unavailable: { retryable: true, remedy: 'Check the address of ClickHouse and that it runs.' },
  store_busy: { retryable: true, remedy: 'Wait a moment; more is asked than the engine can take just now.' },
  store_refused: { retryable: false, remedy: 'Check user, password and grants of the ClickHouse account.' },
  store_limit: { retryable: false, remedy: 'Narrow the range, or raise the limit of time, rows or memory.' },
  store_schema_missing: { retryable: false, remedy: 'Run migrate() once before the tables are used.' },
  store_schema_newer: { retryable: false, remedy: 'Run the version of Paceline that made the tables, or a newer one.' },
  store_schema_changed: {
    retryable: false,
    remedy: 'A migration that was applied must never be edited: restore its text and add a new one.',
  },
  store_rows_rejected: { retryable: false, remedy: 'Keep the listed rows as dead letters; all others are stored.' },
  store_statement: { retryable: false, remedy: 'The statement is wrong: report it, with the message.' },
  store_cancelled: { retryable: false, remedy: 'The caller gave the call up.' },
  store_closed: { retryable: false, remedy: 'The store is closed: open it again.' },
} as const satisfies Readonly<Record<string, { readonly retryable: boolean; readonly remedy: string }>>;

export type StoreErrorCode = keyof typeof STORE_ERRORS;

export class StoreError extends Error {
  override readonly name: string = 'StoreError';
  readonly code: StoreErrorCode;
  /** ClickHouse's own error number, where it was the engine that refused. */
  readonly engineCode: number | null;

  constructor(code: StoreErrorCode, message: string, options: { cause?: unknown; engineCode?: number } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.engineCode = options.engineCode ?? null;
  }

  get retryable(): boolean {
    return STORE_ERRORS[this.code].retryable;
  }

  get remedy(): string {
    return STORE_ERRORS[this.code].remedy;
  }
}

/** One row that the engine or the encoder refused. */
export interface RejectedRow {
  /** Index in the rows given to `insert`. */
  readonly index: number;
  readonly message: string;
  readonly engineCode: number | null;
}

/** Thrown by `insert` once every other row is durable. */
export class RowsRejectedError extends StoreError {
  override readonly name = 'RowsRejectedError';
  readonly table: TableName;
  readonly rejected: readonly RejectedRow[];

  constructor(table: TableName, rejected: readonly RejectedRow[], cause: unknown) {
    const first = rejected[0];
    super(
      'store_rows_rejected',
      `${rejected.length} row(s) of table ${table} cannot be stored, first row ${first?.index}: ${first?.message}`,
      { cause },
    );
    this.table = table;
    this.rejected = rejected;
  }
}

/** Too many parts, queries or mutations: the engine asks for patience. */
const BUSY = new Set([252, 202, 203, 692, 719]);
const TIMED_OUT = new Set([159, 209, 210, 279, 425]);
const MEMORY = new Set([241]);
const LIMIT = new Set([158, 160, 241, 307, 396]);
const REFUSED = new Set([192, 193, 194, 195, 291, 497, 516]);
/** Data that a column, a constraint or the format refuses. */
const BAD_ROWS = new Set([6, 26, 27, 33, 38, 41, 53, 69, 72, 117, 131, 349, 407, 469]);
const NETWORK = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
  'ETIMEDOUT',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'UND_ERR_SOCKET',
]);

export function isMemoryLimit(error: unknown): boolean {
  return error instanceof StoreError && error.engineCode !== null && MEMORY.has(error.engineCode);
}

export function isBadRows(error: unknown): boolean {
  return error instanceof StoreError && error.engineCode !== null && BAD_ROWS.has(error.engineCode);
}

/** Fewer rows at once may go where these did not: some are bad, or all are too many. */
export function isDivisible(error: unknown): boolean {
  return isBadRows(error) || isMemoryLimit(error);
}

/** Makes a typed error of what the client, the engine or the file system threw. `what` names the attempt. */
export function toStoreError(cause: unknown, what: string): StoreError {
  if (cause instanceof StoreError) return cause;
  const message = cause instanceof Error ? cause.message : String(cause);
  const code = codeOf(cause);
  const say = `${what}: ${message}`;
  if (code === 'ENOSPC' || code === '243' || /No space left on device|NOT_ENOUGH_SPACE/.test(message))
    return new StoreError('store_disk_full', say, withEngineCode(cause, code));
  if (code === 'CHDB_ABORT' || isAbort(cause)) return new StoreError('store_cancelled', say, { cause });
  if (code === 'CHDB_CLOSED' || /ChdbConnection is closed/.test(message))
    return new StoreError('store_closed', say, { cause });
  const engineCode = engineCodeOf(code, message);
  if (engineCode !== undefined) return new StoreError(kindOf(engineCode), say, { cause, engineCode });
  if (NETWORK.has(code) || /Timeout error|socket hang up|other side closed/i.test(message))
    return new StoreError('store_unavailable', say, { cause });
  return new StoreError('store_statement', say, { cause });
}

function kindOf(engineCode: number): StoreErrorCode {
  if (BUSY.has(engineCode)) return 'store_busy';
  if (TIMED_OUT.has(engineCode)) return engineCode === 159 ? 'store_limit' : 'store_unavailable';
  if (LIMIT.has(engineCode)) return 'store_limit';
  if (REFUSED.has(engineCode)) return 'store_refused';
  // Unknown database or table: nobody has migrated yet.
  if (engineCode === 81 || engineCode === 60) return 'store_schema_missing';
  return 'store_statement';
}

/**
 * Whether the same statement may succeed in a moment: the engine is busy (252) or cannot be reached. A time-out is worth
 * another try for an insert, whose work is bounded; a query would take as long again.
 */
export function isWorthRetrying(error: StoreError, insert: boolean): boolean {
  return error.code === 'store_busy' || error.code === 'store_unavailable' || (insert && error.engineCode === 159);
}

function withEngineCode(cause: unknown, code: string): { cause: unknown; engineCode?: number } {
  return /^\d+$/.test(code) ? { cause, engineCode: Number(code) } : { cause };
}

function codeOf(cause: unknown): string {
  return typeof cause === 'object' && cause !== null && 'code' in cause ? String(cause.code) : '';
}

function isAbort(cause: unknown): boolean {
  return cause instanceof Error && (cause.name === 'AbortError' || /user aborted a request/i.test(cause.message));
}

function engineCodeOf(code: string, message: string): number | undefined {
  if (/^\d+$/.test(code)) return Number(code);
  const inText = /Code: (\d+)\. DB::Exception/.exec(message);
  return inText === null ? undefined : Number(inText[1]);
}
