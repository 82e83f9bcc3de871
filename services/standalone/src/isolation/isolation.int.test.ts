import { guardedRoutes, SCOPES } from '@paceline/runtime';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Call, callsOf, OF_ALL } from './calls.ts';
import { HIDDEN, OWN, openWorld, type World } from './world.ts';

let world: World;
beforeAll(async () => {
  world = await openWorld();
});
afterAll(() => world.stop());

interface Request {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
}

interface Answer {
  readonly status: number;
  readonly body: string;
  /** Headers and body. */
  readonly text: string;
}

/** Streams have no end: what came by then is what they say first. */
const STREAM_MS = 300;

async function ask({ method, url, headers, body }: Request): Promise<Answer> {
  const answer = await world.paceline.app.inject({
    method: method as 'GET',
    url,
    headers: { host: '127.0.0.1', ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
    payloadAsStream: true,
    ...(body === undefined ? {} : { payload: body }),
  });
  const stream = answer.stream();
  const isEndless = String(answer.headers['content-type']).startsWith('text/event-stream');
  const end = isEndless ? setTimeout(() => stream.destroy(), STREAM_MS) : undefined;
  let text = '';
  try {
    for await (const part of stream) text += String(part);
  } catch (error) {
    if (!isEndless) throw error;
  }
  clearTimeout(end);
  return { status: answer.statusCode, body: text, text: `${JSON.stringify(answer.headers)}\n${text}` };
}

interface Route {
  readonly name: string;
  readonly method: string;
  readonly url: string;
  readonly scope: string;
}

function routes(): Route[] {
  return guardedRoutes(world.paceline.app)
    .filter(({ url }) => !url.startsWith('/docs'))
    .flatMap(({ methods, url, scope }) =>
      methods
        .filter((method) => method !== 'HEAD' && method !== 'OPTIONS')
        .map((method) => ({ name: `${method} ${url}`, method, url, scope })),
    );
}

function requestOf(
  route: Route,
  call: Call,
  key: string | null,
  query: Readonly<Record<string, string>> = {},
): Request {
  const search = new URLSearchParams({ ...call.query, ...query }).toString();
  return {
    method: route.method,
    url: `${call.path === '' ? route.url : call.path}${search === '' ? '' : `?${search}`}`,
    headers: key === null ? {} : { authorization: `Bearer ${key}` },
    ...(call.body === undefined ? {} : { body: JSON.stringify(call.body) }),
  };
}

/** Every request of the corpus, as somebody of the hidden workspace would make it. */
function corpus(): { readonly route: Route; readonly call: Call }[] {
  return routes().flatMap((route) =>
    (callsOf(route.name, HIDDEN, world.hidden) ?? []).map((call) => ({ route, call })),
  );
}

/** What nobody outside may read: texts, values and the name of the hidden workspace; its ids where the request did not bring them. */
function leaks(request: Request, { text }: Answer): string[] {
  const asked = `${request.url} ${request.body ?? ''} ${JSON.stringify(request.headers)}`;
  const secrets = [HIDDEN.canary, HIDDEN.value, HIDDEN.workspace, `${HIDDEN.prefix}-`];
  return secrets
    .filter((secret) => text.includes(secret) && !(secret !== HIDDEN.value && asked.includes(secret)))
    .map((secret) => `${secret} in the answer to ${request.method} ${request.url}: ${text.slice(0, 400)}`);
}

/** Ways to say one's workspace that a request could try. */
const WAYS: Readonly<Record<string, (request: Request) => Request>> = {
  'none, meaning the own': (request) => request,
  'the parameter': (request) => withSearch(request, `workspace=${HIDDEN.workspace}`),
  'the parameter twice, own first': (request) =>
    withSearch(request, `workspace=${OWN.workspace}&workspace=${HIDDEN.workspace}`),
  'the parameter twice, own last': (request) =>
    withSearch(request, `workspace=${HIDDEN.workspace}&workspace=${OWN.workspace}`),
  'a list': (request) => withSearch(request, `workspace[]=${HIDDEN.workspace}`),
  'a key of an object': (request) => withSearch(request, `workspace[name]=${HIDDEN.workspace}`),
  'another case': (request) => withSearch(request, `Workspace=${HIDDEN.workspace}`),
  'an escaped name': (request) => withSearch(request, `%77orkspace=${HIDDEN.workspace}`),
  'every one': (request) => withSearch(request, 'workspace=*'),
  'a pattern': (request) => withSearch(request, 'workspace=%25'),
  'the end of a quote': (request) => withSearch(request, `workspace=${encodeURIComponent("x' OR '1'='1")}`),
  'a topic': (request) => withSearch(request, `workspace=facts.${HIDDEN.workspace}`),
  'a path': (request) =>
    withSearch(request, `workspace=${encodeURIComponent(`${OWN.workspace}/../${HIDDEN.workspace}`)}`),
  headers: (request) => ({
    ...request,
    headers: {
      ...request.headers,
      'x-paceline-workspace': HIDDEN.workspace,
      'x-workspace': HIDDEN.workspace,
      'x-clickhouse-database': HIDDEN.workspace,
      'x-clickhouse-user': HIDDEN.workspace,
      'x-original-url': `/v1/status?workspace=${HIDDEN.workspace}`,
      cookie: `workspace=${HIDDEN.workspace}`,
    },
  }),
  'the body': (request) =>
    request.body === undefined
      ? request
      : { ...request, body: JSON.stringify({ ...JSON.parse(request.body), workspace: HIDDEN.workspace }) },
  'what it is said to have': (request) => ({
    ...request,
    headers: { ...request.headers, 'if-none-match': '*', 'last-event-id': world.hidden.position },
  }),
};

function withSearch(request: Request, search: string): Request {
  return { ...request, url: `${request.url}${request.url.includes('?') ? '&' : '?'}${search}` };
}

describe('the corpus', () => {
  it('knows how every route is called', () => {
    expect(routes().length).toBeGreaterThan(25);
    const unknown = routes().filter(({ name }) => callsOf(name, HIDDEN, world.hidden) === undefined);
    expect(unknown.map(({ name }) => `write in calls.ts how ${name} is called`)).toEqual([]);
  });

  it('asks for what is there: whoever has a key for it gets it', async () => {
    const key = world.key(HIDDEN.workspace);
    const told: string[] = [];
    for (const { route, call } of corpus()) {
      const answer = await ask(requestOf(route, call, key));
      if (OF_ALL.has(route.name)) {
        expect([route.name, answer.status]).toEqual([route.name, 403]);
        continue;
      }
      expect([route.name, answer.status, answer.status < 400 ? '' : answer.text]).toEqual([
        route.name,
        answer.status,
        '',
      ]);
      if (answer.text.includes(HIDDEN.value) || answer.text.includes(HIDDEN.canary)) told.push(route.name);
    }
    expect(new Set(told).size).toBeGreaterThan(12);
  });
});

describe('without a key', () => {
  it('nothing is answered but what is open, and that tells nothing', async () => {
    for (const { route, call } of corpus()) {
      const request = requestOf(route, call, null);
      const answer = await ask(request);
      if (route.scope !== 'open') expect([route.name, answer.status]).toEqual([route.name, 401]);
      expect(leaks(request, answer)).toEqual([]);
    }
  });
});

describe('a key', () => {
  it('opens no route for which it lacks the scope', async () => {
    for (const { route, call } of corpus()) {
      if (route.scope === 'open') continue;
      const others = SCOPES.filter((scope) => scope !== route.scope);
      const answer = await ask(requestOf(route, call, world.key(HIDDEN.workspace, others)));
      expect([route.name, answer.status]).toEqual([route.name, 403]);
    }
  });
});

describe('a key of one workspace', () => {
  it.each(Object.keys(WAYS))('reads and changes nothing of another, naming it by %s', async (way) => {
    const key = world.key(OWN.workspace);
    const before = await world.hiddenEnd();
    const found: string[] = [];
    for (const { route, call } of corpus()) {
      const request = (WAYS[way] ?? ((same: Request) => same))(requestOf(route, call, key));
      const answer = await ask(request);
      found.push(...leaks(request, answer));
      if (way === 'the parameter' && route.scope !== 'open')
        expect([route.name, answer.status]).toEqual([route.name, 403]);
    }
    expect(found).toEqual([]);
    expect(await world.hiddenEnd()).toBe(before);
  });

  it('cannot tell what is there from what is not', async () => {
    const key = world.key(OWN.workspace);
    const nowhere = { ...HIDDEN, prefix: 'absent', canary: 'nobodys-', workspace: 'absent-ws' };
    const ids = { ...world.hidden, alert: 'f'.repeat(world.hidden.alert.length), command: 'absent-command' };
    const shape = ({ status, body }: Answer) =>
      `${status} ${body}`
        .replaceAll(/hidden|absent/g, 'X')
        .replaceAll(/topsecret|nobodys-/g, 'Y')
        .replaceAll(world.hidden.alert, 'Z')
        .replaceAll(ids.alert, 'Z')
        .replaceAll(/"(requestId|position)":"[^"]*"/g, '')
        .replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, 'T')
        .replaceAll(/"command":"[0-9a-f-]{36}"|commands\/[0-9a-f-]{36}/g, 'C');
    for (const route of routes()) {
      const [there, absent] = [callsOf(route.name, HIDDEN, world.hidden), callsOf(route.name, nowhere, ids)];
      if (route.name === 'POST /v1/session' || route.name.includes('/stream') || route.url === '/metrics') continue;
      for (const [at, call] of (there ?? []).entries()) {
        const other = absent?.[at];
        if (other === undefined || (call.path === '' && call.query === undefined && call.body === undefined)) continue;
        const known = shape(await ask(requestOf(route, call, key)));
        expect([route.name, known]).toEqual([route.name, shape(await ask(requestOf(route, other, key)))]);
      }
    }
  });
});
