import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { accepts, findProgram, freePort, type LocalServer, NotInstalled, serverFolder, startServer } from './server.ts';

export interface Postgres extends LocalServer {
  readonly user: 'paceline';
  readonly password: string;
  readonly database: 'postgres';
  readonly url: string;
}

/** Debian keeps the server's programs outside PATH, in a folder per version; the newest comes first. */
function versionFolders(): string[] {
  const root = '/usr/lib/postgresql';
  if (!existsSync(root)) return [];
  return readdirSync(root)
    .sort((a, b) => Number(b) - Number(a))
    .map((version) => join(root, version, 'bin'));
}

export function postgresProgram(): string | undefined {
  return findProgram('postgres', versionFolders());
}

const PASSWORD = 'only-for-tests';

/** A cluster made for this run: password needed, as a real one would ask; no sync to disk, because nothing of it is kept. */
export async function startPostgres(options: { readonly port?: number } = {}): Promise<Postgres> {
  const program = postgresProgram();
  const initdb = findProgram('initdb', versionFolders());
  if (program === undefined || initdb === undefined) {
    throw new NotInstalled('postgres', 'on Debian: apt-get install postgresql');
  }
  const port = options.port ?? (await freePort());
  const dir = serverFolder('postgres');
  const as = serverUser(dir);
  const passwordFile = join(dir, 'password');
  writeFileSync(passwordFile, PASSWORD, { mode: 0o644 });
  const data = join(dir, 'data');
  const init = [
    initdb,
    '-D',
    data,
    '-U',
    'paceline',
    '--auth=scram-sha-256',
    `--pwfile=${passwordFile}`,
    '--no-sync',
    '-E',
    'UTF8',
    '--locale=C.UTF-8',
  ];
  const [command = '', ...rest] = [...as, ...init];
  execFileSync(command, rest, { cwd: dir, stdio: ['ignore', 'ignore', 'pipe'], timeout: 120_000 });
  const settings = {
    listen_addresses: '127.0.0.1',
    port: String(port),
    unix_socket_directories: '',
    fsync: 'off',
    full_page_writes: 'off',
    shared_buffers: '32MB',
    max_connections: '50',
    timezone: 'UTC',
  };
  const flags = Object.entries(settings).flatMap(([key, value]) => ['-c', `${key}=${value}`]);
  const server = await startServer({
    name: 'postgres',
    command: [...as, program, '-D', data, ...flags],
    port,
    dir,
    // SIGINT is its fast shutdown: it does not wait for clients to go.
    stopSignal: 'INT',
    ready: async () => (await accepts(port)) && answersQueries(data),
  });
  return {
    ...server,
    user: 'paceline',
    password: PASSWORD,
    database: 'postgres',
    url: `postgres://paceline:${PASSWORD}@127.0.0.1:${port}/postgres`,
  };
}

/** The last line of its pid file says `ready` once clients are let in. */
function answersQueries(data: string): boolean {
  const file = join(data, 'postmaster.pid');
  return existsSync(file) && readFileSync(file, 'utf8').trimEnd().endsWith('ready');
}

/** The server refuses to run as root; root hands the folder and the process to Debian's own user for it, or to nobody. */
function serverUser(dir: string): string[] {
  if (process.getuid?.() !== 0) return [];
  const setpriv = findProgram('setpriv');
  if (setpriv === undefined)
    throw new NotInstalled('setpriv', 'it comes with util-linux; or run as a user other than root');
  const [uid, gid] = idsOf('postgres') ?? idsOf('nobody') ?? [65534, 65534];
  chownSync(dir, uid, gid);
  chmodSync(dir, 0o755);
  return [setpriv, `--reuid=${uid}`, `--regid=${gid}`, '--clear-groups', '--'];
}

function idsOf(user: string): [number, number] | undefined {
  try {
    const id = (flag: string): number =>
      Number(execFileSync('id', [flag, user], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }));
    return [id('-u'), id('-g')];
  } catch {
    return undefined;
  }
}
