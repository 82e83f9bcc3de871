import { findProgram, freePort, type LocalServer, NotInstalled, serverFolder, startServer } from './server.ts';

export interface Redis extends LocalServer {
  readonly url: string;
}

export function redisProgram(): string | undefined {
  return findProgram('redis-server');
}

/** Redis with an append-only file, so that what it confirmed survives `kill`, and without eviction, as BullMQ needs it. */
export async function startRedis(
  options: { readonly port?: number; readonly dir?: string; readonly keepFolder?: boolean } = {},
): Promise<Redis> {
  const program = redisProgram();
  if (program === undefined) throw new NotInstalled('redis-server', 'on Debian: apt-get install redis-server');
  const port = options.port ?? (await freePort());
  const dir = options.dir ?? serverFolder('redis');
  const settings = [
    '--bind',
    '127.0.0.1',
    '--port',
    String(port),
    '--dir',
    dir,
    '--save',
    '',
    '--appendonly',
    'yes',
    '--maxmemory-policy',
    'noeviction',
  ];
  const server = await startServer({
    name: 'redis',
    command: [program, ...settings],
    port,
    dir,
    keepFolder: options.keepFolder ?? false,
  });
  return { ...server, url: `redis://127.0.0.1:${port}` };
}
