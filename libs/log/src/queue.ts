import { checkMessages } from './limits.ts';
import { type Appended, LogBusy, type LogMessage } from './port.ts';

export const eventLoopTurn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));

export interface AppendRequest {
  readonly topic: string;
  readonly messages: readonly LogMessage[];
  readonly bytes: number;
  resolve(appended: Appended): void;
  reject(error: unknown): void;
}

export interface QueueLimits {
  /** Callers that may wait. */
  readonly requestsMax: number;
  /** Bytes that may wait; one request over it is taken when nothing else waits. */
  readonly bytesMax: number;
  /** Bytes one flush takes at most, unless its first request alone is larger. */
  readonly flushBytesMax: number;
}

export const QUEUE_LIMITS: QueueLimits = {
  requestsMax: 10_000,
  bytesMax: 64 * 1024 * 1024,
  flushBytesMax: 8 * 1024 * 1024,
};

/**
 * Callers queue here; one flush is in flight and takes whatever has queued up meanwhile, so that many callers share one
 * fsync or one request. Order is the order of the calls. `flush` settles every request it was given.
 */
export class AppendQueue {
  readonly #limits: QueueLimits;
  readonly #flush: (requests: readonly AppendRequest[]) => Promise<void>;
  readonly #oneTopic: boolean;
  readonly #turn: () => Promise<void>;
  #waiting: AppendRequest[] = [];
  #waitingBytes = 0;
  #pump: Promise<void> | null = null;

  constructor(
    flush: (requests: readonly AppendRequest[]) => Promise<void>,
    options: {
      readonly limits?: QueueLimits;
      /** A flush takes requests of one topic only. */
      readonly oneTopic?: boolean;
      /** What the first flush waits for. Default: one turn of the event loop. */
      readonly turn?: () => Promise<void>;
    } = {},
  ) {
    this.#flush = flush;
    this.#limits = options.limits ?? QUEUE_LIMITS;
    this.#oneTopic = options.oneTopic ?? false;
    this.#turn = options.turn ?? eventLoopTurn;
  }

  append(topic: string, messages: readonly LogMessage[]): Promise<Appended> {
    const bytes = checkMessages(topic, messages);
    const full = this.#waiting.length > 0 && this.#waitingBytes + bytes > this.#limits.bytesMax;
    if (full || this.#waiting.length >= this.#limits.requestsMax) {
      throw new LogBusy(
        `${this.#waiting.length} appends (${this.#waitingBytes} bytes) already wait for the log: try "${topic}" again later`,
      );
    }
    const { promise, resolve, reject } = Promise.withResolvers<Appended>();
    this.#waiting.push({ topic, messages, bytes, resolve, reject });
    this.#waitingBytes += bytes;
    this.#pump ??= this.#run();
    return promise;
  }

  /** Resolves when nothing waits any more. */
  async drain(): Promise<void> {
    while (this.#pump !== null) await this.#pump;
  }

  /** Refuses all that has not been taken by a flush. */
  refuse(error: unknown): void {
    const refused = this.#waiting;
    this.#waiting = [];
    this.#waitingBytes = 0;
    for (const request of refused) request.reject(error);
  }

  async #run(): Promise<void> {
    try {
      // Callers of this turn of the event loop come into the first flush together.
      await this.#turn();
      while (this.#waiting.length > 0) {
        const requests = this.#take();
        try {
          await this.#flush(requests);
        } catch (error) {
          for (const request of requests) request.reject(error);
        }
      }
    } finally {
      this.#pump = null;
    }
  }

  #take(): AppendRequest[] {
    const first = this.#waiting[0]!;
    const taken: AppendRequest[] = [];
    const left: AppendRequest[] = [];
    let bytes = 0;
    let full = false;
    for (const request of this.#waiting) {
      const other = this.#oneTopic && request.topic !== first.topic;
      if (!other && taken.length > 0 && bytes + request.bytes > this.#limits.flushBytesMax) full = true;
      if (other || full) left.push(request);
      else {
        taken.push(request);
        bytes += request.bytes;
      }
    }
    this.#waiting = left;
    this.#waitingBytes -= bytes;
    return taken;
  }
}
