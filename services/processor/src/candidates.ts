import {
  type Catalog,
  DEFAULTS_ID,
  type GridPoint,
  gridPoints,
  type Instant,
  needsOf,
  subjectsAbove,
  subjectsReading,
  TICK,
  type Touched,
  type WorkspaceFold,
} from '@paceline/domain';

/** First and last grid point ever judged of a subject. */
export interface JudgedRange {
  readonly first: Instant;
  readonly last: Instant;
}

const readers = new WeakMap<Catalog, Map<string, readonly string[]>>();

/** `subjectsReading`, asked once per definition: it looks through all subjects, and facts touch the same metrics over and over. */
export function readersOf(catalog: Catalog, metric: string): readonly string[] {
  let known = readers.get(catalog);
  if (known === undefined) {
    known = new Map();
    readers.set(catalog, known);
  }
  let subjects = known.get(metric);
  if (subjects === undefined) {
    subjects = subjectsReading(catalog, metric);
    known.set(metric, subjects);
  }
  return subjects;
}

/** Every subject of the definitions, members before what they roll up into; closed periods of KPIs come with their KPI. */
export function judgedSubjects(catalog: Catalog): string[] {
  const subjects = [...catalog.keyResults.keys()];
  for (const objective of catalog.objectives.values()) subjects.push(objective.subject);
  subjects.push(...catalog.unitCycles.keys());
  for (const kpi of catalog.kpis.values()) subjects.push(kpi.subject);
  return subjects;
}

/**
 * Of each subject the instant from which its judgements may have changed. Everything later is looked at again: freshness
 * and "no data of any period" reach as far as there is nothing newer, and what does not differ writes nothing.
 */
export function touchedFrom(
  fold: WorkspaceFold,
  touched: Touched,
  judged: (subject: string) => JudgedRange | undefined,
): ReadonlyMap<string, Instant> {
  const { catalog } = fold;
  const from = new Map<string, Instant>();
  const touch = (subject: string, at: Instant): void => {
    if (at < (from.get(subject) ?? Number.POSITIVE_INFINITY)) from.set(subject, at);
  };
  for (const [metric, touch_] of touched.metrics) {
    const stated = fold.statedFrom(metric);
    for (const subject of readersOf(catalog, metric)) {
      const first = judged(subject)?.first ?? Number.POSITIVE_INFINITY;
      touch(subject, Math.max(touch_.from, Math.min(first, stated ?? Number.POSITIVE_INFINITY)));
    }
  }
  for (const [subject, at] of touched.subjects) for (const above of subjectsAbove(catalog, subject)) touch(above, at);
  const changed = changedSubjects(catalog, touched.documents);
  if (changed.size === 0) return from;
  const evidence = evidenceOf(fold, changed);
  for (const subject of changed) {
    const first = judged(subject)?.first ?? Number.POSITIVE_INFINITY;
    touch(subject, Math.min(first, evidence.get(subject) ?? Number.POSITIVE_INFINITY));
  }
  return from;
}

/** The subjects that a changed document can move. Rules, channels and sources move none: coverage is a metric's. */
export function changedSubjects(catalog: Catalog, documents: Iterable<string>): ReadonlySet<string> {
  const changed = new Set<string>();
  const add = (subjects: Iterable<string>): void => {
    for (const subject of subjects) changed.add(subject);
  };
  for (const id of documents) {
    if (id === DEFAULTS_ID) {
      add(judgedSubjects(catalog));
      continue;
    }
    const [kind = '', name = ''] = id.split('/');
    if (kind === 'kpi' && catalog.kpis.has(name)) changed.add(id);
    else if (kind === 'metric') add(readersOf(catalog, name));
    else if (kind === 'objective' || kind === 'unit')
      add(judgedSubjects(catalog).filter((id) => !id.startsWith('kpi/')));
    else if (kind === 'cycle' || kind === 'policy' || kind === 'calendar') add(judgedSubjects(catalog));
  }
  return changed;
}

/** When the first thing is known about each subject: before, there is nothing to judge of a subject defined later. */
function evidenceOf(fold: WorkspaceFold, subjects: Iterable<string>): ReadonlyMap<string, Instant> {
  const { catalog, checkIns } = fold;
  const evidence = new Map<string, Instant>();
  const put = (subject: string, at: Instant): void => {
    evidence.set(subject, Math.min(at, evidence.get(subject) ?? Number.POSITIVE_INFINITY));
  };
  for (const subject of subjects) {
    for (const { metric } of needsOf(catalog, [subject], [fold.recordedAt], (name) => fold.coverage(name))) {
      const stated = fold.statedFrom(metric);
      if (stated !== null) put(subject, stated);
    }
  }
  for (const subject of checkIns.subjects()) {
    const first = checkIns.of(subject)[0];
    if (first !== undefined) for (const above of subjectsAbove(catalog, subject)) put(above, first.time);
  }
  return evidence;
}

/**
 * The grid points a tick judges: due since the tick before, and touched ones at or before it. Ascending by instant,
 * members before what they roll up into.
 */
export function gridPointsToJudge(
  catalog: Catalog,
  due: { readonly after: Instant; readonly upTo: Instant },
  touched: ReadonlyMap<string, Instant>,
): GridPoint[] {
  const points: GridPoint[] = [];
  for (const [after, subjects] of byStart(catalog, due, touched)) {
    if (after >= due.upTo) continue;
    // One by one: over a hundred years of days they are more than a call takes arguments.
    for (const point of gridPoints(catalog, { after, upTo: due.upTo }, subjects)) points.push(point);
  }
  return points;
}

function byStart(
  catalog: Catalog,
  due: { readonly after: Instant; readonly upTo: Instant },
  touched: ReadonlyMap<string, Instant>,
): ReadonlyMap<Instant, string[]> {
  const groups = new Map<Instant, string[]>();
  for (const subject of judgedSubjects(catalog)) {
    const from = touched.get(subject);
    const after = from === undefined ? due.after : Math.min(due.after, from - TICK);
    const group = groups.get(after);
    if (group === undefined) groups.set(after, [subject]);
    else group.push(subject);
  }
  return groups;
}
