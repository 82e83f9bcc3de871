/**
 * What ClickHouse's HTTP interface looks like from outside, without an engine: where a request carries its query, user, settings
 * and parameters, and how answers and errors are dressed. Shared by the query service's gateway and by the front that stands in
 * for a server in tests.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { promisify } from 'node:util';
import { gunzip, gzip, inflate, zstdDecompress } from 'node:zlib';

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
  JSONCompact: 'application/json; charset=UTF-8',
  JSONEachRow: 'application/x-ndjson; charset=UTF-8',
  JSONCompactEachRow: 'application/x-ndjson; charset=UTF-8',
  TSV: 'text/tab-separated-values; charset=UTF-8',
  TabSeparated: 'text/tab-separated-values; charset=UTF-8',
  TabSeparatedWithNames: 'text/tab-separated-values; charset=UTF-8',
  CSV: 'text/csv; charset=UTF-8; header=absent',
  CSVWithNames: 'text/csv; charset=UTF-8; header=present',
  Parquet: 'application/vnd.apache.parquet',
  ArrowStream: 'application/vnd.apache.arrow.stream',
  Arrow: 'application/vnd.apache.arrow.file',
};

export function clickHouseContentType(format: string): string {
  return CONTENT_TYPES[format] ?? 'application/octet-stream';
}

export interface ClickHouseRequest {
  /** The URL's own query; empty when the body is it. */
  readonly query: string;
  readonly body: Buffer;
  readonly database: string | null;
  /** By header or `default_format`, in that order. */
  readonly format: string | null;
  /** Everything in the URL that the interface does not take for itself, in its order: settings. */
  readonly settings: readonly (readonly [string, string])[];
  /** `param_NAME`, without the prefix. */
  readonly params: readonly (readonly [string, string])[];
  readonly queryId: string | null;
  readonly user: string;
  readonly key: string;
}

/** A body that cannot be taken; `reason` says which way. */
export class ClickHouseBodyError extends Error {
  readonly reason: 'too_large' | 'encoding' | 'damaged';
  constructor(reason: ClickHouseBodyError['reason'], message: string, options: { cause?: unknown } = {}) {
    super(message, options);
    this.reason = reason;
  }
}

export async function readClickHouseRequest(
  request: IncomingMessage,
  bodyBytesMax: number,
): Promise<ClickHouseRequest> {
  const given = new URL(request.url ?? '/', 'http://clickhouse').searchParams;
  const others = [...given].filter(([name]) => !INTERFACE.has(name));
  return {
    ...credentialsOf(request, given),
    query: given.get('query') ?? '',
    body: await readBody(request, bodyBytesMax),
    database: given.get('database') ?? header(request, 'x-clickhouse-database') ?? null,
    format: header(request, 'x-clickhouse-format') ?? given.get('default_format'),
    settings: others.filter(([name]) => !name.startsWith('param_')),
    params: others.flatMap(([name, value]) => (name.startsWith('param_') ? [[name.slice(6), value] as const] : [])),
    queryId: given.get('query_id'),
  };
}

function header(request: IncomingMessage, name: string): string | undefined {
  const value = request.headers[name];
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/** Headers of ClickHouse's own, then the URL, then HTTP's basic scheme, or a bearer's key without a user. */
function credentialsOf(
  request: IncomingMessage,
  given: URLSearchParams,
): { readonly user: string; readonly key: string } {
  const authorization = request.headers.authorization ?? '';
  const basic = /^Basic (.+)$/i.exec(authorization)?.[1];
  const [fromBasic, ...rest] = basic === undefined ? [] : Buffer.from(basic, 'base64').toString('utf8').split(':');
  const bearer = /^Bearer (.+)$/i.exec(authorization)?.[1];
  return {
    user: header(request, 'x-clickhouse-user') ?? given.get('user') ?? fromBasic ?? 'default',
    key: header(request, 'x-clickhouse-key') ?? given.get('password') ?? bearer ?? rest.join(':'),
  };
}

const EXPANDERS: Readonly<Record<string, (body: Buffer, options: { maxOutputLength: number }) => Promise<Buffer>>> = {
  gzip: promisify(gunzip),
  deflate: promisify(inflate),
  zstd: promisify(zstdDecompress),
};

async function readBody(request: IncomingMessage, bytesMax: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request) {
    const part = Buffer.from(chunk);
    bytes += part.length;
    if (bytes > bytesMax) throw new ClickHouseBodyError('too_large', `The body is over ${bytesMax} bytes`);
    chunks.push(part);
  }
  const body = Buffer.concat(chunks);
  const encoding = request.headers['content-encoding'] ?? 'identity';
  if (encoding === 'identity' || body.length === 0) return body;
  const expand = EXPANDERS[encoding];
  if (expand === undefined)
    throw new ClickHouseBodyError(
      'encoding',
      `Content-Encoding ${encoding.slice(0, 40)} is not supported; send gzip, deflate or zstd`,
    );
  try {
    return await expand(body, { maxOutputLength: bytesMax });
  } catch (cause) {
    throw new ClickHouseBodyError('damaged', `The body is no ${encoding}, or is over ${bytesMax} bytes`, { cause });
  }
}

/** HTTP's word for one of ClickHouse's error numbers, as a server answers it. */
export function clickHouseStatus(code: number): number {
  if (code === 194) return 401;
  if (code === 516 || code === 497 || code === 192 || code === 193) return 403;
  if ([46, 47, 50, 56, 60, 81, 115].includes(code)) return 404;
  if ([36, 42, 43, 53, 62, 70, 72, 73, 6, 27, 38, 41, 69, 117, 386, 456, 457].includes(code)) return 400;
  if (code === 307) return 413;
  if (code === 48) return 501;
  if (code === 202) return 503;
  return 500;
}

export interface ClickHouseDress {
  readonly name: string;
  readonly queryId: string;
}

export function dressAnswer(response: ServerResponse, { name, queryId }: ClickHouseDress): void {
  response.setHeader('X-ClickHouse-Server-Display-Name', name);
  response.setHeader('X-ClickHouse-Query-Id', queryId);
  response.setHeader('X-ClickHouse-Timezone', 'UTC');
}

export interface ClickHouseCounts {
  /** In the answer: clients of Java read nothing when there are said to be none. */
  readonly rows: number;
  readonly elapsedMs: number;
}

/** Sends a whole answer in a format, gzip where the client asked for it by either of ClickHouse's ways. */
export async function sendClickHouseAnswer(
  request: IncomingMessage,
  response: ServerResponse,
  answer: { readonly bytes: Uint8Array; readonly format: string; readonly counts: ClickHouseCounts },
): Promise<void> {
  const { bytes, format, counts } = answer;
  const body = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  response.setHeader('X-ClickHouse-Format', format);
  response.setHeader('Content-Type', clickHouseContentType(format));
  response.setHeader('X-ClickHouse-Summary', summaryOf(counts, body.length));
  const given = new URL(request.url ?? '/', 'http://clickhouse').searchParams;
  const accepts = /\bgzip\b/.test(String(request.headers['accept-encoding'] ?? ''));
  // `compress=1` means ClickHouse's own blocks, which clients also take as a plain content encoding.
  const asked = given.get('compress') === '1' || (given.get('enable_http_compression') === '1' && accepts);
  if (!asked) {
    response.end(body);
    return;
  }
  response.setHeader('Content-Encoding', 'gzip');
  response.end(await promisify(gzip)(body, { level: 1 }));
}

function summaryOf({ rows, elapsedMs }: ClickHouseCounts, bytes: number): string {
  return JSON.stringify({
    read_rows: String(rows),
    read_bytes: String(bytes),
    written_rows: '0',
    written_bytes: '0',
    total_rows_to_read: '0',
    result_rows: String(rows),
    result_bytes: String(bytes),
    elapsed_ns: String(Math.round(elapsedMs * 1e6)),
  });
}

export function sendClickHouseError(response: ServerResponse, code: number, text: string): void {
  response.statusCode = clickHouseStatus(code);
  response.setHeader('X-ClickHouse-Exception-Code', String(code));
  response.setHeader('Content-Type', 'text/plain; charset=UTF-8');
  response.end(`${text}\n`);
}
