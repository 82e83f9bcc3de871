import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { bodies, describeEventLog, message } from './contract.ts';
import type { EventLog, LogRecord } from './port.ts';
import { LogRefused } from './port.ts';
import { openSqliteLog } from './sqlite.ts';

describeEventLog(
  'sqlite',
  async () => {
    const root = mkdtempSync(join(tmpdir(), 'paceline-log-'));
    let lives = 1;
    return {
      open: (options) => openSqliteLog({ folder: join(root, String(lives)), now: Date.now, ...options }),
      // What is on the disk at this moment is all that a killed process leaves; the next life opens exactly that.
      crash: async () => {
        cpSync(join(root, String(lives)), join(root, String(lives + 1)), { recursive: true });
        lives += 1;
      },
      dispose: async () => rmSync(root, { recursive: true, force: true }),
    };
  },
  { waitMsMax: 5_000, memberIsLog: false },
);

let folder: string;
const children: ChildProcessWithoutNullStreams[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'paceline-log-'));
});
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
});

const file = () => join(folder, 'log.sqlite');
const open = (more: Partial<Parameters<typeof openSqliteLog>[0]> = {}) =>
  openSqliteLog({ folder, now: Date.now, ...more });

async function refusal(promise: Promise<unknown>): Promise<LogRefused> {
  const error: unknown = await promise.then(
    () => new Error('it was accepted'),
    (cause: unknown) => cause,
  );
  if (error instanceof LogRefused) return error;
  throw error;
}

async function readAll(log: EventLog, topic: string): Promise<LogRecord[]> {
  const all: LogRecord[] = [];
  for await (const batch of log.read(topic, { from: 0 })) all.push(...batch);
  return all;
}

async function written(count = 3): Promise<void> {
  const log = await open();
  await log.ensureTopic('facts.a');
  for (let i = 0; i < count; i++) await log.append('facts.a', [message(`record ${i} ${'x'.repeat(2_000)}`)]);
  await log.close();
}

/** Another process that runs this code with the log's module imported. */
function child(code: string): ChildProcessWithoutNullStreams {
  const module = JSON.stringify(new URL('./sqlite.ts', import.meta.url).href);
  const script = `const { openSqliteLog } = await import(${module}); const folder = ${JSON.stringify(folder)}; ${code}`;
  const process_ = spawn(process.execPath, ['--input-type=module', '-e', script]);
  children.push(process_);
  return process_;
}

async function firstLine(process_: ChildProcessWithoutNullStreams): Promise<string> {
  let said = '';
  process_.stderr.on('data', (chunk) => {
    said += String(chunk);
  });
  for await (const chunk of process_.stdout) {
    said += String(chunk);
    if (said.includes('\n')) break;
  }
  return said.trim();
}

test('a folder in use is refused, naming the folder and the process that has it, until that process is gone', async () => {
  const owner = child(
    "const log = await openSqliteLog({ folder, now: Date.now }); console.log('open'); setInterval(() => log, 1000);",
  );
  expect(await firstLine(owner)).toBe('open');
  const error = await refusal(open());
  expect(error.code).toBe('log_locked');
  expect(error.message).toContain(folder);
  expect(error.message).toContain(String(owner.pid));
  owner.kill('SIGKILL');
  await vi.waitFor(async () => (await open()).close());
});

test('a second log of the same process on the folder is refused too', async () => {
  const log = await open();
  expect((await refusal(open())).code).toBe('log_locked');
  await log.close();
  await (await open()).close();
});

test('kill -9 during appends loses nothing that was acknowledged', async () => {
  const writer = child(`
    const log = await openSqliteLog({ folder, now: Date.now });
    await log.ensureTopic('facts.a');
    const text = new TextEncoder();
    for (let i = 0; ; i += 10) {
      const sent = Array.from({ length: 10 }, (_, k) =>
        log.append('facts.a', [{ key: null, value: text.encode(String(i + k)), headers: {} }]));
      for (const { lastOffset } of await Promise.all(sent)) process.stdout.write(lastOffset + '\\n');
    }`);
  let acknowledged = -1;
  await new Promise<void>((resolve) => {
    let rest = '';
    writer.stdout.on('data', (chunk) => {
      const lines = (rest + String(chunk)).split('\n');
      rest = lines.pop() ?? '';
      if (lines.length > 0) acknowledged = Number(lines.at(-1));
      if (acknowledged > 300) writer.kill('SIGKILL');
    });
    writer.once('close', () => resolve());
  });
  const log = await open();
  const records = await readAll(log, 'facts.a');
  expect(records.length).toBeGreaterThan(acknowledged);
  expect(bodies(records)).toEqual(records.map((_, i) => String(i)));
  await log.close();
});

test('a full disk refuses the append whole, keeps what was accepted and takes appends again when there is room', async () => {
  await written();
  const full = await open({ bytesMax: statSync(file()).size + 20_000 });
  const error = await refusal(full.append('facts.a', [message('y'.repeat(200_000))]));
  expect(error.code).toBe('log_disk_full');
  expect(error.message).toContain(folder);
  expect(await full.end('facts.a')).toBe(3);
  await full.append('facts.a', [message('small')]);
  expect((await readAll(full, 'facts.a')).length).toBe(4);
  await full.close();
  const roomy = await open();
  expect((await roomy.append('facts.a', [message('y'.repeat(200_000))])).baseOffset).toBe(4);
  await roomy.close();
});

test('an append that does not fit does not take those that came with it down for good', async () => {
  await written();
  const log = await open({ bytesMax: statSync(file()).size + 20_000 });
  const tried = await Promise.allSettled([
    log.append('facts.a', [message('small')]),
    log.append('facts.a', [message('y'.repeat(200_000))]),
  ]);
  expect(tried.map((one) => one.status)).toEqual(['rejected', 'rejected']);
  expect((await log.append('facts.a', [message('small')])).baseOffset).toBe(3);
  await log.close();
});

test('a truncated file is refused with a remedy', async () => {
  await written(200);
  truncateSync(file(), Math.floor(statSync(file()).size / 2));
  const error = await refusal(open());
  expect(error.code).toBe('log_corrupt');
  expect(error.message).toMatch(/restore .* from a backup/);
});

test('a file that is no log is refused, and so is another database and a newer log', async () => {
  writeFileSync(file(), 'this is no database, it only has the name of one'.repeat(100));
  expect((await refusal(open())).code).toBe('log_corrupt');
  rmSync(file());
  const other = new DatabaseSync(file());
  other.exec('CREATE TABLE t (a)');
  other.close();
  expect((await refusal(open())).code).toBe('log_corrupt');
  rmSync(file());
  await written();
  const newer = new DatabaseSync(file());
  newer.exec('PRAGMA user_version = 99');
  newer.close();
  const error = await refusal(open());
  expect(error.code).toBe('log_version');
  expect(error.message).toContain('99');
});

/** What a killed process leaves: a file with a write-ahead log beside it that was not folded in. */
async function killed(count: number): Promise<void> {
  const writer = child(`
    const log = await openSqliteLog({ folder, now: Date.now });
    await log.ensureTopic('facts.a');
    for (let i = 0; i < ${count}; i++)
      await log.append('facts.a', [{ key: null, value: new TextEncoder().encode(String(i)), headers: {} }]);
    console.log('written');
    setInterval(() => log, 1000);`);
  expect(await firstLine(writer)).toBe('written');
  const gone = new Promise<void>((resolve) => writer.once('close', () => resolve()));
  writer.kill('SIGKILL');
  await gone;
}

test.each([0.9, 0.5, 0])(
  'a write-ahead log of which %d is left is refused with a remedy, and left as it is',
  async (part) => {
    await killed(200);
    const wal = `${file()}-wal`;
    truncateSync(wal, Math.floor(statSync(wal).size * part));
    const left = [file(), wal].map((path) => readFileSync(path));
    const error = await refusal(open());
    // Cut to nothing, the file has not even its tables.
    expect(error.code).toMatch(part === 0 ? /log_truncated|log_corrupt/ : /log_truncated/);
    expect(error.message).toMatch(/restore/i);
    expect((await refusal(open())).code).toBe(error.code);
    expect(readFileSync(file()).equals(left[0]!)).toBe(true);
  },
);

test('a log that is gone, or emptied, is refused while what stands beside it says how far it was', async () => {
  await written();
  truncateSync(file(), 0);
  expect((await refusal(open())).code).toBe('log_truncated');
  rmSync(file());
  expect((await refusal(open())).message).toContain('3 were acknowledged');
});

test('an older copy is taken once the word of how far the log was is removed, as the refusal says', async () => {
  await written(3);
  cpSync(file(), `${file()}.backup`);
  const log = await open();
  await log.append('facts.a', [message('later')]);
  await log.close();
  cpSync(`${file()}.backup`, file());
  const error = await refusal(open());
  expect(error.code).toBe('log_truncated');
  expect(error.message).toContain(join(folder, 'log.end'));
  rmSync(join(folder, 'log.end'));
  const again = await open();
  expect((await readAll(again, 'facts.a')).length).toBe(3);
  await again.close();
});

test('a folder that was copied while it was written opens with all that was acknowledged before, or is refused', async () => {
  const log = await open();
  await log.ensureTopic('facts.a');
  let acknowledged = -1;
  let writing = true;
  const writer = (async () => {
    for (let i = 0; writing; i++) {
      acknowledged = (await log.append('facts.a', [message(`${i} ${'x'.repeat(5_000)}`)])).lastOffset;
      // Another turn of the event loop, in which the copies are made, file by file.
      await new Promise((resolve) => setTimeout(resolve, 0));
    }
  })();
  const verdicts: string[] = [];
  for (let n = 0; n < 12; n++) {
    const copy = mkdtempSync(join(tmpdir(), 'paceline-copy-'));
    const before = acknowledged;
    for (const name of ['log.sqlite', 'log.sqlite-shm', 'log.sqlite-wal', 'log.end', 'log.lock']) {
      cpSync(join(folder, name), join(copy, name));
      await new Promise((resolve) => setTimeout(resolve, 3));
    }
    try {
      const restored = await openSqliteLog({ folder: copy, now: Date.now });
      const found = await readAll(restored, 'facts.a');
      expect(found.length).toBeGreaterThan(before);
      expect(found.map(({ offset }) => offset)).toEqual(found.map((_, index) => index));
      await restored.close();
      verdicts.push('opened');
    } catch (error) {
      if (!(error instanceof LogRefused)) throw error;
      verdicts.push(error.code);
    }
    rmSync(copy, { recursive: true, force: true });
  }
  writing = false;
  await writer;
  await log.close();
  for (const verdict of verdicts) expect(verdict).toMatch(/^(opened|log_truncated|log_corrupt)$/);
});

test('a copy with a gap in the middle is noticed when it is opened, not when somebody reads so far', async () => {
  await written(20);
  const copy = mkdtempSync(join(tmpdir(), 'paceline-copy-'));
  cpSync(folder, copy, { recursive: true });
  const database = new DatabaseSync(join(copy, 'log.sqlite'));
  database.exec('DELETE FROM record WHERE id = (SELECT max(id) - 5 FROM record)');
  database.close();
  const error = await refusal(openSqliteLog({ folder: copy, now: Date.now }));
  rmSync(copy, { recursive: true, force: true });
  expect(error.code).toBe('log_corrupt');
  expect(error.message).toContain('has gaps');
});

test('a flipped bit in a value is noticed when it is read, and a lost tail when the log is opened', async () => {
  await written();
  const bytes = readFileSync(file());
  // Pages that were moved leave copies behind.
  for (let at = bytes.indexOf('record 1 xxxx'); at >= 0; at = bytes.indexOf('record 1 xxxx', at + 1)) {
    bytes[at + 500] = bytes[at + 500]! ^ 1;
  }
  writeFileSync(file(), bytes);
  const log = await open();
  const error = await refusal(readAll(log, 'facts.a'));
  expect(error.code).toBe('log_corrupt');
  expect(error.message).toContain('record 1 of "facts.a"');
  await log.close();
  const database = new DatabaseSync(file());
  database.exec('DELETE FROM record WHERE id = (SELECT max(id) FROM record)');
  database.close();
  expect((await refusal(open())).code).toBe('log_corrupt');
});

test('callers that come together share one sync, and the injected clock stamps them', async () => {
  let now = 1_000;
  const log = await open({ now: () => now++ });
  await log.ensureTopic('facts.a');
  const appended = await Promise.all(Array.from({ length: 1_000 }, () => log.append('facts.a', [message('x')])));
  expect(new Set(appended.map((one) => one.appendedAt)).size).toBeLessThan(5);
  expect((await readAll(log, 'facts.a'))[999]?.appendedAt).toBe(appended[999]?.appendedAt);
  await log.close();
});

test('what is past its retention goes, offsets are never given again, facts stay', async () => {
  let now = 0;
  const log = await open({ now: () => now });
  await log.ensureTopic('alerts', { retentionMs: 1_000 });
  await log.ensureTopic('facts.a');
  for (const topic of ['alerts', 'facts.a']) await log.append(topic, [message('old'), message('old')]);
  now = 100_000;
  await log.append('facts.a', [message('new')]);
  expect(await readAll(log, 'alerts')).toEqual([]);
  expect((await log.append('alerts', [message('new')])).baseOffset).toBe(2);
  expect((await readAll(log, 'facts.a')).length).toBe(3);
  await log.close();
  const again = await open({ now: () => now });
  expect((await readAll(again, 'alerts')).map((record) => record.offset)).toEqual([2]);
  await again.close();
});

test('beside the owner a log opened to read follows what is appended, and refuses to append', async () => {
  const owner = await open();
  await owner.ensureTopic('facts.a');
  await owner.append('facts.a', [message('0')]);
  const reader = await open({ readOnly: true, pollMs: 10 });
  const stop = new AbortController();
  const seen: string[] = [];
  const reading = (async () => {
    for await (const batch of reader.read('facts.a', { from: 0, tail: true, signal: stop.signal }))
      seen.push(...bodies(batch));
  })();
  await owner.append('facts.a', [message('1')]);
  await vi.waitFor(() => expect(seen).toEqual(['0', '1']));
  expect((await refusal(reader.append('facts.a', [message('2')]))).code).toBe('log_read_only');
  stop.abort();
  await reading;
  await reader.close();
  await owner.close();
});

test('an idle log with a subscription and a follower runs no timer', async () => {
  const idle = child(`
    const log = await openSqliteLog({ folder, now: Date.now });
    await log.ensureTopic('facts.a');
    await log.subscribe({ group: 'g', prefix: 'facts.', batch: async () => undefined });
    (async () => { for await (const _ of log.read('facts.a', { from: 0, tail: true })); })();
    setImmediate(() => setImmediate(() => {
      console.log(JSON.stringify(process.getActiveResourcesInfo().filter((name) => /Timeout|Immediate/.test(name))));
    }));`);
  expect(await firstLine(idle)).toBe('[]');
});
