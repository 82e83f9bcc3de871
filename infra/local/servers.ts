/**
 * `npm run servers -- up|down|status|install [kafka] [redis] [clickhouse] [postgres]`: real servers for a person, each on a free port with its data in a
 * temporary folder. They stop at `down`, when the shell that started them ends, or after eight hours, whichever comes first.
 */
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { startClickHouse } from './clickhouse.ts';
import { install } from './install.ts';
import { startKafka } from './kafka.ts';
import { startPostgres } from './postgres.ts';
import { startRedis } from './redis.ts';
import { shellSession } from './session.ts';

const FOLDER = join(import.meta.dirname, '.run');
const STATE = join(FOLDER, 'servers.json');
const OUTPUT = join(FOLDER, 'supervisor.log');
const HOURS_MAX = 8;
const START_MS_MAX = 240_000;

interface Stoppable {
  stop(): Promise<void>;
}

/** Each server, and the variables under which Paceline, or its tests, find it. */
const STARTERS: Readonly<Record<string, () => Promise<{ server: Stoppable; env: Record<string, string> }>>> = {
  kafka: async () => {
    const server = await startKafka();
    return { server, env: { PACELINE_KAFKA_BROKERS: server.brokers } };
  },
  redis: async () => {
    const server = await startRedis();
    return { server, env: { PACELINE_REDIS_URL: server.url } };
  },
  clickhouse: async () => {
    const server = await startClickHouse();
    const { url, user, password } = server;
    return {
      server,
      env: { PACELINE_CLICKHOUSE_URL: url, PACELINE_CLICKHOUSE_USER: user, PACELINE_CLICKHOUSE_PASSWORD: password },
    };
  },
  postgres: async () => {
    const server = await startPostgres();
    return { server, env: { PACELINE_TEST_POSTGRES_URL: server.url } };
  },
};

/** Programs that tests start by themselves. */
const ONLY_INSTALLED = ['chromium', 'nginx', 'compose', 'clients'];

interface State {
  readonly supervisor: number;
  readonly ready: boolean;
  readonly env: Readonly<Record<string, string>>;
}

function readState(): State | undefined {
  if (!existsSync(STATE)) return undefined;
  const state: State = JSON.parse(readFileSync(STATE, 'utf8'));
  if (isAlive(state.supervisor)) return state;
  rmSync(STATE, { force: true });
  return undefined;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

function show(state: State): void {
  for (const [variable, value] of Object.entries(state.env)) console.log(`export ${variable}=${value}`);
}

async function up(names: readonly string[]): Promise<number> {
  const running = readState();
  if (running !== undefined) {
    console.error('already up; use these, or run: npm run servers -- down');
    show(running);
    return 0;
  }
  mkdirSync(FOLDER, { recursive: true });
  const output = openSync(OUTPUT, 'w');
  const args = [import.meta.filename, 'supervise', String(shellSession()), ...names];
  const supervisor = spawn(process.execPath, args, { detached: true, stdio: ['ignore', output, output] });
  supervisor.unref();
  let ended = false;
  supervisor.once('exit', () => {
    ended = true;
  });
  const deadline = performance.now() + START_MS_MAX;
  while (!ended && performance.now() < deadline) {
    const state = readState();
    if (state?.ready === true) {
      console.error(`up: ${names.join(', ')}; they stop with this shell, or by: npm run servers -- down`);
      show(state);
      return 0;
    }
    await sleep(200);
  }
  if (supervisor.pid !== undefined && !ended) process.kill(supervisor.pid, 'SIGTERM');
  console.error(`the servers did not start:\n${readFileSync(OUTPUT, 'utf8')}`);
  return 1;
}

async function down(): Promise<number> {
  const state = readState();
  if (state === undefined) {
    console.error('no servers are up');
    return 0;
  }
  process.kill(state.supervisor, 'SIGTERM');
  for (let tries = 0; tries < 300 && isAlive(state.supervisor); tries++) await sleep(100);
  if (isAlive(state.supervisor)) {
    console.error(`the supervisor (process ${state.supervisor}) has not stopped within 30 s`);
    return 1;
  }
  console.error('down');
  return 0;
}

function status(): number {
  const state = readState();
  if (state === undefined) {
    console.error('no servers are up');
    return 1;
  }
  console.error(state.ready ? 'up' : 'starting');
  show(state);
  return 0;
}

/** Runs on its own, holds the servers, and takes them down when it ends: they watch it as they would watch a test. */
async function supervise(shell: number, names: readonly string[]): Promise<number> {
  const stopping = new AbortController();
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => stopping.abort());
  const write = (ready: boolean, env: Record<string, string>): void =>
    writeFileSync(STATE, JSON.stringify({ supervisor: process.pid, ready, env } satisfies State));
  write(false, {});
  const servers: Stoppable[] = [];
  const env: Record<string, string> = {};
  try {
    for (const name of names) {
      if (stopping.signal.aborted) break;
      const started = await STARTERS[name]?.();
      if (started === undefined) continue;
      servers.push(started.server);
      Object.assign(env, started.env);
    }
    write(true, env);
    const endAt = performance.now() + HOURS_MAX * 3_600_000;
    while (!stopping.signal.aborted && performance.now() < endAt && isAlive(shell)) {
      await sleep(1_000, undefined, { signal: stopping.signal }).catch(() => undefined);
    }
  } finally {
    await Promise.allSettled(servers.map((server) => server.stop()));
    rmSync(STATE, { force: true });
  }
  return 0;
}

async function main(): Promise<number> {
  const [verb, ...rest] = process.argv.slice(2);
  if (verb === 'supervise') return supervise(Number(rest[0]), rest.slice(1));
  const known = verb === 'install' ? [...Object.keys(STARTERS), ...ONLY_INSTALLED] : Object.keys(STARTERS);
  const names = rest.length > 0 ? rest : known;
  const unknown = names.filter((name) => !known.includes(name));
  if (unknown.length > 0) {
    console.error(`${unknown.join(', ')}: known are ${known.join(', ')}`);
    return 1;
  }
  if (verb === 'up') return up(names);
  if (verb === 'down') return down();
  if (verb === 'status') return status();
  if (verb === 'install') return install(names);
  console.error('usage: npm run servers -- up|down|status|install [kafka] [redis] [postgres]');
  return 1;
}

process.exitCode = await main();
