import { createHash } from 'node:crypto';
import {
  atPointer,
  type CheckStage,
  type Connector,
  type ConnectorContext,
  ConnectorFault,
  defineConnector,
  type HttpResponse,
  isPointer,
  parseUrl,
  type ReadItem,
  type ReadRequest,
  type StreamQuery,
  secret,
  type WindowEdge,
} from '@paceline/connector-sdk';
import { z } from 'zod';
import { stage } from './check.ts';
import { asRow, faultOfRows, rowsReader } from './http-json-rows.ts';
import { readJson } from './json.ts';

const pointer = z
  .string()
  .refine(isPointer, 'is no JSON Pointer: write it like /data/items, or "" for the whole answer');
const parameter = z.string().min(1).max(64);

const config = z.strictObject({
  url: z
    .string()
    .min(1)
    .describe('Address; {from} and {to} stand for the window, also {from_date}, {from_utc}, {from_unix}'),
  method: z.enum(['GET', 'POST']).default('GET'),
  headers: z.record(z.string(), z.string()).default({}).describe('Plain headers; credentials belong into auth'),
  auth: z
    .union([
      z.strictObject({ bearer: secret() }),
      z.strictObject({ basic: z.strictObject({ user: z.string(), password: secret() }) }),
      z.strictObject({ header: z.strictObject({ name: z.string().min(1), value: secret() }) }),
    ])
    .optional(),
  body: z.string().optional().describe('Body of a POST; {from} and {to} as in url'),
  rows: z
    .union([pointer, z.strictObject({ jsonata: z.string().min(1) })])
    .default('')
    .describe('Where the rows are: a JSON Pointer to a list, or a JSONata expression that gives one'),
  paging: z
    .union([
      z.strictObject({ next: pointer.describe('Where the address of the next page stands') }),
      z.strictObject({ link: z.literal(true).describe('By the Link header with rel="next"') }),
      z.strictObject({ token: z.strictObject({ parameter, at: pointer }) }),
      z.strictObject({ page: z.strictObject({ parameter, first: z.coerce.number().int().min(0).default(1) }) }),
      z.strictObject({ offset: z.strictObject({ parameter, first: z.coerce.number().int().min(0).default(0) }) }),
    ])
    .optional(),
  pagesMax: z.coerce.number().int().min(1).max(100_000).default(1_000),
  rate: z.strictObject({ perMinute: z.coerce.number().min(0.1).max(60_000) }).optional(),
  timeout: z.coerce.number().int().min(100).max(600_000).default(30_000).describe('Milliseconds for one page'),
});
type Config = z.infer<typeof config>;

const state = z.strictObject({});
type State = z.infer<typeof state>;

const TEMPLATE = /\{(from|to)(_date|_utc|_unix)?\}/g;
const CREDENTIAL_HEADERS = /^(authorization|proxy-authorization|cookie|x-api-key|api-key)$/i;
const RESTARTS_MAX = 2;

/** Any address that answers with JSON. */
export const httpJson: Connector<Config, State> = defineConnector({
  spec: {
    id: 'http-json',
    version: '1.0.0',
    title: 'JSON over HTTP',
    config,
    state,
    stateVersion: 1,
    modes: ['window'],
    extent: (settings, stream) => (isWindowed(settings, stream) ? 'window' : 'whole'),
    validateStream: (settings) => faultOf(settings),
    egress: ({ url }) => {
      const parsed = URL.parse(url.replace(TEMPLATE, '0'));
      if (parsed === null) return [];
      return [{ host: parsed.hostname, port: Number(parsed.port || (parsed.protocol === 'https:' ? 443 : 80)) }];
    },
  },
  check,
  read,
});

function faultOf(settings: Config): string | undefined {
  const credential = Object.keys(settings.headers).find((name) => CREDENTIAL_HEADERS.test(name));
  if (credential !== undefined) return `the header ${credential} holds a credential: write it into auth, as a secret`;
  return faultOfRows(settings.rows);
}

/** Only a request that names both edges asks for a window; any other gives everything each time. */
function isWindowed(settings: Config, stream: StreamQuery): boolean {
  const texts = [settings.url, stream.query ?? '', settings.body ?? ''].join(' ');
  const edges = new Set([...texts.matchAll(TEMPLATE)].map((match) => match[1]));
  return edges.has('from') && edges.has('to');
}

async function* read(
  ctx: ConnectorContext,
  settings: Config,
  request: ReadRequest<State>,
): AsyncIterable<ReadItem<State>> {
  const fault = faultOf(settings);
  if (fault !== undefined)
    throw new ConnectorFault('config', 'invalid_config', fault, { remedy: 'Correct the configuration of the source.' });
  const rowsOf = rowsReader(settings.rows);
  let left = request.limit ?? Number.POSITIVE_INFINITY;
  for await (const page of pages(ctx, settings, request)) {
    const rows = await rowsOf(page.document);
    for (const [index, item] of rows.entries()) {
      if (left-- <= 0) return;
      yield { row: asRow(item), at: `page ${page.number}, row ${index + 1}` };
    }
    page.rows = rows.length;
  }
}

interface Page {
  readonly number: number;
  readonly document: unknown;
  /** Set by the reader before it asks for the next page: an empty page ends a count of pages or offsets. */
  rows: number;
}

/** Pages until the far side says there are no more. A page that was already read would go round for ever, so it is refused. */
async function* pages(ctx: ConnectorContext, settings: Config, request: ReadRequest<State>): AsyncIterable<Page> {
  const seen = new Set<string>();
  let restarts = 0;
  let url: URL | undefined = firstUrl(settings, request);
  const origin = url.origin;
  let read = 0;
  let bodyBefore = '';
  for (let number = 1; url !== undefined; number++) {
    if (number > settings.pagesMax) throw loop(settings, `there are more than ${settings.pagesMax} pages`);
    if (seen.has(url.href)) throw loop(settings, `page ${number} is one that was already read`);
    seen.add(url.href);
    const answer = await fetchPage(ctx, settings, url, origin, request).catch((error: unknown) =>
      resetOf(error, restarts),
    );
    if (answer === 'reset') {
      restarts++;
      seen.clear();
      url = firstUrl(settings, request);
      number = 0;
      read = 0;
      continue;
    }
    const text = answer.body.toString('utf8');
    const page: Page = { number, document: readJson(text, settings.url.split('?')[0] ?? settings.url), rows: 0 };
    yield page;
    read += page.rows;
    const counted = settings.paging !== undefined && ('page' in settings.paging || 'offset' in settings.paging);
    const digest = createHash('sha1').update(text).digest('base64');
    // An API that ignores the page parameter gives its first page for ever: the addresses differ, the answers do not.
    if (counted && page.rows > 0 && digest === bodyBefore)
      throw loop(settings, `page ${number} equals the page before it`);
    bodyBefore = digest;
    url = nextUrl(settings, url, answer, page, read, request);
  }
}

function resetOf(error: unknown, restarts: number): 'reset' {
  if (error instanceof ConnectorFault && error.code === 'reset_pagination' && restarts < RESTARTS_MAX) return 'reset';
  throw error;
}

function loop(settings: Config, why: string): ConnectorFault {
  return new ConnectorFault('config', 'page_loop', `the pages of ${settings.url.split('?')[0]} do not end: ${why}`, {
    remedy: 'Check paging: its parameter, or where the next page is found.',
  });
}

function firstUrl(settings: Config, request: ReadRequest<State>): URL {
  const base = parseUrl(fill(settings.url, request, encodeURIComponent));
  const url =
    request.stream.query === undefined
      ? base
      : parseUrl(new URL(fill(request.stream.query, request, encodeURIComponent), base).href);
  if (url.origin !== base.origin) {
    throw new ConnectorFault('config', 'invalid_url', 'the query of the source leads to another host than its url', {
      remedy: 'Write query as a path.',
    });
  }
  const { paging } = settings;
  if (paging !== undefined && 'page' in paging) url.searchParams.set(paging.page.parameter, String(paging.page.first));
  if (paging !== undefined && 'offset' in paging)
    url.searchParams.set(paging.offset.parameter, String(paging.offset.first));
  return url;
}

function nextUrl(
  settings: Config,
  url: URL,
  answer: HttpResponse,
  page: Page,
  read: number,
  request: ReadRequest<State>,
): URL | undefined {
  const { paging } = settings;
  if (paging === undefined) return undefined;
  if ('link' in paging) return linked(answer.headers.link, answer.url);
  if ('next' in paging) return addressed(atPointer(page.document, paging.next), answer.url);
  if ('token' in paging) {
    const token = atPointer(page.document, paging.token.at);
    if (token === undefined || token === null || token === '' || token === false) return undefined;
    const next = firstUrl(settings, request);
    next.searchParams.set(paging.token.parameter, String(token));
    return next;
  }
  if (page.rows === 0) return undefined;
  const next = new URL(url);
  if ('page' in paging) next.searchParams.set(paging.page.parameter, String(paging.page.first + page.number));
  else next.searchParams.set(paging.offset.parameter, String(paging.offset.first + read));
  return next;
}

function addressed(next: unknown, from: string): URL | undefined {
  if (typeof next !== 'string' || next === '') return undefined;
  const url = URL.parse(next, from);
  return url === null ? undefined : parseUrl(url.href);
}

/** RFC 8288, as far as paging uses it. */
function linked(header: string | undefined, from: string): URL | undefined {
  for (const match of (header ?? '').matchAll(/<([^>]*)>([^<]*)/g)) {
    if (/;\s*rel\s*=\s*("[^"]*\bnext\b[^"]*"|next\b)/i.test(match[2] ?? '')) return addressed(match[1], from);
  }
  return undefined;
}

async function fetchPage(
  ctx: ConnectorContext,
  settings: Config,
  url: URL,
  origin: string,
  request: ReadRequest<State>,
): Promise<HttpResponse> {
  // A next link to another host gets no credentials: whoever controls one answer must not collect them.
  const own = url.origin === origin;
  const credentials = own ? authHeaders(settings) : {};
  const credential = createHash('sha256')
    .update(JSON.stringify([origin, credentials]))
    .digest('base64url');
  return ctx.http.send({
    url: url.href,
    method: settings.method,
    headers: {
      accept: 'application/json',
      ...(settings.body === undefined ? {} : { 'content-type': 'application/json' }),
      ...(own ? settings.headers : {}),
      ...credentials,
    },
    ...(settings.body === undefined ? {} : { body: fill(settings.body, request, (text) => text) }),
    timeoutMs: settings.timeout,
    ...(settings.rate === undefined ? {} : { budget: { credential, rate: settings.rate } }),
  });
}

function authHeaders(settings: Config): Record<string, string> {
  const { auth } = settings;
  if (auth === undefined) return {};
  if ('bearer' in auth) return { authorization: `Bearer ${auth.bearer}` };
  if ('header' in auth) return { [auth.header.name]: auth.header.value };
  const pair = Buffer.from(`${auth.basic.user}:${auth.basic.password}`).toString('base64');
  return { authorization: `Basic ${pair}` };
}

function fill(template: string, request: ReadRequest<State>, encode: (text: string) => string): string {
  return template.replace(TEMPLATE, (whole, edge: string, form: string | undefined) => {
    const at = edge === 'from' ? request.from : request.to;
    return at === undefined ? whole : encode(edgeText(at, form));
  });
}

function edgeText(edge: WindowEdge, form: string | undefined): string {
  if (form === '_date') return edge.date;
  if (form === '_utc') return edge.utc;
  if (form === '_unix') return String(Math.floor(edge.epochMs / 1000));
  return edge.local;
}

async function* check(ctx: ConnectorContext, settings: Config, stream: StreamQuery = {}): AsyncIterable<CheckStage> {
  const fault = faultOf(settings);
  if (fault !== undefined) {
    yield {
      stage: 'config',
      ok: false,
      message: fault,
      code: 'invalid_config',
      remedy: 'Correct the configuration of the source.',
    };
    return;
  }
  const now = new Date(ctx.clock.now()).toISOString();
  const edge = { local: now, utc: now, date: now.slice(0, 10), epochMs: ctx.clock.now() };
  const request: ReadRequest<State> = { stream, from: edge, to: edge };
  const url = firstUrl(settings, request);
  const target = { host: url.hostname, port: Number(url.port || (url.protocol === 'https:' ? 443 : 80)) };
  const dns = await stage(
    'dns',
    ctx,
    async () => `${target.host} is ${(await ctx.egress.resolve(target)).map((one) => one.address).join(', ')}`,
  );
  yield dns;
  if (!dns.ok) return;
  const tcp = await stage('tcp', ctx, async () => {
    (await ctx.dial({ ...target, signal: ctx.signal })).destroy();
    return `port ${target.port} answers`;
  });
  yield tcp;
  if (!tcp.ok) return;
  let answer: HttpResponse | undefined;
  const auth = await stage('auth', ctx, async () => {
    answer = await fetchPage(ctx, settings, url, url.origin, request);
    return `answers ${answer.status}`;
  });
  yield auth.code === 'tls_failed' ? { ...auth, stage: 'tls' } : auth;
  if (!auth.ok) return;
  yield await stage('sample', ctx, async () => {
    const document = readJson((answer?.body ?? Buffer.alloc(0)).toString('utf8'), url.origin + url.pathname);
    const rows = await rowsReader(settings.rows)(document);
    return rows.length === 0
      ? 'the answer has no row'
      : `${rows.length} rows with ${Object.keys(asRow(rows[0])).join(', ')}`;
  });
}
