import {
  type Cell,
  type CellRows,
  indexOfSeries,
  type Metric,
  ROW_VALUE,
  type SeriesCells,
  type SeriesIndex,
  type Span,
  safeLongAt,
} from '@paceline/domain';

/** The cells of one series in a span as one, a counter's growth between them with it; `undefined` where none holds a point. */
export function cellOfSpan(metric: Metric, series: SeriesCells, bucket: Span): Cell | undefined {
  const index = indexOfSeries(series);
  const [low, high] = [index.lower(bucket.from), index.lower(bucket.to)];
  const { rows } = series;
  if (rows !== undefined && rows.counts === null && metric.aggregation !== 'counter')
    return mergedRows(rows, index, low, high, bucket);
  const cells: Cell[] = [];
  for (let at = low; at < high; at++) {
    const cell = index.cell(at);
    if (cell.count > 0) cells.push(cell);
  }
  return mergeCells(metric, cells, bucket);
}

/** What `mergeCells` makes of rows of one point each, without a cell for each. */
function mergedRows(
  rows: CellRows,
  index: SeriesIndex,
  low: number,
  high: number,
  { from, to }: Span,
): Cell | undefined {
  if (low >= high) return undefined;
  const { longs, stride } = rows;
  const one = { from, to, count: high - low, firstAt: index.fromOf(low), lastAt: index.fromOf(high - 1) };
  if (rows.denominator >= 0) {
    const nothing = { sum: 0n, min: 0n, max: 0n, first: 0n, last: 0n };
    return { ...one, ...nothing, numerator: index.numerator(low, high), denominator: index.denominator(low, high) };
  }
  let [least, most] = [low, low];
  let sum = safeLongAt(rows, low, ROW_VALUE);
  for (let row = low + 1; row < high; row++) {
    // Beyond what a double holds exactly it stays there, whatever brings it back.
    sum = Number.isSafeInteger(sum) ? sum + safeLongAt(rows, row, ROW_VALUE) : Number.NaN;
    if (compareRows(rows, row, least) < 0) least = row;
    else if (compareRows(rows, row, most) > 0) most = row;
  }
  const valueAt = (row: number): bigint => longs[row * stride + ROW_VALUE]!;
  return {
    ...one,
    sum: Number.isSafeInteger(sum) ? BigInt(sum) : index.sum(low, high),
    min: valueAt(least),
    max: valueAt(most),
    first: valueAt(low),
    last: valueAt(high - 1),
    numerator: 0n,
    denominator: 0n,
  };
}

/** By their values, without a bigint of each. */
function compareRows({ words, stride }: CellRows, left: number, right: number): number {
  const [one, other] = [(left * stride + ROW_VALUE) * 2, (right * stride + ROW_VALUE) * 2];
  return words[one + 1]! - words[other + 1]! || (words[one]! >>> 0) - (words[other]! >>> 0);
}

/** Neighbouring cells of one series as one; a counter's growth between them is part of it. */
function mergeCells(metric: Metric, cells: readonly Cell[], span: Span): Cell | undefined {
  const [first, ...others] = cells;
  if (first === undefined) return undefined;
  let merged: Cell = { ...first, from: span.from, to: span.to };
  for (const cell of others) {
    merged = {
      ...merged,
      count: merged.count + cell.count,
      sum: merged.sum + cell.sum,
      min: least(cell.min, merged.min),
      max: -least(-cell.max, -merged.max),
      last: cell.last,
      lastAt: cell.lastAt,
      numerator: merged.numerator + cell.numerator,
      denominator: merged.denominator + cell.denominator,
      ...(metric.aggregation === 'counter' ? grown(merged, cell) : {}),
    };
  }
  return merged;
}

function least(left: bigint, right: bigint): bigint {
  return left < right ? left : right;
}

function grown(left: Cell, right: Cell): { readonly increase: bigint; readonly resets: number } {
  const reset = right.first < left.last;
  const between = reset ? right.first : right.first - left.last;
  return {
    increase: (left.increase ?? 0n) + between + (right.increase ?? 0n),
    resets: (left.resets ?? 0) + (reset ? 1 : 0) + (right.resets ?? 0),
  };
}
