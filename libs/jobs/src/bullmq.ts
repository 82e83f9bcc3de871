import { type Job as BullJob, Worker as BullWorker, DelayedError, Queue, UnrecoverableError } from 'bullmq';
import { Redis } from 'ioredis';
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
import { checkInterval, checkName, payloadText, retryDelayMs } from './rules.ts';

export interface BullJobsOptions {
  /** `redis://` or `rediss://`. */
  readonly url: string;
  readonly username?: string;
  readonly password?: string;
  /** Keeps the queues of one project apart from others' on the same Redis. Default `paceline`. */
  readonly prefix?: string;
  /** In [0, 1): jitter of retries. */
  readonly random: () => number;
  /** A job whose worker died comes back after about this long. */
  readonly lockMs?: number;
  /** How often schedules asked for here are looked for, in case Redis was emptied. */
  readonly reconcileMs?: number;
  /** Trouble of the connection or of a reconciliation. */
  readonly failed?: (error: unknown) => void;
}

const LOCK_MS = 30_000;
const RECONCILE_MS = 30_000;
/** Workers that may die over one job before it is given up. */
const STALLS_MAX = 10;
const FAILED_KEEP = { count: 1_000, age: 7 * 86_400 };
const CONNECT_MS = 10_000;
const COMMAND_RETRIES_MAX = 3;
const BACKOFF = 'paceline';

/** What lies in Redis for a job: names and times, never values. */
interface JobData {
  readonly id: string;
  readonly schedule: string | null;
  readonly payload: JobPayload;
  readonly attemptsMax: number;
  readonly backoff: { readonly firstMs: number; readonly maxMs: number };
  /** Epoch ms; `null` for a schedule's runs, whose time is BullMQ's. */
  readonly dueAt: number | null;
}
type BullQueue = Queue<JobData>;

/** Jobs on BullMQ and Redis. Connects at once, so that a wrong address or password is told at the start. */
export async function openBullJobs(options: BullJobsOptions): Promise<Jobs> {
  const commands = new Redis(options.url, {
    ...credentials(options),
    connectTimeout: CONNECT_MS,
    // A caller hears that Redis is away instead of waiting for it.
    maxRetriesPerRequest: COMMAND_RETRIES_MAX,
    lazyConnect: true,
  });
  commands.on('error', (error) => options.failed?.(error));
  try {
    await Promise.race([commands.connect().then(() => commands.ping()), refused(commands)]);
  } catch (error) {
    commands.disconnect();
    throw error;
  }
  return new BullJobs(options, commands);
}

/** What Redis answers to a wrong user or password, or to a user who may not. */
export const REFUSED = /^(WRONGPASS|NOAUTH|NOPERM|ERR AUTH|ERR invalid password)/;

/** Rejects once Redis has refused us: ioredis would go on trying. */
function refused(commands: Redis): Promise<never> {
  return new Promise((_, reject) => {
    commands.on('error', (error) => {
      if (REFUSED.test(error.message)) reject(error);
    });
  });
}

function credentials(options: BullJobsOptions): { readonly username?: string; readonly password?: string } {
  return {
    ...(options.username === undefined ? {} : { username: options.username }),
    ...(options.password === undefined ? {} : { password: options.password }),
  };
}

interface WantedSchedule {
  readonly queue: string;
  readonly key: string;
  readonly everyMs: number;
  readonly payload: JobPayload;
}

class BullJobs implements Jobs {
  readonly #options: BullJobsOptions;
  readonly #commands: Redis;
  readonly #queues = new Map<string, BullQueue>();
  readonly #workers = new Set<BullWorking>();
  readonly #wanted = new Map<string, WantedSchedule>();
  readonly #reconciling: NodeJS.Timeout;
  #closed = false;

  constructor(options: BullJobsOptions, commands: Redis) {
    this.#options = options;
    this.#commands = commands;
    this.#reconciling = setInterval(() => void this.#reconcile(), options.reconcileMs ?? RECONCILE_MS);
    this.#reconciling.unref();
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
    payloadText(payload);
    const wanted = { queue, key, everyMs: every.everyMs, payload };
    await this.#put(wanted, every.startAt);
    this.#wanted.set(`${queue}\0${key}`, wanted);
  }

  async unschedule(queue: string, key: string): Promise<void> {
    this.#refuseClosed();
    this.#wanted.delete(`${queue}\0${key}`);
    await this.#queue(queue).removeJobScheduler(encoded(key));
  }

  async schedules(queue: string): Promise<string[]> {
    this.#refuseClosed();
    const schedulers = await this.#queue(queue).getJobSchedulers(0, -1, true);
    return schedulers.map((scheduler) => decoded(scheduler.key)).sort();
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
    payloadText(payload);
    const bull = this.#queue(queue);
    const jobId = encoded(id);
    const existing = await bull.getJob(jobId);
    if (existing !== undefined) {
      // BullMQ would keep a failed job of this id and drop the new one in silence.
      if (!(await existing.isFailed())) return 'exists';
      await existing.remove();
    }
    const delay = options.delayMs ?? 0;
    const data: JobData = {
      id,
      schedule: null,
      payload,
      attemptsMax: options.attemptsMax ?? ENQUEUE_DEFAULTS.attemptsMax,
      backoff: options.backoff ?? ENQUEUE_DEFAULTS.backoff,
      dueAt: Date.now() + delay,
    };
    await bull.add('job', data, { jobId, delay, ...jobOptions(data.attemptsMax) });
    return 'added';
  }

  async work(queue: string, options: WorkOptions): Promise<Worker> {
    this.#refuseClosed();
    checkName('queue', queue);
    const worker = new BullWorking(queue, options, this.#options, (one) => this.#workers.delete(one));
    this.#workers.add(worker);
    await worker.start();
    return worker;
  }

  async counts(queue: string) {
    this.#refuseClosed();
    const counts = await this.#queue(queue).getJobCounts('waiting', 'prioritized', 'delayed', 'active', 'failed');
    return {
      waiting: (counts.waiting ?? 0) + (counts.prioritized ?? 0),
      delayed: counts.delayed ?? 0,
      active: counts.active ?? 0,
      failed: counts.failed ?? 0,
    };
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    await Promise.all([...this.#workers].map((worker) => worker.stop()));
    this.#closed = true;
    clearInterval(this.#reconciling);
    await within(Promise.all([...this.#queues.values()].map((queue) => queue.close())), CLOSE_MS);
    this.#commands.disconnect();
  }

  async #put(wanted: WantedSchedule, startAt: number | undefined): Promise<void> {
    const queue = this.#queue(wanted.queue);
    const existing = await queue.getJobScheduler(encoded(wanted.key));
    const isSame = existing?.every === wanted.everyMs && samePayload(existing.template?.data?.payload, wanted.payload);
    if (isSame) return;
    const data: JobData = {
      id: wanted.key,
      schedule: wanted.key,
      payload: wanted.payload,
      ...ENQUEUE_DEFAULTS,
      dueAt: null,
    };
    // An upsert would go on from the old one's last run.
    if (existing !== undefined) await queue.removeJobScheduler(encoded(wanted.key));
    const startDate = startAt ?? Date.now();
    await queue.upsertJobScheduler(
      encoded(wanted.key),
      // Without the offset, BullMQ moves all but the first run to multiples of the interval since 1970.
      { every: wanted.everyMs, startDate, offset: startDate % wanted.everyMs },
      { name: 'schedule', data, opts: jobOptions(data.attemptsMax) },
    );
  }

  /** Redis holds no truth: when it was emptied, the schedules that were asked for are put back. */
  async #reconcile(): Promise<void> {
    for (const wanted of [...this.#wanted.values()]) {
      if (this.#closed) return;
      try {
        await this.#put(wanted, undefined);
      } catch (error) {
        this.#options.failed?.(error);
        return;
      }
    }
  }

  #queue(name: string): BullQueue {
    let queue = this.#queues.get(name);
    if (queue === undefined) {
      queue = new Queue<JobData>(encoded(name), {
        connection: this.#commands,
        prefix: this.#options.prefix ?? 'paceline',
      });
      queue.on('error', (error) => this.#options.failed?.(error));
      this.#queues.set(name, queue);
    }
    return queue;
  }

  #refuseClosed(): void {
    if (this.#closed) throw new JobRefused('jobs_closed', 'the job queue has been closed: open it again');
  }
}

function jobOptions(attemptsMax: number) {
  return { attempts: attemptsMax, backoff: { type: BACKOFF }, removeOnComplete: true, removeOnFail: FAILED_KEEP };
}

const GRACE_MS = 30_000;
/** After an abort, a job that does not end is left to its lock. */
const ABORT_MS = 1_000;
/** Closing needs Redis, which may be away. */
const CLOSE_MS = 2_000;

class BullWorking implements Worker {
  readonly #queue: string;
  readonly #options: WorkOptions;
  readonly #worker: BullWorker<JobData>;
  readonly #connection: Redis;
  readonly #running = new Set<{ readonly abort: AbortController; readonly done: Promise<void> }>();
  #stopping = false;
  readonly #stopped: (worker: BullWorking) => void;

  constructor(queue: string, options: WorkOptions, bull: BullJobsOptions, stopped: (worker: BullWorking) => void) {
    this.#queue = queue;
    this.#options = options;
    this.#stopped = stopped;
    // A worker waits for Redis for ever; `null` is what BullMQ demands.
    this.#connection = new Redis(bull.url, {
      ...credentials(bull),
      maxRetriesPerRequest: null,
      connectTimeout: CONNECT_MS,
    });
    this.#connection.on('error', (error) => options.failed?.(error));
    const lockDuration = bull.lockMs ?? LOCK_MS;
    this.#worker = new BullWorker<JobData>(encoded(queue), (job, token) => this.#work(job, token), {
      connection: this.#connection,
      prefix: bull.prefix ?? 'paceline',
      concurrency: options.concurrency,
      autorun: false,
      lockDuration,
      stalledInterval: lockDuration,
      maxStalledCount: STALLS_MAX,
      settings: {
        backoffStrategy: (attempt, _type, error, job) => {
          if (job === undefined) return -1;
          const { attemptsMax, backoff } = dataOf(job);
          return retryDelayMs(error, attempt, attemptsMax, backoff, bull.random) ?? -1;
        },
      },
    });
    this.#worker.on('error', (error) => options.failed?.(error));
    this.#worker.on('failed', (job, error) => {
      // A job whose workers died too often fails without being run, so nobody else says that it is exhausted.
      if (job !== undefined && /stalled more than allowable/.test(error.message)) void this.#exhausted(job, error);
    });
  }

  async start(): Promise<void> {
    await this.#worker.waitUntilReady();
    this.#worker.run().catch((error: unknown) => this.#options.failed?.(error));
  }

  async stop(graceMs = GRACE_MS): Promise<void> {
    this.#stopping = true;
    // Not `close`, which cannot be forced once it waits for a job.
    await within(this.#worker.pause(true), CLOSE_MS);
    if (!(await this.#ended(graceMs))) {
      for (const { abort } of this.#running) abort.abort();
      await this.#ended(ABORT_MS);
    }
    // Without Redis even a forced close waits for it; a job that runs on is left to its lock.
    await within(this.#worker.close(this.#running.size > 0), CLOSE_MS);
    this.#connection.disconnect();
    this.#stopped(this);
  }

  #ended(ms: number): Promise<boolean> {
    return within(Promise.all([...this.#running].map(({ done }) => done)), ms);
  }

  async #work(bullJob: BullJob<JobData>, token: string | undefined): Promise<void> {
    // A job that was on its way when the worker stopped.
    if (this.#stopping) await this.#giveBack(bullJob, token);
    const abort = new AbortController();
    const run = this.#run(bullJob, token, abort.signal);
    const running = { abort, done: run.catch(() => undefined) };
    this.#running.add(running);
    try {
      await run;
    } finally {
      this.#running.delete(running);
    }
  }

  async #run(bullJob: BullJob<JobData>, token: string | undefined, signal: AbortSignal): Promise<void> {
    const job = this.#jobOf(bullJob, signal);
    try {
      await this.#options.run(job);
    } catch (error) {
      if (signal.aborted) await this.#giveBack(bullJob, token);
      this.#options.failed?.(error);
      const delay = retryDelayMs(error, job.attempt, dataOf(bullJob).attemptsMax, ENQUEUE_DEFAULTS.backoff, () => 0);
      if (delay !== null) throw asError(error);
      await this.#exhausted(bullJob, error);
      throw new UnrecoverableError(asError(error).message);
    }
  }

  /** Cut off, not failed: it runs again elsewhere, with the same number of attempts. */
  async #giveBack(bullJob: BullJob<JobData>, token: string | undefined): Promise<never> {
    await bullJob.moveToDelayed(Date.now(), token);
    throw new DelayedError();
  }

  async #exhausted(bullJob: BullJob<JobData>, error: unknown): Promise<void> {
    try {
      await this.#options.exhausted?.(this.#jobOf(bullJob, new AbortController().signal), error);
    } catch (cause) {
      this.#options.failed?.(cause);
    }
  }

  #jobOf(bullJob: BullJob<JobData>, signal: AbortSignal): Job {
    const { id, schedule, payload, dueAt } = dataOf(bullJob);
    return {
      id,
      queue: this.#queue,
      schedule,
      payload,
      attempt: bullJob.attemptsMade + 1,
      dueAt: dueAt ?? bullJob.opts.prevMillis ?? bullJob.timestamp + (bullJob.opts.delay ?? 0),
      signal,
    };
  }
}

/** BullMQ types a job given to a back-off strategy without its data. */
function dataOf(job: { readonly data: JobData }): JobData {
  return job.data;
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}

async function within(promise: Promise<unknown>, ms: number): Promise<boolean> {
  const late = Promise.withResolvers<boolean>();
  const timer = setTimeout(() => late.resolve(false), ms);
  try {
    return await Promise.race([promise.then(() => true), late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

function samePayload(one: JobPayload | undefined, other: JobPayload): boolean {
  if (one === undefined) return false;
  const names = Object.keys(other);
  return names.length === Object.keys(one).length && names.every((name) => one[name] === other[name]);
}

/** BullMQ takes no colons in names and no ids that are numbers. */
function encoded(name: string): string {
  return `p-${encodeURIComponent(name)}`;
}
function decoded(name: string): string {
  return decodeURIComponent(name.slice('p-'.length));
}
