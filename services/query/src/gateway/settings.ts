import type { GuestScope } from '@paceline/store';
import { TABLES } from '@paceline/store';
import { Refusal } from './refusal.ts';
import { listingFilters, SYSTEM_DATABASE } from './system-views.ts';

export interface GatewayLimits {
  /** Rows of one answer. */
  readonly rows: number;
  /** Bytes of one answer, which is made whole before it is sent. */
  readonly bytes: number;
  readonly queryMs: number;
  readonly memoryBytes: number;
}

/** Bounds of the statement itself: beyond these the engine's own parser and analyser become the load. */
const STATEMENT = {
  max_parser_depth: 500,
  max_parser_backtracks: 200_000,
  max_ast_depth: 300,
  max_ast_elements: 20_000,
  max_expanded_ast_elements: 200_000,
  max_subquery_depth: 50,
  max_columns_to_read: 2_000,
  max_sessions_for_user: 0,
} as const;

const CLOSED = {
  allow_ddl: 0,
  allow_introspection_functions: 0,
  // `1 + 1` is no query here: what is not SELECT must not become one.
  implicit_select: 0,
  allow_experimental_codecs: 0,
  max_threads: 2,
  max_concurrent_queries_for_user: 0,
  timeout_overflow_mode: 'throw',
  result_overflow_mode: 'throw',
  read_overflow_mode: 'throw',
  log_queries: 0,
  log_comment: '',
  use_query_cache: 0,
} as const;

type Check = (value: string) => string | number | undefined;
const flag: Check = (value) =>
  value === '1' || value === 'true' ? 1 : value === '0' || value === 'false' ? 0 : undefined;
const oneOf =
  (...values: string[]): Check =>
  (value) =>
    values.includes(value) ? value : undefined;
const whole =
  (most: number): Check =>
  (value) =>
    /^\d{1,15}$/.test(value) ? Math.min(Number(value), most) : undefined;

/** How an answer looks, and harmless habits of clients. Everything else that comes along is dropped, never forwarded and never refused. */
const TAKEN: Readonly<Record<string, Check>> = {
  date_time_output_format: oneOf('simple', 'iso', 'unix_timestamp'),
  session_timezone: (value) => (/^[A-Za-z][A-Za-z0-9_+/-]{0,60}$/.test(value) && isZone(value) ? value : undefined),
  output_format_json_quote_64bit_integers: flag,
  output_format_json_quote_64bit_floats: flag,
  output_format_json_quote_decimals: flag,
  output_format_json_quote_denormals: flag,
  output_format_json_named_tuples_as_objects: flag,
  output_format_decimal_trailing_zeros: flag,
  output_format_csv_crlf_end_of_line: flag,
  output_format_tsv_crlf_end_of_line: flag,
  output_format_native_encode_types_in_binary_format: flag,
  output_format_native_use_flattened_dynamic_and_json_serialization: flag,
  output_format_native_write_json_as_string: flag,
  output_format_binary_encode_types_in_binary_format: flag,
  output_format_binary_write_json_as_string: flag,
  output_format_arrow_string_as_string: flag,
  output_format_arrow_low_cardinality_as_dictionary: flag,
  output_format_parquet_string_as_string: flag,
  output_format_pretty_color: oneOf('0', '1', 'auto'),
  output_format_write_statistics: flag,
  extremes: flag,
  join_use_nulls: flag,
  group_by_use_nulls: flag,
  prefer_column_name_to_alias: flag,
  union_default_mode: oneOf('', 'ALL', 'DISTINCT'),
  cast_keep_nullable: flag,
  max_block_size: whole(65_536),
};

function isZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone !== '';
  } catch {
    // Intl throws for what it does not know; the engine would too, in the middle of an answer.
    return false;
  }
}

/** Settings under which a statement is only parsed; a guest's own say nothing here, or a small `max_result_rows` would hide what is looked at. */
export function parserSettings(limits: GatewayLimits): GuestScope['settings'] {
  return {
    ...STATEMENT,
    ...CLOSED,
    max_query_size: QUERY_BYTES,
    max_execution_time: limits.queryMs / 1000,
    max_memory_usage: limits.memoryBytes,
  };
}

/** Room for the words that are put around a statement and into it. */
const QUERY_BYTES = 512 * 1024;

/** Settings in force for a guest's statement: limits, what the guest asked for and may have, and the workspace's rows alone. */
export function settingsFor(asked: {
  readonly given: Iterable<readonly [string, string]>;
  readonly limits: GatewayLimits;
  readonly database: string;
  readonly workspace: string;
  readonly views: Iterable<string>;
}): GuestScope['settings'] {
  const { limits } = asked;
  const seconds = limits.queryMs / 1000;
  const settings: Record<string, string | number> = { output_format_pretty_color: '0' };
  let [rows, time, overflow] = [limits.rows, seconds, 'throw'];
  for (const [name, value] of asked.given) {
    // A guest may have less than its limits, never more.
    if (name === 'max_result_rows' && Number(value) > 0) rows = Math.min(rows, Math.trunc(Number(value)) || rows);
    else if (name === 'result_overflow_mode' && value === 'break') overflow = 'break';
    else if (name === 'max_execution_time' && Number(value) > 0) time = Math.min(time, Number(value));
    const taken = Object.hasOwn(TAKEN, name) ? TAKEN[name]?.(value) : undefined;
    if (taken !== undefined) settings[name] = taken;
  }
  return {
    ...settings,
    ...STATEMENT,
    ...CLOSED,
    max_query_size: QUERY_BYTES,
    max_result_rows: rows,
    // Whoever asks for fewer rows may have the first of them; over the gateway's own limit the query fails.
    result_overflow_mode: rows < limits.rows ? overflow : 'throw',
    max_result_bytes: limits.bytes,
    max_execution_time: time,
    max_memory_usage: limits.memoryBytes,
    additional_table_filters: filtersText(asked),
  };
}

/** The workspace's rows of every table, whatever view or subquery reads it. */
function filtersText({
  database,
  workspace,
  views,
}: {
  readonly database: string;
  readonly workspace: string;
  readonly views: Iterable<string>;
}): string {
  if (!/^[a-z0-9][a-z0-9_-]{0,62}$/.test(workspace)) throw new Refusal('ACCESS_DENIED', 'That is no workspace');
  const own = `workspace = '${workspace}'`;
  const filters = [
    ...Object.keys(TABLES).map((table) => [`${database}.${table}`, own] as const),
    ...Object.entries(listingFilters(views)).map(
      ([view, condition]) => [`${SYSTEM_DATABASE}.${view}`, condition] as const,
    ),
  ];
  return `{${filters.map(([table, condition]) => `${text(table)}: ${text(condition)}`).join(', ')}}`;
}

function text(value: string): string {
  return `'${value.replace(/[\\']/g, (character) => `\\${character}`)}'`;
}
