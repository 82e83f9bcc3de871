import type { WorkspaceDefaults } from './catalog.ts';
import type { Document, JsonValue } from './document.ts';
import type { Instant } from './instant.ts';
import type { Position } from './position.ts';

/** Everything that can change an answer. A fact is immutable; its record's offset is its place in the one order. */
export type Fact =
  | ObservationsFact
  | CoveredFact
  | SourceStateFact
  | DefinitionsFact
  | CheckInFact
  | OverrideFact
  | AcknowledgementFact
  | SnoozeFact
  | SilenceFact
  | TickFact;

/** One statement of a point. Decimals are canonical text; `value: null` retracts. Ratio points carry the two parts. */
export interface PointStatement {
  /** Label of a bucket of the metric's grain; this or `time`. */
  readonly period?: string;
  /** ISO instant in UTC with at most microseconds. */
  readonly time?: string;
  readonly value?: string | null;
  readonly numerator?: string;
  readonly denominator?: string;
  /** No absent, null or empty dimension stands here. */
  readonly dimensions?: Readonly<Record<string, string>>;
  readonly id?: string;
  readonly revision?: number;
}

/** `push`, or `source/NAME`. */
export type Feeder = string;

export interface ObservationsFact {
  readonly type: 'observations';
  readonly metric: string;
  readonly feeder: Feeder;
  /** When the read of the source began; absent (pushed): the record's recordedAt. */
  readonly readAt?: Instant;
  readonly run?: string;
  /** At most 1,000; the n-th has position `offset:n`. */
  readonly points: readonly PointStatement[];
  /** The same points once more, where all are plain: a million of them are quicker read as columns than as objects. */
  readonly columns?: PointColumns;
}

/** How many points a record has, however they are held. */
export function pointCount(fact: ObservationsFact): number {
  return fact.columns?.periods.length ?? fact.points.length;
}

/** Points of which each says a label, a decimal that a double holds once scaled, its dimensions, and nothing else. */
export interface PointColumns {
  /** Labels of buckets. */
  readonly periods: readonly string[];
  /** Values times 10⁹: safe integers. */
  readonly scaled: readonly number[];
  /** Mostly the same object for the same dimensions; one without any where a point says none. */
  readonly dimensions: readonly Readonly<Record<string, string>>[];
}
export interface CoveredFact {
  readonly type: 'covered';
  readonly metric: string;
  readonly feeder: Feeder;
  /** Absent: from the feeder's last covered end. */
  readonly from?: Instant;
  readonly to: Instant;
  readonly readAt?: Instant;
}
export interface SourceStateFact {
  readonly type: 'source_state';
  readonly source: string;
  readonly stateVersion: number;
  readonly state: JsonValue;
  readonly run?: string;
}
/** The whole normalised result of an apply; the fold only checks `expects` and the command's id. */
export interface DefinitionsFact {
  readonly type: 'definitions';
  readonly command: string;
  /** Position of the last accepted definition command, `null` before the first. */
  readonly expects: Position | null;
  readonly put: readonly Document[];
  readonly remove: readonly string[];
  /** Policy and pace of subjects that name none, from here on; absent: as they were. */
  readonly defaults?: WorkspaceDefaults;
  readonly actor?: string;
}
export interface CheckInFact {
  readonly type: 'check_in';
  readonly subject: string;
  readonly time: Instant;
  readonly value?: string;
  readonly done?: boolean;
  readonly milestones?: Readonly<Record<string, boolean>>;
  readonly confidence?: number;
  readonly note?: string;
  readonly actor?: string;
}
/** A person's word that a guarded step may be taken once: a mass retraction of a source. */
export interface OverrideFact {
  readonly type: 'override';
  readonly command: string;
  readonly source: string;
  readonly allow: 'mass_retraction';
  readonly until: Instant;
  readonly actor?: string;
}
export interface AcknowledgementFact {
  readonly type: 'acknowledgement';
  readonly alert: string;
  readonly actor?: string;
  readonly note?: string;
}
export interface SnoozeFact {
  readonly type: 'snooze';
  readonly alert: string;
  readonly until: Instant;
  readonly actor?: string;
  readonly note?: string;
}
export interface SilenceFact {
  readonly type: 'silence';
  readonly id: string;
  readonly matchers: Readonly<Record<string, string>>;
  readonly until: Instant;
  readonly reason: string;
  readonly actor?: string;
}
export interface TickFact {
  readonly type: 'tick';
  readonly edition: number;
}

/** A fact in its place. `recordedAt` is strictly increasing along a workspace's log. */
export interface Recorded<F extends Fact = Fact> {
  readonly position: Position;
  readonly recordedAt: Instant;
  /** CloudEvents id: producer's own, for tracing and for command deduplication. */
  readonly id: string;
  readonly fact: F;
}

/** Nearly all records of a log. */
export function isObservations(record: Recorded): record is Recorded<ObservationsFact> {
  return record.fact.type === 'observations';
}
