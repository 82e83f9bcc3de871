import { closeSync, existsSync, openSync, readFileSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { LogRefused } from './port.ts';

const FILE = 'log.end';
/** Room for both numbers, so that a later text covers an earlier one. */
const WIDTH = 64;

interface Said {
  /** Records that were ever appended, all topics together. */
  readonly appended: number;
  /** The inode of the log's file: another one says that the folder is a copy. */
  readonly inode: number;
}

/**
 * How far the log's file had come, kept beside it. SQLite takes a write-ahead log that was cut off for a shorter history and goes on; only
 * something outside its files can tell that acknowledged records are missing. Written after each append and not synced: after a crash of the
 * process it is exact, after one of the machine it may be behind the log, and it is never ahead of it.
 */
export class Witness {
  readonly #handle: number;
  readonly #inode: number;

  private constructor(folder: string, inode: number) {
    this.#inode = inode;
    this.#handle = openSync(join(folder, FILE), existsSync(join(folder, FILE)) ? 'r+' : 'w+');
  }

  /** @throws {LogRefused} `log_truncated` when the file ends before what was acknowledged. */
  static check(folder: string, file: string, appended: number): void {
    const said = read(folder);
    if (said === undefined || appended >= said.appended) return;
    throw new LogRefused(
      'log_truncated',
      `${file} holds ${appended} records, and ${said.appended} were acknowledged: it was cut off, or an older copy was put in its place. Restore it with its -wal from the same moment; ` +
        `if this copy is what you want, remove ${join(folder, FILE)} and ${join(folder, 'clickhouse')}: what came after it is lost, the tables are made again`,
    );
  }

  /** Whether the folder was written by another file than the one in it now. */
  static isCopy(folder: string, file: string): boolean {
    const said = read(folder);
    return said !== undefined && said.inode !== statSync(file).ino;
  }

  static open(folder: string, file: string, appended: number): Witness {
    const witness = new Witness(folder, statSync(file).ino);
    witness.tell(appended);
    return witness;
  }

  tell(appended: number): void {
    const said: Said = { appended, inode: this.#inode };
    try {
      writeSync(this.#handle, JSON.stringify(said).padEnd(WIDTH), 0);
    } catch (error) {
      // Without room the old text stands, and the log has more than it says: that is allowed.
      if (!(error instanceof Error && 'code' in error && error.code === 'ENOSPC')) throw error;
    }
  }

  close(): void {
    closeSync(this.#handle);
  }
}

const TEXT = /^\{"appended":(\d{1,16}),"inode":(\d{1,20})\} *$/;

/** `undefined` when there is none, or none that can be read: the log then stands for itself, as a backup of its file alone does. */
function read(folder: string): Said | undefined {
  const path = join(folder, FILE);
  const said = existsSync(path) ? TEXT.exec(readFileSync(path, 'utf8')) : null;
  return said === null ? undefined : { appended: Number(said[1]), inode: Number(said[2]) };
}
