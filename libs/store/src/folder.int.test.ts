import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { getPriority, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openStore } from './connect.ts';
import { StoreError } from './errors.ts';
import type { Store } from './port.ts';
import type { Row } from './tables.ts';

/** One process has one data folder, so all of these share it. */
let folder: string;
let store: Store;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'paceline-store-'));
  mkdirSync(join(folder, 'inserts'));
  writeFileSync(join(folder, 'inserts', '1-7.bin'), 'left by a process that was killed');
  store = openStore({ path: folder });
  await store.migrate();
});
afterAll(async () => {
  await store.close();
  rmSync(folder, { recursive: true, force: true });
});

const CONNECT = new URL('./connect.ts', import.meta.url).href;

function script(body: string): string[] {
  return ['--input-type=module', '-e', `import { openStore } from ${JSON.stringify(CONNECT)};\n${body}`];
}

function inProcess(body: string, env: Readonly<Record<string, string>> = {}) {
  return spawnSync(process.execPath, script(body), {
    env: { ...process.env, UV_THREADPOOL_SIZE: '16', ...env },
    encoding: 'utf8',
  });
}

test('files of a killed insert are gone after the next start, and an insert leaves none', async () => {
  await store.insert('progress', [{ workspace: 'w', position: 1, recorded_at: 0 }]);
  expect(readdirSync(join(folder, 'inserts'))).toEqual([]);
});

test('a second process is told which folder is taken and what to do', () => {
  const { stdout } = inProcess(`
    try { openStore({ path: ${JSON.stringify(folder)} }); console.log('opened'); }
    catch (error) { console.log(error.code, error.message, error.remedy); }`);
  expect(stdout).toContain('store_locked');
  expect(stdout).toContain(folder);
  expect(stdout).toContain('--url');
});

test('a process with too few threads for the engine is refused before it starts', () => {
  const path = join(folder, 'never');
  const { stdout } = inProcess(
    `try { openStore({ path: ${JSON.stringify(path)} }); } catch (error) { console.log(error.code, error.message); }`,
    { UV_THREADPOOL_SIZE: '4' },
  );
  expect(stdout).toMatch(/store_thread_pool.*UV_THREADPOOL_SIZE=16/);
  expect(existsSync(path)).toBe(false);
});

test('a folder that cannot be made is named', () => {
  const file = join(folder, 'a-file');
  writeFileSync(file, '');
  expect(() => openStore({ path: join(file, 'data') })).toThrow(StoreError);
  expect(() => openStore({ path: join(file, 'data') })).toThrow(/a-file/);
});

test('what an insert confirmed survives kill -9', async () => {
  const path = join(mkdtempSync(join(tmpdir(), 'paceline-killed-')), 'data');
  const child = spawn(
    process.execPath,
    script(`
      const store = openStore({ path: ${JSON.stringify(path)} });
      await store.migrate();
      for (let position = 1; ; position++) {
        await store.insert('dead_letter', [{ workspace: 'w', position, recorded_at: 0, code: 'c', message: '', payload: '' }]);
        console.log(position);
      }`),
    { env: { ...process.env, UV_THREADPOOL_SIZE: '16' }, stdio: ['ignore', 'pipe', 'inherit'] },
  );
  let confirmed = 0;
  for await (const chunk of child.stdout) {
    confirmed = Math.max(confirmed, ...String(chunk).split('\n').map(Number));
    if (confirmed >= 20) child.kill('SIGKILL');
  }
  const { stdout } = inProcess(`
    const store = openStore({ path: ${JSON.stringify(path)} });
    await store.migrate();
    const rows = await store.read({ sql: 'SELECT count(), max(position) FROM dead_letter' }, { count: 'UInt64', last: 'UInt64' });
    console.log(JSON.stringify(rows[0]));
    await store.close();`);
  const { count, last } = JSON.parse(stdout);
  expect(count).toBe(last);
  expect(last).toBeGreaterThanOrEqual(confirmed);
  rmSync(join(path, '..'), { recursive: true, force: true });
});

test('a slow read does not hold up a write or another read', async () => {
  const slow = store.query(
    { sql: 'SELECT count() FROM numbers(1000000000000) WHERE number % 3 = 1' },
    { timeoutMs: 3_000 },
  );
  const outcome = slow.catch((error: unknown) => error);
  const started = performance.now();
  await store.insert('progress', [{ workspace: 'w', position: 2, recorded_at: 0 }]);
  await store.read({ sql: 'SELECT count() FROM progress' }, { count: 'UInt64' });
  await store.read({ sql: 'SELECT count() FROM progress' }, { count: 'UInt64' }, { lane: 'judge' });
  expect(performance.now() - started).toBeLessThan(2_500);
  expect(await outcome).toMatchObject({ code: 'store_limit' });
});

test('a full disk is said as such, and the same rows are stored once there is room', async () => {
  // A mount of its own name space: it is gone with the process, and needs no right that a user has not.
  const mount = mkdtempSync(join(tmpdir(), 'paceline-full-'));
  const body = `
    import { rmSync, writeFileSync } from 'node:fs';
    const store = openStore({ path: ${JSON.stringify(join(mount, 'data'))} });
    await store.migrate();
    const ballast = ${JSON.stringify(join(mount, 'ballast'))};
    try { writeFileSync(ballast, Buffer.alloc(64 * 1024 * 1024)); } catch (error) { console.log('filled', error.code); }
    const row = { workspace: 'w', position: 1, recorded_at: 0, code: 'c', message: 'x'.repeat(100000), payload: '' };
    try { await store.insert('dead_letter', [row]); console.log('stored too early'); }
    catch (error) { console.log(error.code, error.retryable); }
    rmSync(ballast);
    await store.insert('dead_letter', [row]);
    const rows = await store.read({ sql: 'SELECT count() FROM dead_letter' }, { count: 'UInt64' });
    console.log('rows', rows[0].count);
    await store.close();`;
  const space = process.getuid?.() === 0 ? ['--mount'] : ['--map-root-user', '--mount'];
  const inside = [
    'sh',
    '-c',
    'mount -t tmpfs -o size=12m tmpfs "$0" && exec "$@"',
    mount,
    process.execPath,
    ...script(body),
  ];
  const { stdout, stderr } = spawnSync('unshare', [...space, ...inside], {
    env: { ...process.env, UV_THREADPOOL_SIZE: '16' },
    encoding: 'utf8',
  });
  expect(stdout + stderr).toMatch(/filled ENOSPC\s+store_disk_full true\s+rows 1/);
  rmSync(mount, { recursive: true, force: true });
});

test('the client of the engine still corrupts binary bodies, so the way by a file is still needed', async () => {
  const { createChdbConnection } = await import('chdb/connection');
  const connection = createChdbConnection({ path: folder });
  const { encodeRows } = await import('./rows.ts');
  const rows: Row<'timeline'>[] = Array.from({ length: 1_000 }, (_, index) => ({
    workspace: 'trap',
    recorded_at: index * 7919,
    position: index * 104_729,
    records: index,
  }));
  const { Readable } = await import('node:stream');
  const { bytes } = encodeRows('timeline', rows);
  await connection
    .exec({
      query: 'INSERT INTO paceline.timeline (workspace, recorded_at, position, records) FORMAT RowBinary',
      values: Readable.from([bytes]),
    })
    .catch(() => undefined);
  const [{ count, sum } = { count: 0, sum: 0 }] = await store.read(
    { sql: `SELECT count(), sum(position) FROM timeline WHERE workspace = 'trap'` },
    { count: 'UInt64', sum: 'UInt64' },
  );
  expect([count, sum]).not.toEqual([1_000, (104_729 * 999 * 1_000) / 2]);
  await connection.close();
});

test('merges give way to all other work of the process', async () => {
  await store.insert('progress', [{ workspace: 'w', position: 2, recorded_at: 0 }]);
  const named = (thread: string): string => readFileSync(`/proc/self/task/${thread}/comm`, 'utf8').trim();
  const merging = readdirSync('/proc/self/task').filter((thread) => named(thread) === 'MergeMutate');
  expect(merging.length).toBeGreaterThan(0);
  expect(new Set(merging.map((thread) => getPriority(Number(thread))))).toEqual(new Set([10]));
});
