import type { MetricCells, SeriesCells } from '../cell.ts';
import { mergeSeries } from './merged-series.ts';
import type { Metric } from './metric.ts';
import { indexOfSeries, type SeriesIndex } from './series-index.ts';

/** Dimensions and the values asked for. */
export type Where = Readonly<Record<string, string>>;

/** The series that match, and what reading them again and again makes cheap. */
export class Selection {
  readonly series: readonly SeriesCells[];
  #indexes: readonly SeriesIndex[] | undefined;
  #merged: { readonly of: Metric; readonly index: SeriesIndex | undefined } | undefined;

  constructor(series: readonly SeriesCells[]) {
    this.series = series;
  }

  get indexes(): readonly SeriesIndex[] {
    this.#indexes ??= this.series.map(indexOfSeries);
    return this.#indexes;
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
