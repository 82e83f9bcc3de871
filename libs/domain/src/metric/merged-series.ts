import type { Cell, CellColumns, Scaled, SeriesCells } from '../cell.ts';
import type { Instant } from '../instant.ts';
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
  let cells: MergedCell[] = [];
  for (const each of series) {
    const joined = each.columns === undefined ? join(metric, cells, each.cells) : joinRows(metric, cells, each.columns);
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

  add(metric: Metric, cell: Cell): void {
    if (cell.lastAt > this.lastAt) this.lastAt = cell.lastAt;
    this.addPart(metric, cell.count, partOf(metric, cell), cell.denominator);
  }

  /** What the aggregation reads of the same bucket of another series; all that a row of one point has. */
  addPart({ aggregation, across }: Metric, count: number, value: Scaled, denominator: Scaled): void {
    this.series++;
    this.count += count;
    if (aggregation === 'sum' || aggregation === 'avg') this.sum += value;
    else if (aggregation === 'ratio') {
      this.numerator += value;
      this.denominator += denominator;
    } else if (aggregation === 'min') {
      if (value < this.min) this.min = value;
    } else if (aggregation === 'max') {
      if (value > this.max) this.max = value;
    } else if (aggregation === 'last') this.last = lastAcross(across, this.last, value);
  }
}

/** Of a ratio the numerator. */
function partOf({ aggregation }: Metric, cell: Cell): Scaled {
  switch (aggregation) {
    case 'ratio':
      return cell.numerator;
    case 'min':
      return cell.min;
    case 'max':
      return cell.max;
    case 'last':
      return cell.last;
    default:
      return cell.sum;
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

/** `join` of rows: no cell is made of one that only adds to another. */
function joinRows(metric: Metric, left: readonly MergedCell[], columns: CellColumns): MergedCell[] | undefined {
  const { length, froms, tos, values, denominators } = columns;
  const joined: MergedCell[] = [];
  let at = 0;
  for (let row = 0; row < length; row++) {
    const from = froms[row]!;
    while (at < left.length && left[at]!.from < from) joined.push(left[at++]!);
    const known = left[at];
    if (known === undefined || known.from > from) {
      joined.push(new MergedCell(columns.cell(row)));
      continue;
    }
    if (known.to !== tos[row]) return undefined;
    known.addPart(metric, 1, values[row]!, denominators?.[row] ?? 0n);
    joined.push(known);
    at++;
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
