import {
  type Catalog,
  cellsFromStatements,
  cutsOfMetric,
  extentsOf,
  type MetricCells,
  type Recorded,
  type ResolvedCovered,
  type Statement,
  statementsOf,
  type View,
  WorkspaceFold,
} from '@paceline/domain';

export interface ReplayedTick {
  readonly tick: Recorded;
  /** What was known at the tick; good until the next one is asked for. */
  readonly view: View;
}

/**
 * What `memoryView` says at every tick of a log, in one pass: statements stay in memory, and of a metric cells are made again only
 * where something was stated since. No engine, and nothing of the processor's.
 */
export function* replay(facts: Iterable<Recorded>, edition = 1): Generator<ReplayedTick> {
  const fold = new WorkspaceFold();
  const statements = new Map<string, Statement[]>();
  const cells = new Map<string, MetricCells>();
  let catalog: Catalog | null = null;
  for (const record of facts) {
    if (record.fact.type === 'definitions' && fold.isAsking) answerQuestions(fold, statements);
    fold.apply(record);
    if (isObservations(record)) {
      keep(statements, record);
      cells.delete(record.fact.metric);
    }
    if (record.fact.type !== 'tick') continue;
    answerQuestions(fold, statements);
    // Windows that cut time points, and metrics themselves, change with definitions.
    if (catalog !== fold.catalog) cells.clear();
    catalog = fold.catalog;
    yield { tick: record, view: viewOf(fold, record, edition, statements, cells) };
  }
}

/**
 * What each explicit statement of completeness comes to, its open ends filled in, in the order in which that was known. One that
 * waits for a metric to be defined comes to nothing yet.
 */
export function resolvedOf(facts: Iterable<Recorded>): ResolvedCovered[] {
  const fold = new WorkspaceFold();
  const statements = new Map<string, Statement[]>();
  for (const record of facts) {
    if (record.fact.type === 'definitions' && fold.isAsking) answerQuestions(fold, statements);
    fold.apply(record);
    if (isObservations(record)) keep(statements, record);
  }
  answerQuestions(fold, statements);
  return fold.takeResolved();
}

function keep(statements: Map<string, Statement[]>, record: Parameters<typeof statementsOf>[0]): void {
  const known = statements.get(record.fact.metric);
  if (known === undefined) statements.set(record.fact.metric, statementsOf(record));
  else for (const statement of statementsOf(record)) known.push(statement);
}

function isObservations(record: Recorded): record is Parameters<typeof statementsOf>[0] {
  return record.fact.type === 'observations';
}

function viewOf(
  fold: WorkspaceFold,
  tick: Recorded,
  edition: number,
  statements: ReadonlyMap<string, readonly Statement[]>,
  cells: Map<string, MetricCells>,
): View {
  const { catalog } = fold;
  return {
    position: tick.position,
    knownAt: tick.recordedAt,
    edition,
    catalog,
    coverage: (metric) => fold.coverage(metric),
    checkIns: (subject) => fold.checkIns.of(subject),
    cells(name) {
      const metric = catalog.metrics.get(name);
      if (metric === undefined) return { series: [] };
      let known = cells.get(name);
      if (known === undefined) {
        known = cellsFromStatements(metric, statements.get(name) ?? [], { cuts: cutsOfMetric(catalog, metric) });
        cells.set(name, known);
      }
      return known;
    },
  };
}

/** Where a retraction moved an edge, the fold asks for the extent of what still stands. */
function answerQuestions(fold: WorkspaceFold, statements: ReadonlyMap<string, readonly Statement[]>): void {
  for (const question of fold.questions()) {
    const metric = fold.catalog.metrics.get(question.metric);
    if (metric === undefined) continue;
    const before = question.before ?? Number.POSITIVE_INFINITY;
    const known = (statements.get(question.metric) ?? []).filter(({ position }) => position < before);
    fold.answer(question, extentsOf(metric, known).get(question.feeder) ?? null);
  }
}
