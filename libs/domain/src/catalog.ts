import type { Document } from './document.ts';
import type { Instant } from './instant.ts';
import type { Position } from './position.ts';

/** A document and when it became known. */
export interface KnownDocument {
  readonly document: Document;
  readonly position: Position;
  readonly recordedAt: Instant;
  /** Position of the last change that moved a metric's buckets (grain, zone, calendar, points, aggregation); metrics only. */
  readonly shape?: Position;
}

/** The definitions known at one position, compiled for evaluation. Built by `compileCatalog`, never changed. */
export interface Catalog {
  /** Of the last accepted definition command. */
  readonly position: Position | null;
  readonly documents: ReadonlyMap<string, KnownDocument>;
}
