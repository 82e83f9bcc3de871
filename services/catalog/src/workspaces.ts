import { DefinitionFold, type Fact, type Position, position } from '@paceline/domain';
import { encodeFact, factsTopic, isWorkspaceName, workspaceOf } from '@paceline/events';
import { type EventLog, LogBusy, LogRefused } from '@paceline/log';
import { type Follower, type FollowOptions, followWorkspace } from '@paceline/log/follow';
import { type Clock, describeError, type Logger, PacelineError } from '@paceline/runtime';

/** Followed at once; the least recently used is let go beyond it, and read again when it is asked for. */
const FOLLOWED_MAX = 1_000;
const WAIT_MS = 5_000;
/** The first look at a workspace reads its whole log. */
const FIRST_WAIT_MS = 60_000;
const TROUBLED_MS = 60_000;

/** One workspace's definitions, kept at the head of its log. */
export interface Workspace {
  readonly name: string;
  readonly fold: DefinitionFold;
  readonly follower: Follower;
}

export interface WorkspacesDeps {
  readonly log: EventLog;
  readonly clock: Clock;
  readonly logger: Logger;
  /** How long a request waits for the fold to reach what it asks about. Default 5,000. */
  readonly waitMs?: number;
  /** How followers wait; a simulation's clock decides what happens first. Default: the machine's time. */
  readonly sleep?: FollowOptions<never>['sleep'];
}

interface Followed extends Workspace {
  readonly stop: AbortController;
  first: boolean;
}

/** The workspaces that somebody asked about. */
export class Workspaces {
  readonly #deps: WorkspacesDeps;
  readonly #followed = new Map<string, Followed>();
  #trouble: { readonly at: number; readonly message: string } | null = null;

  constructor(deps: WorkspacesDeps) {
    this.#deps = deps;
  }

  /** Why the log could not be followed a moment ago; `null` while it can. Failures repeat while they last. */
  get troubled(): string | null {
    const trouble = this.#trouble;
    return trouble !== null && this.#deps.clock.now() - trouble.at < TROUBLED_MS ? trouble.message : null;
  }

  /** The workspace, caught up with all that its log held at the call. Throws `unknown_workspace` or `not_ready`. */
  async current(name: string, options: { readonly create: boolean }): Promise<Workspace> {
    const workspace = await this.#open(name, options);
    const waitMs = workspace.first ? FIRST_WAIT_MS : this.#waitMs;
    const end = await this.#deps.log.end(factsTopic(name));
    if (end > 0 && !(await workspace.follower.reached(position(end - 1), waitMs))) {
      const behind = end - workspace.follower.next;
      throw new PacelineError('not_ready', `the definitions of ${name} are ${behind} records behind the log`, {
        retryAfterSeconds: 5,
      });
    }
    workspace.first = false;
    return workspace;
  }

  /** The current definitions; none where there is no such workspace yet, which is not made by a look. */
  async foldOf(name: string): Promise<DefinitionFold> {
    try {
      return (await this.current(name, { create: false })).fold;
    } catch (error) {
      const absent = error instanceof PacelineError && error.code === 'unknown_workspace' && isWorkspaceName(name);
      if (absent) return new DefinitionFold();
      throw error;
    }
  }

  /** Waits a while for the fold to reach a record; what it says afterwards is read off the fold. */
  async settle(workspace: Workspace, at: Position): Promise<void> {
    await workspace.follower.reached(at, this.#waitMs);
  }

  get #waitMs(): number {
    return this.#deps.waitMs ?? WAIT_MS;
  }

  /** Appends one fact; answers its offset. A rejected append may have happened, so commands carry an id. */
  async append(workspace: Workspace, fact: Fact, id: string): Promise<number> {
    const message = encodeFact(workspace.name, fact, { id, source: 'catalog' });
    try {
      return (await this.#deps.log.append(factsTopic(workspace.name), [message])).baseOffset;
    } catch (cause) {
      if (cause instanceof LogBusy) throw new PacelineError('log_busy', cause.message, { cause, retryAfterSeconds: 1 });
      throw cause;
    }
  }

  async stop(): Promise<void> {
    const followed = [...this.#followed.values()];
    this.#followed.clear();
    for (const { stop } of followed) stop.abort();
    await Promise.all(followed.map(({ follower }) => follower.done));
  }

  async #open(name: string, { create }: { readonly create: boolean }): Promise<Followed> {
    const known = this.#followed.get(name);
    if (known !== undefined) {
      this.#followed.delete(name);
      this.#followed.set(name, known);
      return known;
    }
    if (!isWorkspaceName(name))
      throw new PacelineError('unknown_workspace', `"${name.slice(0, 80)}" is no name of a workspace`);
    const topic = factsTopic(name);
    if (create) await this.#deps.log.ensureTopic(topic);
    else if (!(await this.#deps.log.topics(topic)).some((found) => workspaceOf(found) === name)) {
      throw new PacelineError('unknown_workspace', `there is no workspace ${name}`);
    }
    // Another request may have opened it while this one waited.
    return this.#followed.get(name) ?? this.#follow(name, topic);
  }

  #follow(name: string, topic: string): Followed {
    const { log, logger, sleep } = this.#deps;
    const fold = new DefinitionFold();
    const stop = new AbortController();
    const follower = followWorkspace(log, topic, {
      types: ['definitions', 'override'],
      apply: (record) => {
        fold.apply(record);
      },
      undecodable: (record, { code, message }) =>
        logger.warn(
          { workspace: name, offset: record.offset, code, message },
          'a definition record cannot be read; it is passed over',
        ),
      failed: (error) => {
        if (error instanceof LogRefused && error.code === 'topic_unknown') {
          // A tenant that left was erased with its topic.
          this.#followed.delete(name);
          stop.abort();
          return;
        }
        this.#trouble = { at: this.#deps.clock.now(), message: `${name}: ${describeError(error)}` };
        logger.warn({ workspace: name, err: error }, 'the log cannot be followed; trying again');
      },
      signal: stop.signal,
      ...(sleep === undefined ? {} : { sleep }),
    });
    const followed: Followed = { name, fold, follower, stop, first: true };
    this.#followed.set(name, followed);
    for (const [oldest, { stop: end }] of this.#followed) {
      if (this.#followed.size <= FOLLOWED_MAX) break;
      this.#followed.delete(oldest);
      end.abort();
    }
    return followed;
  }
}
