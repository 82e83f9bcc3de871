import {
  ENQUEUE_DEFAULTS,
  type EnqueueOptions,
  type Job,
  type JobPayload,
  JobRefused,
  type Jobs,
  type Worker,
  type WorkOptions,
} from './port.ts';
import { checkInterval, checkName, nextRun, payloadText, retryDelayMs } from './rules.ts';
import { type ClaimedJob, JobTable } from './sqlite-table.ts';

export interface SqliteJobsOptions {
  /** Data folder; created when missing. Holds `jobs.sqlite`. One process at a time. */
  readonly folder: string;
  /** Epoch ms. */
  readonly now: () => number;
  /** In [0, 1): jitter of retries. */
  readonly random: () => number;
  /** Runs a step once after a while; answers how to call it off. Default: `setTimeout`. */
  readonly after?: (ms: number, step: () => void) => () => void;
  readonly leaseMs?: number;
  /** Unfinished jobs of one queue. */
  readonly queueJobsMax?: number;
  /** Told when a damaged file was set aside and the queue begun anew; owners schedule again from the log. */
  readonly setAside?: (file: string, cause: unknown) => void;
}

/** With a clock that jumps (the demo plays years in a minute) `wake` looks again at what is due. */
export interface SqliteJobs extends Jobs {
  wake(): void;
}

const LEASE_MS = 30_000;
const QUEUE_JOBS_MAX = 100_000;
const FAILED_KEEP_MAX = 1_000;
/** Longest sleep: the system's clock may be set meanwhile. */
const SLEEP_MS_MAX = 60_000;
/** After the table could not be read. */
const RETRY_MS = 1_000;
/** Starts that neither succeeded nor failed (the process died) after which a job is given up. */
const LOST_STARTS_MAX = 10;

/** Jobs in one SQLite file, for the embedded form: due times by one timer, at least once, places survive the process. */
export async function openSqliteJobs(options: SqliteJobsOptions): Promise<SqliteJobs> {
  return new EmbeddedJobs(options);
}

class EmbeddedJobs implements SqliteJobs {
  readonly #table: JobTable;
  readonly #options: SqliteJobsOptions;
  readonly #after: (ms: number, step: () => void) => () => void;
  readonly #leaseMs: number;
  readonly #workers = new Set<EmbeddedWorker>();
  #cancelTimer: (() => void) | undefined;
  #cancelRenewal: (() => void) | undefined;
  #closed = false;

  constructor(options: SqliteJobsOptions) {
    this.#options = options;
    this.#table = new JobTable(options.folder, options.setAside ?? (() => undefined));
    this.#table.releaseAll();
    this.#after = options.after ?? afterTimeout;
    this.#leaseMs = options.leaseMs ?? LEASE_MS;
  }

  async schedule(
    queue: string,
    key: string,
    every: { readonly everyMs: number; readonly startAt?: number },
    payload: JobPayload,
  ): Promise<void> {
    this.#refuseClosed();
    checkName('queue', queue);
    checkName('key', key);
    checkInterval(every.everyMs);
    const dueAt = every.startAt ?? this.#options.now();
    // An enqueued job of the same name is another job.
    const job = { queue, id: `schedule ${key}`, payload: payloadText(payload), dueAt, ...ENQUEUE_DEFAULTS };
    this.#table.putSchedule(job, key, every.everyMs);
    this.wake();
  }

  async unschedule(queue: string, key: string): Promise<void> {
    this.#refuseClosed();
    this.#table.removeSchedule(queue, key);
  }

  async schedules(queue: string): Promise<string[]> {
    this.#refuseClosed();
    return this.#table.schedules(queue);
  }

  async enqueue(
    queue: string,
    id: string,
    payload: JobPayload,
    options: EnqueueOptions = {},
  ): Promise<'added' | 'exists'> {
    this.#refuseClosed();
    checkName('queue', queue);
    checkName('id', id);
    const text = payloadText(payload);
    const limit = this.#options.queueJobsMax ?? QUEUE_JOBS_MAX;
    if (this.#table.unfinished(queue) >= limit) {
      throw new JobRefused(
        'queue_full',
        `queue "${queue}" has ${limit} unfinished jobs, its limit: try again when some are done`,
      );
    }
    const added = this.#table.add({
      queue,
      id: `job ${id}`,
      payload: text,
      attemptsMax: options.attemptsMax ?? ENQUEUE_DEFAULTS.attemptsMax,
      backoff: options.backoff ?? ENQUEUE_DEFAULTS.backoff,
      dueAt: this.#options.now() + (options.delayMs ?? 0),
    });
    if (added) this.wake();
    return added ? 'added' : 'exists';
  }

  async work(queue: string, options: WorkOptions): Promise<Worker> {
    this.#refuseClosed();
    const worker = new EmbeddedWorker(queue, options, {
      table: this.#table,
      now: this.#options.now,
      random: this.#options.random,
      leaseMs: this.#leaseMs,
      after: this.#after,
      changed: () => this.wake(),
      stopped: (one) => this.#workers.delete(one),
    });
    this.#workers.add(worker);
    this.wake();
    return worker;
  }

  async counts(queue: string) {
    this.#refuseClosed();
    return this.#table.counts(queue, this.#options.now());
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    await Promise.all([...this.#workers].map((worker) => worker.stop()));
    this.#closed = true;
    this.#cancelTimer?.();
    this.#cancelRenewal?.();
    this.#table.close();
  }

  wake(): void {
    if (this.#closed) return;
    let isSound = true;
    for (const worker of this.#workers) isSound = worker.fill() && isSound;
    this.#arm(isSound ? 1 : RETRY_MS);
    this.#arrangeRenewal();
  }

  /** One timer for the next due job of all queues that are worked on. */
  #arm(waitMsMin: number): void {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    const queues = [...this.#workers].filter((worker) => worker.hasRoom).map((worker) => worker.queue);
    const next = this.#table.nextRunAt(queues);
    if (next === undefined) return;
    const wait = Math.min(SLEEP_MS_MAX, Math.max(waitMsMin, Math.ceil(next - this.#options.now())));
    this.#cancelTimer = this.#after(wait, () => this.wake());
  }

  #arrangeRenewal(): void {
    if (this.#cancelRenewal !== undefined || ![...this.#workers].some((worker) => worker.isBusy)) return;
    this.#cancelRenewal = this.#after(this.#leaseMs / 3, () => {
      this.#cancelRenewal = undefined;
      if (this.#closed) return;
      for (const worker of this.#workers) worker.renew();
      this.#table.releaseExpired(this.#options.now());
      this.#arrangeRenewal();
    });
  }

  #refuseClosed(): void {
    if (this.#closed) throw new JobRefused('jobs_closed', 'the job queue has been closed: open it again');
  }
}

interface WorkerDependencies {
  readonly table: JobTable;
  readonly now: () => number;
  readonly random: () => number;
  readonly leaseMs: number;
  readonly after: (ms: number, step: () => void) => () => void;
  changed(): void;
  stopped(worker: EmbeddedWorker): void;
}

interface Running {
  readonly claimed: ClaimedJob;
  readonly abort: AbortController;
  readonly done: Promise<void>;
}

const GRACE_MS = 30_000;
/** After an abort, a job that does not end is left to its lease. */
const ABORT_MS = 1_000;

class EmbeddedWorker implements Worker {
  readonly queue: string;
  readonly #options: WorkOptions;
  readonly #deps: WorkerDependencies;
  readonly #running = new Map<string, Running>();
  #stopping = false;

  constructor(queue: string, options: WorkOptions, deps: WorkerDependencies) {
    this.queue = queue;
    this.#options = options;
    this.#deps = deps;
  }

  get hasRoom(): boolean {
    return !this.#stopping && this.#running.size < this.#options.concurrency;
  }

  get isBusy(): boolean {
    return this.#running.size > 0;
  }

  /** Starts due jobs up to the concurrency; `false` when the table could not be read. */
  fill(): boolean {
    try {
      while (this.hasRoom) {
        const now = this.#deps.now();
        const claimed = this.#deps.table.claim(this.queue, now, this.#deps.leaseMs, (anchor, everyMs) =>
          nextRun(anchor, everyMs, now),
        );
        if (claimed === undefined) return true;
        this.#start(claimed);
      }
      return true;
    } catch (error) {
      this.#options.failed?.(error);
      return false;
    }
  }

  renew(): void {
    for (const lease of this.#running.keys()) this.#deps.table.renew(lease, this.#deps.now() + this.#deps.leaseMs);
  }

  async stop(graceMs = GRACE_MS): Promise<void> {
    this.#stopping = true;
    if (!(await this.#ended(graceMs))) {
      for (const { abort } of this.#running.values()) abort.abort();
      if (!(await this.#ended(ABORT_MS))) {
        for (const lease of this.#running.keys()) this.#deps.table.giveBack(lease);
        this.#running.clear();
      }
    }
    this.#deps.stopped(this);
  }

  async #ended(withinMs: number): Promise<boolean> {
    const all = Promise.all([...this.#running.values()].map(({ done }) => done)).then(() => true);
    const late = Promise.withResolvers<boolean>();
    const cancel = this.#deps.after(withinMs, () => late.resolve(false));
    const ended = await Promise.race([all, late.promise]);
    cancel();
    return ended;
  }

  #start(claimed: ClaimedJob): void {
    const abort = new AbortController();
    const job: Job = {
      id: claimed.schedule ?? claimed.id.slice('job '.length),
      queue: this.queue,
      schedule: claimed.schedule,
      payload: claimed.payload,
      attempt: claimed.failures + 1,
      dueAt: claimed.dueAt,
      signal: abort.signal,
    };
    const done = this.#run(job, claimed).finally(() => {
      this.#running.delete(claimed.lease);
      if (!this.#stopping) this.#deps.changed();
    });
    this.#running.set(claimed.lease, { claimed, abort, done });
  }

  async #run(job: Job, claimed: ClaimedJob): Promise<void> {
    const { table } = this.#deps;
    try {
      const lost = claimed.starts - claimed.failures - 1;
      if (lost >= LOST_STARTS_MAX) {
        await this.#giveUp(job, claimed, new Error(`the process ended ${lost} times while job "${job.id}" ran`));
        return;
      }
      try {
        await this.#options.run(job);
      } catch (error) {
        if (job.signal.aborted) table.giveBack(claimed.lease);
        else await this.#failed(job, claimed, error);
        return;
      }
      table.finish(claimed.lease);
    } catch (error) {
      // The table itself: the lease runs out and the job comes again.
      this.#options.failed?.(error);
    }
  }

  async #failed(job: Job, claimed: ClaimedJob, error: unknown): Promise<void> {
    this.#options.failed?.(error);
    const delay = retryDelayMs(error, job.attempt, claimed.attemptsMax, claimed.backoff, this.#deps.random);
    if (delay === null) await this.#giveUp(job, claimed, error);
    else this.#deps.table.retry(claimed.lease, this.#deps.now() + delay);
  }

  async #giveUp(job: Job, claimed: ClaimedJob, error: unknown): Promise<void> {
    try {
      await this.#options.exhausted?.(job, error);
    } catch (cause) {
      this.#options.failed?.(cause);
    }
    this.#deps.table.fail(claimed.lease, this.queue, this.#deps.now(), FAILED_KEEP_MAX);
  }
}

function afterTimeout(ms: number, step: () => void): () => void {
  const timer = setTimeout(step, ms);
  return () => clearTimeout(timer);
}
