/**
 * The event log: topics of one partition, each one order. Shaped by Kafka: an append is a batch that is durable once
 * it resolves, offsets are dense enough to be an order but gaps may occur, delivery is at least once, commits are per
 * group and topic, and there is no conditional append. Embedded and Kafka adapters pass `contract.ts` alike.
 */
export interface LogMessage {
  readonly key: Uint8Array | null;
  readonly value: Uint8Array;
  readonly headers: Readonly<Record<string, string>>;
}

export interface LogRecord extends LogMessage {
  readonly topic: string;
  readonly offset: number;
  /** The log's own append time, epoch ms; records of one append may share it. Not yet strictly increasing: the fold makes it so. */
  readonly appendedAt: number;
}

export interface Appended {
  readonly baseOffset: number;
  /** Offset of the last message: `baseOffset + messages.length - 1` unless the append was split and others came between. */
  readonly lastOffset: number;
  readonly appendedAt: number;
}

export interface EventLog {
  /** Creates the topic when it is missing (facts: one partition, LogAppendTime, kept for ever); refuses one that exists in another shape. */
  ensureTopic(topic: string, options?: TopicOptions): Promise<void>;
  topics(prefix: string): Promise<string[]>;
  /**
   * Appends the messages in order and resolves when they are durable (acks=all, fsync). One append per topic is in flight,
   * callers queue up to a bound, beyond it `LogBusy`. A rejected append may have happened: retrying may double, and
   * everything read from the log tolerates that. Over `appendBytesMax` is split, order kept.
   */
  append(topic: string, messages: readonly LogMessage[]): Promise<Appended>;
  /** The offset the next record will get. */
  end(topic: string): Promise<number>;
  /**
   * Records from `from` up to but not including `to` (default: the end when called), in batches, then done. No group.
   * With `tail` (and no `to`) it waits at the end for more, until `signal`; an aborted signal ends it without an error.
   */
  read(topic: string, range: ReadRange): AsyncIterable<readonly LogRecord[]>;
  /** Joins a group. Resolves once subscribed; records flow until `stop`. */
  subscribe(options: SubscribeOptions): Promise<Subscription>;
  /** The group's next offset to read, or 0 when it never committed. */
  committed(group: string, topic: string): Promise<number>;
  /** Records the group has not committed yet. */
  lag(group: string, topic: string): Promise<number>;
  close(): Promise<void>;
}

export interface ReadRange {
  readonly from: number;
  readonly to?: number;
  readonly tail?: boolean;
  readonly signal?: AbortSignal;
}

export interface TopicOptions {
  /** `facts` topics are kept for ever; others by time. */
  readonly retentionMs?: number;
}

export interface SubscribeOptions {
  readonly group: string;
  /** Topics that exist now or appear later and begin with it (`facts.`) join without losing place. */
  readonly prefix: string;
  /**
   * Called when this member gets a topic, before its first batch, and not once that is taken away again; answers where to start
   * (default: the committed offset). Awaited.
   */
  assigned?(topic: string, committed: number): Promise<number | undefined>;
  /** Called when a topic is taken away; batches and commits of it fail from then on. Awaited within the rebalance time-out. */
  revoked?(topic: string): Promise<void>;
  /**
   * One batch at a time per topic, in order; the next one waits for it (back-pressure). `heartbeat` must be called at least
   * every few seconds in long work. A throw stops the topic, waits with backoff and delivers again from the last commit.
   */
  batch(records: readonly LogRecord[], context: BatchContext): Promise<void>;
  /** Called when `batch` or the connection fails, with what was tried; for health and logs. */
  failed?(error: unknown, topic: string | null): void;
}

export interface BatchContext {
  readonly topic: string;
  readonly signal: AbortSignal;
  heartbeat(): Promise<void>;
  /** Durable promise that everything before `next` has been dealt with. Rejects once the topic was revoked. */
  commit(next: number): Promise<void>;
  /** End offset of the topic as of this batch: the batch reaches the head when its last offset + 1 equals it. */
  readonly end: number;
}

export interface Subscription {
  assignment(): string[];
  /** Delivers the topic again from `offset`, after the batch in flight. */
  seek(topic: string, offset: number): void;
  /** Finishes the batch in flight, leaves the group. */
  stop(): Promise<void>;
}

export class LogBusy extends Error {
  override readonly name = 'LogBusy';
}
/** The log cannot be reached, or does not answer: what was asked may be asked again, an append may have happened. */
export class LogUnavailable extends Error {
  override readonly name = 'LogUnavailable';
  readonly code = 'log_unavailable';
}
/** The topic exists in a shape that would break the one order, or the log refuses for a reason that waiting does not cure. */
export class LogRefused extends Error {
  override readonly name = 'LogRefused';
  readonly code: string;
  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
