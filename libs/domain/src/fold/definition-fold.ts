import type { Catalog, KnownDocument } from '../catalog.ts';
import { compileCatalog } from '../definition/compile.ts';
import type { JsonValue } from '../document.ts';
import {
  type CoveredFact,
  type Fact,
  isObservations,
  type ObservationsFact,
  type OverrideFact,
  type Recorded,
} from '../fact.ts';
import type { Instant } from '../instant.ts';
import type { Position } from '../position.ts';
import { nextRecordedAt } from './clock.ts';
import { type CommandOutcome, type DefinitionChange, Definitions, type DefinitionsSnapshot } from './definitions.ts';
import { CheckIns, Suppression, type SuppressionSnapshot } from './people.ts';

export interface SourceState {
  readonly position: Position;
  readonly recordedAt: Instant;
  readonly stateVersion: number;
  readonly state: JsonValue;
  readonly run?: string;
}

export interface Override {
  readonly command: string;
  readonly position: Position;
  readonly recordedAt: Instant;
  readonly until: Instant;
}

export interface LastTick {
  readonly position: Position;
  readonly recordedAt: Instant;
  readonly edition: number;
}

/** What a fact did, for those who write it down. */
export interface FoldEffect {
  readonly outcome?: CommandOutcome;
  readonly change?: DefinitionChange;
}

export const FOLD_SNAPSHOT_VERSION = 3;

export interface DefinitionFoldSnapshot {
  readonly version: number;
  readonly position: Position;
  readonly recordedAt: Instant | null;
  readonly definitions: DefinitionsSnapshot;
  readonly sources: readonly (readonly [source: string, SourceState])[];
  readonly overrides: readonly (readonly [source: string, Override])[];
  readonly checkIns: ReturnType<CheckIns['snapshot']>;
  readonly suppression: SuppressionSnapshot;
  readonly lastTick: LastTick | null;
}

/** A record's place as the log tells it. */
export interface Appended {
  readonly position: Position;
  readonly appendedAt: Instant;
  readonly id: string;
}

/**
 * The light fold: definitions, outcomes of commands, source state, overrides, check-ins, acknowledgements, ticks. What
 * every service but the processor needs of a workspace's log; observations and coverage pass it by.
 */
export class DefinitionFold {
  readonly definitions = new Definitions();
  readonly checkIns = new CheckIns();
  readonly suppression = new Suppression();
  readonly #sources = new Map<string, SourceState>();
  readonly #overrides = new Map<string, Override>();
  #position: Position = -1;
  #recordedAt: Instant = Number.NEGATIVE_INFINITY;
  #lastTick: LastTick | null = null;
  #catalog: Catalog | null = null;

  /** Of the last record seen (of its first point), -1 before the first. */
  get position(): Position {
    return this.#position;
  }

  /** Of the last record seen, -Infinity before the first. */
  get recordedAt(): Instant {
    return this.#recordedAt;
  }

  get lastTick(): LastTick | null {
    return this.#lastTick;
  }

  get documents(): ReadonlyMap<string, KnownDocument> {
    return this.definitions.documents;
  }

  /** The definitions known now, compiled; the same object until an apply changes them. */
  get catalog(): Catalog {
    const { position, documents, defaults } = this.definitions;
    if (this.#catalog === null || this.#catalog.position !== position) {
      this.#catalog = compileCatalog(documents.values(), { position, defaults });
    }
    return this.#catalog;
  }

  sourceState(source: string): SourceState | undefined {
    return this.#sources.get(source);
  }

  /** The latest word that this source may retract in mass; it holds until its own `until`. */
  override(source: string): Override | undefined {
    return this.#overrides.get(source);
  }

  /**
   * Takes a record's place in time. Every record passes here, those that cannot be read or are of no interest too, so
   * that all readers of a log give a fact the same recordedAt.
   */
  stamp(position: Position, appendedAt: Instant): Instant {
    this.#position = position;
    this.#recordedAt = nextRecordedAt(this.#recordedAt, appendedAt);
    return this.#recordedAt;
  }

  /** When a record appended at `appendedAt` counts as recorded, were it the next one. */
  nextRecordedAt(appendedAt: Instant): Instant {
    return nextRecordedAt(this.#recordedAt, appendedAt);
  }

  /**
   * Folds the next fact: as it was recorded by another reader of the same log, or with the log's own append time, which
   * becomes its recordedAt here.
   */
  apply(record: Recorded): FoldEffect;
  apply(fact: Fact, at: Appended): FoldEffect;
  apply(what: Recorded | Fact, at?: Appended): FoldEffect {
    const record = 'fact' in what ? what : { ...placeOf(at), fact: what };
    const recordedAt = this.stamp(record.position, record.recordedAt);
    return this.fold(recordedAt === record.recordedAt ? record : { ...record, recordedAt });
  }

  /** Folds a fact that was stamped. */
  protected fold(record: Recorded): FoldEffect {
    if (isObservations(record)) {
      this.observations(record);
      return NO_EFFECT;
    }
    const { fact, ...place } = record;
    switch (fact.type) {
      case 'definitions': {
        const result = this.definitions.apply({ ...place, fact });
        if (result === undefined) return {};
        return result.change === null
          ? { outcome: result.outcome }
          : { outcome: result.outcome, change: result.change };
      }
      case 'override':
        return this.#override({ ...place, fact });
      case 'source_state': {
        const { type: _, source, ...state } = fact;
        this.#sources.set(source, { position: place.position, recordedAt: place.recordedAt, ...state });
        return {};
      }
      case 'check_in':
        this.checkIns.apply({ ...place, fact });
        return {};
      case 'acknowledgement':
        this.suppression.acknowledge({ ...place, fact });
        return {};
      case 'snooze':
        this.suppression.snoozed({ ...place, fact });
        return {};
      case 'silence':
        this.suppression.silenced({ ...place, fact });
        return {};
      case 'tick':
        this.#lastTick = { position: place.position, recordedAt: place.recordedAt, edition: fact.edition };
        return {};
      case 'observations':
        return NO_EFFECT;
      case 'covered':
        this.covered({ ...place, fact });
        return {};
    }
  }

  protected observations(_record: Recorded<ObservationsFact>): void {}
  protected covered(_record: Recorded<CoveredFact>): void {}

  snapshot(): DefinitionFoldSnapshot {
    return {
      version: FOLD_SNAPSHOT_VERSION,
      position: this.#position,
      recordedAt: Number.isFinite(this.#recordedAt) ? this.#recordedAt : null,
      definitions: this.definitions.snapshot(),
      sources: [...this.#sources],
      overrides: [...this.#overrides],
      checkIns: this.checkIns.snapshot(),
      suppression: this.suppression.snapshot(),
      lastTick: this.#lastTick,
    };
  }

  restore(snapshot: DefinitionFoldSnapshot): void {
    if (snapshot.version !== FOLD_SNAPSHOT_VERSION) {
      throw new RangeError(`a snapshot of version ${snapshot.version} is not known here, ${FOLD_SNAPSHOT_VERSION} is`);
    }
    this.#position = snapshot.position;
    this.#recordedAt = snapshot.recordedAt ?? Number.NEGATIVE_INFINITY;
    this.#lastTick = snapshot.lastTick;
    this.#catalog = null;
    this.definitions.restore(snapshot.definitions);
    this.checkIns.restore(snapshot.checkIns);
    this.suppression.restore(snapshot.suppression);
    this.#sources.clear();
    this.#overrides.clear();
    for (const [source, state] of snapshot.sources) this.#sources.set(source, state);
    for (const [source, override] of snapshot.overrides) this.#overrides.set(source, override);
  }

  #override(record: Recorded<OverrideFact>): FoldEffect {
    const outcome = this.definitions.override(record);
    if (outcome === undefined) return {};
    const { command, until, source } = record.fact;
    const { position, recordedAt } = record;
    this.#overrides.set(source, { command, position, recordedAt, until });
    return { outcome };
  }
}

const NO_EFFECT: FoldEffect = {};

function placeOf(at: Appended | undefined): Omit<Recorded, 'fact'> {
  if (at === undefined) throw new RangeError('a fact is folded with its place in the log');
  return { position: at.position, recordedAt: at.appendedAt, id: at.id };
}
