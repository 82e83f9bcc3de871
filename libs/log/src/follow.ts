import { type Fact, type Instant, nextRecordedAt, type Position, position, type Recorded } from '@paceline/domain';
import { type Decoded, decodeRecord, factTypeOf } from '@paceline/events';
import type { EventLog, LogRecord } from './port.ts';
import { stampOf } from './stamp.ts';
import { backoffMs, type Sleep, sleep } from './wakes.ts';

export interface FollowOptions<T extends Fact['type']> {
  /** Offset to begin at. Default 0. */
  readonly from?: number;
  /** Facts of other types are passed over without reading their bodies. */
  readonly types: readonly T[];
  /**
   * Gets the facts in order, one at a time. A throw is reported, and the same fact comes again after a while: a follower
   * stands still rather than miss one.
   */
  apply(fact: Recorded<Extract<Fact, { readonly type: T }>>): void | Promise<void>;
  readonly signal: AbortSignal;
  /** A record of a wanted type that cannot be read; it is passed over. The processor keeps it in the dead letters. */
  undecodable?(record: LogRecord, reason: Extract<Decoded, { readonly ok: false }>): void;
  /** The log cannot be read now, or `apply` threw; it is tried again with backoff. */
  failed?(error: unknown): void;
  readonly sleep?: Sleep;
}

export interface Follower {
  /** Offset of the next record: all before it are applied. */
  readonly next: number;
  /** Greatest position that is applied, `undefined` before the first record. */
  readonly position: Position | undefined;
  /** Resolves once everything that was in the log at the call is applied, or when the follower ends. */
  caughtUp(): Promise<void>;
  /** Resolves to `true` once the record at that position is applied, to `false` when `timeoutMs` passed or the follower ended first. */
  reached(at: Position, timeoutMs: number): Promise<boolean>;
  /** Resolves when the signal has aborted and nothing runs any more. */
  readonly done: Promise<void>;
}

/** No position inside a record is greater. */
const LAST_INDEX = 1023;

/**
 * Follows a workspace's log without a group, for services other than the processor: connectors, catalog, alerts, query
 * each fold the few types they need. `recordedAt` is made strictly increasing along all records, as the fold does.
 */
export function followWorkspace<T extends Fact['type']>(
  log: EventLog,
  topic: string,
  options: FollowOptions<T>,
): Follower {
  return new WorkspaceFollower(log, topic, options);
}

interface Waiter {
  readonly next: number;
  resolve(reached: boolean): void;
}

class WorkspaceFollower<T extends Fact['type']> implements Follower {
  readonly done: Promise<void>;
  readonly #log: EventLog;
  readonly #topic: string;
  readonly #options: FollowOptions<T>;
  readonly #types: ReadonlySet<string>;
  readonly #sleep: Sleep;
  readonly #waiters = new Set<Waiter>();
  #next: number;
  #recordedAt = Number.NEGATIVE_INFINITY;
  #failures = 0;
  #ended = false;

  constructor(log: EventLog, topic: string, options: FollowOptions<T>) {
    this.#log = log;
    this.#topic = topic;
    this.#options = options;
    this.#types = new Set(options.types);
    this.#sleep = options.sleep ?? sleep;
    this.#next = options.from ?? 0;
    this.done = this.#run();
  }

  get next(): number {
    return this.#next;
  }

  get position(): Position | undefined {
    return this.#next === 0 ? undefined : position(this.#next - 1, LAST_INDEX);
  }

  async caughtUp(): Promise<void> {
    for (let failures = 0; !this.#options.signal.aborted; ) {
      try {
        await this.#until(await this.#log.end(this.#topic));
        return;
      } catch {
        // The follower's own reads report the same cause.
        failures += 1;
        await this.#sleep(backoffMs(failures), this.#options.signal);
      }
    }
  }

  async reached(at: Position, timeoutMs: number): Promise<boolean> {
    const waiting = new AbortController();
    const late = this.#sleep(timeoutMs, waiting.signal).then(() => false);
    const { arrived, leave } = this.#wait(Math.floor(at / (LAST_INDEX + 1)) + 1);
    const reached = await Promise.race([arrived, late]);
    waiting.abort();
    leave();
    return reached;
  }

  async #until(next: number): Promise<void> {
    await this.#wait(next).arrived;
  }

  #wait(next: number): { readonly arrived: Promise<boolean>; leave(): void } {
    if (this.#next >= next) return { arrived: Promise.resolve(true), leave: () => undefined };
    if (this.#ended) return { arrived: Promise.resolve(false), leave: () => undefined };
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const waiter = { next, resolve };
    this.#waiters.add(waiter);
    return { arrived: promise, leave: () => this.#waiters.delete(waiter) };
  }

  async #run(): Promise<void> {
    const { signal } = this.#options;
    while (!signal.aborted) {
      try {
        for await (const records of this.#log.read(this.#topic, { from: this.#next, tail: true, signal })) {
          for (const record of records) if (!signal.aborted) await this.#take(record);
          this.#failures = 0;
        }
      } catch (error) {
        if (signal.aborted) break;
        this.#failures += 1;
        this.#options.failed?.(error);
        await this.#sleep(backoffMs(this.#failures), signal);
      }
    }
    this.#ended = true;
    for (const waiter of this.#waiters) waiter.resolve(false);
    this.#waiters.clear();
  }

  async #take(record: LogRecord): Promise<void> {
    const recordedAt = nextRecordedAt(this.#recordedAt, stampOf(record.headers) ?? record.appendedAt);
    const type = factTypeOf(record.headers);
    if (type !== undefined && this.#types.has(type)) await this.#apply(record, recordedAt);
    this.#recordedAt = recordedAt;
    this.#next = record.offset + 1;
    for (const waiter of this.#waiters) {
      if (waiter.next > this.#next) continue;
      this.#waiters.delete(waiter);
      waiter.resolve(true);
    }
  }

  async #apply(record: LogRecord, recordedAt: Instant): Promise<void> {
    const decoded = decodeRecord(record);
    if (!decoded.ok) {
      this.#options.undecodable?.(record, decoded);
      return;
    }
    const { fact, id } = decoded;
    if (this.#isWanted(fact)) await this.#options.apply({ position: position(record.offset), recordedAt, id, fact });
  }

  #isWanted(fact: Fact): fact is Extract<Fact, { readonly type: T }> {
    return this.#types.has(fact.type);
  }
}
