import { readFileSync, statSync } from 'node:fs';
import { z } from 'zod';
import { type Clock, systemClock } from '../clock.ts';
import { PacelineError } from '../errors.ts';
import type { Logger } from '../logger.ts';
import { readKeys, writeWhole } from './file.ts';
import {
  EVERY_WORKSPACE,
  type Identity,
  identityOfKey,
  isInForce,
  isSecretOf,
  mintKey,
  parseKey,
  SCOPES,
  type StoredKey,
} from './key.ts';

export interface KeyRingOptions {
  /** `keys.json`, or a mounted secret of the same form. It need not exist. */
  readonly file: string;
  /** Where the last use of each key is kept; `null` where nothing can be written. */
  readonly usedFile: string | null;
  readonly logger: Logger;
  /** Expiry goes by the machine's time, whatever time the log plays. */
  readonly clock?: Pick<Clock, 'now'>;
}

/** The last use is written this often: it tells people which keys are alive, not when exactly. */
const USED_EVERY_MS = 60_000;

const usedSchema = z.record(z.string(), z.string());

/**
 * The keys as their file has them now: what a command writes there, this process knows at its next request. A server that has
 * once seen a file of keys never answers without one again, even when the file is gone.
 */
export class KeyRing {
  readonly #file: string;
  readonly #usedFile: string | null;
  readonly #logger: Logger;
  readonly #clock: Pick<Clock, 'now'>;
  #print = '';
  #keyed = false;
  #fault: PacelineError | null = null;
  #keys: ReadonlyMap<string, StoredKey> = new Map();
  readonly #own = new Map<string, StoredKey>();
  readonly #used: Map<string, string>;
  #usedAt = 0;

  /** Throws `keys_unreadable`: a server must not start on keys that it cannot read. */
  constructor(options: KeyRingOptions) {
    this.#file = options.file;
    this.#usedFile = options.usedFile;
    this.#logger = options.logger;
    this.#clock = options.clock ?? systemClock;
    this.#used = readUsed(options.usedFile);
    this.#look();
    if (this.#fault !== null) throw this.#fault;
  }

  /** Whether callers have to show a key. */
  get keyed(): boolean {
    this.#look();
    return this.#keyed;
  }

  /** Why nobody can be identified: `keys_unreadable`; `null` as long as the file is whole. */
  get fault(): PacelineError | null {
    this.#look();
    return this.#fault;
  }

  /** Who shows this key; `null` for a wrong, unknown, expired or revoked one, and for any while there is a fault. */
  identify(text: string): Identity | null {
    this.#look();
    if (this.#fault !== null) return null;
    const parsed = parseKey(text);
    const stored = parsed === null ? undefined : this.#find(parsed.id);
    if (!isSecretOf(stored, parsed?.secret ?? '') || stored === undefined) return null;
    if (!isInForce(stored, this.#clock.now())) return null;
    this.#note(stored.id);
    return identityOfKey(stored);
  }

  /** The identity of a key by its id, as long as it is in force: for sessions, which have shown it before. */
  current(id: string): Identity | null {
    this.#look();
    const stored = this.#fault === null ? this.#find(id) : undefined;
    return stored !== undefined && isInForce(stored, this.#clock.now()) ? identityOfKey(stored) : null;
  }

  /** A key for whoever owns the folder, as long as this process lives. It is in no file of keys. */
  mintOwn(name: string): string {
    const { text, stored } = mintKey(
      { name, scopes: SCOPES, workspace: EVERY_WORKSPACE, expiresAt: null },
      this.#clock.now(),
    );
    this.#own.set(stored.id, stored);
    return text;
  }

  /** Last uses by id, as instants. */
  get used(): ReadonlyMap<string, string> {
    return this.#used;
  }

  /** Writes what is known of last uses. */
  close(): void {
    this.#writeUsed();
  }

  #find(id: string): StoredKey | undefined {
    return this.#keys.get(id) ?? this.#own.get(id);
  }

  #look(): void {
    const print = printOf(this.#file);
    if (print === this.#print) return;
    this.#print = print;
    try {
      const keys = readKeys(this.#file);
      this.#keys = new Map((keys ?? []).map((key) => [key.id, key]));
      this.#keyed ||= keys !== null;
      this.#fault = null;
    } catch (error) {
      this.#keyed = true;
      this.#fault =
        error instanceof PacelineError ? error : new PacelineError('keys_unreadable', undefined, { cause: error });
      this.#logger.error({ err: error }, 'the keys cannot be read: nobody who needs one is answered');
    }
  }

  #note(id: string): void {
    const now = this.#clock.now();
    this.#used.set(id, new Date(now).toISOString());
    if (now - this.#usedAt >= USED_EVERY_MS) this.#writeUsed();
  }

  #writeUsed(): void {
    if (this.#usedFile === null || this.#used.size === 0) return;
    this.#usedAt = this.#clock.now();
    const known = [...this.#used].filter(([id]) => this.#keys.has(id));
    try {
      writeWhole(this.#usedFile, `${JSON.stringify(Object.fromEntries(known), null, 1)}\n`);
    } catch (error) {
      this.#logger.warn({ err: error }, 'the last use of keys cannot be written; requests are answered all the same');
    }
  }
}

/** When each key was last used, as some process has written it down. A lost or broken file costs only that. */
export function readUsed(path: string | null): Map<string, string> {
  if (path === null || statSync(path, { throwIfNoEntry: false }) === undefined) return new Map();
  try {
    const parsed = usedSchema.safeParse(JSON.parse(readFileSync(path, 'utf8')));
    return new Map(Object.entries(parsed.success ? parsed.data : {}));
  } catch {
    // Half a line of bookkeeping, written anew at the next use.
    return new Map();
  }
}

/** Changes whenever the file does, also when a mounted secret is exchanged behind its link. */
function printOf(path: string): string {
  try {
    const found = statSync(path, { bigint: true, throwIfNoEntry: false });
    return found === undefined ? 'none' : `${found.dev}:${found.ino}:${found.size}:${found.mtimeNs}:${found.ctimeNs}`;
  } catch (error) {
    return error instanceof Error ? error.message : 'unknown';
  }
}
