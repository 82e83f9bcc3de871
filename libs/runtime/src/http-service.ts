import type { FastifyInstance } from 'fastify';
import type { Clock } from './clock.ts';
import { PacelineError } from './errors.ts';
import { HEALTHY, type Health, type Service } from './lifecycle.ts';

export interface Listening extends Service {
  /** Where it listens, once started; the port is the real one when 0 was asked for. */
  readonly url: string;
  readonly port: number;
}

/** How long answers in flight may take before their connections are cut: long streams would never end by themselves. */
const DRAIN_MS = 1_500;

export function httpService(
  app: FastifyInstance,
  options: { readonly host: string; readonly port: number; readonly clock: Clock },
): Listening {
  const { host } = options;
  let port = options.port;
  let listening = false;
  return {
    get port() {
      return port;
    },
    get url() {
      return `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
    },
    async start() {
      try {
        await app.listen({ host, port });
      } catch (error) {
        throw listenFault(error, host, port);
      }
      const address = app.server.address();
      if (address !== null && typeof address === 'object') port = address.port;
      listening = true;
    },
    async stop() {
      listening = false;
      const cut = options.clock.after(DRAIN_MS, () => app.server.closeAllConnections());
      await app.close().finally(() => cut.cancel());
    },
    health(): Health {
      return listening ? HEALTHY : { live: true, ready: false, detail: 'does not listen' };
    },
  };
}

function listenFault(error: unknown, host: string, port: number): unknown {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'EADDRINUSE')
    return new PacelineError('port_in_use', `port ${port} on ${host} is taken by another program`, { cause: error });
  if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND' || code === 'EACCES') {
    return new PacelineError('invalid_configuration', `cannot listen on ${host}:${port} (${code})`, { cause: error });
  }
  return error;
}
