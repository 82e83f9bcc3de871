import type { Evaluation } from './evaluation.ts';
import type { Instant } from './instant.ts';
import type { Position } from './position.ts';

export type TransitionKind = 'opened' | 'escalated' | 'recovered' | 'retracted' | 'closed' | 'reminder';

/** One message worth sending. The id is a function of what it stands for, so a redone tick makes the same one. */
export interface Transition {
  readonly id: string;
  /** sha256 of (workspace, rule, subject, period), hex; with the episode it names the alert. */
  readonly alert: string;
  readonly rule: string;
  readonly subject: string;
  /** Label of the judged period. */
  readonly period: string;
  /** The opening grid point. */
  readonly episode: Instant;
  readonly kind: TransitionKind;
  readonly severity: 'info' | 'warn' | 'page';
  /** Grid point at which it happened. */
  readonly at: Instant;
  /** The tick that found it. */
  readonly position: Position;
  readonly recordedAt: Instant;
  readonly channels: readonly string[];
  readonly evaluation: Evaluation;
  /** What the last message of this alert said, for "what changed". */
  readonly previous: { readonly value: string | null; readonly verdict: string } | null;
}
