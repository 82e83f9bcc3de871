import {
  chmodSync,
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { z } from 'zod';
import { systemClock } from '../clock.ts';
import { PacelineError } from '../errors.ts';
import { type StoredKey, storedKeySchema } from './key.ts';

/** Revoked keys stay listed until there are more than this; then the longest revoked go. */
export const KEYS_MAX = 1_000;
const BYTES_MAX = 4 * 1024 * 1024;
const LOCK_TRIES = 100;
const LOCK_WAIT_MS = 20;
/** Writing takes milliseconds: a lock this old belongs to a process that was killed. */
const LOCK_STALE_MS = 10_000;

const fileSchema = z.strictObject({ version: z.literal(1), keys: z.array(storedKeySchema).max(2 * KEYS_MAX) });

/** The keys of a file; `null` when there is no file. Throws `keys_unreadable`. */
export function readKeys(path: string): readonly StoredKey[] | null {
  let text: string;
  try {
    if (statSync(path).size > BYTES_MAX) throw unreadable(path, `is larger than ${BYTES_MAX} bytes`);
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return null;
    if (error instanceof PacelineError) throw error;
    throw unreadable(path, `cannot be read (${codeOf(error)})`, error);
  }
  return parseKeys(path, text);
}

function parseKeys(path: string, text: string): readonly StoredKey[] {
  let written: unknown;
  try {
    written = JSON.parse(text);
  } catch (error) {
    throw unreadable(path, 'is no JSON', error);
  }
  const parsed = fileSchema.safeParse(written);
  if (parsed.success) return parsed.data.keys;
  const [issue] = parsed.error.issues;
  throw unreadable(path, `${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'has another shape'}`, parsed.error);
}

/** Changes the keys under a lock and leaves the file whole at every moment. Throws `keys_unreadable` or `keys_locked`. */
export function changeKeys(path: string, change: (keys: readonly StoredKey[]) => readonly StoredKey[]): void {
  mkdirSync(dirname(path), { recursive: true });
  const unlock = lock(path);
  try {
    writeWhole(path, `${JSON.stringify({ version: 1, keys: bounded(change(readKeys(path) ?? [])) }, null, 1)}\n`);
  } finally {
    unlock();
  }
}

function bounded(keys: readonly StoredKey[]): readonly StoredKey[] {
  const surplus = keys.length - KEYS_MAX;
  if (surplus <= 0) return keys;
  const revoked = keys.filter(({ revokedAt }) => revokedAt !== null);
  const gone = new Set(
    revoked.toSorted((a, b) => (a.revokedAt ?? '').localeCompare(b.revokedAt ?? '')).slice(0, surplus),
  );
  const kept = keys.filter((key) => !gone.has(key));
  if (kept.length <= KEYS_MAX) return kept;
  throw new PacelineError('invalid_value', `there are ${KEYS_MAX} keys already; revoke some first`);
}

/** Readable for its owner alone, on disk before it takes the place of the old one. */
export function writeWhole(path: string, text: string): void {
  const next = `${path}.${process.pid}.next`;
  try {
    const file = openSync(next, 'w', 0o600);
    try {
      writeSync(file, text);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    // The mode given above is that of a new file only.
    chmodSync(next, 0o600);
    renameSync(next, path);
  } catch (error) {
    rmSync(next, { force: true });
    throw error;
  }
}

function lock(path: string): () => void {
  const held = `${path}.lock`;
  for (let attempt = 0; attempt < LOCK_TRIES; attempt++) {
    try {
      closeSync(openSync(held, 'wx', 0o600));
      return () => rmSync(held, { force: true });
    } catch (error) {
      if (codeOf(error) !== 'EEXIST') throw unreadable(path, `cannot be written (${codeOf(error)})`, error);
      if (ageMs(held) > LOCK_STALE_MS) rmSync(held, { force: true });
      else Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, LOCK_WAIT_MS);
    }
  }
  throw new PacelineError('keys_locked', `another command is changing ${path}`);
}

function ageMs(path: string): number {
  const found = statSync(path, { throwIfNoEntry: false });
  return found === undefined ? 0 : systemClock.now() - found.mtimeMs;
}

function unreadable(path: string, what: string, cause?: unknown): PacelineError {
  return new PacelineError('keys_unreadable', `the file of keys ${path} ${what}`, cause === undefined ? {} : { cause });
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : 'unknown';
}
