import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { gzipSync } from 'node:zlib';
import { createEgress, runLive } from '@paceline/connector-sdk';
import { describeConnector, type KitRow } from '@paceline/connector-sdk/conformance';
import { at, inputOf, MemorySink, metric, metricsOf, source, TestClock } from '@paceline/connector-sdk/run.fixture';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { httpJson } from './http-json.ts';

const CANARY = 'c4n4ry-t0ken/+ x';
type Handler = (request: IncomingMessage, response: ServerResponse) => void;
let server: Server;
let handle: Handler = (_request, response) => response.end('[]');
let requests: IncomingMessage[] = [];
let base = '';

async function open(): Promise<void> {
  server = createServer((request, response) => {
    requests.push(request);
    handle(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  base = `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`;
}
async function close(): Promise<void> {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
}
const json = (response: ServerResponse, value: unknown, headers: Record<string, string> = {}): void => {
  response.writeHead(200, { 'content-type': 'application/json', ...headers });
  response.end(typeof value === 'string' ? value : JSON.stringify(value));
};

let table: readonly KitRow[] = [];
const kitServer: Handler = (request, response) => {
  const url = new URL(request.url ?? '/', base);
  if (url.pathname === '/slow') return;
  if (request.headers.authorization !== `Bearer ${CANARY}`) {
    response.writeHead(401).end(`no: ${request.headers.authorization}`);
    return;
  }
  // Numbers as numbers: their digits must survive although a double could not hold them.
  const inside = table.filter(
    ({ day }) =>
      day >= (url.searchParams.get('from') ?? '').slice(0, 10) && day < (url.searchParams.get('to') ?? '').slice(0, 10),
  );
  const rows = inside.map(
    ({ day, region, amount }) =>
      `{"day":"${day}","region":"${region}","amount":${amount === null ? 'null' : amount === 'NaN' ? '"NaN"' : amount}}`,
  );
  json(response, `{"data":[${rows.join(',')}]}`);
};
const auth = { bearer: '${secret:api#token}' };

describeConnector({
  connector: httpJson,
  async start() {
    await open();
    handle = kitServer;
  },
  stop: close,
  async put(rows) {
    table = rows;
  },
  config: () => ({ url: `${base}/rows?from={from}&to={to}`, rows: '/data', auth }),
  window: { period: 'P1D', lookback: 'P3D', start: '2026-11-01' },
  env: { PACELINE_SECRET_API_TOKEN: CANARY },
  allow: () => ['127.0.0.1'],
  canary: CANARY,
  bad: () => [
    {
      why: 'wrong token',
      config: {
        url: `${base}/rows?from={from}&to={to}`,
        rows: '/data',
        auth: { header: { name: 'authorization', value: 'x-${secret:api#token}' } },
      },
      stage: 'auth',
    },
    { why: 'nobody listens', config: { url: 'http://127.0.0.1:1/', auth }, stage: 'tcp' },
    { why: 'unknown host', config: { url: 'http://no-such-host.invalid/', auth }, stage: 'dns' },
    { why: 'no TLS there', config: { url: `${base.replace('http:', 'https:')}/rows`, auth }, stage: 'tls' },
    {
      why: 'rows elsewhere',
      config: { url: `${base}/rows?from={from}&to={to}`, rows: '/items', auth },
      stage: 'sample',
    },
    { why: 'a broken expression', config: { url: `${base}/rows`, rows: { jsonata: 'data[' }, auth }, stage: 'config' },
  ],
  slow: () => ({ config: { url: `${base}/slow?from={from}&to={to}`, rows: '/data', auth } }),
});

describe('http-json', () => {
  beforeAll(open);
  afterAll(close);
  afterEach(() => {
    requests = [];
  });
  const metrics = metricsOf(metric('kit', { aggregation: 'sum', grain: 'day', dimensions: ['region'] }));
  const run = (
    config: object,
    more: { map?: object; query?: string; allow?: readonly string[]; clock?: TestClock } = {},
  ) => {
    const sink = new MemorySink();
    const clock = more.clock ?? new TestClock(at('2026-11-05T12:00:00Z'));
    const document = source('s', {
      connector: 'http-json',
      config: { url: `${base}/`, ...config },
      ...(more.query === undefined ? {} : { query: more.query }),
      map: { metric: 'kit', time: 'day', value: 'amount', ...more.map },
    });
    const input = inputOf({ source: document, connector: httpJson, metrics, sink, clock });
    const egress = createEgress({ allow: more.allow ?? ['127.0.0.1', 'localhost'] });
    return runLive({ ...input, egress, secrets: { env: { PACELINE_SECRET_API_TOKEN: CANARY } } }).then((report) => ({
      report,
      standing: sink.standing('kit'),
      clock,
    }));
  };
  const row = (day: number, amount: unknown = 1) => ({ day: `2026-11-0${day}`, amount });
  const pageOf = (request: IncomingMessage, name: string): number =>
    Number(new URL(request.url ?? '/', base).searchParams.get(name));

  describe('pages', () => {
    it.each([
      [
        'a next address in the answer',
        { next: '/next' },
        (request: IncomingMessage, response: ServerResponse) => {
          const page = pageOf(request, 'p') || 1;
          json(response, { rows: [row(page)], next: page < 3 ? `/?p=${page + 1}` : null });
        },
      ],
      [
        'a Link header',
        { link: true },
        (request: IncomingMessage, response: ServerResponse) => {
          const page = pageOf(request, 'p') || 1;
          json(
            response,
            { rows: [row(page)] },
            page < 3 ? { link: `</?p=0>; rel="prev", </?p=${page + 1}>; rel="next"` } : {},
          );
        },
      ],
      [
        'a token',
        { token: { parameter: 'after', at: '/cursor' } },
        (request: IncomingMessage, response: ServerResponse) => {
          const page = pageOf(request, 'after') || 1;
          json(response, { rows: [row(page)], cursor: page < 3 ? page + 1 : '' });
        },
      ],
      [
        'page numbers',
        { page: { parameter: 'page' } },
        (request: IncomingMessage, response: ServerResponse) => {
          const page = pageOf(request, 'page');
          json(response, { rows: page <= 3 ? [row(page)] : [] });
        },
      ],
      [
        'offsets',
        { offset: { parameter: 'skip' } },
        (request: IncomingMessage, response: ServerResponse) => {
          const skip = pageOf(request, 'skip');
          json(response, { rows: skip < 3 ? [row(skip + 1)] : [] });
        },
      ],
    ])('are followed by %s', async (_name, paging, handler: Handler) => {
      handle = handler;
      expect((await run({ rows: '/rows', paging })).standing).toEqual({
        '2026-11-01': '1',
        '2026-11-02': '1',
        '2026-11-03': '1',
      });
    });
    it('are read on after an empty one that names a next', async () => {
      handle = (request, response) => {
        const page = pageOf(request, 'p') || 1;
        json(response, { rows: page === 2 ? [] : [row(page)], next: page < 3 ? `/?p=${page + 1}` : null });
      };
      expect(Object.keys((await run({ rows: '/rows', paging: { next: '/next' } })).standing)).toHaveLength(2);
    });
    it.each([
      [
        'a next that leads to itself',
        { next: '/next' },
        (_request: IncomingMessage, response: ServerResponse) => json(response, { rows: [row(1)], next: '/' }),
      ],
      [
        'two that lead to each other',
        { next: '/next' },
        (request: IncomingMessage, response: ServerResponse) =>
          json(response, { rows: [row(1)], next: request.url === '/a' ? '/b' : '/a' }),
      ],
      [
        'a page number that is ignored',
        { page: { parameter: 'page' } },
        (_request: IncomingMessage, response: ServerResponse) => json(response, { rows: [row(1)] }),
      ],
      [
        'a token that never changes',
        { token: { parameter: 'after', at: '/cursor' } },
        (_request: IncomingMessage, response: ServerResponse) => json(response, { rows: [row(1)], cursor: 'same' }),
      ],
    ])('that go round are refused: %s', async (_name, paging, handler: Handler) => {
      handle = handler;
      await expect(run({ rows: '/rows', paging })).rejects.toMatchObject({ kind: 'config', code: 'page_loop' });
      expect(requests.length).toBeLessThan(5);
    });
    it('end at the limit when new ones come for ever', async () => {
      handle = (request, response) => json(response, { rows: [row(1)], next: `/?p=${pageOf(request, 'p') + 1}` });
      await expect(run({ rows: '/rows', pagesMax: 5, paging: { next: '/next' } })).rejects.toMatchObject({
        code: 'page_loop',
      });
      expect(requests).toHaveLength(5);
    });
    it('on another host get no credentials', async () => {
      handle = (request, response) =>
        json(response, {
          rows: [row(request.url === '/' ? 1 : 2)],
          next: request.url === '/' ? base.replace('127.0.0.1', 'localhost').concat('/b') : null,
        });
      const { standing } = await run({
        rows: '/rows',
        auth,
        headers: { 'x-tenant': 'acme' },
        paging: { next: '/next' },
      });
      expect(Object.keys(standing)).toHaveLength(2);
      expect(requests[0]?.headers).toMatchObject({ authorization: `Bearer ${CANARY}`, 'x-tenant': 'acme' });
      expect(requests[1]?.headers.authorization).toBeUndefined();
      expect(requests[1]?.headers['x-tenant']).toBeUndefined();
    });
  });

  describe('trouble on the way', () => {
    const failing = (times: number, fail: Handler): Handler => {
      let left = times;
      return (request, response) => (left-- > 0 ? fail(request, response) : json(response, [row(1)]));
    };
    it.each([
      [
        '429 with seconds',
        (_request: IncomingMessage, response: ServerResponse) => response.writeHead(429, { 'retry-after': '7' }).end(),
        7_000,
      ],
      [
        '429 with a date',
        (_request: IncomingMessage, response: ServerResponse) =>
          response.writeHead(429, { 'retry-after': 'Thu, 05 Nov 2026 12:00:09 GMT' }).end(),
        9_000,
      ],
    ])('%s is waited for as long as it says', async (_name, fail: Handler, waitedMs) => {
      handle = failing(1, fail);
      const { standing, clock } = await run({});
      expect(standing).toEqual({ '2026-11-01': '1' });
      expect(clock.now() - at('2026-11-05T12:00:00Z')).toBe(waitedMs);
    });
    it('a wait of an hour is left to the schedule', async () => {
      handle = failing(1, (_request, response) => response.writeHead(429, { 'retry-after': '3600' }).end());
      await expect(run({})).rejects.toMatchObject({ kind: 'transient', code: 'rate_limited', retryAfterMs: 3_600_000 });
      expect(requests).toHaveLength(1);
    });
    it.each([
      ['500', (_request: IncomingMessage, response: ServerResponse) => response.writeHead(500).end('oops')],
      ['503', (_request: IncomingMessage, response: ServerResponse) => response.writeHead(503).end()],
      ['a reset', (request: IncomingMessage) => request.socket.destroy()],
      [
        'a reset in the middle of a body',
        (_request: IncomingMessage, response: ServerResponse) => {
          response.writeHead(200, { 'content-length': '1000' });
          response.write('[{"day":"2026-11-01","amou');
          setTimeout(() => response.destroy(), 20);
        },
      ],
      [
        'a broken gzip',
        (_request: IncomingMessage, response: ServerResponse) =>
          response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync('[]').subarray(0, 15)),
      ],
    ])('%s is tried again', async (_name, fail: Handler) => {
      handle = failing(2, fail);
      expect((await run({})).standing).toEqual({ '2026-11-01': '1' });
      expect(requests).toHaveLength(3);
    });
    it('that does not end is a transient fault that says what was answered', async () => {
      handle = (_request, response) => response.writeHead(502).end('bad gateway here');
      await expect(run({})).rejects.toMatchObject({
        kind: 'transient',
        code: 'http_status',
        message: expect.stringContaining('502: bad gateway here'),
      });
    });
    it('that a person must mend is not tried again', async () => {
      handle = (_request, response) => response.writeHead(403).end();
      await expect(run({})).rejects.toMatchObject({ kind: 'config', code: 'not_authorized' });
      expect(requests).toHaveLength(1);
    });
    it('that is an answer without end is cut at its time-out', async () => {
      handle = (_request, response) => {
        response.writeHead(200);
        response.write('[');
      };
      await expect(run({ timeout: 150 })).rejects.toMatchObject({ kind: 'transient', code: 'timeout' });
    });
    it('that is no JSON shows how it begins', async () => {
      handle = (_request, response) => json(response, '<html><title>Sign in');
      await expect(run({})).rejects.toMatchObject({ code: 'invalid_json', message: expect.stringContaining('<html>') });
    });
    it('that is a bomb is refused before it is whole', async () => {
      handle = (_request, response) =>
        response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync(Buffer.alloc(80 * 1024 * 1024, 0x20)));
      await expect(run({})).rejects.toMatchObject({ code: 'body_too_large' });
    });
  });

  describe('redirects', () => {
    const redirecting =
      (location: string, status = 302): Handler =>
      (request, response) =>
        request.url === '/' ? response.writeHead(status, { location }).end() : json(response, [row(1)]);
    it('are followed by hand, and lose credentials at another origin', async () => {
      handle = redirecting('/there');
      expect(Object.keys((await run({ auth })).standing)).toHaveLength(1);
      expect(requests[1]?.headers.authorization).toBe(`Bearer ${CANARY}`);
      requests = [];
      handle = redirecting(base.replace('127.0.0.1', 'localhost').concat('/there'));
      await run({ auth });
      expect(requests[1]?.headers.authorization).toBeUndefined();
    });
    it.each([
      'http://169.254.169.254/latest/meta-data',
      'http://[::ffff:169.254.169.254]/',
      'http://2852039166/',
      'http://metadata.google.internal/',
      'http://10.0.0.1/',
      'http://[::1]/',
      'http://0/',
    ])('to %s are refused', async (location) => {
      handle = redirecting(location);
      await expect(run({})).rejects.toMatchObject({ kind: 'config', code: 'egress_refused' });
    });
    it.each(['file:///etc/passwd', 'ftp://127.0.0.1/', 'http://user:password@127.0.0.1/'])(
      'to %s are refused too',
      async (location) => {
        handle = redirecting(location);
        await expect(run({})).rejects.toMatchObject({ kind: 'config', code: 'invalid_url' });
      },
    );
    it('that go round are refused', async () => {
      handle = (_request, response) => response.writeHead(302, { location: '/' }).end();
      await expect(run({})).rejects.toMatchObject({ code: 'redirect_loop' });
    });
  });

  it.each([
    'http://127.0.0.1',
    'http://localhost',
    'http://2130706433',
    'http://0x7f.1',
    'http://[::ffff:127.0.0.1]',
    'http://0177.0.0.1',
  ])('reaches %s only when allowed, in every notation', async (host) => {
    handle = (_request, response) => json(response, [row(1)]);
    const port = new URL(base).port;
    await expect(run({ url: `${host}:${port}/` }, { allow: [] })).rejects.toMatchObject({ code: 'egress_refused' });
    expect(requests).toHaveLength(0);
    expect(Object.keys((await run({ url: `${host}:${port}/` })).standing)).toHaveLength(1);
  });
  it('reads rows by JSONata, bounded in time, and nested columns by pointers', async () => {
    handle = (_request, response) =>
      json(response, { years: [{ year: 2026, months: [{ month: 11, days: [{ d: 3, total: { eur: 9 } }] }] }] });
    const expression =
      'years.(months.days.{"day": $string(%.%.year) & "-" & $string(%.month) & "-0" & $string(d), "total": total})';
    const { standing } = await run({ rows: { jsonata: expression } }, { map: { value: '/total/eur' } });
    expect(standing).toEqual({ '2026-11-03': '9' });
    const began = performance.now();
    await expect(
      run({ rows: { jsonata: '($f := function($n){ $n = 0 ? 0 : $f($n - 1) + $f($n - 1) }; $f(60))' } }),
    ).rejects.toMatchObject({ kind: 'config', code: 'invalid_rows' });
    expect(performance.now() - began).toBeLessThan(10_000);
    await expect(run({ rows: { jsonata: '$replace(years, /(a+)+b/, "")' } })).rejects.toMatchObject({
      code: 'invalid_rows',
    });
  });
  it('fills the window into address and body in every form', async () => {
    handle = (_request, response) => json(response, []);
    const document = {
      url: `${base}/?a={from}&b={to_date}&c={from_unix}&d={to_utc}`,
      method: 'POST',
      body: '{"since":"{from_date}"}',
    };
    await run(document);
    const params = new URL(requests[0]?.url ?? '/', base).searchParams;
    expect(params.get('a')).toBe('2026-11-04T00:00:00.000+00:00');
    expect(params.get('b')).toBe('2026-11-05');
    expect(params.get('c')).toBe(String(at('2026-11-04T00:00:00Z') / 1000));
    expect(params.get('d')).toBe('2026-11-05T00:00:00.000Z');
  });
  it('spaces its requests as its rate says', async () => {
    handle = (request, response) => {
      const page = pageOf(request, 'p') || 1;
      json(response, { rows: [row(page)], next: page < 3 ? `/?p=${page + 1}` : null });
    };
    const { clock } = await run({ rows: '/rows', paging: { next: '/next' }, rate: { perMinute: 6 } });
    expect(clock.now() - at('2026-11-05T12:00:00Z')).toBe(20_000);
  });
  it('refuses a credential among plain headers', async () => {
    await expect(run({ headers: { Authorization: 'Bearer x' } })).rejects.toMatchObject({ kind: 'config' });
  });
});
