import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { crc32 } from 'node:zlib';
import { type Appended, type LogMessage, type LogRecord, LogRefused } from './port.ts';
import {
  appendedIn,
  corruptRecord,
  type FolderLock,
  fileOf,
  lockFolder,
  numberOf,
  offsetOfId,
  openFile,
  recordId,
  storageError,
  TOPICS_MAX,
} from './sqlite-file.ts';
import { Witness } from './sqlite-witness.ts';

export interface StoredTopic {
  readonly id: number;
  readonly name: string;
  /** The offset the next record will get. */
  readonly next: number;
  readonly retentionMs: number | null;
}

export interface AppendedMessages {
  readonly topic: string;
  readonly messages: readonly LogMessage[];
}

/** The tables of the embedded log, one synchronous method a step; topics' ends and places are kept in memory beside. */
export class SqliteTables {
  readonly #folder: string;
  readonly #readOnly: boolean;
  readonly #lock: FolderLock | null;
  readonly #database: DatabaseSync;
  readonly #topics = new Map<string, StoredTopic>();
  readonly #places = new Map<string, number>();
  readonly #insert: StatementSync;
  readonly #advance: StatementSync;
  readonly #place: StatementSync;
  readonly #select: StatementSync;
  readonly #witness: Witness | null;
  #appended: number;
  #dataVersion = 0;

  constructor(options: { readonly folder: string; readonly readOnly?: boolean; readonly bytesMax?: number }) {
    this.#folder = options.folder;
    this.#readOnly = options.readOnly === true;
    this.#lock = this.#readOnly ? null : lockFolder(options.folder);
    try {
      this.#database = openFile(options.folder, {
        readOnly: this.#readOnly,
        ...(options.bytesMax === undefined ? {} : { bytesMax: options.bytesMax }),
      });
      this.#appended = appendedIn(this.#database);
      this.#witness = this.#readOnly ? null : Witness.open(options.folder, fileOf(options.folder), this.#appended);
    } catch (error) {
      this.#lock?.release();
      throw error;
    }
    this.#insert = this.#database.prepare(
      'INSERT INTO record (id, appended_at, key, value, headers, crc) VALUES (?, ?, ?, ?, ?, ?)',
    );
    this.#advance = this.#database.prepare('UPDATE topic SET next_offset = ? WHERE id = ?');
    this.#place = this.#database.prepare(
      'INSERT INTO place (consumer, topic_id, next_offset) VALUES (?, ?, ?) ' +
        'ON CONFLICT (consumer, topic_id) DO UPDATE SET next_offset = excluded.next_offset',
    );
    this.#select = this.#database.prepare(
      'SELECT id, appended_at, key, value, headers, crc FROM record WHERE id >= ? AND id < ? ORDER BY id',
    );
    this.refresh();
  }

  topics(): string[] {
    return [...this.#topics.keys()].sort();
  }

  topic(name: string): StoredTopic | undefined {
    return this.#topics.get(name);
  }

  committed(consumer: string, topic: StoredTopic): number {
    return this.#places.get(placeKey(consumer, topic.id)) ?? 0;
  }

  refuseReadOnly(): void {
    if (!this.#readOnly) return;
    throw new LogRefused(
      'log_read_only',
      `the log in ${this.#folder} was opened to read only: append through its owner process`,
    );
  }

  createTopic(name: string, retentionMs: number | undefined): void {
    this.refuseReadOnly();
    const id = Math.max(0, ...[...this.#topics.values()].map((topic) => topic.id)) + 1;
    if (id > TOPICS_MAX) {
      throw new LogRefused(
        'too_many_topics',
        `the log in ${this.#folder} has ${TOPICS_MAX} topics, its limit: use another folder`,
      );
    }
    this.#write(() => {
      this.#database
        .prepare('INSERT INTO topic (id, name, next_offset, retention_ms) VALUES (?, ?, 0, ?)')
        .run(id, name, retentionMs ?? null);
    });
    this.#topics.set(name, { id, name, next: 0, retentionMs: retentionMs ?? null });
  }

  /** All or nothing, synced when it returns. */
  append(requests: readonly AppendedMessages[], appendedAt: number): Appended[] {
    const ends = new Map<string, number>();
    const appended: Appended[] = [];
    this.#write(() => {
      for (const { topic: name, messages } of requests) {
        const topic = this.#topics.get(name)!;
        const baseOffset = ends.get(name) ?? topic.next;
        for (const [i, message] of messages.entries()) this.#insertMessage(topic, baseOffset + i, message, appendedAt);
        ends.set(name, baseOffset + messages.length);
        appended.push({ baseOffset, lastOffset: baseOffset + messages.length - 1, appendedAt });
      }
      for (const [name, next] of ends) this.#advance.run(next, this.#topics.get(name)!.id);
    });
    for (const [name, next] of ends) this.#topics.set(name, { ...this.#topics.get(name)!, next });
    for (const { messages } of requests) this.#appended += messages.length;
    this.#witness?.tell(this.#appended);
    return appended;
  }

  commit(consumer: string, topic: StoredTopic, next: number): void {
    this.refuseReadOnly();
    this.#write(() => this.#place.run(consumer, topic.id, next));
    this.#places.set(placeKey(consumer, topic.id), next);
  }

  /** At least one record when there is one, else up to both limits. */
  records(
    topic: StoredTopic,
    from: number,
    to: number,
    limits: { readonly records: number; readonly bytes: number },
  ): LogRecord[] {
    const records: LogRecord[] = [];
    const until = Math.min(to, topic.next);
    if (from >= until) return records;
    let bytes = 0;
    try {
      for (const row of this.#select.iterate(recordId(topic.id, from), recordId(topic.id, until))) {
        const record = this.#record(topic, row);
        records.push(record);
        bytes += record.value.byteLength;
        if (records.length >= limits.records || bytes >= limits.bytes) break;
      }
    } catch (error) {
      throw storageError(error, this.#folder);
    }
    return records;
  }

  /** Deletes what is past its topic's retention; offsets are never given again. */
  sweep(now: number): void {
    const expired = this.#database.prepare(
      'DELETE FROM record WHERE id >= ? AND id < coalesce((SELECT min(id) FROM record WHERE id >= ? AND id < ? AND appended_at >= ?), ?)',
    );
    for (const { id, retentionMs } of this.#topics.values()) {
      if (retentionMs === null) continue;
      const first = recordId(id, 0);
      const after = recordId(id + 1, 0);
      this.#write(() => expired.run(first, first, after, now - retentionMs, after));
    }
  }

  /** Reads topics' ends again when another process has written since; true when it has. */
  refresh(): boolean {
    const version = numberOf(this.#database.prepare('PRAGMA data_version').get()?.data_version);
    if (version === this.#dataVersion) return false;
    this.#dataVersion = version;
    for (const row of this.#database.prepare('SELECT id, name, next_offset, retention_ms FROM topic').all()) {
      const retention = row.retention_ms;
      const name = String(row.name);
      const retentionMs = retention === null ? null : numberOf(retention);
      this.#topics.set(name, { id: numberOf(row.id), name, next: numberOf(row.next_offset), retentionMs });
    }
    for (const row of this.#database.prepare('SELECT consumer, topic_id, next_offset FROM place').all()) {
      this.#places.set(placeKey(String(row.consumer), numberOf(row.topic_id)), numberOf(row.next_offset));
    }
    return true;
  }

  close(): void {
    this.#database.close();
    this.#witness?.close();
    this.#lock?.release();
  }

  #insertMessage(topic: StoredTopic, offset: number, message: LogMessage, appendedAt: number): void {
    const headers = headersText(message.headers);
    const crc = checksum(message.key, message.value, headers);
    this.#insert.run(recordId(topic.id, offset), appendedAt, message.key, message.value, headers, crc);
  }

  #record(topic: StoredTopic, row: Record<string, unknown>): LogRecord {
    const { key, value, headers } = row;
    const offset = offsetOfId(numberOf(row.id));
    if (!(value instanceof Uint8Array) || typeof headers !== 'string' || !(key === null || key instanceof Uint8Array)) {
      throw corruptRecord(this.#folder, topic.name, offset);
    }
    if (checksum(key, value, headers) !== row.crc) throw corruptRecord(this.#folder, topic.name, offset);
    return {
      topic: topic.name,
      offset,
      appendedAt: numberOf(row.appended_at),
      key,
      value,
      headers: headersOf(headers),
    };
  }

  #write(step: () => void): void {
    try {
      this.#database.exec('BEGIN IMMEDIATE');
      step();
      this.#database.exec('COMMIT');
    } catch (error) {
      // A full disk has already rolled back.
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK');
      throw storageError(error, this.#folder);
    }
  }
}

function placeKey(consumer: string, topicId: number): string {
  return `${topicId}\0${consumer}`;
}

/** Of key, value and headers: SQLite itself does not notice a flipped bit in a value. */
function checksum(key: Uint8Array | null, value: Uint8Array, headers: string): number {
  return crc32(headers, crc32(value, key === null ? 0 : crc32(key)));
}

/** Names and values on lines of their own; `checkMessages` has refused line breaks. */
function headersText(headers: Readonly<Record<string, string>>): string {
  const lines: string[] = [];
  for (const [name, value] of Object.entries(headers)) lines.push(name, value);
  return lines.join('\n');
}

function headersOf(text: string): Record<string, string> {
  const headers: Record<string, string> = {};
  if (text === '') return headers;
  const lines = text.split('\n');
  for (let i = 0; i + 1 < lines.length; i += 2) headers[lines[i]!] = lines[i + 1]!;
  return headers;
}
