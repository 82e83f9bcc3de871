import type { Cell, Scaled, SeriesCells } from '../cell.ts';
import type { Instant } from '../instant.ts';
import { cellFromVersions } from './cells.ts';
import type { Metric } from './metric.ts';

/**
 * What makes a window of a series cheap: starts for binary search, and running totals built on first use, so that a sum over
 * a year of days is one subtraction. Belongs to the cells, not to any window.
 */
export class SeriesIndex {
  readonly series: SeriesCells;
  readonly cells: readonly Cell[];
  readonly froms: Float64Array;
  private counts: Float64Array | undefined;
  private sums: Scaled[] | undefined;
  private numerators: Scaled[] | undefined;
  private denominators: Scaled[] | undefined;
  private growths: Scaled[] | undefined;
  private drops: Float64Array | undefined;

  constructor(series: SeriesCells) {
    this.series = series;
    this.cells = series.cells;
    this.froms = Float64Array.from(series.cells, (cell) => cell.from);
  }

  /** The index of the first cell that starts at or after an instant. */
  lower(at: Instant): number {
    const { froms } = this;
    let first = 0;
    let end = froms.length;
    while (first < end) {
      const middle = (first + end) >>> 1;
      if (froms[middle]! < at) first = middle + 1;
      else end = middle;
    }
    return first;
  }

  /** The index of the first cell that starts after an instant. */
  upper(at: Instant): number {
    const index = this.lower(at);
    return this.froms[index] === at ? index + 1 : index;
  }

  /** Points in the cells [low, high). */
  count(low: number, high: number): number {
    this.counts ??= countsOf(this.cells, (cell) => cell.count);
    return this.counts[high]! - this.counts[low]!;
  }

  sum(low: number, high: number): Scaled {
    this.sums ??= totalsOf(this.cells, (cell) => cell.sum);
    return this.sums[high]! - this.sums[low]!;
  }

  numerator(low: number, high: number): Scaled {
    this.numerators ??= totalsOf(this.cells, (cell) => cell.numerator);
    return this.numerators[high]! - this.numerators[low]!;
  }

  denominator(low: number, high: number): Scaled {
    this.denominators ??= totalsOf(this.cells, (cell) => cell.denominator);
    return this.denominators[high]! - this.denominators[low]!;
  }

  /** Growth of a counter in the cells [low, high), each from the last sample before it; the first sample of all has no base. */
  growth(low: number, high: number): Scaled {
    this.buildGrowth();
    return this.growths![high]! - this.growths![low]!;
  }

  resets(low: number, high: number): number {
    this.buildGrowth();
    return this.drops![high]! - this.drops![low]!;
  }

  /** The last cell of [0, high) that holds a point. */
  before(high: number): Cell | undefined {
    for (let index = high - 1; index >= 0; index--) {
      const cell = this.cells[index]!;
      if (cell.count > 0) return cell;
    }
    return undefined;
  }

  private buildGrowth(): void {
    if (this.growths !== undefined) return;
    const growths: Scaled[] = [0n];
    const drops = new Float64Array(this.cells.length + 1);
    let previous: Scaled | undefined;
    let total = 0n;
    for (let index = 0; index < this.cells.length; index++) {
      const cell = this.cells[index]!;
      drops[index + 1] = drops[index]!;
      if (cell.count > 0) {
        total += entryOf(cell, previous) + (cell.increase ?? 0n);
        drops[index + 1]! += (previous !== undefined && cell.first < previous ? 1 : 0) + (cell.resets ?? 0);
        previous = cell.last;
      }
      growths.push(total);
    }
    this.growths = growths;
    this.drops = drops;
  }
}

/** What a cell's first sample adds to a counter: all of it after a drop, nothing without a base. */
export function entryOf(cell: Cell, previous: Scaled | undefined): Scaled {
  if (previous === undefined) return 0n;
  return cell.first < previous ? cell.first : cell.first - previous;
}

const indexes = new WeakMap<SeriesCells, SeriesIndex>();

export function indexOfSeries(series: SeriesCells): SeriesIndex {
  let index = indexes.get(series);
  if (index === undefined) {
    index = new SeriesIndex(series);
    indexes.set(series, index);
  }
  return index;
}

/** A cell as an as-of sees it; `undefined` when none of its points is valid by then. */
export function cellAsOf(metric: Metric, series: SeriesCells, cell: Cell, asOf: Instant): Cell | undefined {
  if (asOf >= cell.to) return cell.count > 0 ? cell : undefined;
  if (asOf < cell.from) return undefined;
  if (metric.points === 'time') return series.running(asOf);
  return cell.versions === undefined ? undefined : cellFromVersions(metric, cell, cell.versions, asOf);
}

/** The latest cell of a series that starts before `before` and holds a point valid by `asOf`, as seen then. */
export function latestCell(metric: Metric, series: SeriesCells, before: Instant, asOf: Instant): Cell | undefined {
  const index = indexOfSeries(series);
  for (let at = Math.min(index.lower(before), index.upper(asOf)) - 1; at >= 0; at--) {
    const seen = cellAsOf(metric, series, index.cells[at]!, asOf);
    if (seen !== undefined) return seen;
  }
  return undefined;
}

function totalsOf(cells: readonly Cell[], read: (cell: Cell) => Scaled): Scaled[] {
  const totals: Scaled[] = [0n];
  let total = 0n;
  for (const cell of cells) {
    total += read(cell);
    totals.push(total);
  }
  return totals;
}

function countsOf(cells: readonly Cell[], read: (cell: Cell) => number): Float64Array {
  const totals = new Float64Array(cells.length + 1);
  for (let index = 0; index < cells.length; index++) totals[index + 1] = totals[index]! + read(cells[index]!);
  return totals;
}
