import { isConnectorFault } from '@paceline/connector-sdk';
import type { SourceDocument } from '@paceline/domain';
import { approximateMs, parseDuration } from '@paceline/domain/time/duration';
import { GiveUp, type Job, type Jobs, RetryAfter, type Worker } from '@paceline/jobs';
import { describeError, type Logger, PacelineError } from '@paceline/runtime';
import { keyOf, type Runs } from './runs.ts';
import type { FollowedWorkspace, Workspaces } from './workspaces.ts';

export const SOURCE_QUEUE = 'sources';
const CONCURRENCY = 4;
const EVERY_MS_MIN = 1_000;
const RETRY_MS_MIN = 10_000;
const RETRY_MS_MAX = 600_000;

/** Says when sources run. Jobs carry names only; what is read is decided by the source's state, so a tick that was missed costs nothing. */
export class Scheduler {
  readonly #jobs: Jobs;
  readonly #runs: Runs;
  readonly #logger: Logger;
  readonly #workspaces: Workspaces;
  /** By key: the document as it was scheduled. */
  readonly #scheduled = new Map<string, string>();
  #worker: Worker | null = null;
  #syncing: Promise<void> = Promise.resolve();

  constructor(deps: {
    readonly jobs: Jobs;
    readonly runs: Runs;
    readonly logger: Logger;
    readonly workspaces: Workspaces;
  }) {
    this.#jobs = deps.jobs;
    this.#runs = deps.runs;
    this.#logger = deps.logger;
    this.#workspaces = deps.workspaces;
  }

  async start(): Promise<void> {
    this.#worker = await this.#jobs.work(SOURCE_QUEUE, {
      concurrency: CONCURRENCY,
      run: (job) => this.#run(job),
      failed: (error) => this.#logger.debug({ err: error }, 'a job of a source failed'),
    });
  }

  async stop(): Promise<void> {
    await this.#worker?.stop();
    await this.#syncing;
  }

  /** Brings the schedules of a workspace in line with its definitions. One call at a time; a failure is tried again. */
  sync(workspace: FollowedWorkspace): Promise<void> {
    this.#syncing = this.#syncing.then(() =>
      this.#sync(workspace).catch((error: unknown) =>
        this.#logger.warn(
          { workspace: workspace.name, err: error },
          'sources cannot be scheduled; it is tried again with the next change',
        ),
      ),
    );
    return this.#syncing;
  }

  async #sync(workspace: FollowedWorkspace): Promise<void> {
    const { sources } = workspace.fold.catalog;
    const prefix = `${workspace.name}/`;
    const wanted = new Map<string, SourceDocument>();
    for (const [name, source] of sources)
      if (everyMsOf(source) !== null) wanted.set(keyOf(workspace.name, name), source);
    for (const key of await this.#jobs.schedules(SOURCE_QUEUE)) {
      if (!key.startsWith(prefix) || wanted.has(key)) continue;
      await this.#jobs.unschedule(SOURCE_QUEUE, key);
      this.#scheduled.delete(key);
      this.#runs.forget(workspace.name, key.slice(prefix.length));
    }
    for (const [key, source] of wanted) {
      const text = JSON.stringify(source);
      const everyMs = everyMsOf(source);
      // An unchanged source keeps its rhythm: only a change is a reason to run at once.
      if (everyMs === null || this.#scheduled.get(key) === text) continue;
      await this.#jobs.schedule(
        SOURCE_QUEUE,
        key,
        { everyMs },
        { workspace: workspace.name, source: source.metadata.name },
      );
      this.#scheduled.set(key, text);
    }
  }

  async #run(job: Job): Promise<void> {
    const name = String(job.payload.source);
    try {
      const workspace = await this.#workspaces.find(String(job.payload.workspace));
      if (this.#runs.isRunning(workspace.name, name)) return;
      await this.#runs.runOnce(workspace, name, { signal: job.signal });
    } catch (error) {
      if (job.signal.aborted) throw error;
      throw outcomeOf(error, job.attempt);
    }
  }
}

/** Trouble on the way is tried again soon, then ever more rarely; what a person must mend waits for the next tick. */
function outcomeOf(error: unknown, attempt: number): Error {
  const message = describeError(error);
  const delayMs = Math.min(RETRY_MS_MAX, RETRY_MS_MIN * 2 ** Math.min(attempt - 1, 10));
  if (isConnectorFault(error) && error.kind !== 'config') {
    return new RetryAfter(error.retryAfterMs ?? delayMs, message, { cause: error });
  }
  if (error instanceof PacelineError && error.code === 'not_ready')
    return new RetryAfter(1_000, message, { cause: error });
  return new GiveUp(message, { cause: error });
}

function everyMsOf(source: SourceDocument): number | null {
  const every = source.spec.schedule?.every;
  const duration = every === undefined ? undefined : parseDuration(every);
  return duration === undefined ? null : Math.max(EVERY_MS_MIN, approximateMs(duration));
}
