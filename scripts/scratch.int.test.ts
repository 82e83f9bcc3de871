import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { processesIn, sweepScratch } from './scratch.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'paceline-scratch-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test('what killed runs left is removed, and nothing that is in use or not theirs', () => {
  const gone = spawnSync(process.execPath, ['--version']).pid;
  const kept = [
    `paceline-test-${process.pid}-abcdef`,
    'paceline-test-younger',
    'paceline-test-young1',
    `paceline-kafka-${gone}-abcdef`,
    'other',
  ];
  for (const name of [...kept, `paceline-test-${gone}-abcdef`, 'paceline-test-before']) {
    mkdirSync(join(folder, name));
    writeFileSync(join(folder, name, 'file'), '');
  }
  const days2 = Date.now() / 1000 - 2 * 86_400;
  for (const name of ['paceline-test-before', 'other']) utimesSync(join(folder, name), days2, days2);
  symlinkSync(join(folder, 'other'), join(folder, `paceline-test-${gone}-linked`));
  writeFileSync(join(folder, `paceline-test-${gone}-ofFile`), '');
  sweepScratch(folder);
  const links = [`paceline-test-${gone}-linked`, `paceline-test-${gone}-ofFile`];
  expect(readdirSync(folder).sort()).toEqual([...kept, ...links].sort());
  expect(existsSync(join(folder, 'other', 'file'))).toBe(true);
});

test.each([
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const)(
  'a run of tests that gets %s, twice as from npm, ends what it started, removes what that made and exits with %i',
  async (signal, code) => {
    const env = { ...process.env, TMPDIR: folder, CI: 'false' };
    const run = spawn(process.execPath, ['scripts/test.ts', 'libs/log/src/memory.test.ts'], { env, stdio: 'ignore' });
    const closed = once(run, 'close');
    const inside = (): number[] => processesIn(join(folder, `paceline-test-${run.pid}-`));
    await expect.poll(inside, { timeout: 30_000, interval: 20 }).not.toEqual([]);
    const [scratch = ''] = readdirSync(folder);
    const program = { detached: true, stdio: 'ignore', env: { TMPDIR: join(folder, scratch) } } as const;
    const server = once(spawn(process.execPath, ['-e', 'setTimeout(() => 0, 60_000)'], program), 'close');
    run.kill(signal);
    await sleep(5);
    run.kill(signal);
    expect(await closed).toEqual([code, null]);
    expect(inside()).toEqual([]);
    expect(readdirSync(folder)).toEqual([]);
    await server;
  },
);
