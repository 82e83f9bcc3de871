import type { Catalog, KnownDocument, WorkspaceDefaults } from '../catalog.ts';
import type { Effective } from '../dating.ts';
import { type CalendarDocument, type Document, documentId, type Kind } from '../document.ts';
import { compileMetrics, type Metric } from '../metric/metric.ts';
import { DEFAULT_POLICY, type Policy, PRESETS, policyOfDocument } from '../policy/policy.ts';
import { formatPosition, type Position } from '../position.ts';
import { type Calendar, compileCalendar } from '../time/calendar.ts';
import { compileCycle } from './compile-cycle.ts';
import { compileKpi } from './compile-kpi.ts';
import { compileObjectives } from './compile-objective.ts';
import { compileUnits } from './compile-unit.ts';
import type { CompiledCycle } from './compiled.ts';

export interface CatalogOptions {
  /** Of the last accepted definition command; by default the latest position of a document, `null` without any. */
  readonly position?: Position | null;
  readonly defaults?: WorkspaceDefaults;
}

/** What the compilers of single kinds share. */
export interface Compilation {
  readonly calendars: ReadonlyMap<string, Calendar>;
  readonly metrics: ReadonlyMap<string, Metric>;
  readonly cycles: ReadonlyMap<string, CompiledCycle>;
  readonly defaults: WorkspaceDefaults;
  /** Presets and documents. */
  readonly policies: ReadonlyMap<string, Policy>;
  readonly workspacePolicy: Effective<Policy>;
}

/**
 * Compiles the definitions known at one position. Of two documents with one id the later stands. Documents that a
 * validated set could not hold (a KPI without its metric) are left out rather than thrown at.
 */
export function compileCatalog(known: Iterable<KnownDocument>, options: CatalogOptions = {}): Catalog {
  const documents = new Map<string, KnownDocument>();
  let latest: Position | null = null;
  for (const entry of known) {
    documents.set(documentId(entry.document), entry);
    latest = Math.max(latest ?? entry.position, entry.position);
  }
  const position = options.position === undefined ? latest : options.position;
  const compilation = prepare(documents, options.defaults ?? {});
  const kpis = byName(documents, 'Kpi', (document) => compileKpi(document, compilation));
  const objectives = compileObjectives(documentsOf(documents, 'Objective'), compilation);
  const keyResults = new Map(
    [...objectives.values()].flatMap((objective) => objective.keyResults).map((result) => [result.subject, result]),
  );
  const unitDocuments = new Map(documentsOf(documents, 'Unit').map((unit) => [unit.metadata.name, unit]));
  return {
    position,
    documents,
    defaults: compilation.defaults,
    calendars: compilation.calendars,
    metrics: compilation.metrics,
    cycles: compilation.cycles,
    policies: compilation.policies,
    kpis,
    objectives,
    keyResults,
    units: unitDocuments,
    unitCycles: compileUnits(unitDocuments, objectives, compilation),
    alertRules: byName(documents, 'AlertRule', (document) => document),
    channels: byName(documents, 'Channel', (document) => document),
    sources: byName(documents, 'Source', (document) => document),
  };
}

function prepare(documents: ReadonlyMap<string, KnownDocument>, defaults: WorkspaceDefaults): Compilation {
  const calendars = byName(documents, 'Calendar', calendarOf);
  const { metrics } = compileMetrics(documentsOf(documents, 'Metric'), calendars);
  const policies = new Map(PRESETS);
  for (const { document, position } of documents.values()) {
    if (document.kind !== 'Policy') continue;
    policies.set(document.metadata.name, policyOfDocument(document, formatPosition(position)));
  }
  const fallback = policies.get(DEFAULT_POLICY);
  const named = defaults.policy === undefined ? undefined : policies.get(defaults.policy);
  const policy = named ?? fallback;
  const always = Number.NEGATIVE_INFINITY;
  return {
    calendars,
    metrics,
    cycles: byName(documents, 'Cycle', compileCycle),
    defaults,
    policies,
    workspacePolicy: policy === undefined ? [] : [{ from: always, dated: always, value: policy }],
  };
}

function calendarOf(document: CalendarDocument): Calendar | undefined {
  const compiled = compileCalendar(document);
  return compiled.ok ? compiled.value : undefined;
}

function documentsOf<K extends Kind>(
  documents: ReadonlyMap<string, KnownDocument>,
  kind: K,
): Extract<Document, { kind: K }>[] {
  const isKind = (document: Document): document is Extract<Document, { kind: K }> => document.kind === kind;
  return [...documents.values()].map((known) => known.document).filter(isKind);
}

function byName<K extends Kind, Value>(
  documents: ReadonlyMap<string, KnownDocument>,
  kind: K,
  compile: (document: Extract<Document, { kind: K }>) => Value | undefined,
): ReadonlyMap<string, Value> {
  const compiled = new Map<string, Value>();
  for (const document of documentsOf(documents, kind)) {
    const value = compile(document);
    if (value !== undefined) compiled.set(document.metadata.name, value);
  }
  return compiled;
}
