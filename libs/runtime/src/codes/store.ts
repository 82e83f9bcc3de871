import { type ErrorEntry, entry } from './entry.ts';

/** ClickHouse's engine, in the process or behind its address. */
export const STORE = {
  store_locked: entry(
    500,
    'The data folder is owned by another running process.',
    'Stop that process, or talk to it with --url.',
  ),
  store_folder: entry(
    500,
    'The folder of the tables cannot be used.',
    'Check that it exists, and its owner and permissions.',
  ),
  store_copied: entry(
    500,
    'The tables were copied while a process wrote them, so they may be of several moments at once.',
    'Remove the folder that the message names; the tables are made again from the event log.',
  ),
  store_thread_pool: entry(
    500,
    'The process has too few threads for the embedded engine.',
    'Start it with UV_THREADPOOL_SIZE=16 in its environment, or by paceline, which does.',
  ),
  store_disk_full: entry(
    503,
    'The disk of the tables has no room left; the event log has everything.',
    'Free some room; the same rows are written once there is any.',
  ),
  store_unavailable: entry(
    503,
    'ClickHouse cannot be reached.',
    'Check its address and that it runs; work goes on when it returns.',
  ),
  store_busy: entry(503, 'The engine is asked for more than it can take just now.', 'Wait a moment and ask again.'),
  store_refused: entry(
    500,
    'ClickHouse refused user, password or a right.',
    'Check user, password and grants of the account.',
  ),
  store_limit: entry(
    413,
    'A query met the limit of time, rows or memory.',
    'Narrow the range or use a coarser window.',
  ),
  store_schema_missing: entry(500, 'The tables have not been made yet.', 'Start the server once; it makes them.'),
  store_schema_newer: entry(
    500,
    'The tables were made by a newer version of Paceline.',
    'Run that version or a newer one; tables are never migrated back.',
  ),
  store_schema_changed: entry(
    500,
    'A migration that was applied has another text now.',
    'Restore its text and add a new migration.',
  ),
  store_rows_rejected: entry(
    500,
    'The engine refused some rows; all others are written.',
    'Look at them with paceline deadletter list.',
  ),
  store_statement: entry(
    500,
    'The engine refused a statement.',
    "Report it with the text of the message, which carries the engine's own code.",
  ),
  store_cancelled: entry(503, 'The call was given up before it ended.', 'Ask again.'),
  store_closed: entry(
    503,
    'The tables have been closed.',
    'The server is stopping; send the request again in a moment.',
  ),
} as const satisfies Record<string, ErrorEntry>;
