import { DefinitionFold, type Instant, instantText, offsetOf, type Position, type Suppression } from '@paceline/domain';
import { factsTopic } from '@paceline/events';
import type { EventLog } from '@paceline/log';
import { type Follower, followWorkspace } from '@paceline/log/follow';
import type { Logger } from '@paceline/runtime';

interface Followed {
  readonly fold: DefinitionFold;
  readonly follower: Follower;
}

/**
 * What people did about alerts. No table has it, so the log is followed for these few facts, from the first request for a
 * workspace's alerts on.
 */
export class Suppressions {
  readonly #log: EventLog;
  readonly #logger: Logger;
  readonly #followed = new Map<string, Followed>();
  readonly #stopped = new AbortController();

  constructor(log: EventLog, logger: Logger) {
    this.#log = log;
    this.#logger = logger;
  }

  /** As of a position; `null` when the log has not been read that far within the time. */
  async at(workspace: string, at: Position, waitMs: number): Promise<Suppression | null> {
    const { fold, follower } = this.#follow(workspace);
    return (await follower.reached(at, waitMs)) ? fold.suppression : null;
  }

  async stop(): Promise<void> {
    this.#stopped.abort();
    await Promise.all([...this.#followed.values()].map(({ follower }) => follower.done));
  }

  #follow(workspace: string): Followed {
    const known = this.#followed.get(workspace);
    if (known !== undefined) return known;
    const fold = new DefinitionFold();
    const follower = followWorkspace(this.#log, factsTopic(workspace), {
      types: ['acknowledgement', 'snooze', 'silence'],
      apply: ({ fact, position, recordedAt, id }) => {
        fold.apply(fact, { position, appendedAt: recordedAt, id });
      },
      signal: this.#stopped.signal,
      failed: (error) =>
        this.#logger.warn({ workspace, err: error }, 'following a workspace failed; it is tried again'),
    });
    const followed = { fold, follower };
    this.#followed.set(workspace, followed);
    return followed;
  }
}

export interface AlertNamed {
  readonly alert: string;
  readonly episode: Instant;
  readonly rule: string;
  readonly subject: string;
  readonly period: string;
  readonly severity: string;
}

/** Why an open alert keeps quiet, for a person: `acknowledged by ada`, `snoozed until …`, `silenced until …: reason`; or `null`. */
export function suppressionText(
  suppression: Suppression,
  named: AlertNamed,
  { now, position }: { readonly now: Instant; readonly position: Position },
): string | null {
  const isKnown = (said: { readonly position: Position } | undefined): boolean =>
    said !== undefined && offsetOf(said.position) <= offsetOf(position);
  // What people do names the alert; written with an episode it is for that one alone.
  const ids = [`${named.alert}:${instantText(named.episode)}`, named.alert];
  const snooze = ids.map((id) => suppression.snooze(id)).find(isKnown);
  if (snooze !== undefined && snooze.until > now) return `snoozed until ${instantText(snooze.until)}${by(snooze)}`;
  for (const silence of suppression.silences()) {
    if (!isKnown(silence) || silence.until <= now || !matches(silence.matchers, named)) continue;
    return `silenced until ${instantText(silence.until)}: ${silence.reason}`;
  }
  const acknowledged = ids.map((id) => suppression.acknowledgement(id)).find(isKnown);
  if (acknowledged === undefined || acknowledged.recordedAt < named.episode) return null;
  return `acknowledged${by(acknowledged)}`;
}

function by({ actor, note }: { readonly actor?: string; readonly note?: string }): string {
  return `${actor === undefined ? '' : ` by ${actor}`}${note === undefined ? '' : `: ${note}`}`;
}

function matches(matchers: Readonly<Record<string, string>>, { rule, subject, period, severity }: AlertNamed): boolean {
  const facts: Readonly<Record<string, string>> = { rule, subject, period, severity };
  return Object.entries(matchers).every(([name, pattern]) => isLike(facts[name] ?? '', pattern));
}

/** `kpi/*` is every KPI; all else is literal. */
function isLike(text: string, pattern: string): boolean {
  const parts = pattern.split('*').map((part) => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${parts.join('.*')}$`, 's').test(text);
}
