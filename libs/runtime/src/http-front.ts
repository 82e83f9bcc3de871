import fastify, { type FastifyInstance } from 'fastify';
import { PacelineError, problemOf } from './errors.ts';
import type { SystemHealth } from './lifecycle.ts';

export interface FrontOptions {
  readonly title: string;
  health(): SystemHealth;
  /** The service's own server, ready to route; `null` while the service cannot run. */
  inner(): FastifyInstance | null;
  /** Whether callers have to show keys; nobody can show one here, so that then only yes or no is said. */
  isKeyed(): boolean;
}

const RETRY_AFTER_SECONDS = 2;
const REQUEST_MS_MAX = 60_000;

/**
 * Listens from the first moment to the last, while the service behind it waits for its servers and is made anew: until there is
 * one, health is answered and everything else is told to come again.
 */
export function createFront(options: FrontOptions): FastifyInstance {
  const app = fastify({ logger: false, requestTimeout: REQUEST_MS_MAX });
  app.addHook('onRequest', async (request, reply) => {
    const inner = options.inner();
    if (inner === null) return;
    reply.hijack();
    inner.routing(request.raw, reply.raw);
  });
  app.get('/health/live', async (_request, reply) => {
    const { live, parts } = options.health();
    return reply
      .code(live ? 200 : 503)
      .header('cache-control', 'no-store')
      .send({ live, ...(options.isKeyed() ? {} : { parts }) });
  });
  app.get('/health/ready', async (_request, reply) => {
    const { ready, parts } = options.health();
    return reply
      .code(ready ? 200 : 503)
      .header('cache-control', 'no-store')
      .send({ ready, ...(options.isKeyed() ? {} : { parts }) });
  });
  app.setNotFoundHandler(async (request, reply) => {
    const waiting = options.health().parts.find((part) => !part.ready);
    const error = new PacelineError(
      'not_ready',
      `${options.title} cannot answer yet: ${options.isKeyed() ? 'it waits for its servers' : (waiting?.detail ?? 'starting')}`,
    );
    const problem = problemOf(error, { instance: request.url, requestId: request.id });
    return reply
      .code(error.status)
      .header('retry-after', String(RETRY_AFTER_SECONDS))
      .type('application/problem+json')
      .send(JSON.stringify(problem));
  });
  return app;
}
