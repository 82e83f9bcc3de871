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
import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';
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

/** Words of the URL that are the interface's own and no settings of the engine. */
const INTERFACE = new Set([
  'query',
  'database',
  'user',
  'password',
  'default_format',
  'query_id',
  'session_id',
  'session_timeout',
  'session_check',
  'role',
  'quota_key',
  'compress',
  'decompress',
  'stacktrace',
  'buffer_size',
  'wait_end_of_query',
  'enable_http_compression',
  'http_zlib_compression_level',
  'send_progress_in_http_headers',
  'http_headers_progress_interval_ms',
  'http_response_buffer_size',
  'client_protocol_version',
]);

const CONTENT_TYPES: Readonly<Record<string, string>> = {
  JSON: 'application/json; charset=UTF-8',
  JSONEachRow: 'application/x-ndjson; charset=UTF-8',
  JSONCompactEachRow: 'application/x-ndjson; charset=UTF-8',
  TSV: 'text/tab-separated-values; charset=UTF-8',
  TabSeparated: 'text/tab-separated-values; charset=UTF-8',
  CSV: 'text/csv; charset=UTF-8; header=absent',
};

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

function statusOf(code: number): number {
  if (code === 516 || code === 497) return 403;
  if (code === 60 || code === 81) return 404;
  if (code === 62 || code === 47 || code === 115) return 400;
  return 500;
}

interface Request {
  readonly sql: string;
  /** Rows of an INSERT that came apart from its text. */
  readonly rows: Buffer | undefined;
  readonly database: string | undefined;
  readonly format: string;
  readonly settings: readonly (readonly [string, string])[];
  readonly queryId: string;
  readonly readonly: boolean;
}

async function readRequest(request: IncomingMessage): Promise<Request> {
  const url = new URL(request.url ?? '/', `http://127.0.0.1:${PORT}`);
  const given = url.searchParams;
  authenticate(request, given);
  const body = await readBody(request);
  const query = given.get('query');
  const sql = query === null || query === '' ? body.toString('utf8') : query;
  const settings = [...given].filter(([name]) => !INTERFACE.has(name));
  return {
    sql,
    rows: query !== null && query !== '' && body.length > 0 ? body : undefined,
    database: given.get('database') ?? header(request, 'x-clickhouse-database'),
    format: header(request, 'x-clickhouse-format') ?? given.get('default_format') ?? 'TabSeparated',
    settings,
    queryId: given.get('query_id') ?? randomUUID(),
    readonly: request.method === 'GET',
  };
}

function header(request: IncomingMessage, name: string): string | undefined {
  const value = request.headers[name];
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function authenticate(request: IncomingMessage, given: URLSearchParams): void {
  const basic = /^Basic (.+)$/i.exec(request.headers.authorization ?? '')?.[1];
  const [fromBasic, ...rest] = basic === undefined ? [] : Buffer.from(basic, 'base64').toString('utf8').split(':');
  const user = header(request, 'x-clickhouse-user') ?? given.get('user') ?? fromBasic ?? 'default';
  const password = header(request, 'x-clickhouse-key') ?? given.get('password') ?? rest.join(':');
  if (user === USER && password === PASSWORD) return;
  throw new EngineError(
    `Code: 516. DB::Exception: ${user}: Authentication failed: password is incorrect, or there is no user with such name. (AUTHENTICATION_FAILED)`,
  );
}

async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request) {
    const part = Buffer.from(chunk);
    bytes += part.length;
    if (bytes > BODY_BYTES_MAX)
      throw new EngineError(
        `Code: 241. DB::Exception: The body is over ${BODY_BYTES_MAX} bytes. (MEMORY_LIMIT_EXCEEDED)`,
      );
    chunks.push(part);
  }
  const body = Buffer.concat(chunks);
  return request.headers['content-encoding'] === 'gzip' ? promisify(gunzip)(body) : body;
}

/** Each request has a connection, so settings and the database of one are unknown to the next. */
async function run(asked: Request): Promise<Uint8Array> {
  const connection = createChdbConnection({ path: PATH });
  try {
    if (asked.database !== undefined) await execute(connection, `USE \`${asked.database.replaceAll('`', '``')}\``);
    for (const [name, value] of asked.settings) {
      if (!/^\w+$/.test(name))
        throw new EngineError(`Code: 115. DB::Exception: Unknown setting '${name}'. (UNKNOWN_SETTING)`);
      await execute(connection, `SET ${name} = '${value.replace(/[\\']/g, '\\$&')}'`);
    }
    if (asked.readonly) await execute(connection, 'SET readonly = 2');
    return asked.rows === undefined
      ? await execute(connection, asked.sql, asked.format)
      : await insert(connection, asked.sql, asked.rows);
  } finally {
    await connection.close();
  }
}

async function execute(connection: ChdbConnection, sql: string, format?: string): Promise<Uint8Array> {
  try {
    return (await connection.chdb.queryAsync(sql, format === undefined ? {} : { format })).bytes();
  } catch (error) {
    throw new EngineError(error instanceof Error ? error.message : String(error));
  }
}

let bodies = 0;

/** Bytes reach the engine by a file: bound into the text they would be taken for UTF-8. */
async function insert(connection: ChdbConnection, sql: string, rows: Buffer): Promise<Uint8Array> {
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
    const seconds = performance.now() - started;
    common(response, queryId);
    response.setHeader('X-ClickHouse-Format', named);
    response.setHeader(
      'X-ClickHouse-Summary',
      JSON.stringify({
        read_rows: '0',
        read_bytes: '0',
        written_rows: '0',
        written_bytes: '0',
        total_rows_to_read: '0',
        result_rows: '0',
        result_bytes: String(body.length),
        elapsed_ns: String(Math.round(seconds * 1e6)),
      }),
    );
    response.setHeader('Content-Type', CONTENT_TYPES[named] ?? 'application/octet-stream');
    await send(request, response, Buffer.from(body.buffer, body.byteOffset, body.byteLength));
  } catch (error) {
    const failure =
      error instanceof EngineError
        ? error
        : new EngineError(`Code: 1001. DB::Exception: ${String(error)} (STD_EXCEPTION)`);
    common(response, queryId);
    response.statusCode = statusOf(failure.code);
    response.setHeader('X-ClickHouse-Exception-Code', String(failure.code));
    response.setHeader('Content-Type', 'text/plain; charset=UTF-8');
    response.end(`${failure.message}\n`);
  }
}

function common(response: ServerResponse, queryId: string): void {
  response.setHeader('X-ClickHouse-Server-Display-Name', 'paceline-local');
  response.setHeader('X-ClickHouse-Query-Id', queryId);
  response.setHeader('X-ClickHouse-Timezone', 'UTC');
}

async function send(request: IncomingMessage, response: ServerResponse, body: Buffer): Promise<void> {
  const wanted = new URL(request.url ?? '/', 'http://127.0.0.1').searchParams.get('enable_http_compression') === '1';
  if (!wanted || !/\bgzip\b/.test(String(request.headers['accept-encoding'] ?? ''))) {
    response.end(body);
    return;
  }
  response.setHeader('Content-Encoding', 'gzip');
  response.end(await promisify(gzip)(body, { level: 1 }));
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
    void held.close().then(() => process.exit(0));
  });
  server.closeAllConnections();
});
