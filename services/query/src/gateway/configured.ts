import { type Config, type KeyRing, systemClock } from '@paceline/runtime';
import { keyAuthentication } from './authenticate.ts';
import { createGateway, type Gateway, type GatewayDeps } from './index.ts';

const MEBIBYTE = 1024 * 1024;

/**
 * The gateway as the configuration has it, with the keys of the server. Owners are dated by the machine's clock there, as freshness
 * is by the engine's, whatever time the log plays.
 */
export function configuredGateway(
  deps: Pick<GatewayDeps, 'store' | 'logger' | 'metrics' | 'edition'> & {
    readonly config: Config;
    readonly keys: KeyRing;
  },
): Gateway {
  const { config, keys, ...shared } = deps;
  return createGateway({
    ...shared,
    clock: systemClock,
    host: config.http.host,
    port: config.http.clickhousePort,
    limits: {
      rows: config.limits.rows,
      bytes: 256 * MEBIBYTE,
      queryMs: config.limits.queryMs,
      memoryBytes: 1024 * MEBIBYTE,
    },
    authenticate: keyAuthentication(keys, config.workspace),
    isKeyless: () => !keys.keyed,
  });
}
