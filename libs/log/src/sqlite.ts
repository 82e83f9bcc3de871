import { setImmediate as breathe } from 'node:timers/promises';
import { checkCommit, Groups } from './embedded.ts';
import { checkTopicName, logClosed, topicUnknown } from './limits.ts';
import type {
  Appended,
  EventLog,
  LogMessage,
  LogRecord,
  ReadRange,
  SubscribeOptions,
  Subscription,
  TopicOptions,
} from './port.ts';
import { AppendQueue, type AppendRequest, QUEUE_LIMITS, type QueueLimits } from './queue.ts';
import { SqliteTables, type StoredTopic } from './sqlite-tables.ts';
import { type Sleep, sleep, Wakes } from './wakes.ts';

export interface SqliteLogOptions {
  /** Data folder; created when missing. Holds `log.sqlite` and `log.lock`. */
  readonly folder: string;
  /** Epoch ms: becomes `appendedAt`. */
  readonly now: () => number;
  /**
   * Opens beside the owner process, to read and follow only: it neither locks nor writes, and looks for news every
   * `pollMs`. For a replay in a child process.
   */
  readonly readOnly?: boolean;
  readonly pollMs?: number;
  /** The file never grows over it; then appends are refused as on a full disk. */
  readonly bytesMax?: number;
  readonly batchRecordsMax?: number;
  readonly batchBytesMax?: number;
  /** How long a batch in flight may go on when its topic moves or its member stops. */
  readonly graceMs?: number;
  readonly queue?: QueueLimits;
  readonly sleep?: Sleep;
}

const BATCH_RECORDS_MAX = 1_000;
const BATCH_BYTES_MAX = 4 * 1024 * 1024;
/** Between two sweeps of records past their topic's retention. */
const RETENTION_EVERY_MS = 60_000;

/**
 * The embedded log: one SQLite file in the data folder, owned by one process. An append is synced before it resolves;
 * callers that come together share one sync.
 * @throws {LogRefused} `log_locked`, `log_corrupt`, `log_version`, `log_unwritable`, `log_missing`.
 */
export async function openSqliteLog(options: SqliteLogOptions): Promise<EventLog> {
  return new SqliteLog(options);
}

class SqliteLog implements EventLog {
  readonly #tables: SqliteTables;
  readonly #now: () => number;
  readonly #sleep: Sleep;
  readonly #limits: { readonly records: number; readonly bytes: number };
  readonly #queue: AppendQueue;
  readonly #wakes = new Wakes();
  readonly #groups: Groups;
  readonly #polling = new AbortController();
  #sweptAt: number;
  #closed = false;

  constructor(options: SqliteLogOptions) {
    this.#tables = new SqliteTables(options);
    this.#now = options.now;
    this.#sleep = options.sleep ?? sleep;
    this.#limits = {
      records: options.batchRecordsMax ?? BATCH_RECORDS_MAX,
      bytes: options.batchBytesMax ?? BATCH_BYTES_MAX,
    };
    this.#queue = new AppendQueue((requests) => this.#flush(requests), { limits: options.queue ?? QUEUE_LIMITS });
    this.#sweptAt = options.now();
    this.#groups = new Groups({
      graceMs: options.graceMs ?? 30_000,
      topics: () => this.#tables.topics(),
      source: {
        end: (topic) => this.#topic(topic).next,
        next: (topic, from, signal) => this.#next(topic, from, signal),
        committed: async (group, topic) => this.#tables.committed(group, this.#topic(topic)),
        commit: (group, topic, next) => this.#commit(group, topic, next),
        after: (_topic, _committed, next) => next,
        sleep: this.#sleep,
      },
    });
    if (options.readOnly === true) void this.#poll(options.pollMs ?? 250);
  }

  async ensureTopic(topic: string, options?: TopicOptions): Promise<void> {
    this.#refuseClosed();
    checkTopicName(topic);
    if (this.#tables.topic(topic) !== undefined) return;
    this.#tables.createTopic(topic, options?.retentionMs);
    this.#groups.topicCreated(topic);
  }

  async topics(prefix: string): Promise<string[]> {
    this.#refuseClosed();
    return this.#tables.topics().filter((topic) => topic.startsWith(prefix));
  }

  async append(topic: string, messages: readonly LogMessage[]): Promise<Appended> {
    this.#refuseClosed();
    this.#tables.refuseReadOnly();
    this.#topic(topic);
    return this.#queue.append(topic, messages);
  }

  async end(topic: string): Promise<number> {
    this.#refuseClosed();
    return this.#topic(topic).next;
  }

  async *read(topic: string, range: ReadRange): AsyncIterable<readonly LogRecord[]> {
    this.#refuseClosed();
    const tail = range.tail === true && range.to === undefined;
    const to = tail ? Number.MAX_SAFE_INTEGER : Math.min(range.to ?? Infinity, this.#topic(topic).next);
    let next = range.from;
    while (next < to && range.signal?.aborted !== true) {
      this.#refuseClosed();
      const records = this.#batch(topic, next, to);
      const last = records.at(-1);
      if (last !== undefined) {
        yield records;
        next = last.offset + 1;
        await breathe();
      } else if (tail) await this.#wakes.wait(topic, range.signal);
      else return;
    }
  }

  async subscribe(options: SubscribeOptions): Promise<Subscription> {
    this.#refuseClosed();
    this.#tables.refuseReadOnly();
    return this.#groups.subscribe(options);
  }

  async committed(group: string, topic: string): Promise<number> {
    this.#refuseClosed();
    return this.#tables.committed(group, this.#topic(topic));
  }

  async lag(group: string, topic: string): Promise<number> {
    this.#refuseClosed();
    const stored = this.#topic(topic);
    return stored.next - this.#tables.committed(group, stored);
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    await this.#groups.close();
    await this.#queue.drain();
    this.#closed = true;
    this.#polling.abort();
    this.#wakes.wakeAll();
    this.#tables.close();
  }

  /** One transaction, one sync, for all callers that came together. */
  async #flush(requests: readonly AppendRequest[]): Promise<void> {
    const appended = this.#tables.append(requests, this.#now());
    for (const [i, request] of requests.entries()) request.resolve(appended[i]!);
    for (const topic of new Set(requests.map((request) => request.topic))) this.#wakes.wake(topic);
    const now = this.#now();
    if (now - this.#sweptAt < RETENTION_EVERY_MS) return;
    this.#sweptAt = now;
    this.#tables.sweep(now);
  }

  async #commit(group: string, topic: string, next: number): Promise<void> {
    this.#refuseClosed();
    const stored = this.#tables.topic(topic);
    checkCommit(topic, next, stored?.next);
    if (stored !== undefined) this.#tables.commit(group, stored, next);
  }

  async #next(topic: string, from: number, signal: AbortSignal): Promise<readonly LogRecord[]> {
    while (!signal.aborted) {
      const records = this.#batch(topic, from, Number.MAX_SAFE_INTEGER);
      if (records.length > 0) return records;
      await this.#wakes.wait(topic, signal);
    }
    return [];
  }

  #batch(topic: string, from: number, to: number): readonly LogRecord[] {
    return this.#tables.records(this.#topic(topic), from, to, this.#limits);
  }

  #topic(topic: string): StoredTopic {
    const stored = this.#tables.topic(topic);
    if (stored === undefined) throw topicUnknown(topic);
    return stored;
  }

  async #poll(everyMs: number): Promise<void> {
    while (!this.#polling.signal.aborted) {
      await this.#sleep(everyMs, this.#polling.signal);
      if (!this.#closed && this.#tables.refresh()) this.#wakes.wakeAll();
    }
  }

  #refuseClosed(): void {
    if (this.#closed) throw logClosed();
  }
}
