import type { Document } from '../document.ts';
import type { Instant } from '../instant.ts';
import type { RawObservation } from '../metric/accept.ts';

/** A case in text after parsing (SURFACE, Scenario). The reader at the edge gives more; only this is needed to run it. */
export interface Scenario {
  readonly name: string;
  /** Without `recordedAt`: known from the beginning. */
  readonly definitions: readonly { readonly document: Document; readonly recordedAt?: Instant }[];
  readonly observations: readonly ScenarioObservation[];
  readonly checkIns: readonly ScenarioCheckIn[];
  readonly covered: readonly ScenarioCovered[];
  readonly at: readonly ScenarioInstant[];
  readonly expect: readonly ScenarioExpectation[];
  /** What the reader already refused, for its shape. */
  readonly refused?: readonly { readonly code: string; readonly message: string }[];
}

export interface ScenarioObservation {
  readonly metric: string;
  readonly raw: RawObservation;
  /** Default: the point's own time, of a period its end. */
  readonly recordedAt?: Instant;
  readonly readAt?: Instant;
}

export interface ScenarioCheckIn {
  readonly subject: string;
  /** Default: `recordedAt`. One of the two is needed. */
  readonly time?: Instant;
  readonly recordedAt?: Instant;
  readonly value?: string;
  readonly done?: boolean;
  readonly milestones?: Readonly<Record<string, boolean>>;
  readonly confidence?: number;
  readonly note?: string;
}

export interface ScenarioCovered {
  readonly metric: string;
  /** Default: from the beginning. */
  readonly from?: Instant;
  readonly to: Instant;
  /** Default: `to`. */
  readonly recordedAt?: Instant;
}

export interface ScenarioInstant {
  readonly asOf: Instant;
  readonly knownAt: Instant;
}

/** Either a code with which something must be refused, or what an evaluation must say, key by key. */
export type ScenarioExpectation =
  | { readonly error: string }
  | (ScenarioInstant & { readonly subject: string; readonly values: Readonly<Record<string, unknown>> });

/** Something of the scenario that the product would not have accepted. */
export interface ScenarioRefusal {
  readonly code: string;
  readonly message: string;
  /** The list it stands in and its index there; -1 where the reader refused it. */
  readonly list: 'definitions' | 'observations' | 'checkins' | 'covered';
  readonly index: number;
}
