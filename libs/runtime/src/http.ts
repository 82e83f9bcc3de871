import { randomUUID } from 'node:crypto';
import cors from '@fastify/cors';
import helmet from '@fastify/helmet';
import rateLimit from '@fastify/rate-limit';
import fastify, {
  type FastifyBaseLogger,
  type FastifyInstance,
  type FastifyPluginAsync,
  type FastifyRequest,
  LogController,
} from 'fastify';
import { serializerCompiler, validatorCompiler, type ZodTypeProvider } from 'fastify-type-provider-zod';
import { type Config, isLoopback } from './config.ts';
import { expandBody, rawBodies } from './http-bodies.ts';
import { answerProblem, documentErrors, rateLimitOptions } from './http-errors.ts';
import { guardLoopback } from './http-guard.ts';
import { answerMetrics } from './http-metrics.ts';
import { documentApi } from './http-openapi.ts';
import { guardKeys } from './keys/guard.ts';
import { mayName } from './keys/key.ts';
import type { KeyRing } from './keys/ring.ts';
import { Sessions } from './keys/session.ts';
import { sessionRoutes } from './keys/session-routes.ts';
import type { SystemHealth } from './lifecycle.ts';
import type { Logger } from './logger.ts';
import type { Metrics } from './metrics.ts';

export type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
export type { FastifyPluginAsyncZod, ZodTypeProvider } from 'fastify-type-provider-zod';
export { httpService, type Listening } from './http-service.ts';

/** What services export: a plugin whose schemas are zod's. Mount it with `app.register(routes(deps))`. */
export type Routes = FastifyPluginAsync<Record<never, never>, HttpServer['server'], ZodTypeProvider>;
export type HttpServer = FastifyInstance;

export interface HttpOptions {
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** Answers `/health/live` and `/health/ready`; which part is behind stands in the answer. */
  health(): SystemHealth;
  readonly title: string;
  readonly version: string;
  /** Largest body in bytes, as sent and as expanded. */
  readonly bodyBytesMax: number;
  /** Origins that may call from a browser. */
  readonly origins?: readonly string[];
  /** Per client address; `null` when only this machine can call. */
  readonly requestsPerMinuteMax?: number | null;
  /**
   * The keys that callers have to show, once there are any; before, only pages and programs of this machine are answered. `null`
   * or left out: no key is ever asked for, as in tests and in commands that open a folder themselves.
   */
  readonly keys?: KeyRing | null;
  /** Signs the sessions of browsers; processes behind one address share it. Default: one that ends with the process. */
  readonly sessionSecret?: string | null;
  readonly trustProxy?: boolean;
  /** Whether `/docs` shows the API for people. Default true. */
  readonly docs?: boolean;
}

/** What the configuration says about a server. Requests from this machine alone are not counted: nobody else can send any. */
export function httpOptionsOf(
  config: Pick<Config, 'http' | 'limits'>,
  keys: KeyRing | null,
): Pick<HttpOptions, 'bodyBytesMax' | 'origins' | 'requestsPerMinuteMax' | 'keys' | 'sessionSecret' | 'trustProxy'> {
  return {
    bodyBytesMax: config.limits.bodyBytes,
    origins: config.http.origins,
    requestsPerMinuteMax: isLoopback(config.http.host) ? null : config.limits.requestsPerMinute,
    keys,
    sessionSecret: config.http.sessionSecret,
    trustProxy: config.http.trustProxy,
  };
}

/** A server never waits longer for a request to arrive whole; answers may take as long as they need. */
const REQUEST_MS_MAX = 60_000;
const PARAMETER_CHARACTERS_MAX = 300;

/** A fastify instance with everything that all services want alike; it listens once `httpService(app, …).start()` is called. */
export async function createHttp(options: HttpOptions): Promise<HttpServer> {
  const loggerInstance: FastifyBaseLogger = options.logger;
  const app = fastify({
    loggerInstance,
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: options.bodyBytesMax,
    requestTimeout: REQUEST_MS_MAX,
    routerOptions: { maxParamLength: PARAMETER_CHARACTERS_MAX },
    trustProxy: options.trustProxy ?? false,
    requestIdHeader: false,
    genReqId: (request) => requestId(request.headers['x-request-id']),
  });
  app.setValidatorCompiler(validatorCompiler);
  app.setSerializerCompiler(serializerCompiler);
  answerProblem(app);
  app.addHook('onRequest', async (request, reply) => {
    reply.header('x-request-id', request.id);
  });
  const keys = options.keys ?? null;
  const sessions = new Sessions(options.sessionSecret ?? null);
  guardLoopback(app, options.origins ?? [], () => keys === null || !keys.keyed);
  guardKeys(app, { keys, sessions });
  await protect(app, options);
  rawBodies(app);
  app.addHook('preParsing', expandBody);
  observe(app, options.metrics);
  await documentApi(app, { title: options.title, version: options.version, page: options.docs ?? true });
  documentErrors(app);
  answerOperators(app, options);
  await app.register(sessionRoutes(sessions));
  return app;
}

/** A caller's own id is kept when it is harmless, so that its logs and ours can be joined. */
function requestId(given: string | string[] | undefined): string {
  return typeof given === 'string' && /^[\w.-]{1,64}$/.test(given) ? given : randomUUID();
}

async function protect(app: HttpServer, options: HttpOptions): Promise<void> {
  await app.register(helmet, {
    contentSecurityPolicy: {
      directives: {
        defaultSrc: ["'self'"],
        imgSrc: ["'self'", 'data:'],
        objectSrc: ["'none'"],
        baseUri: ["'none'"],
        frameAncestors: ["'none'"],
        // A server on this machine speaks plain HTTP; upgrading its pages would break them.
        upgradeInsecureRequests: null,
      },
    },
    strictTransportSecurity: false,
  });
  const origins = options.origins ?? [];
  if (origins.length > 0) {
    await app.register(cors, {
      origin: [...origins],
      methods: ['GET', 'HEAD', 'POST', 'DELETE'],
      allowedHeaders: ['authorization', 'content-type', 'idempotency-key', 'if-none-match', 'last-event-id'],
      exposedHeaders: ['etag', 'x-request-id', 'retry-after'],
    });
  }
  const max = options.requestsPerMinuteMax ?? null;
  if (max !== null) await app.register(rateLimit, rateLimitOptions(max));
}

/** The route's pattern is the label, never the address as called, whose variety has no bound. */
function observe(app: HttpServer, metrics: Metrics): void {
  app.addHook('onResponse', async (request, reply) => {
    const route = request.routeOptions.url ?? 'none';
    metrics.http.observe({ method: request.method, route, status: String(reply.statusCode) }, reply.elapsedTime / 1000);
    request.log.debug(
      { method: request.method, url: request.url, status: reply.statusCode, ms: reply.elapsedTime },
      'answered',
    );
  });
}

function answerOperators(app: HttpServer, options: HttpOptions): void {
  const open = { schema: { hide: true }, config: { rateLimit: false, scope: 'open' } } as const;
  /** Details name workspaces and addresses: they are for whoever may see all of them. */
  const shown = ({ identity }: FastifyRequest, health: SystemHealth) =>
    identity?.scopes.includes('read') === true && mayName(identity, '*') ? { parts: health.parts } : {};
  app.get('/health/live', open, async (request, reply) => {
    const health = options.health();
    reply.code(health.live ? 200 : 503).header('cache-control', 'no-store');
    return { live: health.live, ...shown(request, health) };
  });
  app.get('/health/ready', open, async (request, reply) => {
    const health = options.health();
    reply.code(health.ready ? 200 : 503).header('cache-control', 'no-store');
    return { ready: health.ready, ...shown(request, health) };
  });
  answerMetrics(app, options.metrics);
}
