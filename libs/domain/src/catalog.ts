import type {
  CompiledCycle,
  CompiledKeyResult,
  CompiledKpi,
  CompiledObjective,
  CompiledUnitCycle,
} from './definition/compiled.ts';
import type { AlertRuleDocument, ChannelDocument, Document, Pace, SourceDocument, UnitDocument } from './document.ts';
import type { Instant } from './instant.ts';
import type { Metric } from './metric/metric.ts';
import type { Policy } from './policy/policy.ts';
import type { Position } from './position.ts';
import type { Calendar } from './time/calendar.ts';

/** A document and when it became known. */
export interface KnownDocument {
  readonly document: Document;
  readonly position: Position;
  readonly recordedAt: Instant;
  /** Position of the last change that moved a metric's buckets (grain, zone, calendar, points, aggregation); metrics only. */
  readonly shape?: Position;
}

/** What holds for subjects that name no policy or pace. Part of the definitions, so that a replay judges by what held then. */
export interface WorkspaceDefaults {
  readonly policy?: string;
  readonly pace?: Pace;
}

/** The definitions known at one position, compiled for evaluation. Built by `compileCatalog`, never changed. */
export interface Catalog {
  /** Of the last accepted definition command. */
  readonly position: Position | null;
  readonly documents: ReadonlyMap<string, KnownDocument>;
  readonly defaults: WorkspaceDefaults;
  /** All by name. */
  readonly calendars: ReadonlyMap<string, Calendar>;
  readonly metrics: ReadonlyMap<string, Metric>;
  readonly cycles: ReadonlyMap<string, CompiledCycle>;
  /** Presets and documents. */
  readonly policies: ReadonlyMap<string, Policy>;
  readonly kpis: ReadonlyMap<string, CompiledKpi>;
  /** Children before parents. */
  readonly objectives: ReadonlyMap<string, CompiledObjective>;
  readonly units: ReadonlyMap<string, UnitDocument>;
  readonly alertRules: ReadonlyMap<string, AlertRuleDocument>;
  readonly channels: ReadonlyMap<string, ChannelDocument>;
  readonly sources: ReadonlyMap<string, SourceDocument>;
  /** By subject: `key_result/OBJECTIVE/NAME`, `unit/NAME@CYCLE`. */
  readonly keyResults: ReadonlyMap<string, CompiledKeyResult>;
  readonly unitCycles: ReadonlyMap<string, CompiledUnitCycle>;
}
