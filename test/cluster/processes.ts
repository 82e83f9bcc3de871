import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort, startServer } from '@paceline/local-servers';
import { NODE_COMPILE_CACHE, serverFolder } from '@paceline/local-servers/server';

export const SERVICES = ['connectors', 'processor', 'catalog', 'query', 'alerts'] as const;
export type ServiceName = (typeof SERVICES)[number];

const ROOT = dirname(dirname(import.meta.dirname));

export interface Part {
  readonly part: string;
  readonly ready: boolean;
  readonly detail?: string;
}

/** A service in a process of its own, as `main.ts` starts it. */
export interface ServiceProcess {
  readonly name: ServiceName;
  readonly url: string;
  readonly pid: number;
  health(): Promise<{ readonly live: boolean; readonly ready: boolean; readonly parts: readonly Part[] }>;
  /** Resolves once it is ready; says what it waits for when it is not in time. */
  ready(ms?: number): Promise<void>;
  /** Resolves to the detail of the first part that is not ready, once there is one that matches. */
  waitsFor(pattern: RegExp, ms?: number): Promise<string>;
  /** SIGTERM; how long it took, in milliseconds. */
  stop(): Promise<number>;
  kill(): Promise<void>;
  said(): string;
}

export interface ServiceOptions {
  readonly env: Readonly<Record<string, string>>;
  /** Another program than the service's `main.ts`, with its arguments. */
  readonly program?: readonly string[];
}

const READY_MS = 60_000;
const SAID_MAX = 5_000;

export async function startService(name: ServiceName, options: ServiceOptions): Promise<ServiceProcess> {
  const port = await freePort();
  const dir = serverFolder(name);
  const url = `http://127.0.0.1:${port}`;
  const started = startServer({
    name,
    command: [process.execPath, ...(options.program ?? [join(ROOT, `services/${name}/src/main.ts`)])],
    port,
    dir,
    // What it said is read after it has ended, too.
    keepFolder: true,
    env: {
      PACELINE_DIR: dir,
      PACELINE_LOG_FORMAT: 'json',
      PACELINE_LOG_LEVEL: 'info',
      ...options.env,
      PACELINE_PORT: String(port),
    },
    ready: async () => {
      try {
        return (await fetch(`${url}/health/live`)).ok;
      } catch {
        return false;
      }
    },
  });
  const server = await started.catch((error: unknown) => {
    rmSync(dir, { recursive: true, force: true });
    throw error;
  });
  const said = (): string => (existsSync(join(dir, 'output.log')) ? readFileSync(join(dir, 'output.log'), 'utf8') : '');
  const health: ServiceProcess['health'] = async () => {
    const answers = Promise.all([fetch(`${url}/health/live`), fetch(`${url}/health/ready`)]);
    const [live, ready] = await answers.catch((cause: unknown) => {
      throw new Error(`${name} does not answer; it said: ${said().slice(-SAID_MAX)}`, { cause });
    });
    const { parts } = (await ready.json()) as { parts: Part[] };
    await live.body?.cancel();
    return { live: live.ok, ready: ready.ok, parts };
  };
  const until = async <Found>(what: string, ms: number, look: () => Promise<Found | null>): Promise<Found> => {
    const deadline = performance.now() + ms;
    for (;;) {
      const found = await look();
      if (found !== null) return found;
      if (performance.now() > deadline)
        throw new Error(`${name} ${what} within ${ms} ms: ${JSON.stringify(await health())}`);
      await sleep(50);
    }
  };
  return {
    name,
    url,
    pid: server.pid,
    health,
    ready: (ms = READY_MS) => until('is not ready', ms, async () => ((await health()).ready ? undefined : null)),
    waitsFor: (pattern, ms = READY_MS) =>
      until(`does not wait for ${pattern}`, ms, async () => {
        const part = (await health()).parts.find(({ ready, detail }) => !ready && pattern.test(detail ?? ''));
        return part?.detail ?? null;
      }),
    async stop() {
      const began = performance.now();
      await server.stop();
      const took = performance.now() - began;
      rmSync(dir, { recursive: true, force: true });
      return took;
    },
    kill: async () => {
      await server.kill();
      await server.stop();
      rmSync(dir, { recursive: true, force: true });
    },
    said,
  };
}

/** A start that is to be refused: its exit code and what it said on standard error. */
export async function refusedStart(
  name: ServiceName,
  env: Readonly<Record<string, string>>,
): Promise<{ readonly code: number | null; readonly said: string }> {
  const child = spawn(process.execPath, [join(ROOT, `services/${name}/src/main.ts`)], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { PATH: process.env.PATH, NODE_COMPILE_CACHE, PACELINE_LOG_LEVEL: 'error', ...env, PACELINE_PORT: '0' },
  });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  const patience = setTimeout(() => child.kill('SIGKILL'), READY_MS);
  const [code] = await once(child, 'close');
  clearTimeout(patience);
  return { code, said };
}
