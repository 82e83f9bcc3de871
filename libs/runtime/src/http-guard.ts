import type { FastifyInstance } from 'fastify';
import { isLoopback } from './config.ts';
import { PacelineError } from './errors.ts';

/**
 * Without keys, being on this machine is the only credential, and a browser on it would lend that to any page: by a name
 * that resolves to 127.0.0.1 (DNS rebinding) or by a plain form post. Hence host and origin are checked on every request.
 */
export function guardLoopback(app: FastifyInstance, origins: readonly string[], isKeyless: () => boolean): void {
  const allowed = new Set(origins.map((origin) => new URL(origin).origin));
  app.addHook('onRequest', async (request) => {
    if (!isKeyless()) return;
    if (!isLoopback(request.hostname.replace(/^\[|\]$/g, ''))) {
      throw new PacelineError(
        'forbidden_host',
        `the request is addressed to ${printable(request.hostname)}, not to this machine`,
      );
    }
    const origin = request.headers.origin;
    if (origin === undefined || origin === `${request.protocol}://${request.host}` || allowed.has(origin)) return;
    throw new PacelineError('forbidden_host', `pages of ${printable(origin)} may not call this server`);
  });
}

function printable(text: string): string {
  return text.slice(0, 100).replace(/[^\x20-\x7e]/g, '?');
}
