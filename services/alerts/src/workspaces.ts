import { setTimeout as sleep } from 'node:timers/promises';
import { type ChannelDocument, DefinitionFold, type Instant, type Position, type Suppression } from '@paceline/domain';
import { FACTS_PREFIX, workspaceOf } from '@paceline/events';
import type { EventLog } from '@paceline/log';
import { type Follower, followWorkspace } from '@paceline/log/follow';
import { readableTopics } from '@paceline/log/readable';
import type { Logger } from '@paceline/runtime';
import type { ChannelBook } from './deliveries.ts';

const LOOK_FOR_NEW_MS = 5_000;
const KNOWN_WITHIN_MS = 5_000;

interface Followed {
  readonly fold: DefinitionFold;
  readonly follower: Follower;
  readonly topic: string;
  /** Ends the following. */
  readonly left: AbortController;
}

/** Follows every workspace's definitions, acknowledgements, snoozes and silences, so that a delivery knows its channel and whether it is wanted. */
export class FollowedWorkspaces implements ChannelBook {
  readonly #log: EventLog;
  readonly #logger: Logger;
  readonly #followed = new Map<string, Followed>();
  readonly #stopped = new AbortController();
  #timer: NodeJS.Timeout | null = null;

  constructor(log: EventLog, logger: Logger) {
    this.#log = log;
    this.#logger = logger;
  }

  async start(): Promise<void> {
    await this.#look();
    this.#timer = setInterval(() => {
      this.#look().catch((error: unknown) =>
        this.#logger.warn({ err: error }, 'looking for new workspaces failed; it is tried again'),
      );
    }, LOOK_FOR_NEW_MS);
    this.#timer.unref();
  }

  async stop(): Promise<void> {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#stopped.abort();
    await Promise.all([...this.#followed.values()].map(({ follower }) => follower.done));
  }

  async knows(workspace: string, at: Position): Promise<boolean> {
    // A workspace may be younger than the last look.
    if (!this.#followed.has(workspace)) await this.#look();
    const follower = this.#followed.get(workspace)?.follower;
    if (follower === undefined) return false;
    if (follower.position !== undefined && follower.position >= at) return true;
    const late = new AbortController();
    const waited = sleep(KNOWN_WITHIN_MS, false, { signal: late.signal, ref: false }).catch(() => false);
    const known = await Promise.race([follower.caughtUp().then(() => true), waited]);
    late.abort();
    return known;
  }

  channel(
    workspace: string,
    name: string,
  ): { readonly document: ChannelDocument; readonly recordedAt: Instant } | undefined {
    const known = this.#followed.get(workspace)?.fold.documents.get(`channel/${name}`);
    return known?.document.kind === 'Channel' ? { document: known.document, recordedAt: known.recordedAt } : undefined;
  }

  suppression(workspace: string): Suppression {
    return (this.#followed.get(workspace)?.fold ?? new DefinitionFold()).suppression;
  }

  async #look(): Promise<void> {
    const known = new Set([...this.#followed.values()].map(({ topic }) => topic));
    // What is refused is told by the processor.
    const { topics } = await readableTopics(this.#log, FACTS_PREFIX, known);
    for (const [workspace, { topic, left }] of this.#followed) {
      if (topics.includes(topic)) continue;
      // A tenant that left was erased with its topic.
      this.#followed.delete(workspace);
      left.abort();
    }
    for (const topic of topics) {
      const workspace = workspaceOf(topic);
      if (workspace === undefined || this.#followed.has(workspace)) continue;
      const fold = new DefinitionFold();
      const left = new AbortController();
      const follower = followWorkspace(this.#log, topic, {
        types: ['definitions', 'acknowledgement', 'snooze', 'silence'],
        apply: ({ fact, position, recordedAt, id }) => {
          fold.apply(fact, { position, appendedAt: recordedAt, id });
        },
        signal: AbortSignal.any([this.#stopped.signal, left.signal]),
        failed: (error) =>
          this.#logger.warn({ workspace, err: error }, 'following a workspace failed; it is tried again'),
      });
      this.#followed.set(workspace, { fold, follower, topic, left });
    }
  }
}
