import { type Cell, type CellRows, ROW_FROM, ROW_TO, ROW_VALUE, type SeriesCells } from '../cell.ts';
import type { Metric } from './metric.ts';
import { RowSeries, RowTable, safeLongAt } from './row-table.ts';

/** In a row that was merged: behind the value, of ratios alone. */
const DENOMINATOR = 3;

/**
 * Series of rows as one, added up in doubles, since a bigint for each of a million rows keeps the collector busier than adding does
 * the processor. `null` where that is not exact or not all are rows; `undefined` where they are cut in different places.
 */
export function mergeRows(metric: Metric, series: readonly SeriesCells[]): SeriesCells | null | undefined {
  const isRatio = metric.aggregation === 'ratio';
  const kind = kindOf(metric);
  let sums: Sums | null | undefined = new Sums(0, isRatio);
  for (const { rows } of series) {
    if (rows === undefined || rows.counts !== null) return null;
    sums = added(sums, rows, kind);
    if (sums === undefined || sums === null) return sums;
  }
  for (let at = 1; at < sums.length; at++) if (sums.froms[at]! < sums.tos[at - 1]!) return undefined;
  return new RowSeries('', {}, new MergedRows(sums));
}

type Kind = 'sum' | 'min' | 'max';

function kindOf({ aggregation, across }: Metric): Kind {
  if (aggregation === 'min' || aggregation === 'max') return aggregation;
  return aggregation === 'last' && (across === 'min' || across === 'max') ? across : 'sum';
}

class Sums {
  length = 0;
  readonly froms: Float64Array;
  readonly tos: Float64Array;
  readonly counts: Float64Array;
  readonly values: Float64Array;
  readonly denominators: Float64Array | null;

  constructor(rows: number, isRatio: boolean) {
    this.froms = new Float64Array(rows);
    this.tos = new Float64Array(rows);
    this.counts = new Float64Array(rows);
    this.values = new Float64Array(rows);
    this.denominators = isRatio ? new Float64Array(rows) : null;
  }

  /** The first `length` of others, with room for so many more. */
  static from(sums: Sums, length: number, more: number): Sums {
    const longer = new Sums(sums.length + more, sums.denominators !== null);
    longer.froms.set(sums.froms.subarray(0, length));
    longer.tos.set(sums.tos.subarray(0, length));
    longer.counts.set(sums.counts.subarray(0, length));
    longer.values.set(sums.values.subarray(0, length));
    longer.denominators?.set(sums.denominators?.subarray(0, length) ?? []);
    longer.length = length;
    return longer;
  }

  take(sums: Sums, at: number): void {
    const { length } = this;
    this.froms[length] = sums.froms[at]!;
    this.tos[length] = sums.tos[at]!;
    this.counts[length] = sums.counts[at]!;
    this.values[length] = sums.values[at]!;
    if (this.denominators !== null) this.denominators[length] = sums.denominators?.[at] ?? 0;
    this.length++;
  }

  begin(rows: CellRows, row: number): boolean {
    const { length } = this;
    this.froms[length] = rows.numbers[row * rows.stride + ROW_FROM]!;
    this.tos[length] = rows.numbers[row * rows.stride + ROW_TO]!;
    this.counts[length] = 1;
    this.values[length] = safeLongAt(rows, row, ROW_VALUE);
    if (this.denominators !== null) this.denominators[length] = safeLongAt(rows, row, rows.denominator);
    this.length++;
    return this.isExact(length);
  }

  add(at: number, rows: CellRows, row: number, kind: Kind): boolean {
    const value = safeLongAt(rows, row, ROW_VALUE);
    const known = this.values[at]!;
    this.counts[at] = this.counts[at]! + 1;
    this.values[at] = kind === 'sum' ? known + value : kind === 'min' ? Math.min(known, value) : Math.max(known, value);
    if (this.denominators !== null)
      this.denominators[at] = this.denominators[at]! + safeLongAt(rows, row, rows.denominator);
    return this.isExact(at);
  }

  private isExact(at: number): boolean {
    return (
      Number.isSafeInteger(this.values[at]) &&
      (this.denominators === null || Number.isSafeInteger(this.denominators[at]))
    );
  }
}

/** With the rows of one more series. In place as long as its buckets are those that are known, as they mostly all are. */
function added(sums: Sums, rows: CellRows, kind: Kind): Sums | null | undefined {
  const { length, numbers, stride } = rows;
  let row = 0;
  for (; row < length && row < sums.length && numbers[row * stride + ROW_FROM] === sums.froms[row]; row++) {
    if (numbers[row * stride + ROW_TO] !== sums.tos[row]) return undefined;
    if (!sums.add(row, rows, row, kind)) return null;
  }
  return row === length ? sums : joined(sums, rows, kind, row);
}

/** The same from one row on, behind which they have different buckets. */
function joined(sums: Sums, rows: CellRows, kind: Kind, from: number): Sums | null | undefined {
  const { length, numbers, stride } = rows;
  const both = Sums.from(sums, from, length);
  let at = from;
  for (let row = from; row < length; row++) {
    const start = numbers[row * stride + ROW_FROM]!;
    while (at < sums.length && sums.froms[at]! < start) both.take(sums, at++);
    if (at === sums.length || sums.froms[at]! > start) {
      if (!both.begin(rows, row)) return null;
      continue;
    }
    if (numbers[row * stride + ROW_TO] !== sums.tos[at]) return undefined;
    both.take(sums, at++);
    if (!both.add(both.length - 1, rows, row, kind)) return null;
  }
  while (at < sums.length) both.take(sums, at++);
  return both;
}

class MergedRows extends RowTable implements CellRows {
  readonly length: number;
  readonly denominator: number;
  readonly counts: Float64Array;

  constructor({ length, froms, tos, counts, values, denominators }: Sums) {
    super(length, denominators === null ? DENOMINATOR : DENOMINATOR + 1);
    this.length = length;
    this.counts = counts;
    this.denominator = denominators === null ? -1 : DENOMINATOR;
    for (let row = 0; row < length; row++) {
      this.numbers[row * this.stride + ROW_FROM] = froms[row]!;
      this.numbers[row * this.stride + ROW_TO] = tos[row]!;
      this.putSafe(row, ROW_VALUE, values[row]!);
      if (denominators !== null) this.putSafe(row, DENOMINATOR, denominators[row]!);
    }
    this.end(length);
  }

  /** What the metric's aggregation reads is right of it, and its points and times. */
  cell(row: number): Cell {
    const at = row * this.stride;
    const [from, to, read] = [this.numbers[at + ROW_FROM]!, this.numbers[at + ROW_TO]!, this.longs[at + ROW_VALUE]!];
    const isRatio = this.denominator >= 0;
    const value = isRatio ? 0n : read;
    return {
      from,
      to,
      count: this.counts[row]!,
      sum: value,
      min: value,
      max: value,
      first: 0n,
      last: value,
      firstAt: from,
      lastAt: from,
      numerator: isRatio ? read : 0n,
      denominator: isRatio ? this.longs[at + DENOMINATOR]! : 0n,
    };
  }
}
