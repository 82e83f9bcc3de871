/**
 * `npm test [-- FILTER…]`: runs every tier that can run, then names each that could not and why. With CI=true a tier that
 * could not run fails. Tiers run side by side, and each prints when it has ended. The very last line is `N passed, N failed, N skipped`, where a file that could not run counts as one skipped.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, globSync, openSync, readFileSync, statfsSync } from 'node:fs';
import { availableParallelism, constants, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { missing } from '../infra/local/needs.ts';
import { endAllIn, makeScratch, removeScratch, sweepScratch } from './scratch.ts';
import { type Counts, countsOf, NOTHING, plus, type VitestReport } from './test-counts.ts';
import { byWaiting, type Tier, tiersOf } from './tiers.ts';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const inCi = process.env.CI === 'true';

/** Tiers that run side by side: one lane begins with the cheapest, the other with those that wait the most. */
const LANES_MAX = 2;

const MEMORY = '/dev/shm';
/** What all tests together may have lying about at a time, several times over. */
const MEMORY_BYTES_MIN = 8 * 1024 ** 3;

/**
 * Where tests put what they make. In memory where there is plenty: tens of thousands of small files cost a disk, and the kernel
 * before it, a tenth of all processor time, and no test asks more of a disk than to outlive a process, or to be full.
 */
function scratchFolder(): string {
  for (const folder of new Set([MEMORY, tmpdir()])) sweepScratch(folder);
  return makeScratch(process.env.TMPDIR === undefined && hasMemory() ? MEMORY : tmpdir());
}

function hasMemory(): boolean {
  try {
    const { bavail, bsize } = statfsSync(MEMORY);
    return Math.min(bavail * bsize, process.availableMemory()) >= MEMORY_BYTES_MIN;
  } catch {
    return false;
  }
}

function testFiles(filters: readonly string[]): string[] {
  const files = globSync('{libs,services,infra,scripts,test,bench}/**/*.test.ts', {
    cwd: root,
    exclude: ['**/node_modules/**'],
  });
  return files.filter((file) => filters.length === 0 || filters.some((filter) => file.includes(filter)));
}

/** How often a run looks whether npm still waits for it. */
const ORPHAN_MS = 500;
const running = new Set<ChildProcess>();
let isStopping = false;
/** What a run that is being stopped waits for, until it exits. */
const never = new Promise<never>(() => undefined);

/** Nothing that was started goes on, and nothing that it made stays. */
function stopAtSignals(scratch: string): void {
  const stop = async (signal: 'SIGINT' | 'SIGTERM'): Promise<void> => {
    // Ctrl-C comes twice: from the terminal, and from npm, which had it from the terminal.
    if (isStopping) return;
    isStopping = true;
    for (const child of running) child.kill('SIGTERM');
    await endAllIn(scratch);
    removeScratch(scratch);
    process.exit(128 + constants.signals[signal]);
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => void stop(signal));
  // A SIGTERM to npm ends npm and its shell, and does not come here.
  const { ppid, env } = process;
  if (env.npm_lifecycle_event === undefined) return;
  setInterval(() => process.ppid !== ppid && void stop('SIGTERM'), ORPHAN_MS).unref();
}

/** Where a tier prints: to the terminal when it is alone, else to a file that is shown when the tier has ended. */
async function runTier(tier: Tier, scratch: string, isAlone: boolean): Promise<Counts> {
  if (isStopping) return never;
  const stem = join(scratch, tier.name.replaceAll(' ', '-'));
  const report = `${stem}.json`;
  const printed = isAlone ? 'inherit' : openSync(`${stem}.log`, 'w');
  const vitest = join(root, 'node_modules/vitest/vitest.mjs');
  const args = [
    'run',
    '--project',
    tier.project,
    '--reporter=default',
    '--reporter=json',
    `--outputFile.json=${report}`,
    // Servers and the whole path are heavy: two at once would only wait for each other.
    ...(tier.needs.length === 0 ? [] : ['--no-file-parallelism']),
    ...tier.files,
  ];
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', vitest, ...args], {
    cwd: root,
    stdio: ['ignore', printed, printed],
    // Libuv reads the number of its threads before the first line of ours runs; the embedded engine needs more than four.
    env: { UV_THREADPOOL_SIZE: '16', ...process.env, TMPDIR: scratch },
  });
  running.add(child);
  const code = await new Promise<number>((resolve) => child.once('close', (ended) => resolve(ended ?? 1)));
  running.delete(child);
  if (isStopping) return never;
  if (printed !== 'inherit') {
    closeSync(printed);
    process.stdout.write(readFileSync(`${stem}.log`));
  }
  return countsOf(readReport(report), code);
}

function readReport(path: string): VitestReport | undefined {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    // Vitest died before it could write; its exit code says so and counts as a failure.
    return undefined;
  }
}

async function main(): Promise<number> {
  const filters = process.argv.slice(2);
  const tiers = tiersOf(testFiles(filters));
  if (tiers.length === 0) {
    console.error(`no test file matches ${filters.join(' ')}`);
    return 1;
  }
  const scratch = scratchFolder();
  stopAtSignals(scratch);
  const unable: string[] = [];
  let total: Counts = NOTHING;
  const waiting = new Set(tiers);
  const lanes = Math.min(LANES_MAX, availableParallelism(), tiers.length);
  const lane = async (order: readonly Tier[]): Promise<void> => {
    for (const tier of order) {
      if (!waiting.delete(tier)) continue;
      const reasons = await missing(tier.needs);
      if (reasons.length > 0) {
        unable.push(`tier ${tier.name} could not run (${tier.files.length} files): ${reasons.join('; ')}`);
        total = plus(total, { passed: 0, failed: 0, skipped: tier.files.length });
        continue;
      }
      console.log(
        `\n=== tier ${tiers.indexOf(tier) + 1} of ${tiers.length} begins: ${tier.name}, ${tier.files.length} files`,
      );
      const started = performance.now();
      const counts = await runTier(tier, scratch, lanes === 1);
      const seconds = ((performance.now() - started) / 1000).toFixed(1);
      console.log(
        `=== tier ${tier.name}: ${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped in ${seconds} s`,
      );
      total = plus(total, counts);
    }
  };
  try {
    await Promise.all([tiers, byWaiting(tiers)].slice(0, lanes).map(lane));
  } finally {
    removeScratch(scratch);
  }
  console.log('');
  for (const line of unable) console.log(line);
  if (inCi && unable.length > 0) {
    console.log('in CI every tier must run, so each of these counts as failed');
    total = plus(total, { passed: 0, failed: unable.length, skipped: 0 });
  }
  console.log(`${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);
  return total.failed > 0 || total.passed === 0 ? 1 : 0;
}

process.exitCode = await main();
