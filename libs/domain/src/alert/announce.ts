import type { TransitionKind } from '../alert.ts';
import type { Verdict } from '../evaluation.ts';
import type { Instant } from '../instant.ts';
import type { AlertState, Episode } from './machine.ts';
import { openEpisode } from './machine.ts';
import { rankOf } from './point.ts';

/** What the messages about one (rule, subject, period) have said so far. Only an open alert is remembered. */
export interface Announced {
  readonly episode: Instant;
  /** Worst verdict announced. */
  readonly worst: Verdict;
  /** recordedAt of the last message of any kind. */
  readonly recordedAt: Instant;
  /** What the last message said. */
  readonly value: string | null;
  readonly verdict: Verdict;
}

export interface Announcement {
  readonly kind: TransitionKind;
  readonly episode: Instant;
  /** Grid point whose judgement the message shows; `null`: none is left, it repeats the last message's. */
  readonly at: Instant | null;
}

/**
 * Compares the machine folded to the present with the last announced state. At most one message leaves, however many
 * grid points and corrections lie between: readers are told where they stand, not what they missed.
 */
export function announce(state: AlertState, announced: Announced | null): Announcement | null {
  const open = openEpisode(state);
  if (announced === null) {
    return open === undefined ? null : { kind: 'opened', episode: open.opened, at: state.evidence };
  }
  const { episode } = announced;
  // An alert that still fires is the same alert, even when a correction moved the grid point at which it began.
  if (open !== undefined) {
    const worse = rankOf(open.worst) < rankOf(announced.worst);
    return worse ? { kind: 'escalated', episode, at: state.evidence } : null;
  }
  const last = lastSince(state, episode);
  if (last === undefined) return { kind: 'retracted', episode, at: state.evidence };
  return { kind: last.end ?? 'recovered', episode, at: last.ended };
}

/** The latest episode that was open at or after the announced opening: with none, what opened the alert is gone. */
function lastSince(state: AlertState, opened: Instant): Episode | undefined {
  const last = state.episodes.at(-1);
  return last !== undefined && (last.ended ?? Number.POSITIVE_INFINITY) >= opened ? last : undefined;
}

/**
 * When an open alert is due to be repeated: `remindMs` after its last message, not before a snooze ends, never while
 * acknowledged. A snooze that ends repeats it once, reminders or not.
 */
export function reminderDue(
  announced: Announced,
  remindMs: number | null,
  said: { readonly acknowledgedAt: Instant | null; readonly snoozedUntil: Instant | null },
): Instant | null {
  if (said.acknowledgedAt !== null && said.acknowledgedAt >= announced.recordedAt) return null;
  const snoozed = said.snoozedUntil !== null && said.snoozedUntil > announced.recordedAt ? said.snoozedUntil : null;
  if (remindMs === null) return snoozed;
  return Math.max(announced.recordedAt + remindMs, snoozed ?? Number.NEGATIVE_INFINITY);
}
