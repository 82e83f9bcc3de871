import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { Failure, type FaultLine } from './failure.ts';

export type Query = Readonly<Record<string, string | number | boolean | undefined>>;

export interface ApiCall {
  readonly query?: Query;
  /** A JSON value, or text with its content type. */
  readonly body?: unknown;
  readonly contentType?: string;
  readonly accept?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Ends the call, and an answer that has no end of its own. */
  readonly signal?: AbortSignal;
}

/** One way to talk to Paceline, whether it runs elsewhere or in this very process. */
export interface Api {
  /** The address, or `null` when this process is the server. */
  readonly url: string | null;
  json<T>(method: 'GET' | 'POST', path: string, call?: ApiCall): Promise<T>;
  text(method: 'GET' | 'POST', path: string, call?: ApiCall): Promise<string>;
  /** Lines of an NDJSON answer as they come. */
  lines<T>(method: 'GET' | 'POST', path: string, call?: ApiCall): AsyncIterable<T>;
  /** The data of server-sent events as they come. */
  events(path: string, call?: ApiCall): AsyncIterable<string>;
  close(): Promise<void>;
}

export interface RawAnswer {
  readonly status: number;
  readonly contentType: string;
  readonly body: AsyncIterable<Uint8Array | string>;
}

export type Transport = (
  method: string,
  target: string,
  headers: Record<string, string>,
  body: string | Uint8Array | undefined,
  signal: AbortSignal | undefined,
) => Promise<RawAnswer>;

export function apiOver(url: string | null, transport: Transport, close: () => Promise<void>): Api {
  const send = async (method: string, path: string, call: ApiCall = {}): Promise<RawAnswer> => {
    const headers: Record<string, string> = { accept: call.accept ?? 'application/json', ...call.headers };
    let body: string | Uint8Array | undefined;
    if (typeof call.body === 'string' || call.body instanceof Uint8Array) body = call.body;
    else if (call.body !== undefined) body = JSON.stringify(call.body);
    if (body !== undefined) headers['content-type'] = call.contentType ?? 'application/json';
    const answer = await transport(method, path + queryText(call.query), headers, body, call.signal);
    if (answer.status >= 400) throw await problem(answer, path);
    return answer;
  };
  return {
    url,
    async json<T>(method: 'GET' | 'POST', path: string, call?: ApiCall) {
      return JSON.parse(await gather((await send(method, path, call)).body)) as T;
    },
    async text(method, path, call) {
      return gather((await send(method, path, call)).body);
    },
    async *lines<T>(method: 'GET' | 'POST', path: string, call?: ApiCall) {
      const answer = await send(method, path, { accept: 'application/x-ndjson', ...call });
      for await (const line of splitLines(answer.body)) yield JSON.parse(line) as T;
    },
    async *events(path, call) {
      const answer = await send('GET', path, { accept: 'text/event-stream', ...call });
      for await (const line of splitLines(answer.body)) if (line.startsWith('data: ')) yield line.slice(6);
    },
    close,
  };
}

export interface Remote {
  readonly url: string;
  /** An API key, when the server asks for one. */
  readonly key: string | undefined;
  /** `undefined`: the key's, else the server's own. */
  readonly workspace: string | undefined;
}

/** Over HTTP. */
export function remoteApi({ url, key, workspace }: Remote): Api {
  const base = url.replace(/\/+$/, '');
  const transport: Transport = async (method, target, headers, body, signal) => {
    let response: Response;
    try {
      response = await fetch(base + inWorkspace(target, workspace), {
        method,
        ...(signal === undefined ? {} : { signal }),
        headers: key === undefined ? headers : { ...headers, authorization: `Bearer ${key}` },
        ...(body === undefined ? {} : { body: body as string | Uint8Array<ArrayBuffer> }),
      });
    } catch (error) {
      if (signal?.aborted === true) throw error;
      throw new Failure('server_unreachable', `No answer from ${base}: ${reason(error)}`, {
        remedy: 'Start it with `paceline serve`, or leave --url out to work on the folder itself.',
        cause: error,
      });
    }
    return {
      status: response.status,
      contentType: response.headers.get('content-type') ?? '',
      body: response.body === null ? Readable.from([]) : (response.body as unknown as AsyncIterable<Uint8Array>),
    };
  };
  return apiOver(base, transport, async () => undefined);
}

function inWorkspace(target: string, workspace: string | undefined): string {
  if (workspace === undefined || !target.startsWith('/v1/')) return target;
  return `${target}${target.includes('?') ? '&' : '?'}workspace=${encodeURIComponent(workspace)}`;
}

export interface RunningServer {
  readonly url: string;
  /** Of whoever may read the folder. */
  readonly key: string | undefined;
}

/** The server that owns this project folder, when one is alive. */
export async function runningServer(dir: string): Promise<RunningServer | null> {
  let text: string;
  try {
    text = await readFile(join(dir, '.paceline', 'server.json'), 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
  const { url, key } = JSON.parse(text) as { url?: unknown; key?: unknown };
  if (typeof url !== 'string') return null;
  try {
    const answer = await fetch(`${url}/health/live`, { signal: AbortSignal.timeout(2000) });
    return answer.ok ? { url, key: typeof key === 'string' ? key : undefined } : null;
  } catch {
    // The file outlived its server, as after kill -9: nobody answers, so the folder is free.
    return null;
  }
}

async function problem(answer: RawAnswer, path: string): Promise<Failure> {
  const text = await gather(answer.body);
  let body: {
    code?: string;
    title?: string;
    detail?: string;
    remedy?: string;
    faults?: FaultLine[];
    errors?: FaultLine[];
    rejected?: FaultLine[];
  } = {};
  try {
    body = JSON.parse(text) as typeof body;
  } catch {
    // Not ours: something else listens there. The status and the text are all there is to say.
    return new Failure('unexpected_answer', `${path} answered ${answer.status}: ${text.slice(0, 200)}`);
  }
  return new Failure(
    body.code ?? `http_${answer.status}`,
    body.detail ?? body.title ?? `${path} answered ${answer.status}`,
    {
      ...(body.remedy === undefined ? {} : { remedy: body.remedy }),
      faults: body.faults ?? body.errors ?? body.rejected ?? [],
    },
  );
}

function queryText(query: Query | undefined): string {
  const params = new URLSearchParams();
  for (const [name, value] of Object.entries(query ?? {})) if (value !== undefined) params.set(name, String(value));
  const text = params.toString();
  return text === '' ? '' : `?${text}`;
}

async function gather(body: AsyncIterable<Uint8Array | string>): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of body) parts.push(Buffer.from(part));
  return Buffer.concat(parts).toString('utf8');
}

async function* splitLines(body: AsyncIterable<Uint8Array | string>): AsyncIterable<string> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const part of body) {
    rest += typeof part === 'string' ? part : decoder.decode(part, { stream: true });
    const lines = rest.split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) if (line.trim() !== '') yield line;
  }
  if (rest.trim() !== '') yield rest;
}

function reason(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? error.cause.message : error.message;
}
