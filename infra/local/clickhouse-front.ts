/**
 * ClickHouse's HTTP interface in front of the engine of npm `chdb`, for tests of the HTTP form of the store. Engine, SQL,
 * settings, formats and error codes are ClickHouse's own; the transport is ours and does what clients need: `/ping`, users,
 * `query` and body, `database`, settings and `param_*` in the URL, gzip both ways, formats, `X-ClickHouse-*` headers.
 * An answer is made whole before its first byte is sent. Loopback only.
 */
import { randomUUID } from 'node:crypto';
import { mkdirSync, rmSync } from 'node:fs';
import { unlink, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { join } from 'node:path';
import {
  ClickHouseBodyError,
  type ClickHouseRequest,
  dressAnswer,
  readClickHouseRequest,
  sendClickHouseAnswer,
  sendClickHouseError,
} from '@paceline/runtime/clickhouse-http';
import type { ChdbConnection } from 'chdb/connection';
import { createChdbConnection } from 'chdb/connection';

const PORT = Number(required('CLICKHOUSE_PORT'));
const PATH = required('CLICKHOUSE_PATH');
const USER = required('CLICKHOUSE_USER');
const PASSWORD = required('CLICKHOUSE_PASSWORD');
const BODIES = join(PATH, 'bodies');
const BODY_BYTES_MAX = 1024 ** 3;
/** Requests that run in the engine side by side; each holds one of libuv's threads. */
const RUNNING_MAX = 12;

function required(name: string): string {
  const value = process.env[name];
  if (value === undefined) throw new Error(`${name} is not set: start this through startClickHouse()`);
  return value;
}

/** A failure in the engine's words: `Code: N. DB::Exception: … (NAME)`. */
class EngineError extends Error {
  readonly code: number;
  constructor(message: string) {
    super(message);
    this.code = Number(/Code: (\d+)/.exec(message)?.[1] ?? 1001);
  }
}

/** Bytes, and the rows in them as the engine counted. */
interface Answer {
  readonly bytes: Uint8Array;
  readonly rows: number;
}

interface Request {
  readonly sql: string;
  /** Rows of an INSERT that came apart from its text. */
  readonly rows: Buffer | undefined;
  readonly database: string | null;
  readonly format: string;
  readonly settings: readonly (readonly [string, string])[];
  readonly queryId: string;
  readonly readonly: boolean;
}

async function readRequest(request: IncomingMessage): Promise<Request> {
  const asked = await readClickHouseRequest(request, BODY_BYTES_MAX);
  authenticate(asked);
  const { query, body } = asked;
  return {
    sql: query === '' ? body.toString('utf8') : query,
    rows: query !== '' && body.length > 0 ? body : undefined,
    database: asked.database,
    format: asked.format ?? 'TabSeparated',
    settings: settingsOf(asked),
    queryId: asked.queryId ?? randomUUID(),
    readonly: request.method === 'GET',
  };
}

/** Read-only comes last, because behind it nothing can be set. */
function settingsOf({ settings, params }: ClickHouseRequest): readonly (readonly [string, string])[] {
  const all = [...settings, ...params.map(([name, value]) => [`param_${name}`, value] as const)];
  return [...all.filter(([name]) => name !== 'readonly'), ...all.filter(([name]) => name === 'readonly')];
}

function authenticate({ user, key }: ClickHouseRequest): void {
  if (user === USER && key === PASSWORD) return;
  throw new EngineError(
    `Code: 516. DB::Exception: ${user}: Authentication failed: password is incorrect, or there is no user with such name. (AUTHENTICATION_FAILED)`,
  );
}

/** One statement, as every request brings a dozen settings. */
function settingsText(settings: Request['settings']): string {
  const parts = settings.map(([name, value]) => {
    if (!/^\w+$/.test(name))
      throw new EngineError(`Code: 115. DB::Exception: Unknown setting '${name}'. (UNKNOWN_SETTING)`);
    return `${name} = '${value.replace(/[\\']/g, '\\$&')}'`;
  });
  return `SET ${parts.join(', ')}`;
}

interface Idle {
  /** Database and settings, as statements. */
  readonly entry: string;
  readonly connection: ChdbConnection;
}

/** Connections that were asked nothing that could change them, for requests with the same database and settings. */
const idle: Idle[] = [];
const IDLE_MAX = 24;
const CHANGES_NOTHING = /^\s*(SELECT|WITH|INSERT)\b/i;

/** What a request sets is unknown to every other: none has a connection that was entered in another way. */
async function run(asked: Request): Promise<Answer> {
  const entered = [
    ...(asked.database === null ? [] : [`USE \`${asked.database.replaceAll('`', '``')}\``]),
    ...(asked.settings.length === 0 ? [] : [settingsText(asked.settings)]),
    ...(asked.readonly ? ['SET readonly = 2'] : []),
  ];
  const entry = entered.join('\n');
  const place = idle.findIndex((one) => one.entry === entry);
  const [known] = place < 0 ? [] : idle.splice(place, 1);
  const connection = known?.connection ?? createChdbConnection({ path: PATH });
  let isAsBefore = false;
  try {
    if (known === undefined) for (const statement of entered) await execute(connection, statement);
    const answer =
      asked.rows === undefined
        ? await execute(connection, asked.sql, asked.format)
        : await insert(connection, asked.sql, asked.rows);
    isAsBefore = CHANGES_NOTHING.test(asked.sql);
    return answer;
  } finally {
    if (isAsBefore) idle.push({ entry, connection });
    else await connection.close();
    if (idle.length > IDLE_MAX) await idle.shift()?.connection.close();
  }
}

async function execute(connection: ChdbConnection, sql: string, format?: string): Promise<Answer> {
  try {
    const result = await connection.chdb.queryAsync(sql, format === undefined ? {} : { format });
    return { bytes: result.bytes(), rows: result.rowsRead };
  } catch (error) {
    throw new EngineError(error instanceof Error ? error.message : String(error));
  }
}

let bodies = 0;

/** Bytes reach the engine by a file: bound into the text they would be taken for UTF-8. */
async function insert(connection: ChdbConnection, sql: string, rows: Buffer): Promise<Answer> {
  const parts = /^\s*(INSERT\s+INTO\s[\s\S]+?)\s+FORMAT\s+(\w+)\s*;?\s*$/i.exec(sql);
  if (parts === null)
    throw new EngineError(
      'Code: 62. DB::Exception: Syntax error: rows came with a query that is no INSERT … FORMAT …. (SYNTAX_ERROR)',
    );
  const file = join(BODIES, `${bodies++}.bin`);
  try {
    await writeFile(file, rows);
    return await execute(connection, `${parts[1]} FROM INFILE '${file}' FORMAT ${parts[2]}`);
  } finally {
    await unlink(file);
  }
}

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const path = (request.url ?? '/').split('?')[0];
  if (path === '/ping') {
    response.end('Ok.\n');
    return;
  }
  let queryId = '';
  try {
    const asked = await readRequest(request);
    queryId = asked.queryId;
    const started = performance.now();
    const body = await turn(() => run(asked));
    const named = /\sFORMAT\s+(\w+)\s*;?\s*$/i.exec(asked.sql)?.[1] ?? asked.format;
    const elapsedMs = performance.now() - started;
    dressAnswer(response, { name: NAME, queryId });
    await sendClickHouseAnswer(request, response, {
      bytes: body.bytes,
      format: named,
      counts: { rows: body.rows, elapsedMs },
    });
  } catch (error) {
    const failure = failureOf(error);
    dressAnswer(response, { name: NAME, queryId });
    sendClickHouseError(response, failure.code, failure.message);
  }
}

const NAME = 'paceline-local';

function failureOf(error: unknown): EngineError {
  if (error instanceof EngineError) return error;
  if (error instanceof ClickHouseBodyError)
    return new EngineError(`Code: 241. DB::Exception: ${error.message} (MEMORY_LIMIT_EXCEEDED)`);
  return new EngineError(`Code: 1001. DB::Exception: ${String(error)} (STD_EXCEPTION)`);
}

let running = 0;
const waiting: (() => void)[] = [];

async function turn<T>(work: () => Promise<T>): Promise<T> {
  if (running >= RUNNING_MAX) await new Promise<void>((resolve) => waiting.push(resolve));
  else running++;
  try {
    return await work();
  } finally {
    const next = waiting.shift();
    if (next === undefined) running--;
    else next();
  }
}

mkdirSync(PATH, { recursive: true });
rmSync(BODIES, { recursive: true, force: true });
mkdirSync(BODIES);
// Held for as long as the process lives: with no connection open the engine would stop between requests.
const held = createChdbConnection({ path: PATH });
const server = createServer((request, response) => {
  answer(request, response).catch((error: unknown) => {
    console.error(error);
    response.destroy();
  });
});
server.listen(PORT, '127.0.0.1');
process.once('SIGTERM', () => {
  server.close(() => {
    const all = [held, ...idle.map(({ connection }) => connection)];
    void Promise.all(all.map((connection) => connection.close())).then(() => process.exit(0));
  });
  server.closeAllConnections();
});
