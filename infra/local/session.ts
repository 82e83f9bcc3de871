import { execFileSync } from 'node:child_process';

/** The process that leads this one's session: the shell of the terminal. Ours when that cannot be told. */
export function shellSession(): number {
  const ask = (keyword: string, pid: number): number =>
    Number(
      execFileSync('ps', ['-o', `${keyword}=`, '-p', String(pid)], {
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'ignore'],
      }).trim(),
    );
  try {
    const leader = ask('sid', process.pid);
    if (leader > 1) return leader;
  } catch {
    // Without ps, or without sessions (macOS prints an address), the parent of npm has to do.
  }
  return process.ppid;
}
