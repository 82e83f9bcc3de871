import { promisify } from 'node:util';
import { brotliDecompress, gunzip, inflate } from 'node:zlib';
import { type Agent, request as undiciRequest } from 'undici';
import type { Budgets, Rate } from './budget.ts';
import type { Clock, Logger, RunMetrics } from './context.ts';
import type { Egress } from './egress.ts';
import { abortReason, ConnectorFault, codeOf, faultFrom } from './fault.ts';
import { defaultRetryTable, type ResponseHead, type RetryTable, retryAfterMs, retryDelayMs } from './retry.ts';

export interface HttpRequest {
  readonly url: string;
  /** Default GET. */
  readonly method?: 'GET' | 'POST';
  /** Dropped, all but `accept`, when a redirect leads to another origin. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Of the expanded body; default 64 MiB. */
  readonly bodyBytesMax?: number;
  /** Of one attempt with its body; default 30 s. */
  readonly timeoutMs?: number;
  /** Default 5. */
  readonly attemptsMax?: number;
  readonly table?: RetryTable;
  readonly budget?: { readonly credential: string; readonly rate: Rate };
  /** For `refresh_token`: gives the headers to use from then on. Called once for a request. */
  readonly refresh?: () => Promise<Readonly<Record<string, string>>>;
}

export interface HttpResponse extends ResponseHead {
  /** Where the answer came from, after redirects. */
  readonly url: string;
  readonly body: Buffer;
  /** The retry table said that this answer means "nothing here". */
  readonly ignored: boolean;
}

export interface HttpClient {
  /** Resolves with an answer that the retry table calls ok or ignores; every other end is a `ConnectorFault`. */
  send(request: HttpRequest): Promise<HttpResponse>;
}

export interface HttpOptions {
  readonly egress: Egress;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: RunMetrics;
  readonly budgets: Budgets;
  readonly signal: AbortSignal;
  readonly userAgent?: string;
  /** PEM of an authority besides the usual ones. */
  readonly ca?: string;
}

const BODY_BYTES_MAX = 64 * 1024 * 1024;
const TIMEOUT_MS = 30_000;
const ATTEMPTS_MAX = 5;
const REDIRECTS_MAX = 5;
/** A longer wait ends the run; the schedule comes back after it. */
export const WAIT_MS_MAX = 60_000;
const EXPLAINED_CHARACTERS = 300;

export function createHttp(options: HttpOptions): { readonly client: HttpClient; close(): Promise<void> } {
  const agent = options.egress.dispatcher(options.ca === undefined ? {} : { ca: options.ca });
  return {
    client: { send: (request) => send(request, options, agent) },
    close: () => agent.destroy(),
  };
}

async function send(request: HttpRequest, options: HttpOptions, agent: Agent): Promise<HttpResponse> {
  const table = request.table ?? defaultRetryTable;
  const attemptsMax = request.attemptsMax ?? ATTEMPTS_MAX;
  let headers = request.headers ?? {};
  let refreshed = false;
  for (let attempt = 1; ; attempt++) {
    const outcome = await attemptOnce({ ...request, headers }, options, agent);
    if (outcome.kind === 'lost') {
      if (attempt >= attemptsMax) throw outcome.fault;
      await pause(retryDelayMs(attempt), outcome.fault.message, options);
      continue;
    }
    const { response } = outcome;
    const action = table(response);
    if (action === 'ok' || action === 'ignore') return { ...response, ignored: action === 'ignore' };
    if (action === 'refresh_token' && !refreshed && request.refresh !== undefined) {
      refreshed = true;
      headers = { ...headers, ...(await request.refresh()) };
      continue;
    }
    const fault = faultOf(response, action === 'retry' || action === 'rate_limited', options.clock.now());
    if (action === 'reset_pagination') {
      throw new ConnectorFault('transient', 'reset_pagination', fault.message, {
        remedy: 'The pages are read from the first again.',
      });
    }
    if ((action !== 'retry' && action !== 'rate_limited') || attempt >= attemptsMax) throw fault;
    const delayMs = fault.retryAfterMs ?? retryDelayMs(attempt);
    if (delayMs > WAIT_MS_MAX) throw fault;
    await pause(delayMs, fault.message, options);
  }
}

async function pause(delayMs: number, why: string, options: HttpOptions): Promise<void> {
  options.metrics.retries++;
  options.logger.debug({ delayMs, why }, 'a request is tried again');
  if (options.signal.aborted) throw abortReason(options.signal);
  await options.clock.sleep(delayMs, options.signal);
}

type Attempt =
  | { readonly kind: 'answered'; readonly response: Omit<HttpResponse, 'ignored'> }
  | { readonly kind: 'lost'; readonly fault: ConnectorFault };

/** One attempt with its redirects and its whole body, so that a reset in the middle of a body is an attempt that failed. */
async function attemptOnce(request: HttpRequest, options: HttpOptions, agent: Agent): Promise<Attempt> {
  if (request.budget !== undefined)
    await options.budgets.take(request.budget.credential, request.budget.rate, options.signal);
  const timeout = AbortSignal.timeout(request.timeoutMs ?? TIMEOUT_MS);
  const signal = AbortSignal.any([options.signal, timeout]);
  const where = placeOf(request.url);
  try {
    return { kind: 'answered', response: await follow(request, options, agent, signal) };
  } catch (error) {
    if (options.signal.aborted) throw abortReason(options.signal);
    if (timeout.aborted) {
      const message = `${where} did not answer within ${request.timeoutMs ?? TIMEOUT_MS} ms`;
      return {
        kind: 'lost',
        fault: new ConnectorFault('transient', 'timeout', message, {
          cause: error,
          remedy: 'It is tried again by itself.',
        }),
      };
    }
    const fault = faultFrom(error, where);
    if (fault.kind !== 'transient') throw fault;
    return { kind: 'lost', fault };
  }
}

async function follow(
  request: HttpRequest,
  options: HttpOptions,
  agent: Agent,
  signal: AbortSignal,
): Promise<Omit<HttpResponse, 'ignored'>> {
  let url = parseUrl(request.url);
  let method = request.method ?? 'GET';
  let headers: Record<string, string> = { accept: '*/*', ...lowerCase(request.headers ?? {}) };
  let body = request.body;
  for (let hop = 0; ; hop++) {
    options.metrics.requests++;
    const answer = await undiciRequest(url, {
      dispatcher: agent,
      method,
      signal,
      headers: { 'user-agent': options.userAgent ?? 'paceline', 'accept-encoding': 'gzip, deflate, br', ...headers },
      body: body ?? null,
    });
    const head = { status: answer.statusCode, headers: flatten(answer.headers) };
    const next = redirectOf(head, url);
    if (next === undefined) {
      const bytes = await collect(
        answer.body,
        head,
        request.bodyBytesMax ?? BODY_BYTES_MAX,
        options.metrics,
        placeOf(url.href),
      );
      return { ...head, url: url.href, body: bytes };
    }
    await answer.body.dump();
    if (hop >= REDIRECTS_MAX) {
      throw new ConnectorFault(
        'config',
        'redirect_loop',
        `${placeOf(request.url)} redirects more than ${REDIRECTS_MAX} times`,
        {
          remedy: 'Use the final address.',
        },
      );
    }
    if (url.protocol === 'https:' && next.protocol === 'http:') {
      throw new ConnectorFault('config', 'redirect_downgrade', `${placeOf(url.href)} redirects to plain http`, {
        remedy: 'Use the final address if plain http is meant.',
      });
    }
    if (next.origin !== url.origin) headers = { accept: headers.accept ?? '*/*' };
    if (head.status === 303 || (method === 'POST' && (head.status === 301 || head.status === 302))) {
      method = 'GET';
      body = undefined;
    }
    url = next;
  }
}

function redirectOf(head: ResponseHead, from: URL): URL | undefined {
  const location = head.headers.location;
  if (location === undefined || ![301, 302, 303, 307, 308].includes(head.status)) return undefined;
  const next = URL.parse(location, from.href);
  if (next === null) {
    throw new ConnectorFault('config', 'invalid_redirect', `${placeOf(from.href)} redirects to no address`, {
      remedy: 'Use the final address.',
    });
  }
  return parseUrl(next.href);
}

/** @throws ConnectorFault `invalid_url` for anything but plain http and https without a password in it. */
export function parseUrl(text: string): URL {
  const url = URL.parse(text);
  const why =
    url === null
      ? 'it is no absolute address'
      : url.protocol !== 'http:' && url.protocol !== 'https:'
        ? `${url.protocol} is neither http nor https`
        : url.username !== '' || url.password !== ''
          ? 'it carries a user or password'
          : undefined;
  if (url !== null && why === undefined) return url;
  throw new ConnectorFault('config', 'invalid_url', `the address ${placeOf(text)} cannot be used: ${why}`, {
    remedy: 'Write https://host/path and put credentials into headers by ${secret:NAME#key}.',
  });
}

/** An address without its query and credentials, for messages: both may hold secrets. */
export function placeOf(text: string): string {
  const url = URL.parse(text);
  return url === null ? 'the address' : `${url.protocol}//${url.host}${url.pathname}`;
}

async function collect(
  body: AsyncIterable<Buffer>,
  head: ResponseHead,
  bytesMax: number,
  metrics: RunMetrics,
  where: string,
): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of body) {
    size += chunk.length;
    metrics.bytesRead += chunk.length;
    if (size > bytesMax) throw tooLarge(where, bytesMax);
    chunks.push(chunk);
  }
  return expand(Buffer.concat(chunks), head.headers['content-encoding'], bytesMax, where);
}

const gunzipAsync = promisify(gunzip);
const inflateAsync = promisify(inflate);
const brotliAsync = promisify(brotliDecompress);

async function expand(bytes: Buffer, encoding: string | undefined, bytesMax: number, where: string): Promise<Buffer> {
  const coding = (encoding ?? '').trim().toLowerCase();
  if (coding === '' || coding === 'identity' || bytes.length === 0) return bytes;
  const decoder = { gzip: gunzipAsync, 'x-gzip': gunzipAsync, deflate: inflateAsync, br: brotliAsync }[coding];
  if (decoder === undefined) {
    throw new ConnectorFault('config', 'unsupported_encoding', `${where} answers with content-encoding ${coding}`, {
      remedy: 'Ask the far side for gzip, deflate, br or no encoding.',
    });
  }
  try {
    return await decoder(bytes, { maxOutputLength: bytesMax });
  } catch (error) {
    if (codeOf(error) === 'ERR_BUFFER_TOO_LARGE') throw tooLarge(where, bytesMax);
    throw new ConnectorFault('transient', 'broken_body', `${where} sent a body that cannot be expanded`, {
      cause: error,
    });
  }
}

function tooLarge(where: string, bytesMax: number): ConnectorFault {
  return new ConnectorFault('config', 'body_too_large', `${where} answers with more than ${bytesMax} bytes`, {
    remedy: 'Ask for smaller pages or a shorter window.',
  });
}

function faultOf(response: Omit<HttpResponse, 'ignored'>, transient: boolean, now: number): ConnectorFault {
  const { status } = response;
  const said = response.body.toString('utf8', 0, EXPLAINED_CHARACTERS).replace(/\s+/g, ' ').trim();
  const message = `${placeOf(response.url)} answers ${status}${said === '' ? '' : `: ${said}`}`;
  if (transient) {
    const waitMs = retryAfterMs(response.headers['retry-after'], now);
    return new ConnectorFault('transient', status === 429 ? 'rate_limited' : 'http_status', message, {
      remedy: 'It is tried again by itself.',
      ...(waitMs === undefined ? {} : { retryAfterMs: waitMs }),
    });
  }
  const remedy =
    status === 401 || status === 403
      ? 'Check the credential and what it is allowed to read.'
      : 'Check address, parameters and headers of the source.';
  return new ConnectorFault('config', status === 401 || status === 403 ? 'not_authorized' : 'http_status', message, {
    remedy,
  });
}

function flatten(headers: Readonly<Record<string, string | string[] | undefined>>): Record<string, string> {
  const flat: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined) flat[name.toLowerCase()] = Array.isArray(value) ? value.join(', ') : value;
  }
  return flat;
}

function lowerCase(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
}
