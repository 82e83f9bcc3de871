import { DefinitionFold, type SourceDocument } from '@paceline/domain';
import { FACTS_PREFIX, factsTopic, isWorkspaceName, workspaceOf } from '@paceline/events';
import type { EventLog } from '@paceline/log';
import { type Follower, type FollowOptions, followWorkspace } from '@paceline/log/follow';
import { readableTopics } from '@paceline/log/readable';
import { type Logger, PacelineError, systemClock, Trouble } from '@paceline/runtime';

const LOOK_FOR_NEW_MS = 5_000;

export interface FollowedWorkspace {
  readonly name: string;
  readonly topic: string;
  /** Definitions, state of sources and overrides; nothing else is folded. */
  readonly fold: DefinitionFold;
  readonly follower: Follower;
  /** Whether the log as it was when following began has been read. */
  ready: boolean;
  readonly opened: Promise<void>;
  /** Ends the following. */
  readonly left: AbortController;
}

export interface WorkspacesDeps {
  readonly log: EventLog;
  readonly logger: Logger;
  /** Called after definitions of a workspace changed, and once when it has been read for the first time. */
  changed(workspace: FollowedWorkspace): void;
  /** How followers wait; a simulation's clock decides what happens first. Default: the machine's time. */
  readonly sleep?: FollowOptions<never>['sleep'];
}

/** Follows every workspace's definitions and source state, for runs and pushes alike. */
export class Workspaces {
  readonly #deps: WorkspacesDeps;
  readonly #followed = new Map<string, FollowedWorkspace>();
  /** Topics that are refused, told once. */
  #refused: ReadonlySet<string> = new Set();
  readonly #stopped = new AbortController();
  #timer: NodeJS.Timeout | null = null;
  /** By the machine's time, as below. */
  readonly #trouble = new Trouble(systemClock);

  constructor(deps: WorkspacesDeps) {
    this.#deps = deps;
  }

  /** Why the log cannot be followed; `null` while it can. */
  get troubled(): string | null {
    return this.#trouble.message;
  }

  get all(): readonly FollowedWorkspace[] {
    return [...this.#followed.values()];
  }

  /** Follows what exists and `own`, which is created, and resolves once all of it has been read. */
  async start(own: string): Promise<void> {
    await this.#deps.log.ensureTopic(factsTopic(own));
    await this.look();
    await Promise.all(this.all.map(({ opened }) => opened));
    this.#lookAgain();
  }

  async stop(): Promise<void> {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#stopped.abort();
    await Promise.all(this.all.map(({ follower }) => follower.done));
  }

  /** Resolves once everything that is in the log now is folded. */
  async caughtUp(): Promise<void> {
    await Promise.all(this.all.map(({ follower }) => follower.caughtUp()));
  }

  /** Throws `unknown_workspace` or `not_ready`. */
  async find(name: string): Promise<FollowedWorkspace> {
    if (isWorkspaceName(name) && !this.#followed.has(name)) await this.look();
    const workspace = this.#followed.get(name);
    if (workspace === undefined)
      throw new PacelineError('unknown_workspace', `there is no workspace ${name.slice(0, 80)}`);
    if (!workspace.ready) {
      throw new PacelineError('not_ready', `the definitions of ${name} are still being read`, { retryAfterSeconds: 1 });
    }
    return workspace;
  }

  async look(): Promise<void> {
    const known = new Set(this.all.map(({ topic }) => topic));
    const { topics, refused } = await readableTopics(this.#deps.log, FACTS_PREFIX, known);
    for (const topic of topics) {
      const name = workspaceOf(topic);
      if (name !== undefined && !this.#followed.has(name)) this.#follow(name, topic);
    }
    for (const [topic, error] of refused) {
      if (!this.#refused.has(topic))
        this.#deps.logger.error({ topic, err: error }, 'a workspace is left out until its topic is put right');
    }
    this.#refused = new Set(refused.keys());
    for (const { name, topic, left } of this.all) {
      if (topics.includes(topic)) continue;
      // A tenant that left was erased with its topic.
      this.#followed.delete(name);
      left.abort();
    }
  }

  /** By the machine's time: a clock that plays years would look thousands of times a day. */
  #lookAgain(): void {
    this.#timer = setInterval(() => {
      this.look().catch((error: unknown) =>
        this.#deps.logger.warn({ err: error }, 'new workspaces cannot be looked for; it is tried again'),
      );
    }, LOOK_FOR_NEW_MS);
    this.#timer.unref();
  }

  #follow(name: string, topic: string): void {
    const { log, logger, changed, sleep } = this.#deps;
    const fold = new DefinitionFold();
    const left = new AbortController();
    const follower = followWorkspace(log, topic, {
      types: ['definitions', 'source_state', 'override'],
      apply: ({ fact, position, recordedAt, id }) => {
        const effect = fold.apply(fact, { position, appendedAt: recordedAt, id });
        this.#trouble.clear();
        if (effect.change !== undefined && workspace.ready) changed(workspace);
      },
      signal: AbortSignal.any([this.#stopped.signal, left.signal]),
      ...(sleep === undefined ? {} : { sleep }),
      undecodable: (record, reason) =>
        logger.warn(
          { workspace: name, offset: record.offset, code: reason.code },
          'a record cannot be read; the processor keeps it in the dead letters',
        ),
      failed: (error) => {
        this.#trouble.tell(`the log of ${name} cannot be followed`);
        logger.warn({ workspace: name, err: error }, 'following a workspace failed; it is tried again');
      },
    });
    const opened = follower.caughtUp().then(() => {
      if (this.#stopped.signal.aborted || left.signal.aborted) return;
      workspace.ready = true;
      changed(workspace);
    });
    const workspace: FollowedWorkspace = { name, topic, fold, follower, ready: false, opened, left };
    this.#followed.set(name, workspace);
  }
}

/** The source's document. Throws `unknown_source` with a suggestion. */
export function sourceOf(
  workspace: Pick<FollowedWorkspace, 'fold' | 'name'>,
  name: string,
  suggest: (name: string, names: Iterable<string>) => string,
): SourceDocument {
  const { sources } = workspace.fold.catalog;
  const source = sources.get(name);
  if (source !== undefined) return source;
  throw new PacelineError(
    'unknown_source',
    `workspace ${workspace.name} has no source ${name.slice(0, 80)}${suggest(name, sources.keys())}`,
  );
}
