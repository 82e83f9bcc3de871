import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';

const PACELINE = join(dirname(dirname(import.meta.dirname)), 'services/cli/bin/paceline.js');

/** A real `paceline serve`, in a process group of its own. */
export interface Serving {
  readonly url: string;
  /** `kill -9` of the command and all that it started. */
  kill(): Promise<void>;
  /** SIGTERM, as an operator stops it; the exit code. */
  stop(): Promise<number>;
  /** Ctrl+C in a terminal, which reaches every process of the group; the exit code. */
  interrupt(): Promise<number>;
}

export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface ServeOptions {
  readonly dir: string;
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** Starts it and resolves once it listens; one that ends before is an error with what it said. */
export async function serve(options: ServeOptions): Promise<Serving> {
  const { child, ended, said } = start(['serve', '--output', 'json', ...(options.args ?? ['--port', '0'])], options);
  const url = await new Promise<string>((resolve, reject) => {
    if (child.stdout !== null)
      createInterface(child.stdout).on('line', (line) => {
        if (line.startsWith('{"url"')) resolve(JSON.parse(line).url);
      });
    void ended.then((code) => reject(new Error(`paceline serve ended with ${code}: ${said()}`)));
  });
  return {
    url,
    async kill() {
      killGroup(child, 'SIGKILL');
      await ended;
    },
    async stop() {
      child.kill('SIGTERM');
      return ended;
    },
    async interrupt() {
      killGroup(child, 'SIGINT');
      return ended;
    },
  };
}

/** Runs a command of `paceline` to its end. */
export async function paceline(args: readonly string[], options: ServeOptions): Promise<Ran> {
  const { child, ended, said } = start(args, options);
  let stdout = '';
  child.stdout?.on('data', (chunk) => {
    stdout += String(chunk);
  });
  const code = await ended;
  return { code, stdout, stderr: said() };
}

const SAID_MAX = 100_000;

function start(
  args: readonly string[],
  { dir, env }: ServeOptions,
): { readonly child: ChildProcess; readonly ended: Promise<number>; said(): string } {
  const child = spawn(process.execPath, [PACELINE, ...args, '--dir', dir], {
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, PACELINE_LOG_LEVEL: 'warn', ...env },
  });
  let said = '';
  child.stderr?.on('data', (chunk) => {
    said = (said + String(chunk)).slice(-SAID_MAX);
  });
  const ended = once(child, 'close').then(([code]) => (typeof code === 'number' ? code : -1));
  return { child, ended, said: () => said };
}

function killGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, signal);
  } catch (error) {
    // It has ended by itself meanwhile.
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
  }
}
