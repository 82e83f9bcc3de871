import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort, type LocalServer, serverFolder, startServer } from './server.ts';

export interface ClickHouse extends LocalServer {
  readonly url: string;
  readonly user: string;
  readonly password: string;
}

/**
 * ClickHouse's real engine in a process of its own, behind ClickHouse's HTTP interface. No server of ClickHouse can be had
 * from package registries: the engine is the one of npm `chdb`, **the transport is ours** (`clickhouse-front.ts`). What only
 * a real server shows (replication, quorum, quotas, users in SQL) is not tested by it.
 */
export async function startClickHouse(
  options: {
    readonly port?: number;
    readonly dir?: string;
    readonly keepFolder?: boolean;
    readonly password?: string;
  } = {},
): Promise<ClickHouse> {
  const port = options.port ?? (await freePort());
  const dir = options.dir ?? serverFolder('clickhouse');
  const [user, password] = ['paceline', options.password ?? randomBytes(12).toString('hex')];
  const url = `http://127.0.0.1:${port}`;
  const server = await startServer({
    name: 'clickhouse',
    command: [process.execPath, fileURLToPath(new URL('./clickhouse-front.ts', import.meta.url))],
    port,
    dir,
    keepFolder: options.keepFolder ?? false,
    env: {
      UV_THREADPOOL_SIZE: '32',
      CLICKHOUSE_PORT: String(port),
      CLICKHOUSE_PATH: join(dir, 'data'),
      CLICKHOUSE_USER: user,
      CLICKHOUSE_PASSWORD: password,
    },
    ready: async () => {
      try {
        return (await fetch(`${url}/ping`)).ok;
      } catch {
        return false;
      }
    },
  });
  return { ...server, url, user, password };
}
