/**
 * Jobs: when something is to happen, never what the values are. A payload is a name and small identifiers (`PAYLOAD_BYTES_MAX`);
 * truth is the log. Losing every job loses nothing: owners call `schedule` and `enqueue` again from the log at start.
 * Delivery is at least once.
 */
export interface Jobs {
  /**
   * Creates or replaces a repeating job. The first run is at `startAt` (default now); a missed run after downtime happens
   * once. One that exists with the same interval and payload keeps its rhythm, so that owners may schedule all again at
   * every start. Runs retry as `enqueue`d jobs do, with the defaults; the next run is not called off by a failed one.
   */
  schedule(
    queue: string,
    key: string,
    every: { readonly everyMs: number; readonly startAt?: number },
    payload: JobPayload,
  ): Promise<void>;
  unschedule(queue: string, key: string): Promise<void>;
  schedules(queue: string): Promise<string[]>;
  /** Adds one job; a job of the same id that has not finished is kept and this one dropped. */
  enqueue(queue: string, id: string, payload: JobPayload, options?: EnqueueOptions): Promise<'added' | 'exists'>;
  /** Runs jobs until `stop`. A throw retries with backoff up to `attemptsMax`, then the job is failed and `exhausted` is called. */
  work(queue: string, options: WorkOptions): Promise<Worker>;
  counts(
    queue: string,
  ): Promise<{ readonly waiting: number; readonly delayed: number; readonly active: number; readonly failed: number }>;
  close(): Promise<void>;
}

/** Of a payload's JSON, in UTF-8. Names and identifiers fit; values do not belong here. */
export const PAYLOAD_BYTES_MAX = 4_096;
export const ENQUEUE_DEFAULTS = { attemptsMax: 5, backoff: { firstMs: 1_000, maxMs: 300_000 } } as const;

export type JobPayload = Readonly<Record<string, string | number | boolean>>;

export interface EnqueueOptions {
  readonly delayMs?: number;
  readonly attemptsMax?: number;
  readonly backoff?: { readonly firstMs: number; readonly maxMs: number };
}

export interface Job {
  readonly id: string;
  readonly queue: string;
  /** Schedule key, or `null` for an enqueued job. */
  readonly schedule: string | null;
  readonly payload: JobPayload;
  /** 1 for the first. */
  readonly attempt: number;
  /** When it was due, epoch ms. */
  readonly dueAt: number;
  readonly signal: AbortSignal;
}

export interface WorkOptions {
  readonly concurrency: number;
  /** Throw `RetryAfter` to choose when the next attempt is made, `GiveUp` to make none. */
  run(job: Job): Promise<void>;
  /** After the last attempt, before the job counts as failed: once, unless the process dies meanwhile. */
  exhausted?(job: Job, error: unknown): Promise<void>;
  /** Every failed attempt, and trouble of the queue itself; for logs and health. */
  failed?(error: unknown): void;
}

export interface Worker {
  /** Lets running jobs finish (up to `graceMs`), then aborts them; they run again elsewhere. */
  stop(graceMs?: number): Promise<void>;
}

/** Thrown by `run`: try again after this many milliseconds, whatever the backoff says. */
export class RetryAfter extends Error {
  override readonly name = 'RetryAfter';
  readonly delayMs: number;
  constructor(delayMs: number, message: string, options?: ErrorOptions) {
    super(message, options);
    this.delayMs = delayMs;
  }
}
/** Thrown by `run`: never try again. */
export class GiveUp extends Error {
  override readonly name = 'GiveUp';
}
/** The job cannot be taken as it is; waiting does not cure it, except for `queue_full`. */
export class JobRefused extends Error {
  override readonly name = 'JobRefused';
  readonly code:
    | 'payload_too_large'
    | 'name_invalid'
    | 'interval_invalid'
    | 'queue_full'
    | 'jobs_closed'
    | 'jobs_unwritable';
  constructor(code: JobRefused['code'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
