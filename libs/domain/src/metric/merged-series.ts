import type { Cell, Scaled, SeriesCells } from '../cell.ts';
import type { Instant } from '../instant.ts';
import { mergeRows } from './merged-rows.ts';
import type { Metric } from './metric.ts';
import { indexOfSeries, SeriesIndex } from './series-index.ts';

/**
 * Several series as one whose cells are theirs, bucket by bucket: points and times for whoever asks where there are any, and what
 * the metric's aggregation adds up. `undefined` where that cannot be told from cells: of points said inside their bucket, and
 * of cells that are cut in different places.
 */
export function mergeSeries(metric: Metric, series: readonly SeriesCells[]): SeriesIndex | undefined {
  const [only] = series;
  if (only !== undefined && series.length === 1) return indexOfSeries(only);
  const rows = mergeRows(metric, series);
  if (rows === undefined) return undefined;
  if (rows !== null) return new SeriesIndex(rows);
  let cells: MergedCell[] = [];
  for (const each of series) {
    const joined = join(metric, cells, each.cells);
    if (joined === undefined) return undefined;
    cells = joined;
  }
  for (let index = 1; index < cells.length; index++) if (cells[index]!.from < cells[index - 1]!.to) return undefined;
  const running = (asOf: Instant): Cell | undefined => runningOf(metric, series, asOf);
  return new SeriesIndex({ key: '', dimensions: {}, cells, running });
}

/** Whether all series of a metric, read as one, have the value that they have when they are read one by one. */
export function readsAsOne({ aggregation, across }: Metric): boolean {
  switch (aggregation) {
    case 'sum':
    case 'count':
      return across === 'sum' || across === 'pool';
    case 'avg':
    case 'ratio':
    case 'min':
    case 'max':
      return across === 'pool';
    default:
      return false;
  }
}

export class MergedCell implements Cell {
  readonly from: Instant;
  readonly to: Instant;
  readonly firstAt: Instant;
  readonly first: Scaled = 0n;
  /** How many series have a point here, and what their last ones come to across them. */
  series = 1;
  last: Scaled;
  lastAt: Instant;
  count: number;
  sum: Scaled;
  min: Scaled;
  max: Scaled;
  numerator: Scaled;
  denominator: Scaled;

  constructor(cell: Cell) {
    this.from = cell.from;
    this.to = cell.to;
    this.firstAt = cell.firstAt;
    this.last = cell.last;
    this.lastAt = cell.lastAt;
    this.count = cell.count;
    this.sum = cell.sum;
    this.min = cell.min;
    this.max = cell.max;
    this.numerator = cell.numerator;
    this.denominator = cell.denominator;
  }

  /** Adds what the aggregation reads of the same bucket of another series. */
  add(metric: Metric, cell: Cell): void {
    const { aggregation, across } = metric;
    if (cell.lastAt > this.lastAt) this.lastAt = cell.lastAt;
    this.series++;
    this.count += cell.count;
    if (aggregation === 'sum' || aggregation === 'avg') this.sum += cell.sum;
    else if (aggregation === 'ratio') {
      this.numerator += cell.numerator;
      this.denominator += cell.denominator;
    } else if (aggregation === 'min') {
      if (cell.min < this.min) this.min = cell.min;
    } else if (aggregation === 'max') {
      if (cell.max > this.max) this.max = cell.max;
    } else if (aggregation === 'last') this.last = lastAcross(across, this.last, cell.last);
  }
}

function lastAcross(across: Metric['across'], left: Scaled, right: Scaled): Scaled {
  if (across === 'min') return right < left ? right : left;
  if (across === 'max') return right > left ? right : left;
  return left + right;
}

function join(metric: Metric, left: readonly MergedCell[], right: readonly Cell[]): MergedCell[] | undefined {
  const joined: MergedCell[] = [];
  let at = 0;
  for (const cell of right) {
    if (cell.versions !== undefined) return undefined;
    if (cell.count === 0) continue;
    while (at < left.length && left[at]!.from < cell.from) joined.push(left[at++]!);
    const known = left[at];
    if (known === undefined || known.from > cell.from) joined.push(new MergedCell(cell));
    else {
      if (known.to !== cell.to) return undefined;
      known.add(metric, cell);
      joined.push(known);
      at++;
    }
  }
  while (at < left.length) joined.push(left[at++]!);
  return joined;
}

/** What those series show that have a cell where the instant lies. */
function runningOf(metric: Metric, series: readonly SeriesCells[], asOf: Instant): Cell | undefined {
  let running: MergedCell | undefined;
  for (const each of series) {
    const index = indexOfSeries(each);
    const at = index.upper(asOf) - 1;
    const seen = at >= 0 && index.toOf(at) > asOf ? each.running(asOf) : undefined;
    if (seen === undefined) continue;
    if (running === undefined) running = new MergedCell(seen);
    else running.add(metric, seen);
  }
  return running;
}
