import { execFileSync } from 'node:child_process';
import { closeSync, mkdirSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';

/** A folder on a disk of its own that is soon full. */
export interface SmallDisk {
  /** Takes all the room there is. */
  fill(): void;
  /** Gives it back. */
  free(): void;
  unmount(): void;
}

/** Needs the right to mount, as root and CI have it. */
export function mountSmallDisk(path: string, bytes: number): SmallDisk {
  mkdirSync(path, { recursive: true });
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${bytes}`, 'tmpfs', path], { stdio: 'pipe' });
  const filler = join(path, 'filler');
  return {
    fill: () => fillUp(filler),
    free: () => rmSync(filler, { force: true }),
    // Lazy, because the engine lets go of its files a moment after it was closed.
    unmount: () => execFileSync('umount', ['--lazy', path], { stdio: 'pipe' }),
  };
}

function fillUp(path: string): void {
  const file = openSync(path, 'a');
  try {
    for (const block = Buffer.alloc(64 * 1024); ; ) writeSync(file, block);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOSPC')) throw error;
  } finally {
    closeSync(file);
  }
}
