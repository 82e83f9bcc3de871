import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { accessSync, chmodSync, constants, mkdtempSync, readFileSync } from 'node:fs';
import { connect, createServer, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';

/** A real server that runs for a test or a person, with its data in a temporary folder that goes when it stops. */
export interface LocalServer {
  readonly name: string;
  readonly host: '127.0.0.1';
  readonly port: number;
  /** Its folder: data and `output.log`. */
  readonly dir: string;
  readonly pid: number;
  /** Ends it at once, as a crash would; the folder stays until `stop`. */
  kill(): Promise<void>;
  /** Stops it in good order and removes the folder. Safe to call twice. */
  stop(): Promise<void>;
}

export interface ServerOptions {
  readonly name: string;
  /** The program with its arguments. */
  readonly command: readonly string[];
  readonly port: number;
  readonly dir: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Whether it can be used; asked until it says yes. Default: its port accepts connections. */
  ready?(): Promise<boolean>;
  /** Default 30,000. */
  readonly readyMsMax?: number;
  /** How long it may take to stop before it is killed. Default 10,000. */
  readonly stopMsMax?: number;
  readonly stopSignal?: 'TERM' | 'INT';
  /** Leave the folder when it stops: for a server that is started again on the same data. */
  readonly keepFolder?: boolean;
}

/**
 * The shell stands between us and the server: when our end of its standard input closes, because we stopped it or because
 * we were killed, it stops the server and removes the folder. No server can outlive who started it.
 */
const SUPERVISOR = `
exec 3<&0
"$@" </dev/null >>"$SERVER_FOLDER/output.log" 2>&1 3<&- &
server=$!
echo "$server" >"$SERVER_FOLDER/server.pid"
( trap '' TERM INT
  cat <&3 >/dev/null
  kill -"$SERVER_STOP" "$server"
  left="$SERVER_STOP_TENTHS"
  while [ "$left" -gt 0 ] && kill -0 "$server"; do sleep 0.1; left=$((left - 1)); done
  kill -KILL "$server" ) 2>/dev/null &
watch=$!
# When we are gone, nobody reads what the shell says; that must not end it before it has cleaned up.
trap '' PIPE
exec 3<&-
wait "$server"
code=$?
tail -n 15 "$SERVER_FOLDER/output.log" >&2
# A server that was killed leaves its data to whoever started it, until that one lets go.
[ "$code" -gt 128 ] && wait "$watch"
[ "$SERVER_KEEP" = yes ] || [ -e "$SERVER_FOLDER/.keep" ] || rm -rf -- "$SERVER_FOLDER"
kill -KILL "$watch" 2>/dev/null
exit "$code"
`;

/** Where processes of Node keep what they compiled: types are stripped once and not at every start, which halves it. */
export const NODE_COMPILE_CACHE = join(import.meta.dirname, '../../node_modules/.cache/node');

export async function startServer(options: ServerOptions): Promise<LocalServer> {
  const { name, port, dir } = options;
  const child = spawn('/bin/sh', ['-c', SUPERVISOR, name, ...options.command], {
    // A group of its own, so that Ctrl-C at a terminal reaches us first and the server is stopped in good order.
    detached: true,
    stdio: ['pipe', 'ignore', 'pipe'],
    env: {
      PATH: process.env.PATH,
      HOME: process.env.HOME,
      LANG: 'C.UTF-8',
      NODE_COMPILE_CACHE,
      ...options.env,
      SERVER_FOLDER: dir,
      SERVER_STOP: options.stopSignal ?? 'TERM',
      SERVER_STOP_TENTHS: String(Math.ceil((options.stopMsMax ?? 10_000) / 100)),
      SERVER_KEEP: options.keepFolder === true ? 'yes' : 'no',
    },
  });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  // Nothing is ever written; the pipe of a server that is gone must not become an exception here.
  child.stdin.on('error', () => undefined);
  const closed = new Promise<number | null>((resolve) => child.once('close', (code) => resolve(code)));
  const stop = async (): Promise<void> => {
    child.ref();
    child.stdin.end();
    await closed;
  };
  const pid = child.pid;
  if (pid === undefined) throw new Error(`${name} did not start: there is no /bin/sh`);
  try {
    await untilReady(options, closed);
  } catch (error) {
    await stop();
    const why = error instanceof Error ? error.message : String(error);
    throw new Error(`${name} did not get ready on port ${port}: ${why}\n${said}`, { cause: error });
  }
  letGo(child);
  return { name, host: '127.0.0.1', port, dir, pid, stop, kill: () => killServer(dir) };
}

/** The event loop of a test may end although a server runs: the server then stops with it. */
function letGo(child: ChildProcessByStdio<Writable, null, Readable>): void {
  child.unref();
  for (const pipe of [child.stdin, child.stderr]) if (pipe instanceof Socket) pipe.unref();
}

async function untilReady(options: ServerOptions, closed: Promise<number | null>): Promise<void> {
  const ready = options.ready ?? (() => accepts(options.port));
  const deadline = performance.now() + (options.readyMsMax ?? 30_000);
  let gone: string | undefined;
  void closed.then((code) => {
    gone = `it ended with code ${code}`;
  });
  while (gone === undefined) {
    if (await ready()) return;
    if (performance.now() > deadline) throw new Error(`not within ${options.readyMsMax ?? 30_000} ms`);
    await sleep(50);
  }
  throw new Error(gone);
}

async function killServer(dir: string): Promise<void> {
  const server = Number(readFileSync(join(dir, 'server.pid'), 'utf8'));
  process.kill(server, 'SIGKILL');
  while (isAlive(server)) await sleep(10);
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

export function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port, timeout: 1_000 });
    const done = (answer: boolean): void => {
      socket.destroy();
      resolve(answer);
    };
    socket.once('connect', () => done(true));
    socket.once('error', () => done(false));
    socket.once('timeout', () => done(false));
  });
}

/**
 * A port of the loopback that nothing listens on, below those that systems give to outgoing connections (from 32,768 on): one of these could be taken
 * by a client before the server that asked for it binds it.
 */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < 100; tries += 1) {
    const port = randomInt(15_000, 32_000);
    if (await isFree(port)) return port;
  }
  throw new Error('no free port was found between 15,000 and 32,000; end some of the programs that listen there');
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) =>
      error.code === 'EADDRINUSE' ? resolve(false) : reject(error),
    );
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}

/** A folder of its own in the system's temporary folder, open to the server's user. */
export function serverFolder(name: string): string {
  const dir = mkdtempSync(join(tmpdir(), `paceline-${name}-`));
  chmodSync(dir, 0o755);
  return dir;
}

/** The first of the given places where the program is, `undefined` when it is not installed. */
export function findProgram(name: string, folders: readonly string[] = []): string | undefined {
  const places = [...folders, ...(process.env.PATH ?? '').split(delimiter), '/usr/bin', '/usr/sbin'];
  return places.map((folder) => join(folder, name)).find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Says what is missing in the words of `npm test`. */
export class NotInstalled extends Error {
  override readonly name = 'NotInstalled';
  constructor(program: string, remedy: string) {
    super(`${program} is not installed; ${remedy}`);
  }
}
