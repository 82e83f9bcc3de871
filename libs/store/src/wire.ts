import type { GuestRun, GuestScope, Lane, QueryOptions } from './port.ts';
import type { TableName } from './tables.ts';

/** What differs between the engine in this process and one behind HTTP: how text and rows reach it, and answers return. */
export interface Wire {
  /** Runs one statement whose values are bound already; with a format, answers its bytes. */
  run(lane: Lane, sql: string, format: string | null, limits: WireLimits): Promise<Uint8Array>;
  /** Stores one body of RowBinary in the columns of `tables.ts`; resolves when it is durable. */
  insert(table: TableName, body: Uint8Array, limits: WireLimits): Promise<void>;
  stream(sql: string, format: string, limits: WireLimits): AsyncIterable<Uint8Array>;
  /** A connection of its own for one caller; it is let go when the work ends. */
  guest<T>(scope: GuestScope, work: (run: GuestRun) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

export interface WireLimits extends Pick<QueryOptions, 'signal'> {
  readonly timeoutMs: number;
}

/** Settings in force on every connection; a user's own profile must not change what numbers mean. */
export function engineSettings(memoryBytesMax: number): Readonly<Record<string, string | number>> {
  return {
    // A statement may carry a thousand subjects or bucket starts; the default is 256 KiB.
    max_query_size: 64 * 1024 * 1024,
    max_memory_usage: memoryBytesMax,
    // An insert must be durable when it resolves, and its rows must not wait for others.
    async_insert: 0,
    // Equal blocks are equal rows here; dropping "duplicates" by a token would forget and would drop others.
    insert_deduplicate: 0,
    session_timezone: 'UTC',
    date_time_output_format: 'simple',
    output_format_json_quote_64bit_integers: 1,
    output_format_json_quote_decimals: 1,
    // Retractions are nulls: joins and aggregates must keep meaning what the builders say.
    join_use_nulls: 0,
    aggregate_functions_null_for_empty: 0,
    transform_null_in: 0,
  };
}
