import { mkdirSync, readdirSync, readFileSync, rmSync, writeFile, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import type { ChdbConnection } from 'chdb/connection';
import { identifier } from './bind.ts';
import { StoreError, toStoreError } from './errors.ts';
import { type Home, openHome } from './home.ts';
import { calmMerges } from './merge-threads.ts';
import type { GuestScope, Lane } from './port.ts';
import { columnsOf, engineType, type TableName } from './tables.ts';
import { engineSettings, type Wire, type WireLimits } from './wire.ts';

/**
 * ClickHouse's engine in this process, on one folder. Each lane is a connection of its own, used by one call at a time:
 * a connection is serial anyway, and a call that waits inside it would hold one of libuv's few threads.
 */
export interface EmbeddedOptions {
  /** Folder of the engine's data; made when missing. */
  readonly path: string;
  readonly database: string;
  readonly memoryBytesMax: number;
  /** Connections for reading. */
  readonly readers: number;
  /** Calls that may wait for one lane before further ones are refused (`store_busy`). */
  readonly waitingMax: number;
}

/** Workspaces write side by side: a small insert waits for the disk most of the time, and none should wait for a large one. */
const WRITERS = 4;
/** Every busy connection holds a thread; file writes, name look-ups and the log's own work need some beside them. */
const THREADS_MIN = 16;
const INSERTS = 'inserts';
/** Written at once: the turns of the event loop that a file takes cost a busy process more than the write. */
const SMALL_BYTES = 64 * 1024;
/** In one go, where that of `node:fs/promises` takes a turn of the event loop for every half megabyte. */
const writeWhole = promisify(writeFile);

export function openEmbedded(options: EmbeddedOptions): Wire {
  checkThreads();
  const path = resolve(options.path);
  const inserts = join(path, INSERTS);
  makeFolders(path, inserts);
  const home: Home = openHome(path);
  const wire = wireOf(path, options);
  // Only this process can own the folder now: what lies here was left by one that was killed.
  for (const name of readdirSync(inserts)) rmSync(join(inserts, name), { force: true });
  home.enter();
  return {
    ...wire,
    async close() {
      await wire.close();
      await drainNative();
      home.leave();
    },
  };
}

/** Another database on a folder that this process has opened, with lanes of its own; closed before the first. */
export function openBeside(options: EmbeddedOptions): Wire {
  return wireOf(resolve(options.path), options);
}

/** Files of inserts are named apart, whichever database they are for. */
let files = 0;

function wireOf(path: string, options: EmbeddedOptions): Wire {
  const inserts = join(path, INSERTS);
  const connect = connector(path, options);
  const lanes: Readonly<Record<Lane, Pool>> = {
    write: new Pool(Array.from({ length: WRITERS }, connect), options.waitingMax, 'write'),
    judge: new Pool([connect()], options.waitingMax, 'judge'),
    read: new Pool(Array.from({ length: options.readers }, connect), options.waitingMax, 'read'),
  };
  const streams = new Set<ChdbConnection>();
  let isCalm = false;
  return {
    run: (lane, sql, format, limits) =>
      lanes[lane].use((connection) => execute(connection, sql, format, limits), limits),
    async insert(table, body, limits) {
      const file = join(inserts, `${process.pid}-${files++}.bin`);
      try {
        if (body.length <= SMALL_BYTES) writeFileSync(file, body);
        else await writeWhole(file, body);
        const sql = insertFromFile(table, file);
        // The engine has these threads once it has tables.
        if (!isCalm) calmMerges();
        isCalm = true;
        await lanes.write.use((connection) => execute(connection, sql, null, limits), limits);
      } finally {
        rmSync(file, { force: true });
      }
    },
    async *stream(sql, format, limits) {
      // A connection of its own: a stream holds one for as long as its reader takes.
      const connection = connect();
      streams.add(connection);
      try {
        await settle(connection, limits);
        const options = limits.signal === undefined ? { format } : { format, signal: limits.signal };
        for await (const chunk of connection.chdb.queryStream(sql, options)) yield chunk.raw();
      } finally {
        streams.delete(connection);
        await connection.close();
      }
    },
    async guest(scope, work) {
      const connection = connect();
      try {
        await enter(connection, scope);
        return await work(async (sql, format) => {
          const result = await connection.chdb.queryAsync(sql, { format });
          // Of an answer the engine here counts the rows that it gave, not those that it read.
          return { bytes: result.bytes(), rows: result.rowsRead };
        });
      } finally {
        await connection.close();
      }
    },
    async close() {
      const pools = Object.values(lanes);
      await Promise.all(pools.map((pool) => pool.drain()));
      for (const connection of [...pools.flatMap((pool) => pool.connections), ...streams]) await connection.close();
    },
  };
}

function checkThreads(): void {
  const threads = Number(process.env.UV_THREADPOOL_SIZE ?? 4);
  if (threads >= THREADS_MIN) return;
  throw new StoreError(
    'store_thread_pool',
    `The embedded engine needs at least ${THREADS_MIN} libuv threads, this process has ${threads}: with fewer, a handful of slow queries stops every file, name look-up and timer of the process. Start it with UV_THREADPOOL_SIZE=${THREADS_MIN} in its environment`,
  );
}

function makeFolders(path: string, inserts: string): void {
  try {
    mkdirSync(inserts, { recursive: true });
  } catch (cause) {
    const error = toStoreError(cause, `The data folder ${path} cannot be made or written`);
    if (error.code === 'store_disk_full') throw error;
    throw new StoreError('store_folder', error.message, { cause });
  }
}

/** The native part is half a gigabyte: it is loaded when a folder is opened, not when this file is imported. */
const load = createRequire(import.meta.url);

function connector(path: string, options: EmbeddedOptions): () => ChdbConnection {
  const { createChdbConnection }: typeof import('chdb/connection') = load('chdb/connection');
  const settings = Object.entries(engineSettings(options.memoryBytesMax))
    .map(([name, value]) => `${name} = ${typeof value === 'number' ? value : `'${value}'`}`)
    .join(', ');
  const database = identifier(options.database);
  return () => {
    try {
      const connection = createChdbConnection({ path });
      // Settings and the database belong to the connection; said once they hold for all it runs.
      pending.set(connection, [`CREATE DATABASE IF NOT EXISTS ${database}`, `USE ${database}`, `SET ${settings}`]);
      return connection;
    } catch (cause) {
      throw openError(cause, path);
    }
  };
}

/** Statements a new connection runs before its first query. */
const pending = new WeakMap<ChdbConnection, string[]>();
const timeouts = new WeakMap<ChdbConnection, number>();

async function settle(connection: ChdbConnection, limits: WireLimits): Promise<void> {
  const first = pending.get(connection);
  if (first !== undefined) {
    for (const sql of first) await connection.chdb.queryAsync(sql);
    pending.delete(connection);
  }
  if (timeouts.get(connection) === limits.timeoutMs) return;
  await connection.chdb.queryAsync(`SET max_execution_time = ${Math.max(0.001, limits.timeoutMs / 1000)}`);
  timeouts.set(connection, limits.timeoutMs);
}

/** What the scope says holds for the connection; read-only comes last, because nothing can be set behind it. */
async function enter(connection: ChdbConnection, scope: GuestScope): Promise<void> {
  await settle(connection, { timeoutMs: GUEST_ENTRY_MS });
  const settings = Object.entries(scope.settings).map(
    ([name, value]) => `${settingName(name)} = ${typeof value === 'number' ? value : quoted(value)}`,
  );
  const params = Object.entries(scope.params).map(([name, value]) => `param_${settingName(name)} = ${quoted(value)}`);
  await connection.chdb.queryAsync(`USE ${identifier(scope.database)}`);
  for (const param of params) await connection.chdb.queryAsync(`SET ${param}`);
  await connection.chdb.queryAsync(`SET ${[...settings, 'readonly = 1'].join(', ')}`);
}

const GUEST_ENTRY_MS = 30_000;

function settingName(name: string): string {
  if (/^\w{1,100}$/.test(name)) return name;
  throw new TypeError(`${JSON.stringify(name)} is no name of a setting`);
}

async function execute(
  connection: ChdbConnection,
  sql: string,
  format: string | null,
  limits: WireLimits,
): Promise<Uint8Array> {
  await settle(connection, limits);
  const result = await connection.chdb.queryAsync(sql, format === null ? {} : { format });
  return result.bytes();
}

function insertFromFile(table: TableName, file: string): string {
  const columns = columnsOf(table);
  const names = columns.map(([name]) => name).join(', ');
  // LowCardinality is written as its content; the table's own type makes it one again.
  const structure = columns.map(
    ([name, type]) => `${name} ${engineType(type).replace('LowCardinality(String)', 'String')}`,
  );
  return `INSERT INTO ${table} (${names}) SELECT ${names} FROM file(${quoted(file)}, RowBinary, ${quoted(structure.join(', '))})`;
}

function quoted(text: string): string {
  return `'${text.replace(/[\\']/g, (character) => `\\${character}`)}'`;
}

function openError(cause: unknown, path: string): StoreError {
  const owner = ownerOf(path);
  if (owner !== undefined)
    return new StoreError(
      'store_locked',
      `The data folder ${path} is owned by another running process (${owner}): stop that process, or talk to it with --url`,
      { cause },
    );
  const error = toStoreError(cause, `The data folder ${path} cannot be opened`);
  return error.code === 'store_statement' ? new StoreError('store_folder', error.message, { cause }) : error;
}

/** The engine says only on standard error that a folder is locked; the process that locked it wrote its number there. */
function ownerOf(path: string): number | undefined {
  try {
    const pid = Number(/^PID: (\d+)/m.exec(readFileSync(join(path, 'status'), 'utf8'))?.[1]);
    if (!Number.isInteger(pid) || pid === process.pid) return undefined;
    process.kill(pid, 0);
    return pid;
  } catch {
    // No such file, or no such process: then it is not the lock that keeps the folder from opening.
    return undefined;
  }
}

async function drainNative(): Promise<void> {
  const { drainPending }: typeof import('chdb') = load('chdb');
  await drainPending();
}

interface Waiter {
  readonly start: (connection: ChdbConnection) => void;
}

/** Hands connections out one call each, in order of asking. */
class Pool {
  readonly connections: readonly ChdbConnection[];
  private readonly idle: ChdbConnection[];
  private readonly waiting: Waiter[] = [];
  private readonly waitingMax: number;
  private readonly lane: Lane;
  private emptied: (() => void)[] = [];

  constructor(connections: readonly ChdbConnection[], waitingMax: number, lane: Lane) {
    this.connections = connections;
    this.idle = [...connections];
    this.waitingMax = waitingMax;
    this.lane = lane;
  }

  async use<T>(work: (connection: ChdbConnection) => Promise<T>, limits: WireLimits): Promise<T> {
    limits.signal?.throwIfAborted();
    const connection = this.idle.pop() ?? (await this.turn());
    const running = work(connection).finally(() => this.release(connection));
    return limits.signal === undefined ? running : orAborted(running, limits.signal);
  }

  drain(): Promise<void> {
    if (this.idle.length === this.connections.length) return Promise.resolve();
    return new Promise((resolve) => this.emptied.push(resolve));
  }

  private turn(): Promise<ChdbConnection> {
    if (this.waiting.length >= this.waitingMax)
      return Promise.reject(
        new StoreError(
          'store_busy',
          `${this.waiting.length} calls wait for the ${this.lane} lane of the store already`,
        ),
      );
    return new Promise((start) => this.waiting.push({ start }));
  }

  private release(connection: ChdbConnection): void {
    const next = this.waiting.shift();
    if (next !== undefined) {
      next.start(connection);
      return;
    }
    this.idle.push(connection);
    if (this.idle.length < this.connections.length) return;
    for (const resolve of this.emptied) resolve();
    this.emptied = [];
  }
}

/** The caller is let go at once; the engine has no interrupt, so the connection stays taken until it is done. */
function orAborted<T>(running: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = () =>
      reject(new StoreError('store_cancelled', 'The caller gave the query up', { cause: signal.reason }));
    signal.addEventListener('abort', abort, { once: true });
    running.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}
