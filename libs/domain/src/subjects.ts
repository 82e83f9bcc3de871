import type { Catalog } from './catalog.ts';
import { closeOf } from './definition/compile-cycle.ts';
import type {
  CompiledKeyResult,
  CompiledKpi,
  CompiledObjective,
  CompiledSubject,
  Source,
} from './definition/compiled.ts';
import type { Instant } from './instant.ts';
import { sourcesOf } from './metric/metric.ts';
import { parseSubject } from './subject-id.ts';
import { type Bucket, bucketUntil, previousBucket } from './time/bucket.ts';
import { bucketOfLabel, labelOf } from './time/label.ts';

/** Every subject that is evaluated at an instant, members before what they roll up into. */
export function subjectsOf(catalog: Catalog, at: Instant): string[] {
  const subjects = [...catalog.keyResults.keys()];
  for (const objective of catalog.objectives.values()) subjects.push(objective.subject);
  subjects.push(...catalog.unitCycles.keys());
  for (const kpi of catalog.kpis.values()) {
    subjects.push(kpi.subject);
    const closed = closedPeriod(kpi, at);
    if (closed !== undefined) subjects.push(closedSubject(kpi, closed));
  }
  return subjects;
}

const KPI = 'kpi/';

/** The compiled subject of an id; of `kpi/NAME@LABEL` with the closed period. `undefined` when there is none. */
export function subjectOf(
  catalog: Catalog,
  subject: string,
): { readonly compiled: CompiledSubject; readonly closed?: Bucket } | undefined {
  const result = catalog.keyResults.get(subject);
  if (result !== undefined) return { compiled: result };
  const kpiNamed = subject.startsWith(KPI) ? catalog.kpis.get(subject.slice(KPI.length)) : undefined;
  if (kpiNamed !== undefined) return { compiled: kpiNamed };
  const id = parseSubject(subject);
  if (id === undefined) return undefined;
  if (id.kind !== 'kpi') {
    const compiled = id.kind === 'objective' ? catalog.objectives.get(id.name) : catalog.unitCycles.get(subject);
    return compiled === undefined ? undefined : { compiled };
  }
  const kpi = catalog.kpis.get(id.name);
  if (kpi === undefined) return undefined;
  if (id.label === undefined) return { compiled: kpi };
  if (kpi.period.kind !== 'toDate' && kpi.period.kind !== 'each') return undefined;
  const closed = bucketOfLabel(kpi.period.grid, id.label);
  return closed === undefined ? undefined : { compiled: kpi, closed };
}

/** The last period of a toDate or `each` KPI that is closed at an instant: what `kpi/NAME@LABEL` says (EVALUATION §5). */
export function closedPeriod(kpi: CompiledKpi, at: Instant): Bucket | undefined {
  if (kpi.period.kind !== 'toDate' && kpi.period.kind !== 'each') return undefined;
  const { grid } = kpi.period;
  let bucket = bucketUntil(grid, at);
  while (bucket !== undefined && closeOf(bucket, kpi.source, null) > at) bucket = previousBucket(grid, bucket);
  return bucket;
}

/** `kpi/new-revenue@2026-11`. */
export function closedSubject(kpi: CompiledKpi, period: Bucket): string {
  const { period: of } = kpi;
  return of.kind === 'toDate' || of.kind === 'each' ? `${kpi.subject}@${labelOf(of.grid, period)}` : kpi.subject;
}

/**
 * Every subject whose evaluation a metric's points can change: what reads it, directly or through derived metrics, and
 * all that these roll up into. Members first.
 */
export function subjectsReading(catalog: Catalog, metric: string): string[] {
  const direct = directReaders(catalog);
  const keyResults = direct.keyResults.get(metric) ?? [];
  const kpis = direct.kpis.get(metric) ?? [];
  if (keyResults.length === 0) return kpis.map(({ subject }) => subject);
  const objectives = new Set<string>(keyResults.map((result) => result.objective));
  const touched = (objective: CompiledObjective): boolean =>
    objectives.has(objective.name) || objective.children.some(({ name }) => objectives.has(name));
  const subjects = keyResults.map(({ subject }) => subject);
  // Children come before their parents, so one pass reaches the top.
  for (const objective of catalog.objectives.values()) {
    if (!touched(objective)) continue;
    objectives.add(objective.name);
    subjects.push(objective.subject);
  }
  for (const unit of catalog.unitCycles.values()) {
    if (unit.members.some(({ name }) => objectives.has(name))) subjects.push(unit.subject);
  }
  for (const kpi of kpis) subjects.push(kpi.subject);
  return subjects;
}

interface DirectReaders {
  readonly keyResults: ReadonlyMap<string, readonly CompiledKeyResult[]>;
  readonly kpis: ReadonlyMap<string, readonly CompiledKpi[]>;
}

const readers = new WeakMap<Catalog, DirectReaders>();

/** Who reads a metric, directly or through derived metrics, by its name: made once for all metrics of a catalog. */
function directReaders(catalog: Catalog): DirectReaders {
  let known = readers.get(catalog);
  if (known === undefined) {
    known = { keyResults: byMetric(catalog.keyResults.values()), kpis: byMetric(catalog.kpis.values()) };
    readers.set(catalog, known);
  }
  return known;
}

function byMetric<Reader extends { readonly source: Source | null }>(
  all: Iterable<Reader>,
): ReadonlyMap<string, readonly Reader[]> {
  const found = new Map<string, Reader[]>();
  for (const reader of all) {
    if (reader.source === null) continue;
    const { metric } = reader.source;
    for (const name of new Set([metric.name, ...sourcesOf(metric).map(({ name }) => name)])) {
      const list = found.get(name);
      if (list === undefined) found.set(name, [reader]);
      else list.push(reader);
    }
  }
  return found;
}

/** What a check-in can change: its key result and all that it rolls up into. */
export function subjectsAbove(catalog: Catalog, subject: string): string[] {
  const result = catalog.keyResults.get(subject);
  if (result === undefined) return [];
  const path = [subject];
  const names = new Set<string>();
  for (let name: string | null = result.objective; name !== null && !names.has(name); ) {
    const objective: CompiledObjective | undefined = catalog.objectives.get(name);
    if (objective === undefined) break;
    names.add(name);
    path.push(objective.subject);
    name = objective.parent;
  }
  for (const unit of catalog.unitCycles.values()) {
    if (unit.members.some(({ name }) => names.has(name))) path.push(unit.subject);
  }
  return path;
}
