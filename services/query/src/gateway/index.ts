import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Clock, Logger, Metrics, Service } from '@paceline/runtime';
import { isLoopback, PacelineError } from '@paceline/runtime';
import {
  ClickHouseBodyError,
  type ClickHouseRequest,
  dressAnswer,
  readClickHouseRequest,
  sendClickHouseAnswer,
  sendClickHouseError,
} from '@paceline/runtime/clickhouse-http';
import { type Store, StoreError } from '@paceline/store';
import { type Answered, answerQuery, type Guest } from './answer-query.ts';
import { Publisher } from './publisher.ts';
import { Refusal } from './refusal.ts';
import { Running } from './running.ts';
import type { GatewayLimits } from './settings.ts';
import { QUERY_BYTES_MAX } from './statement.ts';

export type { GatewayLimits } from './settings.ts';

export interface GatewayDeps {
  readonly store: Store;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly edition: number;
  readonly host: string;
  /** 0 picks a free one. */
  readonly port: number;
  readonly limits: GatewayLimits;
  /** Whose rows a user with a key sees; `null`: nobody's. */
  authenticate(user: string, key: string): Promise<{ readonly workspace: string } | null>;
  /** Whether being on this machine is the only credential: then requests must be addressed to it, and not come from pages. */
  isKeyless(): boolean;
}

export interface Gateway extends Service {
  /** Where it listens, once started. */
  readonly url: string;
}

const NAME = 'paceline';
/** Sockets held open at a time; a request waits for its place in the engine behind that. */
const SOCKETS_MAX = 200;
const REQUEST_MS_MAX = 60_000;

/**
 * ClickHouse's HTTP interface over the engine in this process, for tools that read: every statement is looked through twice before it
 * runs, with the rows of one workspace and nothing but reading allowed (QUERY.md, Security).
 */
export function createGateway(deps: GatewayDeps): Gateway {
  const publisher = new Publisher({ ...deps, guests: true });
  const queries = deps.metrics.counter(
    'gateway_queries_total',
    'Statements that came by ClickHouse’s protocol, by how they ended.',
    ['outcome'],
  );
  const running = new Running();
  const server = createServer((request, response) => {
    void handle(deps, publisher, running, request, response).then(
      (outcome) => queries.inc({ outcome }),
      (error: unknown) => {
        deps.logger.error({ err: error }, 'an answer of the ClickHouse protocol could not be sent');
        response.destroy();
      },
    );
  });
  server.maxConnections = SOCKETS_MAX;
  server.requestTimeout = REQUEST_MS_MAX;
  let url = '';
  return {
    get url() {
      return url;
    },
    async start() {
      await publisher.start();
      url = await listen(server, deps);
      deps.logger.info({ url }, 'answering ClickHouse’s protocol');
    },
    async stop() {
      await publisher.stop();
      if (!server.listening) return;
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
    },
    health: () => publisher.health(),
  };
}

function listen(server: Server, { host, port }: Pick<GatewayDeps, 'host' | 'port'>): Promise<string> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const taken = error.code === 'EADDRINUSE';
      const message = `the port for ClickHouse's protocol, ${host}:${port}, ${taken ? 'is taken' : `cannot be opened (${error.message})`}`;
      reject(new PacelineError(taken ? 'port_in_use' : 'internal', message, { cause: error }));
    });
    server.listen(port, host, () => {
      const address = server.address();
      const at = typeof address === 'object' && address !== null ? address.port : port;
      resolve(`http://${host.includes(':') ? `[${host}]` : host}:${at}`);
    });
  });
}

async function handle(
  deps: GatewayDeps,
  publisher: Publisher,
  running: Running,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<'answered' | 'refused' | 'failed' | 'cancelled' | 'ping'> {
  const path = (request.url ?? '/').split('?')[0];
  if ((path === '/ping' || path === '/replicas_status') && (request.method === 'GET' || request.method === 'HEAD')) {
    response.end(request.method === 'HEAD' ? undefined : 'Ok.\n');
    return 'ping';
  }
  const gone = new AbortController();
  response.once('close', () => gone.abort(new Error('the client closed the connection')));
  let queryId: string = randomUUID();
  try {
    const asked = await read(deps, request, path ?? '/');
    queryId = asked.queryId ?? queryId;
    const guest = await guestOf(deps, publisher, asked);
    const started = deps.clock.monotonic();
    const answered = await running.run({ workspace: guest.workspace, queryId, gone: gone.signal }, (signal) =>
      answerQuery({ ...deps, cancel: (id) => running.cancel(guest.workspace, id) }, guest, asked, signal),
    );
    dressAnswer(response, { name: NAME, queryId: headerText(queryId) });
    await send(request, response, answered, deps.clock.monotonic() - started);
    return 'answered';
  } catch (error) {
    if (gone.signal.aborted) return 'cancelled';
    const { code, text, outcome } = failureOf(error);
    if (outcome === 'failed')
      deps.logger.warn({ err: error, queryId }, 'a statement of the ClickHouse protocol failed');
    dressAnswer(response, { name: NAME, queryId: headerText(queryId) });
    sendClickHouseError(response, code, text);
    return outcome;
  }
}

async function send(
  request: IncomingMessage,
  response: ServerResponse,
  answered: Answered,
  elapsedMs: number,
): Promise<void> {
  const { bytes, format, rows } = answered;
  await sendClickHouseAnswer(request, response, { bytes, format, counts: { rows, elapsedMs } });
}

/** A query's id is the caller's text and goes back in a header. */
function headerText(id: string): string {
  return id.slice(0, 100).replace(/[^\x21-\x7e]/g, '_');
}

async function read(deps: GatewayDeps, request: IncomingMessage, path: string): Promise<ClickHouseRequest> {
  if (deps.isKeyless()) guardThisMachine(request);
  if (path !== '/' || (request.method !== 'GET' && request.method !== 'POST'))
    throw new Refusal('BAD_ARGUMENTS', 'There is GET /ping, GET / and POST / here');
  if (/^multipart\//i.test(request.headers['content-type'] ?? ''))
    throw new Refusal('NOT_IMPLEMENTED', 'External data and forms are not supported: send the query as the body');
  const asked = await readClickHouseRequest(request, QUERY_BYTES_MAX);
  if (new URL(request.url ?? '/', 'http://clickhouse').searchParams.get('decompress') === '1')
    throw new Refusal(
      'NOT_IMPLEMENTED',
      'Bodies in ClickHouse’s own blocks are not supported: send them plain, or with Content-Encoding',
    );
  return asked;
}

/** A page in a browser on this machine could send requests that no key protects, by a name that leads to 127.0.0.1. */
function guardThisMachine(request: IncomingMessage): void {
  const host = (request.headers.host ?? '').replace(/:\d+$/, '').replace(/^\[|\]$/g, '');
  if (isLoopback(host) && request.headers.origin === undefined) return;
  throw new Refusal(
    'AUTHENTICATION_FAILED',
    'Without keys only programs on this machine are answered, by its own address',
  );
}

async function guestOf(deps: GatewayDeps, publisher: Publisher, { user, key }: ClickHouseRequest): Promise<Guest> {
  const found = await deps.authenticate(user, key);
  if (found === null)
    throw new Refusal(
      'AUTHENTICATION_FAILED',
      `${user.slice(0, 60).replace(/[^\x20-\x7e]/g, '?')}: Authentication failed: password is incorrect, or there is no user with such name.`,
    );
  await publisher.fresh();
  return { workspace: found.workspace, views: publisher.viewsOf(found.workspace), foreign: publisher.foreign };
}

function failureOf(error: unknown): {
  readonly code: number;
  readonly text: string;
  readonly outcome: 'refused' | 'failed';
} {
  if (error instanceof Refusal) return { code: error.code, text: error.text, outcome: 'refused' };
  if (error instanceof ClickHouseBodyError) {
    const refusal = new Refusal(
      error.reason === 'too_large'
        ? 'QUERY_IS_TOO_LARGE'
        : error.reason === 'encoding'
          ? 'NOT_IMPLEMENTED'
          : 'BAD_ARGUMENTS',
      error.message,
    );
    return { code: refusal.code, text: refusal.text, outcome: 'refused' };
  }
  if (error instanceof StoreError)
    return { ...engineFailure(error), outcome: error.engineCode === null ? 'failed' : 'refused' };
  const refusal = new Refusal('STD_EXCEPTION', 'The query could not be answered; the log of Paceline says why');
  return { code: refusal.code, text: refusal.text, outcome: 'failed' };
}

/** The engine's own words, once; what it guesses at may name what the guest cannot see. */
function engineFailure(error: StoreError): { readonly code: number; readonly text: string } {
  if (error.code === 'store_busy') {
    const refusal = new Refusal(
      'TOO_MANY_SIMULTANEOUS_QUERIES',
      'Too many simultaneous queries; try again in a moment',
    );
    return { code: refusal.code, text: refusal.text };
  }
  const found = saidBy(error);
  if (found === null) {
    const refusal = new Refusal('STD_EXCEPTION', 'The engine could not answer; the log of Paceline says why');
    return { code: refusal.code, text: refusal.text };
  }
  const said = found.message.replace(/\.? ?Maybe you meant:?[\s\S]*$/, '').trim();
  return { code: found.code, text: `Code: ${found.code}. DB::Exception: ${said.slice(0, 4_000)} (${found.type})` };
}

/** The engine in this process says it in one text; over HTTP the client has taken the text apart. */
function saidBy(error: StoreError): { readonly code: number; readonly message: string; readonly type: string } | null {
  const found = /^[\s\S]*Code: (\d+)\. DB::Exception: ([\s\S]*?)\s*\(([A-Z0-9_]+)\)\s*(?:\(version|$)/.exec(
    error.message,
  );
  if (found !== null) {
    const [, code = '1001', message = '', type = ''] = found;
    return { code: Number(code), message, type };
  }
  const { cause, engineCode } = error;
  if (engineCode === null || !(cause instanceof Error) || !('type' in cause) || typeof cause.type !== 'string')
    return null;
  return { code: engineCode, message: cause.message, type: cause.type };
}
