import { randomUUID } from 'node:crypto';
import cors from '@fastify/cors';
import helmet from '@fastify/helmet';
import rateLimit from '@fastify/rate-limit';
import fastify, { type FastifyBaseLogger, type FastifyInstance, type FastifyPluginAsync, LogController } from 'fastify';
import { serializerCompiler, validatorCompiler, type ZodTypeProvider } from 'fastify-type-provider-zod';
import { type Config, isLoopback } from './config.ts';
import { expandBody, rawBodies } from './http-bodies.ts';
import { answerProblem, documentErrors, rateLimitOptions } from './http-errors.ts';
import { guardLoopback } from './http-guard.ts';
import { documentApi } from './http-openapi.ts';
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
  /** Whether callers need no key: then only pages and programs of this machine are answered. */
  readonly keyless: boolean;
  readonly trustProxy?: boolean;
  /** Whether `/docs` shows the API for people. Default true. */
  readonly docs?: boolean;
}

/** What the configuration says about a server. Requests from this machine alone are not counted: nobody else can send any. */
export function httpOptionsOf(
  config: Pick<Config, 'http' | 'limits'>,
  keysExist: boolean,
): Pick<HttpOptions, 'bodyBytesMax' | 'origins' | 'requestsPerMinuteMax' | 'keyless' | 'trustProxy'> {
  return {
    bodyBytesMax: config.limits.bodyBytes,
    origins: config.http.origins,
    requestsPerMinuteMax: isLoopback(config.http.host) ? null : config.limits.requestsPerMinute,
    keyless: !keysExist,
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
  if (options.keyless) guardLoopback(app, options.origins ?? []);
  await protect(app, options);
  rawBodies(app);
  app.addHook('preParsing', expandBody);
  observe(app, options.metrics);
  await documentApi(app, { title: options.title, version: options.version, page: options.docs ?? true });
  documentErrors(app);
  answerOperators(app, options);
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
      methods: ['GET', 'HEAD', 'POST'],
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
  const hidden = { schema: { hide: true }, config: { rateLimit: false } };
  app.get('/health/live', hidden, async (_request, reply) => {
    const { live, parts } = options.health();
    reply.code(live ? 200 : 503).header('cache-control', 'no-store');
    return { live, parts };
  });
  app.get('/health/ready', hidden, async (_request, reply) => {
    const { ready, parts } = options.health();
    reply.code(ready ? 200 : 503).header('cache-control', 'no-store');
    return { ready, parts };
  });
  app.get('/metrics', hidden, async (_request, reply) => {
    reply.type(options.metrics.registry.contentType);
    return options.metrics.registry.metrics();
  });
}
