import type { Catalog } from './catalog.ts';
import type { MetricCells } from './cell.ts';
import { isObservations, type ObservationsFact, type Recorded } from './fact.ts';
import { WorkspaceFold } from './fold/workspace.ts';
import type { Instant } from './instant.ts';
import { cellsFromStatements, extentsOf } from './metric/cells.ts';
import type { Metric } from './metric/metric.ts';
import { type Statement, statementsOf } from './metric/statement.ts';
import { cutGridsOf, cutsOfMetric } from './needs.ts';
import type { Position } from './position.ts';
import type { CheckIn, MetricCoverage, View } from './view.ts';

export interface MemoryViewOptions {
  /** Default 1. */
  readonly edition?: number;
}

const NO_CELLS: MetricCells = { series: [] };

/**
 * Everything the facts recorded by `knownAt` say, without an engine: the reference the pipeline must equal, and what
 * scenarios run on. `facts` are in the order of the log.
 */
export function memoryView(facts: Iterable<Recorded>, knownAt: Instant, options: MemoryViewOptions = {}): View {
  const fold = new WorkspaceFold();
  const observations = new Map<string, Recorded<ObservationsFact>[]>();
  let position: Position = 0;
  for (const record of facts) {
    // recordedAt increases along the log: what follows is not known yet either.
    if (record.recordedAt > knownAt) break;
    if (record.fact.type === 'definitions' && fold.isAsking) answerQuestions(fold, fold.catalog, observations);
    fold.apply(record);
    position = record.position;
    if (isObservations(record)) {
      const known = observations.get(record.fact.metric);
      if (known === undefined) observations.set(record.fact.metric, [record]);
      else known.push(record);
    }
  }
  const { catalog } = fold;
  answerQuestions(fold, catalog, observations);
  return new MemoryView(catalog, fold, observations, { position, knownAt, edition: options.edition ?? 1 });
}

/** Where a retraction moved an edge the fold asks for the extent of what still stands; here the statements are at hand. */
function answerQuestions(
  fold: WorkspaceFold,
  catalog: Catalog,
  observations: ReadonlyMap<string, readonly Recorded<ObservationsFact>[]>,
): void {
  for (const question of fold.questions()) {
    const metric = catalog.metrics.get(question.metric);
    if (metric === undefined) continue;
    const before = question.before ?? Number.POSITIVE_INFINITY;
    const known = statementsFor(observations, question.metric).filter(({ position }) => position < before);
    fold.answer(question, extentsOf(metric, known).get(question.feeder) ?? null);
  }
}

function statementsFor(
  observations: ReadonlyMap<string, readonly Recorded<ObservationsFact>[]>,
  metric: string,
): Statement[] {
  return (observations.get(metric) ?? []).flatMap((record) => statementsOf(record));
}

interface Known {
  readonly position: Position;
  readonly knownAt: Instant;
  readonly edition: number;
}

class MemoryView implements View {
  readonly position: Position;
  readonly knownAt: Instant;
  readonly edition: number;
  readonly catalog: Catalog;
  readonly #fold: WorkspaceFold;
  readonly #observations: ReadonlyMap<string, readonly Recorded<ObservationsFact>[]>;
  readonly #cells = new Map<string, MetricCells>();
  readonly #coverage = new Map<string, MetricCoverage>();

  constructor(
    catalog: Catalog,
    fold: WorkspaceFold,
    observations: ReadonlyMap<string, readonly Recorded<ObservationsFact>[]>,
    known: Known,
  ) {
    this.catalog = catalog;
    this.#fold = fold;
    this.#observations = observations;
    this.position = known.position;
    this.knownAt = known.knownAt;
    this.edition = known.edition;
  }

  cells(name: string): MetricCells {
    let cells = this.#cells.get(name);
    if (cells === undefined) {
      const metric = this.catalog.metrics.get(name);
      cells = metric === undefined ? NO_CELLS : this.#read(metric);
      this.#cells.set(name, cells);
    }
    return cells;
  }

  coverage(metric: string): MetricCoverage {
    let coverage = this.#coverage.get(metric);
    if (coverage === undefined) {
      coverage = this.#fold.coverage(metric);
      this.#coverage.set(metric, coverage);
    }
    return coverage;
  }

  checkIns(subject: string): readonly CheckIn[] {
    return this.#fold.checkIns.of(subject);
  }

  #read(metric: Metric): MetricCells {
    const statements = statementsFor(this.#observations, metric.name);
    const { catalog } = this;
    return cellsFromStatements(metric, statements, {
      cuts: cutsOfMetric(catalog, metric),
      grids: cutGridsOf(catalog, metric),
    });
  }
}
