import { offsetOf, type Position, position } from '@paceline/domain';
import { ALERTS_TOPIC, DEADLETTER_TOPIC, FACTS_PREFIX, factsTopic, workspaceOf } from '@paceline/events';
import { type BatchContext, type LogRecord, LogRefused, type Subscription } from '@paceline/log';
import { describeError, type Health, PacelineError, type Service, type Timer, Trouble } from '@paceline/runtime';
import { CellBudget } from './cell-budget.ts';
import { DEFAULTS, type ProcessorDeps, type ProcessorOptions, type WorkspaceDeps } from './options.ts';
import { placeOf } from './place.ts';
import { Ticker } from './ticker.ts';
import { Abandoned, DURATION_MS_MAX, type Held, Workspace, type WorkspaceProgress } from './workspace.ts';

export type { Held } from './workspace.ts';

export interface Processor extends Service {
  /** Appends a tick at the head and resolves when it is judged; answers its position. */
  tick(workspace: string): Promise<Position>;
  /** Resolves when everything at or below the position is in every table, status among them. */
  settle(workspace: string, at: Position): Promise<void>;
  /**
   * Runs while these workspaces stand still, with every table up to what was taken. Rejects with `replay_not_here` when another
   * processor has one of them.
   */
  hold<Result>(
    workspaces: readonly string[],
    work: (held: ReadonlyMap<string, Held>) => Promise<Result>,
  ): Promise<Result>;
  health(): ProcessorHealth;
}

export interface ProcessorHealth extends Health {
  readonly workspaces: Readonly<Record<string, WorkspaceProgress & { readonly lag: number }>>;
}

/** Retention of topics that are not the truth: transitions and dead letters. */
const WEEKS_13_MS = 91 * 86_400_000;
/** Longer than what failed is waited with before it is delivered again, mostly. */
const REVIVE_MS = 3_000;
const RESTART_MS_MAX = 30_000;
/** After a refresh of the status, so many times its own duration go to other work: more while the head is far. */
const REFRESH_PAUSES = { head: 1, behind: 9 } as const;
/** A workspace that was not at the head of its log for this long is far behind. */
const FAR_MS = 10_000;
/** Workspaces that health names. */
const NAMED_MAX = 5;
/** Of the time to stop, how much the last ticks may take. */
const LAST_TICKS_SHARE = 0.6;

interface Owned {
  readonly workspace: Workspace;
  readonly ticker: Ticker;
  refreshTimer: Timer | null;
  /** When the status was first out of date. */
  since: number | null;
  /** The next refresh waits until then. */
  notBefore: number;
}

/** Turns the logs of all workspaces it is assigned into tables. Several share the workspaces of one group. */
export function createProcessor(deps: ProcessorDeps): Processor {
  const options: ProcessorOptions = { ...DEFAULTS, ...deps.options };
  const { log, store, clock, logger, metrics } = deps;
  const owned = new Map<string, Owned>();
  const budget = new CellBudget(options.cellBytesMax);
  /** Topics that were given to this member and of which it does not know yet where to begin. */
  const assigning = new Map<string, symbol>();
  const waiters = new Set<() => void>();
  let subscription: Subscription | null = null;
  const trouble = new Trouble(clock);
  /** Topics in a shape that breaks the one order, with what is to be done; the others go on. */
  const refused = new Map<string, Trouble>();
  let stopping = false;

  function workspaceDeps(topic: string): WorkspaceDeps | undefined {
    const workspace = workspaceOf(topic);
    if (workspace === undefined) return undefined;
    const { edition } = deps;
    const own = { workspace, topic, options, budget, mode: 'live' as const };
    return { log, store, clock, logger, metrics, edition, ...own };
  }

  function own(topic: string): Owned | undefined {
    const known = owned.get(topic);
    const its = workspaceDeps(topic);
    if (known !== undefined || its === undefined) return known;
    const workspace = new Workspace(its);
    const ticker = new Ticker(its, workspace);
    const entry: Owned = { workspace, ticker, refreshTimer: null, since: null, notBefore: 0 };
    workspace.caughtUp = () => {
      ticker.schedule();
      scheduleRefresh(topic, entry);
      announceProgress();
    };
    owned.set(topic, entry);
    return entry;
  }

  /** After a moment of silence, or of noise; but refreshing takes a bounded share of the time. */
  function scheduleRefresh(topic: string, entry: Owned): void {
    // Not the log's time, which may stand still or leap where a story is played.
    const now = clock.monotonic();
    entry.since ??= now;
    const { isAtHead, sinceHeadMs } = entry.workspace;
    const behindMs = sinceHeadMs < FAR_MS ? options.statusBusyMs : options.statusFarMs;
    // Behind there is no silence: what seems one is the time that other work takes.
    const wished = isAtHead
      ? Math.min(now + options.statusIdleMs, entry.since + options.statusHeadMs)
      : entry.since + behindMs;
    const waitMs = Math.max(0, Math.max(wished, entry.notBefore) - now);
    entry.refreshTimer?.cancel();
    entry.refreshTimer = clock.after(waitMs, () => void refresh(topic, entry));
  }

  async function refresh(topic: string, entry: Owned): Promise<void> {
    entry.refreshTimer?.cancel();
    entry.refreshTimer = null;
    entry.since = null;
    let tookMs = 0;
    try {
      tookMs = await entry.workspace.refresh();
      // What is taken at the head is written here: a batch that was taken says nothing of the tables.
      trouble.clear();
    } catch (error) {
      if (owned.get(topic) !== entry) return;
      trouble.tell(`${topic}: ${describeError(error)}`);
      logger.warn(
        { workspace: entry.workspace.deps.workspace, err: error },
        'the status could not be refreshed; tried again',
      );
      if (!entry.workspace.isLoaded) reviveLater(topic, entry);
      entry.since = clock.monotonic();
      entry.refreshTimer = clock.after(
        Math.min(RESTART_MS_MAX, options.statusBusyMs * 2),
        () => void refresh(topic, entry),
      );
    }
    const pauses = entry.workspace.isAtHead ? REFRESH_PAUSES.head : REFRESH_PAUSES.behind;
    entry.notBefore = clock.monotonic() + pauses * Math.min(DURATION_MS_MAX, tookMs);
    announceProgress();
  }

  function announceProgress(): void {
    for (const waiter of [...waiters]) waiter();
  }

  async function assigned(topic: string, committed: number): Promise<number | undefined> {
    const its = workspaceDeps(topic);
    const asking = Symbol(topic);
    assigning.set(topic, asking);
    const place = its === undefined ? committed : await placeOf(its, committed);
    // Taken away while the engine was slow to answer: nobody would ever release what is begun now.
    if (assigning.get(topic) !== asking) return undefined;
    assigning.delete(topic);
    const entry = own(topic);
    refused.delete(topic);
    if (entry === undefined) {
      logger.warn({ topic }, 'this topic is named like a workspace of Paceline and is none; it is left alone');
      return undefined;
    }
    const [end] = await Promise.all([log.end(topic), entry.workspace.serial.run(() => entry.workspace.load(place))]);
    if (owned.get(topic) !== entry) return undefined;
    entry.workspace.headKnown(end);
    // Nothing may come, and something may be due all the same.
    if (end <= place) entry.workspace.caughtUp();
    return place === committed ? undefined : place;
  }

  /**
   * What is written a moment after it was taken, at the head, may fail when its batch is over; and a commit may have arrived though its
   * answer did not. Then nothing is delivered again by itself, and the workspace would stand, with no tick and no status, until the
   * next fact comes.
   */
  async function revive(topic: string, entry: Owned): Promise<void> {
    const { workspace } = entry;
    const isBroken = (): boolean => !stopping && owned.get(topic) === entry && !workspace.isLoaded;
    if (!isBroken()) return;
    // In its turn as a whole: a batch between the look at the commit and the load would be forgotten.
    await workspace.serial.run(async () => {
      if (!isBroken()) return;
      const committed = await log.committed(options.group, topic);
      if (committed >= (await log.end(topic))) await workspace.load(committed);
      else if (isBroken()) subscription?.seek(topic, committed);
    });
    if (workspace.isLoaded) workspace.caughtUp();
  }

  function reviveLater(topic: string, entry: Owned): void {
    clock.after(REVIVE_MS, () => {
      revive(topic, entry).catch((error: unknown) => {
        logger.warn({ topic, err: error }, 'a workspace could not be restored; tried again');
        reviveLater(topic, entry);
      });
    });
  }

  async function release(topic: string): Promise<void> {
    assigning.delete(topic);
    const entry = owned.get(topic);
    if (entry === undefined) return;
    owned.delete(topic);
    // At once: it may be given back, and take a share anew, while this waits.
    budget.leave(entry.workspace.deps.workspace);
    entry.ticker.stop();
    entry.refreshTimer?.cancel();
    await entry.workspace.serial.idle();
  }

  async function batch(records: readonly LogRecord[], context: BatchContext): Promise<void> {
    const entry = own(context.topic);
    if (entry === undefined) return;
    await entry.workspace.take(records, context);
    scheduleRefreshWhenBusy(context.topic, entry);
  }

  /** Far behind, the head is not reached for long; people see progress all the same. */
  function scheduleRefreshWhenBusy(topic: string, entry: Owned): void {
    if (entry.refreshTimer === null) scheduleRefresh(topic, entry);
  }

  function waitUntil(done: () => boolean): Promise<void> {
    if (done()) return Promise.resolve();
    return new Promise((resolve) => {
      const waiter = (): void => {
        if (!done()) return;
        waiters.delete(waiter);
        resolve();
      };
      waiters.add(waiter);
    });
  }

  function progressOf(workspace: string): WorkspaceProgress | undefined {
    return owned.get(factsTopic(workspace))?.workspace.progress;
  }

  async function settle(workspace: string, at: Position): Promise<void> {
    const topic = factsTopic(workspace);
    await waitUntil(() => (progressOf(workspace)?.next ?? 0) > offsetOf(at));
    // Whoever asks does not wait for the moment of silence.
    const entry = owned.get(topic);
    if (entry !== undefined && entry.workspace.progress.settled < at) await refresh(topic, entry);
    await waitUntil(() => (progressOf(workspace)?.settled ?? -1) >= at);
  }

  async function tick(workspace: string): Promise<Position> {
    const topic = factsTopic(workspace);
    await waitUntil(() => owned.get(topic) !== undefined);
    const end = await log.end(topic);
    await settle(workspace, position(end) - 1);
    const offset = await owned.get(topic)?.ticker.append();
    if (offset === undefined) throw new Error(`workspace ${workspace} was handed to another processor; ask that one`);
    await settle(workspace, position(offset));
    return position(offset);
  }

  async function hold<Result>(
    workspaces: readonly string[],
    work: (held: ReadonlyMap<string, Held>) => Promise<Result>,
    held: ReadonlyMap<string, Held> = new Map(),
  ): Promise<Result> {
    const [first, ...others] = workspaces;
    if (first === undefined) return work(held);
    const entry = owned.get(factsTopic(first));
    if (entry === undefined)
      throw new PacelineError('replay_not_here', `workspace ${first} is processed by another process`);
    return entry.workspace.hold((one) => hold(others, work, new Map([...held, [first, one]])));
  }

  /** What came so far is judged a last time, where that would say something and as far as the time allows. */
  async function lastTicks(): Promise<void> {
    for (const [topic, { ticker }] of [...owned]) {
      const workspace = workspaceOf(topic);
      if (workspace === undefined || stopping) continue;
      await settle(workspace, position(await log.end(topic)) - 1);
      if (!stopping && ticker.isDue) await tick(workspace);
    }
  }

  /** Resolves to whether the work ended within the time. */
  async function within(ms: number, work: Promise<unknown>): Promise<boolean> {
    const late = new AbortController();
    const inTime = work.then(() => true).finally(() => late.abort());
    const outOfTime = clock.sleep(Math.max(1, ms), late.signal).then(
      () => false,
      () => true,
    );
    const ended = await Promise.race([inTime, outOfTime]);
    if (!ended)
      inTime.catch((error: unknown) => logger.debug({ err: error }, 'work that a stop did not wait for failed'));
    return ended;
  }

  async function letGo(): Promise<void> {
    for (const { workspace } of owned.values()) await workspace.stop();
    await subscription?.stop();
    for (const topic of [...owned.keys()]) await release(topic);
  }

  function health(): ProcessorHealth {
    const workspaces: Record<string, WorkspaceProgress & { lag: number }> = {};
    const failure = [...refused.values(), trouble].flatMap(({ message }) => message ?? []).join('; ');
    // A topic that was given to this process and is not read yet is as far behind as can be.
    const unread = (subscription?.assignment() ?? []).filter((topic) => !owned.has(topic) && workspaceOf(topic));
    let ready = subscription !== null && failure === '' && !stopping && unread.length === 0;
    let behind = 0;
    const waits = unread.map((topic) => `${topic} is not read yet`);
    for (const { workspace } of owned.values()) {
      const { progress, isCurrent, deps } = workspace;
      const lag = Math.max(0, progress.end - progress.committed);
      workspaces[deps.workspace] = { ...progress, lag };
      behind += lag;
      if (lag > 0 || !isCurrent) waits.push(`${deps.workspace} is ${progress.doing}, ${lag} records behind`);
      if (!isCurrent) ready = false;
    }
    const detail = failure !== '' ? failure : waits.length > 0 ? waits.slice(0, NAMED_MAX).join('; ') : undefined;
    return { live: true, ready, behind: { records: behind }, workspaces, ...(detail === undefined ? {} : { detail }) };
  }

  return {
    async start() {
      await store.migrate();
      for (const topic of [ALERTS_TOPIC, DEADLETTER_TOPIC]) await log.ensureTopic(topic, { retentionMs: WEEKS_13_MS });
      subscription = await log.subscribe({
        group: options.group,
        prefix: FACTS_PREFIX,
        assigned,
        revoked: release,
        batch,
        failed(error, topic) {
          if (error instanceof Abandoned) return;
          const message = `${topic ?? 'the log'}: ${describeError(error)}`;
          if (topic !== null && error instanceof LogRefused && !owned.has(topic)) {
            const known = refused.get(topic) ?? new Trouble(clock);
            if (known.message === null)
              logger.error({ topic, err: error }, 'a workspace is not processed until its topic is put right');
            known.tell(message);
            refused.set(topic, known);
            return;
          }
          trouble.tell(message);
          logger.warn({ topic, err: error }, 'a batch failed; it is delivered again');
          const entry = topic === null ? undefined : owned.get(topic);
          if (topic !== null && entry !== undefined) reviveLater(topic, entry);
        },
      });
    },
    async stop() {
      if (stopping) return;
      const deadlineAt = clock.monotonic() + options.stopMs;
      if (options.tickAtStop && trouble.message === null) {
        const ticks = lastTicks().catch((error: unknown) =>
          logger.warn({ err: error }, 'the last tick could not be appended; the next start judges what is due'),
        );
        await within(options.stopMs * LAST_TICKS_SHARE, ticks);
      }
      stopping = true;
      for (const { ticker, refreshTimer } of owned.values()) {
        ticker.stop();
        refreshTimer?.cancel();
      }
      if (await within(deadlineAt - clock.monotonic(), letGo())) return;
      logger.warn('the log did not let go in time; what was not committed is done again at the next start');
    },
    tick,
    settle,
    hold,
    health,
  };
}
