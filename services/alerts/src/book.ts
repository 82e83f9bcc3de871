import type { Instant, Transition } from '@paceline/domain';
import type { AlertRecord, DeliveryAttempt } from '@paceline/events';

/** One transition that one channel has not finally got. */
export interface PendingDelivery {
  readonly workspace: string;
  readonly transition: Transition;
  readonly channel: string;
  /** When the log took the transition. */
  readonly seenAt: Instant;
  /** Tries so far. */
  readonly attempts: number;
  /** Earliest next try; `null` for at once. */
  readonly nextAt: Instant | null;
  /** Why the last try failed. */
  readonly trouble: string | null;
}

export interface KnownAlert {
  readonly workspace: string;
  readonly alert: string;
  readonly rule: string;
  readonly subject: string;
  readonly episode: Instant;
}

/** Ids are remembered so that a redone tick's transition is not sent again; far more than a day's worth. */
const SEEN_MAX = 200_000;
const ALERTS_MAX = 200_000;

/**
 * The fold of topic `alerts`: which deliveries are still owed. It is a function of the records alone, so a restart, or another
 * process, owes exactly the same.
 */
export class DeliveryBook {
  readonly #pending = new Map<string, PendingDelivery>();
  readonly #seen = new Set<string>();
  readonly #alerts = new Map<string, KnownAlert>();
  readonly #disabled = new Map<string, Instant>();

  /** Answers the deliveries that became owed by it. */
  apply(record: AlertRecord, recordedAt: Instant): PendingDelivery[] {
    return record.type === 'transition'
      ? this.#transition(record.workspace, record.transition, recordedAt)
      : this.#attempt(record.workspace, record.delivery);
  }

  pending(): IterableIterator<PendingDelivery> {
    return this.#pending.values();
  }

  get size(): number {
    return this.#pending.size;
  }

  find(workspace: string, transition: string, channel: string): PendingDelivery | undefined {
    return this.#pending.get(deliveryKey(workspace, transition, channel));
  }

  /** The alert by its whole id or by a beginning that only one has. */
  alert(workspace: string, id: string): KnownAlert | undefined {
    const exact = this.#alerts.get(`${workspace}/${id}`);
    if (exact !== undefined || id.length < 8) return exact;
    const found = [...this.#alerts.values()].filter(
      (alert) => alert.workspace === workspace && alert.alert.startsWith(id),
    );
    return found.length === 1 ? found[0] : undefined;
  }

  /** When the endpoint said that it is gone; cleared by a newer definition of the channel, which the caller knows. */
  disabledAt(workspace: string, channel: string): Instant | undefined {
    return this.#disabled.get(`${workspace}/${channel}`);
  }

  #transition(workspace: string, transition: Transition, seenAt: Instant): PendingDelivery[] {
    const { alert, rule, subject, episode } = transition;
    remember(this.#alerts, `${workspace}/${alert}`, { workspace, alert, rule, subject, episode }, ALERTS_MAX);
    const id = `${workspace}/${transition.id}`;
    if (this.#seen.has(id)) return [];
    if (this.#seen.size >= SEEN_MAX) this.#seen.delete(this.#seen.values().next().value ?? '');
    this.#seen.add(id);
    return [...new Set(transition.channels)].map((channel) => {
      const owed: PendingDelivery = {
        workspace,
        transition,
        channel,
        seenAt,
        attempts: 0,
        nextAt: null,
        trouble: null,
      };
      this.#pending.set(deliveryKey(workspace, transition.id, channel), owed);
      return owed;
    });
  }

  #attempt(workspace: string, attempt: DeliveryAttempt): PendingDelivery[] {
    const key = deliveryKey(workspace, attempt.transition, attempt.channel);
    if (attempt.outcome === 'disabled') this.#disabled.set(`${workspace}/${attempt.channel}`, attempt.at);
    const owed = this.#pending.get(key);
    if (owed === undefined) return [];
    if (attempt.outcome === 'retry') {
      this.#pending.set(key, {
        ...owed,
        attempts: attempt.attempt,
        nextAt: attempt.nextAt ?? null,
        trouble: attempt.message ?? null,
      });
    } else {
      this.#pending.delete(key);
    }
    return [];
  }
}

export function deliveryKey(workspace: string, transition: string, channel: string): string {
  return `${workspace}/${transition}/${channel}`;
}

function remember<Value>(map: Map<string, Value>, key: string, value: Value, max: number): void {
  map.delete(key);
  map.set(key, value);
  if (map.size > max) map.delete(map.keys().next().value ?? '');
}
