import { closeSync, existsSync, mkdirSync, openSync, readSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { LogRefused } from './port.ts';
import { Witness } from './sqlite-witness.ts';

const FILE = 'log.sqlite';
const LOCK_FILE = 'log.lock';
/** "PCLG", so that another program's file is not taken for a log. */
const APPLICATION_ID = 0x50434c47;
const SCHEMA_VERSION = 1;

const SCHEMA = `
CREATE TABLE topic (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  next_offset INTEGER NOT NULL,
  retention_ms INTEGER
);
CREATE TABLE record (
  -- topic id * 2^38 + offset: one ordered range a topic, no second index to write
  id INTEGER PRIMARY KEY,
  appended_at REAL NOT NULL,
  key BLOB,
  value BLOB NOT NULL,
  headers TEXT NOT NULL,
  crc INTEGER NOT NULL
);
CREATE TABLE place (
  consumer TEXT NOT NULL,
  topic_id INTEGER NOT NULL,
  next_offset INTEGER NOT NULL,
  PRIMARY KEY (consumer, topic_id)
) WITHOUT ROWID;
`;

/** One owner process for a data folder, ended by the kernel when the process ends, however it ends. */
export interface FolderLock {
  release(): void;
}

/**
 * Takes the folder or says which process has it. The lock is SQLite's reserved lock on a small file of its own, which
 * lets others read the owner's pid from that file.
 */
export function lockFolder(folder: string): FolderLock {
  mkdirSync(folder, { recursive: true });
  const lock = new DatabaseSync(join(folder, LOCK_FILE), { timeout: 0 });
  try {
    lock.exec('PRAGMA journal_mode = DELETE');
    lock.exec('BEGIN IMMEDIATE');
    lock.exec('CREATE TABLE IF NOT EXISTS owner (pid INTEGER NOT NULL)');
    lock.exec('DELETE FROM owner');
    lock.prepare('INSERT INTO owner (pid) VALUES (?)').run(process.pid);
    lock.exec('COMMIT');
    lock.exec('BEGIN IMMEDIATE');
  } catch (error) {
    const owner = isBusy(error) ? ownerOf(lock) : undefined;
    lock.close();
    if (!isBusy(error)) throw storageError(error, folder);
    throw new LogRefused(
      'log_locked',
      `the data folder ${folder} is in use by process ${owner ?? '(unknown)'}: stop it, talk to it with --url, or choose another --dir`,
      { cause: error },
    );
  }
  return { release: () => lock.close() };
}

function ownerOf(lock: DatabaseSync): string | undefined {
  try {
    const pid = lock.prepare('SELECT pid FROM owner').get()?.pid;
    return typeof pid === 'number' ? String(pid) : undefined;
  } catch (error) {
    // The owner is writing its pid at this moment; its name is a courtesy, the refusal stands without it.
    if (isBusy(error)) return undefined;
    throw error;
  }
}

export function fileOf(folder: string): string {
  return join(folder, FILE);
}

/** Opens the log's file, creating it when missing, and refuses one that is truncated, corrupt, foreign or newer. */
export function openFile(
  folder: string,
  options: { readonly readOnly: boolean; readonly bytesMax?: number },
): DatabaseSync {
  const file = fileOf(folder);
  const isNew = !existsSync(file) || statSync(file).size === 0;
  if (isNew && options.readOnly) {
    throw new LogRefused('log_missing', `there is no log in ${folder}: run \`paceline serve\` there first`);
  }
  if (isNew && !options.readOnly) Witness.check(folder, file, 0);
  let database: DatabaseSync | undefined;
  try {
    if (!isNew && !options.readOnly) checkEnd(folder, file);
    database = new DatabaseSync(file, { readOnly: options.readOnly, timeout: 5_000 });
    if (isNew) create(database);
    else check(database, { file, folder, readOnly: options.readOnly });
    if (!options.readOnly) configure(database, options.bytesMax);
    return database;
  } catch (error) {
    database?.close();
    throw storageError(error, folder);
  }
}

function create(database: DatabaseSync): void {
  database.exec('PRAGMA journal_mode = WAL');
  database.exec('BEGIN IMMEDIATE');
  database.exec(SCHEMA);
  database.exec(`PRAGMA application_id = ${APPLICATION_ID}`);
  database.exec(`PRAGMA user_version = ${SCHEMA_VERSION}`);
  database.exec('COMMIT');
}

function configure(database: DatabaseSync, bytesMax: number | undefined): void {
  database.exec('PRAGMA journal_mode = WAL');
  // FULL: a commit has been synced when it returns. NORMAL would lose acknowledged appends in a power cut.
  database.exec('PRAGMA synchronous = FULL');
  database.exec('PRAGMA wal_autocheckpoint = 4000');
  database.exec('PRAGMA journal_size_limit = 67108864');
  if (bytesMax !== undefined) {
    const pages = Math.max(1, Math.floor(bytesMax / pragma(database, 'page_size')));
    database.exec(`PRAGMA max_page_count = ${pages}`);
  }
}

function check(
  database: DatabaseSync,
  { file, folder, readOnly }: { readonly file: string; readonly folder: string; readonly readOnly: boolean },
): void {
  if (pragma(database, 'application_id') !== APPLICATION_ID) {
    throw new LogRefused('log_corrupt', `${file} is not a Paceline log: ${remedy(file)}`);
  }
  const version = pragma(database, 'user_version');
  if (version !== SCHEMA_VERSION) {
    throw new LogRefused(
      'log_version',
      `${file} has version ${version} of the log's format, this program knows ${SCHEMA_VERSION}: use the version of Paceline that wrote it, or a newer one`,
    );
  }
  // The write-ahead log must be folded in before the file's length can be judged.
  if (!readOnly) database.exec('PRAGMA wal_checkpoint(TRUNCATE)');
  if (!readOnly && statSync(file).size < headerBytes(file)) {
    throw new LogRefused('log_corrupt', `${file} is shorter than it says it is: ${remedy(file)}`);
  }
  checkEnds(database, file);
  // One that was copied while a process wrote it may be of two moments at once.
  if (!readOnly && Witness.isCopy(folder, file)) checkWhole(database, file);
}

/** Through a connection that only reads, since another one folds the write-ahead log in when it closes: what is refused is left as it is. */
function checkEnd(folder: string, file: string): void {
  const database = new DatabaseSync(file, { readOnly: true, timeout: 5_000 });
  try {
    if (pragma(database, 'application_id') === APPLICATION_ID) Witness.check(folder, file, appendedIn(database));
  } finally {
    database.close();
  }
}

/** Records ever appended, all topics together. */
export function appendedIn(database: DatabaseSync): number {
  return numberOf(database.prepare('SELECT coalesce(sum(next_offset), 0) AS appended FROM topic').get()?.appended);
}

/** SQLite's own look at every page, and every record between a topic's first and its last. */
function checkWhole(database: DatabaseSync, file: string): void {
  const found = database.prepare('PRAGMA quick_check(1)').get()?.quick_check;
  if (found !== 'ok') throw new LogRefused('log_corrupt', `${file} is damaged (${String(found)}): ${remedy(file)}`);
  const held = database.prepare('SELECT min(id) AS first, count(*) AS records FROM record WHERE id >= ? AND id < ?');
  for (const row of database.prepare('SELECT id, name, next_offset FROM topic').all()) {
    const topic = numberOf(row.id);
    const { first, records } = held.get(recordId(topic, 0), recordId(topic + 1, 0)) ?? {};
    if (typeof first !== 'number' || numberOf(row.next_offset) - offsetOfId(first) === records) continue;
    throw new LogRefused(
      'log_corrupt',
      `${file}: topic "${String(row.name)}" has gaps; it was copied while it was written: ${remedy(file)}`,
    );
  }
}

/** The last record of every topic must be where the topic says it ends, unless retention has emptied it. */
function checkEnds(database: DatabaseSync, file: string): void {
  const last = database.prepare('SELECT max(id) AS id FROM record WHERE id >= ? AND id < ?');
  for (const row of database.prepare('SELECT id, name, next_offset, retention_ms FROM topic').all()) {
    const topic = numberOf(row.id);
    const next = numberOf(row.next_offset);
    const id = last.get(recordId(topic, 0), recordId(topic + 1, 0))?.id;
    const found = id === null || id === undefined ? 0 : offsetOfId(numberOf(id)) + 1;
    const emptied = id === null && row.retention_ms !== null;
    if (found === next || emptied) continue;
    throw new LogRefused(
      'log_corrupt',
      `${file}: topic "${String(row.name)}" should end at offset ${next} but its last record is before ${found}: ${remedy(file)}`,
    );
  }
}

/** Length of the database by its own header: pages × page size. */
function headerBytes(file: string): number {
  const header = Buffer.alloc(100);
  const handle = openSync(file, 'r');
  try {
    readSync(handle, header, 0, 100, 0);
  } finally {
    closeSync(handle);
  }
  const size = header.readUInt16BE(16);
  return header.readUInt32BE(28) * (size === 1 ? 65_536 : size);
}

function pragma(database: DatabaseSync, name: string): number {
  return numberOf(database.prepare(`PRAGMA ${name}`).get()?.[name]);
}

export function numberOf(value: unknown): number {
  if (typeof value === 'number') return value;
  throw new TypeError(`expected a number from the log's file, got ${typeof value}`);
}

/** 2^38 offsets a topic, 2^15 topics: together a safe integer. */
const OFFSETS = 2 ** 38;
export const TOPICS_MAX = 2 ** 15 - 1;

export function recordId(topicId: number, offset: number): number {
  return topicId * OFFSETS + offset;
}
export function offsetOfId(id: number): number {
  return id % OFFSETS;
}

function remedy(file: string): string {
  return `restore the folder from a backup, or move ${file} (with its -wal, its -shm and log.end) away to begin an empty log`;
}

const SQLITE_BUSY = 5;
const SQLITE_IOERR = 10;
const SQLITE_CORRUPT = 11;
const SQLITE_FULL = 13;
const SQLITE_CANTOPEN = 14;
const SQLITE_NOTADB = 26;
const SQLITE_READONLY = 8;

/** The primary code of SQLite behind the error, if it is one of SQLite's. */
function sqliteCode(error: unknown): number | undefined {
  if (!(error instanceof Error) || !('errcode' in error) || typeof error.errcode !== 'number') return undefined;
  return error.errcode & 0xff;
}

function isBusy(error: unknown): boolean {
  return sqliteCode(error) === SQLITE_BUSY;
}

/** What SQLite says in its codes, in words that say what to do. */
export function storageError(error: unknown, folder: string): unknown {
  const file = fileOf(folder);
  switch (sqliteCode(error)) {
    case SQLITE_FULL:
      return new LogRefused(
        'log_disk_full',
        `the disk of ${folder} is full, nothing of this append was kept: free some space, accepted values are safe`,
        { cause: error },
      );
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return new LogRefused('log_corrupt', `${file} is damaged: ${remedy(file)}`, { cause: error });
    case SQLITE_IOERR:
    case SQLITE_READONLY:
    case SQLITE_CANTOPEN:
      return new LogRefused(
        'log_unwritable',
        `cannot read or write ${file}: check the folder's owner, rights and disk`,
        {
          cause: error,
        },
      );
    default:
      return error;
  }
}

export function corruptRecord(folder: string, topic: string, offset: number): LogRefused {
  const file = fileOf(folder);
  return new LogRefused(
    'log_corrupt',
    `${file}: record ${offset} of "${topic}" does not match its checksum: ${remedy(file)}`,
  );
}
