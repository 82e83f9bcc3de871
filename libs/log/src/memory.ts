import { checkCommit, type GroupSubscription, Groups } from './embedded.ts';
import { checkTopicName, logClosed, topicUnknown } from './limits.ts';
import type { Appended, EventLog, LogMessage, LogRecord, ReadRange, SubscribeOptions, TopicOptions } from './port.ts';
import { AppendQueue, type AppendRequest, eventLoopTurn, QUEUE_LIMITS, type QueueLimits } from './queue.ts';
import { type Sleep, sleep, Wakes } from './wakes.ts';

/** What survives a crash. Hand the same disk to the next `openMemoryLog` to start again where acknowledged appends left it. */
export interface MemoryDisk {
  readonly topics: Map<string, LogRecord[]>;
  /** Next offset to read, by `group` + NUL + topic. */
  readonly commits: Map<string, number>;
}

export function memoryDisk(): MemoryDisk {
  return { topics: new Map(), commits: new Map() };
}

/** `done`: as asked. `failed`: not done and rejected. `ambiguous`: done, yet rejected, as when an answer is lost. */
export type FaultOutcome = 'done' | 'failed' | 'ambiguous';

/** Decisions of a fault injector, asked at every step; a seeded simulation answers from its random source. Absent: no fault. */
export interface MemoryFaults {
  append?(topic: string, messages: readonly LogMessage[]): FaultOutcome;
  commit?(group: string, topic: string, next: number): FaultOutcome;
  /** How many of the `available` records (at least 1) the next batch gets: batches are cut otherwise at every delivery. */
  cut?(topic: string, available: number): number;
  /** Offset from which to deliver again after a batch that ended before `next`; `next` for none. */
  redeliver?(topic: string, committed: number, next: number): number;
}

export interface MemoryLogOptions {
  readonly disk?: MemoryDisk;
  /** Epoch ms: becomes `appendedAt`. */
  readonly now: () => number;
  readonly faults?: MemoryFaults;
  readonly sleep?: Sleep;
  readonly batchRecordsMax?: number;
  readonly graceMs?: number;
  readonly queue?: QueueLimits;
  /** What appends wait for, so that those of one moment come together, and readers between batches. Default: one turn of the event loop. */
  readonly turn?: () => Promise<void>;
}

export interface MemoryLog extends EventLog {
  subscribe(options: SubscribeOptions): Promise<GroupSubscription>;
  /** Takes the topic from its owner in the group and gives it out again. */
  revoke(group: string, topic: string): Promise<void>;
  /** As `kill -9`: appends that wait are lost, nothing is finished, no hook is called. The disk stays. */
  crash(): void;
}

export class InjectedFault extends Error {
  override readonly name = 'InjectedFault';
}

/** A log in memory, for pure tests and simulations: every freedom the port leaves to an adapter can be taken by `faults`. */
export function openMemoryLog(options: MemoryLogOptions): MemoryLog {
  return new Memory(options);
}

class Memory implements MemoryLog {
  readonly #disk: MemoryDisk;
  readonly #now: () => number;
  readonly #faults: MemoryFaults;
  readonly #batchRecordsMax: number;
  readonly #turn: () => Promise<void>;
  readonly #queue: AppendQueue;
  readonly #wakes = new Wakes();
  readonly #groups: Groups;
  #closed = false;

  constructor(options: MemoryLogOptions) {
    this.#disk = options.disk ?? memoryDisk();
    this.#now = options.now;
    this.#faults = options.faults ?? {};
    this.#batchRecordsMax = options.batchRecordsMax ?? 1_000;
    this.#turn = options.turn ?? eventLoopTurn;
    const queue = { limits: options.queue ?? QUEUE_LIMITS, turn: this.#turn };
    this.#queue = new AppendQueue((requests) => this.#flush(requests), queue);
    this.#groups = new Groups({
      graceMs: options.graceMs ?? 30_000,
      topics: () => [...this.#disk.topics.keys()],
      source: {
        end: (topic) => this.#records(topic).length,
        next: (topic, from, signal) => this.#next(topic, from, signal),
        committed: async (group, topic) => this.#committed(group, topic),
        commit: (group, topic, next) => this.#commit(group, topic, next),
        after: (topic, committed, next) => this.#faults.redeliver?.(topic, committed, next) ?? next,
        sleep: options.sleep ?? sleep,
      },
    });
  }

  async ensureTopic(topic: string, _options?: TopicOptions): Promise<void> {
    this.#refuseClosed();
    checkTopicName(topic);
    if (this.#disk.topics.has(topic)) return;
    this.#disk.topics.set(topic, []);
    this.#groups.topicCreated(topic);
  }

  async topics(prefix: string): Promise<string[]> {
    this.#refuseClosed();
    return [...this.#disk.topics.keys()].filter((topic) => topic.startsWith(prefix)).sort();
  }

  async append(topic: string, messages: readonly LogMessage[]): Promise<Appended> {
    this.#refuseClosed();
    this.#records(topic);
    return this.#queue.append(topic, messages);
  }

  async end(topic: string): Promise<number> {
    this.#refuseClosed();
    return this.#records(topic).length;
  }

  async *read(topic: string, range: ReadRange): AsyncIterable<readonly LogRecord[]> {
    this.#refuseClosed();
    const to = range.to ?? (range.tail === true ? Number.MAX_SAFE_INTEGER : this.#records(topic).length);
    let next = range.from;
    while (next < to && range.signal?.aborted !== true) {
      this.#refuseClosed();
      const records = this.#records(topic).slice(next, Math.min(to, next + this.#batchRecordsMax));
      if (records.length > 0) {
        yield records;
        next += records.length;
        await this.#turn();
      } else if (range.tail === true) await this.#wakes.wait(topic, range.signal);
      else return;
    }
  }

  async subscribe(options: SubscribeOptions): Promise<GroupSubscription> {
    this.#refuseClosed();
    return this.#groups.subscribe(options);
  }

  async committed(group: string, topic: string): Promise<number> {
    this.#refuseClosed();
    return this.#committed(group, topic);
  }

  async lag(group: string, topic: string): Promise<number> {
    this.#refuseClosed();
    return this.#records(topic).length - this.#committed(group, topic);
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    await this.#groups.close();
    await this.#queue.drain();
    this.#closed = true;
    this.#wakes.wakeAll();
  }

  revoke(group: string, topic: string): Promise<void> {
    return this.#groups.revoke(group, topic);
  }

  crash(): void {
    this.#closed = true;
    this.#queue.refuse(logClosed());
    this.#groups.crash();
    this.#wakes.wakeAll();
  }

  async #flush(requests: readonly AppendRequest[]): Promise<void> {
    for (const request of requests) {
      if (this.#closed) {
        request.reject(logClosed());
        continue;
      }
      const outcome = this.#faults.append?.(request.topic, request.messages) ?? 'done';
      if (outcome === 'failed') {
        request.reject(new InjectedFault(`append to "${request.topic}" was refused`));
        continue;
      }
      const appended = this.#write(request);
      if (outcome === 'done') request.resolve(appended);
      else request.reject(new InjectedFault(`the answer to an append to "${request.topic}" was lost`));
    }
  }

  #write(request: AppendRequest): Appended {
    const records = this.#records(request.topic);
    const baseOffset = records.length;
    const appendedAt = this.#now();
    for (const message of request.messages) {
      // Copies: a caller that reuses its buffers must not reach into the log.
      records.push({
        topic: request.topic,
        offset: records.length,
        appendedAt,
        key: message.key?.slice() ?? null,
        value: message.value.slice(),
        headers: { ...message.headers },
      });
    }
    this.#wakes.wake(request.topic);
    return { baseOffset, lastOffset: records.length - 1, appendedAt };
  }

  async #commit(group: string, topic: string, next: number): Promise<void> {
    this.#refuseClosed();
    checkCommit(topic, next, this.#disk.topics.get(topic)?.length);
    const outcome = this.#faults.commit?.(group, topic, next) ?? 'done';
    if (outcome === 'failed') throw new InjectedFault(`commit of "${topic}" was refused`);
    this.#disk.commits.set(`${group}\0${topic}`, next);
    if (outcome === 'ambiguous') throw new InjectedFault(`the answer to a commit of "${topic}" was lost`);
  }

  async #next(topic: string, from: number, signal: AbortSignal): Promise<readonly LogRecord[]> {
    while (!signal.aborted) {
      const records = this.#cut(topic, from);
      if (records.length > 0) return records;
      await this.#wakes.wait(topic, signal);
    }
    return [];
  }

  #cut(topic: string, from: number): readonly LogRecord[] {
    const records = this.#records(topic).slice(from, from + this.#batchRecordsMax);
    if (records.length < 2 || this.#faults.cut === undefined) return records;
    return records.slice(0, Math.max(1, Math.min(records.length, this.#faults.cut(topic, records.length))));
  }

  #committed(group: string, topic: string): number {
    return this.#disk.commits.get(`${group}\0${topic}`) ?? 0;
  }

  #records(topic: string): LogRecord[] {
    const records = this.#disk.topics.get(topic);
    if (records === undefined) throw topicUnknown(topic);
    return records;
  }

  #refuseClosed(): void {
    if (this.#closed) throw logClosed();
  }
}
