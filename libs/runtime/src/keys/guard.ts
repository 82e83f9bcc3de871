import type { FastifyInstance, FastifyReply, FastifyRequest, RouteOptions } from 'fastify';
import { z } from 'zod';
import { systemClock } from '../clock.ts';
import { PacelineError } from '../errors.ts';
import { Attempts } from './attempts.ts';
import { EVERY_WORKSPACE, type Identity, mayName, OWNER, SCOPES, type Scope } from './key.ts';
import type { KeyRing } from './ring.ts';
import { type Sessions, sessionOf } from './session.ts';

/** `open`: answered to anybody, as it tells nothing of any workspace. */
export type RouteScope = Scope | 'open';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** What a key must be allowed for this route. GET routes read unless they say otherwise; every other route has to say it. */
    scope?: RouteScope;
    /**
     * How a route that takes no `workspace` parameter keeps to the key's workspace. `own`: its handler asks `workspaceOf`.
     * `shared`: what it answers is of no workspace.
     */
    workspace?: 'own' | 'shared';
  }
  interface FastifyRequest {
    /** Who asks; `null` when no valid key was shown and one is needed. */
    identity: Identity | null;
  }
}

export interface GuardOptions {
  /** `null`: no keys are ever asked for. */
  readonly keys: KeyRing | null;
  readonly sessions: Sessions;
}

export interface GuardedRoute {
  readonly methods: readonly string[];
  /** As it was registered, `/v1/things/:id`. */
  readonly url: string;
  readonly scope: RouteScope;
}

const routes = new WeakMap<FastifyInstance, GuardedRoute[]>();

/** Every route that an app of `createHttp` answers, for tests that must miss none. */
export function guardedRoutes(app: FastifyInstance): readonly GuardedRoute[] {
  return routes.get(app) ?? [];
}

/**
 * Asks every request for a key once there are keys, and holds it to the key's scopes and workspace. Routes without a scope, or
 * that could name a workspace behind its back, are refused when they are registered: a new one cannot be forgotten.
 */
export function guardKeys(app: FastifyInstance, { keys, sessions }: GuardOptions): void {
  const attempts = new Attempts();
  const answering = new Answering(app, keys);
  app.decorateRequest('identity', null);
  const guarded: GuardedRoute[] = [];
  routes.set(app, guarded);
  app.addHook('onRoute', (route) => {
    const scope = scopeOf(route);
    route.config = { ...route.config, scope };
    requireIsolation(route);
    guarded.push({ methods: [route.method].flat(), url: route.url, scope });
  });
  app.addHook('onRequest', async (request, reply) => {
    if (keys === null || !keys.keyed) {
      request.identity = OWNER;
      return;
    }
    const shown = shownBy(request, keys, sessions);
    request.identity = shown.identity;
    const scope = request.routeOptions.config.scope ?? 'open';
    if (scope === 'open' || request.is404) return;
    if (keys.fault !== null) throw keys.fault;
    if (shown.identity === null) throw unauthorized(request, reply, shown.why, attempts);
    requireScope(request, reply, scope);
    answering.add(shown.identity, reply);
  });
  app.addHook('preValidation', async (request, reply) => keepToWorkspace(request, reply));
  // What depends on who asks must not be given to somebody else by a cache.
  app.addHook('onSend', async (request, reply) => {
    if (request.identity === OWNER) return;
    reply.header('vary', [reply.getHeader('vary'), 'authorization', 'cookie'].flat().filter(Boolean).join(', '));
  });
}

/** Throws `forbidden` unless the caller's key has the scope; for routes that answer some of what they know to anybody. */
export function requireScope(request: FastifyRequest, reply: FastifyReply, scope: Scope): void {
  const { identity } = request;
  if (identity === null) {
    reply.header('www-authenticate', CHALLENGE);
    throw new PacelineError('unauthorized', 'this needs a key');
  }
  if (identity.scopes.includes(scope)) return;
  reply.header('www-authenticate', `${CHALLENGE}, error="insufficient_scope", scope="${scope}"`);
  throw new PacelineError('forbidden', `the key ${identity.key} may ${identity.scopes.join(', ')}, not ${scope}`);
}

/** The workspace that a request without a parameter for it means: the key's own, else the server's. */
export function workspaceOf(request: FastifyRequest, otherwise: string): string {
  const bound = request.identity?.workspace ?? EVERY_WORKSPACE;
  return bound === EVERY_WORKSPACE ? otherwise : bound;
}

const CHALLENGE = 'Bearer realm="paceline"';
/** The pages of the API's description register their own routes. */
const DESCRIPTION = /^\/docs(\/|$)/;

function scopeOf(route: RouteOptions): RouteScope {
  const given = route.config?.scope;
  if (given !== undefined) return given;
  const methods = [route.method].flat();
  if (methods.every((method) => method === 'OPTIONS') || DESCRIPTION.test(route.url)) return 'open';
  if (methods.every((method) => method === 'GET' || method === 'HEAD')) return 'read';
  throw new Error(
    `${methods.join(' and ')} ${route.url} says no scope: write config: { scope: … } beside its schema, one of ${SCOPES.join(', ')} or open`,
  );
}

function requireIsolation(route: RouteOptions): void {
  const { scope, workspace } = route.config ?? {};
  if (scope === 'open' || workspace !== undefined || takesWorkspace(route)) return;
  throw new Error(
    `${[route.method].flat().join(' and ')} ${route.url} takes no workspace: give its querystring one, or say in config how it keeps to the key's (workspace: 'own' or 'shared')`,
  );
}

function takesWorkspace({ schema }: Pick<RouteOptions, 'schema'>): boolean {
  const query = schema?.querystring;
  return query instanceof z.ZodObject && Object.hasOwn(query.shape, 'workspace');
}

interface Shown {
  readonly identity: Identity | null;
  readonly why: string;
}

function shownBy(request: FastifyRequest, keys: KeyRing, sessions: Sessions): Shown {
  const { authorization, cookie } = request.headers;
  if (authorization !== undefined) {
    const [, key] = /^Bearer +(\S+) *$/i.exec(authorization) ?? [];
    if (key === undefined) return { identity: null, why: 'Authorization is not of the form Bearer KEY' };
    return { identity: keys.identify(key), why: 'the key is not valid, or is no longer' };
  }
  const session = sessionOf(cookie);
  if (session === null) return { identity: null, why: 'this needs a key' };
  if (!isOwnPage(request)) return { identity: null, why: 'a session counts only for pages of this server' };
  const opened = sessions.open(session, systemClock.now());
  const identity = opened === null ? null : keys.current(opened.key);
  if (opened === null || identity === null) return { identity: null, why: 'the session has ended' };
  return { identity: { ...identity, expiresAt: opened.expiresAt }, why: '' };
}

/** A browser sends cookies along with what other pages ask; SameSite keeps back most of it, and this the rest. */
function isOwnPage(request: FastifyRequest): boolean {
  const { origin } = request.headers;
  // A proxy may speak TLS for us, so that only the host can be compared.
  if (origin !== undefined) return URL.canParse(origin) && new URL(origin).host === request.host;
  return request.method === 'GET' || request.method === 'HEAD';
}

function unauthorized(request: FastifyRequest, reply: FastifyReply, why: string, attempts: Attempts): PacelineError {
  const tried = request.headers.authorization !== undefined;
  const wait = tried ? attempts.refuse(request.ip, systemClock.now()) : null;
  if (wait !== null) {
    return new PacelineError('rate_limited', 'too many wrong keys came from this address', { retryAfterSeconds: wait });
  }
  reply.header('www-authenticate', tried ? `${CHALLENGE}, error="invalid_token"` : CHALLENGE);
  return new PacelineError('unauthorized', why);
}

/** A key of one workspace means that one where a request names none, and can name no other. */
function keepToWorkspace(request: FastifyRequest, reply: FastifyReply): void {
  const { identity } = request;
  if (identity === null || identity.workspace === EVERY_WORKSPACE) return;
  const query = Object(request.query);
  if (!Object.hasOwn(query, 'workspace')) {
    const { schema } = request.routeOptions;
    if (takesWorkspace(schema === undefined ? {} : { schema })) query.workspace = identity.workspace;
    return;
  }
  if (typeof query.workspace === 'string' && mayName(identity, query.workspace)) return;
  reply.header('www-authenticate', `${CHALLENGE}, error="insufficient_scope"`);
  throw new PacelineError('forbidden_workspace', `the key ${identity.key} is of workspace ${identity.workspace}`);
}

const SWEEP_MS = 1_000;

/** Answers in flight, so that a stream ends when its key does. */
class Answering {
  readonly #open = new Map<FastifyReply, Identity>();

  constructor(app: FastifyInstance, keys: KeyRing | null) {
    if (keys === null) return;
    const sweep = setInterval(() => this.#sweep(keys), SWEEP_MS);
    sweep.unref();
    app.addHook('onClose', async () => clearInterval(sweep));
  }

  add(identity: Identity, reply: FastifyReply): void {
    this.#open.set(reply, identity);
    reply.raw.once('close', () => this.#open.delete(reply));
  }

  #sweep(keys: KeyRing): void {
    const now = systemClock.now();
    for (const [reply, { key, expiresAt }] of this.#open) {
      const isOver = expiresAt !== null && expiresAt <= now;
      if (isOver || (key !== null && keys.current(key) === null)) reply.raw.destroy();
    }
  }
}
