import { chmodSync, lstatSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** After the process that made it, so that a later run can tell whether anybody uses it. */
const NAME = /^paceline-test-(?:(\d+)-)?[A-Za-z0-9]{6}$/;
const DAY_MS = 86_400_000;
/** What is asked to end has so long. */
const ENDING_MS = 5_000;

/** A folder for all that tests make. */
export function makeScratch(folder: string): string {
  const scratch = mkdtempSync(join(folder, `paceline-test-${process.pid}-`));
  // PostgreSQL runs as a user of its own.
  chmodSync(scratch, 0o755);
  return scratch;
}

export function removeScratch(scratch: string): void {
  // What still ends may write while it is removed.
  rmSync(scratch, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
}

/** Removes what earlier runs of this user left there because they were killed. */
export function sweepScratch(folder: string): void {
  for (const name of namesIn(folder)) {
    if (!NAME.test(name)) continue;
    try {
      if (isLeft(join(folder, name))) removeScratch(join(folder, name));
    } catch {
      // Another run that begins now has removed it.
    }
  }
}

function isLeft(path: string): boolean {
  const found = lstatSync(path);
  if (!found.isDirectory() || found.uid !== process.getuid?.()) return false;
  const pid = NAME.exec(basename(path))?.[1];
  return Date.now() - found.mtimeMs > DAY_MS || (pid !== undefined && !isAlive(Number(pid)));
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return !(error instanceof Error && 'code' in error && error.code === 'ESRCH');
  }
}

/**
 * Ends whatever was started to work in the folder: those that run tests, and servers and programs that tests started in groups of
 * their own, which no signal to a group would reach. All have the folder in their environment.
 */
export async function endAllIn(scratch: string): Promise<void> {
  for (const pid of processesIn(scratch)) end(pid, 'SIGTERM');
  const late = performance.now() + ENDING_MS;
  while (processesIn(scratch).length > 0 && performance.now() < late) await sleep(50);
  for (const pid of processesIn(scratch)) end(pid, 'SIGKILL');
}

/** Of the processes that this user may look at. */
export function processesIn(scratch: string): number[] {
  return namesIn('/proc').flatMap((name) => {
    const pid = Number(name);
    return Number.isInteger(pid) && environmentOf(pid).includes(`=${scratch}`) ? [pid] : [];
  });
}

function environmentOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'latin1');
  } catch {
    return '';
  }
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function end(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It has ended by itself meanwhile.
  }
}
