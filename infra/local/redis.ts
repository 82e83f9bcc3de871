import { connect } from 'node:net';
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
    ready: () => answersPing(port),
  });
  return { ...server, url: `redis://127.0.0.1:${port}` };
}

/** It listens before it has read what it had kept, and refuses until then. */
function answersPing(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port, timeout: 1_000 });
    const done = (answer: boolean): void => {
      socket.destroy();
      resolve(answer);
    };
    socket.once('connect', () => socket.write('PING\r\n'));
    socket.once('data', (bytes) => done(bytes.toString('utf8').startsWith('+PONG')));
    socket.once('error', () => done(false));
    socket.once('timeout', () => done(false));
  });
}
