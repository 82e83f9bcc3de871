import type { MetricCells, SeriesCells } from '../cell.ts';
import type { Instant } from '../instant.ts';
import { mergeSeries } from './merged-series.ts';
import type { Metric } from './metric.ts';
import { indexOfSeries, latestStart, type SeriesIndex } from './series-index.ts';

/** Dimensions and the values asked for. */
export type Where = Readonly<Record<string, string>>;

/** The series that match, and what reading them again and again makes cheap. */
export class Selection {
  readonly series: readonly SeriesCells[];
  #indexes: readonly SeriesIndex[] | undefined;
  #merged: { readonly of: Metric; readonly index: SeriesIndex | undefined } | undefined;

  #latest: { readonly metric: Metric; readonly asOf: Instant; readonly start: Instant } | undefined;

  constructor(series: readonly SeriesCells[]) {
    this.series = series;
  }

  get indexes(): readonly SeriesIndex[] {
    this.#indexes ??= this.series.map(indexOfSeries);
    return this.#indexes;
  }

  /**
   * Where the latest cell of any series starts, before `before`, that holds a point valid by `asOf`; -Infinity without one. All
   * that reads the series at one instant asks for it.
   */
  latestStart(metric: Metric, before: Instant, asOf: Instant): Instant {
    // What a running bucket shows is not told by the cells alone.
    if (before <= asOf || metric.points === 'time') return this.#findLatest(metric, before, asOf);
    const known = this.#latest;
    if (known?.metric === metric && known.asOf === asOf) return known.start;
    const start = this.#findLatest(metric, before, asOf);
    this.#latest = { metric, asOf, start };
    return start;
  }

  #findLatest(metric: Metric, before: Instant, asOf: Instant): Instant {
    const merged = this.merged(metric);
    if (merged !== undefined) return latestStart(metric, merged, before, asOf);
    let latest = Number.NEGATIVE_INFINITY;
    for (const index of this.indexes) latest = Math.max(latest, latestStart(metric, index, before, asOf));
    return latest;
  }

  merged(metric: Metric): SeriesIndex | undefined {
    if (this.#merged?.of !== metric) this.#merged = { of: metric, index: mergeSeries(metric, this.series) };
    return this.#merged.index;
  }
}

/** The selections of one metric's cells; those of definitions are asked for by identity. */
class Selections {
  readonly #series: readonly SeriesCells[];
  readonly #all: Selection;
  readonly #byWhere = new WeakMap<Where, Selection>();
  /** What was asked for last. */
  #where: Where | undefined;
  #selection: Selection;

  constructor({ series }: MetricCells) {
    this.#series = series;
    this.#all = new Selection(series);
    this.#selection = this.#all;
  }

  of(where: Where | undefined): Selection {
    if (where === undefined) return this.#all;
    if (where !== this.#where) {
      this.#selection = this.#find(where);
      this.#where = where;
    }
    return this.#selection;
  }

  #find(where: Where): Selection {
    let selection = this.#byWhere.get(where);
    if (selection === undefined) {
      selection = this.#select(Object.entries(where));
      this.#byWhere.set(where, selection);
    }
    return selection;
  }

  #select(wanted: readonly (readonly [string, string])[]): Selection {
    if (wanted.length === 0) return this.#all;
    // "" asks for series without the dimension: absent, null and "" are one.
    const matching = this.#series.filter(({ dimensions }) =>
      wanted.every(([name, value]) => (Object.hasOwn(dimensions, name) ? dimensions[name] : '') === value),
    );
    return new Selection(matching);
  }
}

const selections = new WeakMap<MetricCells, Selections>();

export function selectionOf(cells: MetricCells, where: Where | undefined): Selection {
  let known = selections.get(cells);
  if (known === undefined) {
    known = new Selections(cells);
    selections.set(cells, known);
  }
  return known.of(where);
}

/** Series whose dimensions have every value that `where` asks for. */
export function matchingSeries(cells: MetricCells, where: Where | undefined): readonly SeriesCells[] {
  return selectionOf(cells, where).series;
}
