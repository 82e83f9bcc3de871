import { type Cell, type CellRows, ROW_FROM, ROW_TO, ROW_VALUE, type Scaled, type SeriesCells } from '../cell.ts';
import type { Instant } from '../instant.ts';
import { cellFromVersions } from './cells.ts';
import type { Metric } from './metric.ts';

/** One row per cell: its start and end, the time of its latest point, the points of all cells before it. */
const STRIDE = 4;
const LAST_AT = 2;
const BEFORE = 3;

/**
 * What makes a window of a series cheap: rows for binary search that lie together in memory, and running totals built on first
 * use, so that a sum over a year of days is one subtraction. Belongs to the cells, not to any window.
 */
export class SeriesIndex {
  readonly series: SeriesCells;
  readonly length: number;
  /** Whether any cell says what stood inside its bucket. */
  readonly versioned: boolean;
  private readonly cellRows: CellRows | undefined;
  private readonly rows: Float64Array;
  private readonly stride: number;
  /** Where in a row the time of the latest point lies. */
  private readonly lastAt: number;
  /** Rows of one point each: nothing need be counted. */
  private readonly plain: boolean;
  /** Rows a millisecond, were all of them as far apart as on the whole they are. */
  private readonly density: number;
  private sums: Totals | undefined;
  private numerators: Totals | undefined;
  private denominators: Totals | undefined;
  private growths: Totals | undefined;
  private drops: Float64Array | undefined;

  constructor(series: SeriesCells) {
    this.series = series;
    const { rows } = series;
    this.cellRows = rows;
    this.length = rows?.length ?? series.cells.length;
    this.plain = rows !== undefined && rows.counts === null;
    // Rows of one point each are what they are: that point lies at the start of its period.
    this.stride = this.plain ? rows!.stride : STRIDE;
    this.lastAt = this.plain ? ROW_FROM : LAST_AT;
    this.rows = this.plain ? rows!.numbers : new Float64Array((this.length + 1) * STRIDE);
    if (rows === undefined) this.versioned = fillFromCells(this.rows, series.cells);
    else {
      if (rows.counts !== null) fillFromRows(this.rows, rows, rows.counts);
      this.versioned = false;
    }
    const last = this.length - 1;
    this.density = last < 1 ? 0 : last / (this.fromOf(last) - this.fromOf(0));
  }

  /** The cell at an index below `length`. */
  cell(index: number): Cell {
    return this.cellRows?.cell(index) ?? this.series.cells[index]!;
  }

  fromOf(index: number): Instant {
    return this.rows[index * this.stride + ROW_FROM]!;
  }

  toOf(index: number): Instant {
    return this.rows[index * this.stride + ROW_TO]!;
  }

  lastAtOf(index: number): Instant {
    return this.rows[index * this.stride + this.lastAt]!;
  }

  /** The index of the first cell that starts at or after an instant. */
  lower(at: Instant): number {
    const guess = this.guess(at);
    let low = guess;
    let high = guess;
    // Buckets follow one another: what is looked for lies where it should, or a few steps from there.
    if (this.fromOf(guess) < at) {
      low = guess + 1;
      for (let step = 1; ; step *= 2) {
        high = Math.min(guess + step, this.length);
        if (this.fromOf(high) >= at) break;
        low = high + 1;
      }
    } else {
      for (let step = 1; low > 0; step *= 2) {
        low = Math.max(guess - step, 0);
        if (this.fromOf(low) < at) break;
        high = low;
      }
    }
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.fromOf(middle) < at) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  private guess(at: Instant): number {
    if (this.density === 0) return 0;
    return Math.min(Math.max(Math.round((at - this.fromOf(0)) * this.density), 0), this.length);
  }

  /** The index of the first cell that starts after an instant. */
  upper(at: Instant): number {
    const index = this.lower(at);
    return this.fromOf(index) === at ? index + 1 : index;
  }

  /** The index behind the cells that start before `before` and by `asOf`. */
  startedBy(before: Instant, asOf: Instant): number {
    return before > asOf ? this.upper(asOf) : this.lower(before);
  }

  /** Points in the cells [low, high). */
  count(low: number, high: number): number {
    if (this.plain) return high - low;
    return this.rows[high * STRIDE + BEFORE]! - this.rows[low * STRIDE + BEFORE]!;
  }

  /** The index of the last cell of [0, high) that holds a point; -1 without one. */
  lastFilled(high: number): number {
    let index = high - 1;
    while (index >= 0 && this.count(index, index + 1) === 0) index--;
    return index;
  }

  sum(low: number, high: number): Scaled {
    this.sums ??= this.totals(
      (cell) => cell.sum,
      ({ denominator }) => (denominator < 0 ? ROW_VALUE : -1),
    );
    return this.sums[high]! - this.sums[low]!;
  }

  numerator(low: number, high: number): Scaled {
    this.numerators ??= this.totals(
      (cell) => cell.numerator,
      ({ denominator }) => (denominator < 0 ? -1 : ROW_VALUE),
    );
    return this.numerators[high]! - this.numerators[low]!;
  }

  denominator(low: number, high: number): Scaled {
    this.denominators ??= this.totals(
      (cell) => cell.denominator,
      ({ denominator }) => denominator,
    );
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

  /** `at`: where in a row it lies; -1: nowhere, all are 0. */
  private totals(read: (cell: Cell) => Scaled, at: (rows: CellRows) => number): Totals {
    const rows = this.cellRows;
    return rows === undefined ? totalsOf(this.series.cells, read) : totalsOfRows(rows, at(rows));
  }

  private buildGrowth(): void {
    if (this.growths !== undefined) return;
    const growths: Scaled[] = [0n];
    const drops = new Float64Array(this.length + 1);
    let previous: Scaled | undefined;
    let total = 0n;
    for (let index = 0; index < this.length; index++) {
      const cell = this.cell(index);
      drops[index + 1] = drops[index]!;
      if (cell.count > 0) {
        total += entryOf(cell, previous) + (cell.increase ?? 0n);
        drops[index + 1]! += (previous !== undefined && cell.first < previous ? 1 : 0) + (cell.resets ?? 0);
        previous = cell.last;
      }
      growths.push(total);
    }
    this.growths = packed(growths);
    this.drops = drops;
  }
}

/** Answers whether any cell says what stood inside its bucket. */
function fillFromCells(rows: Float64Array, cells: readonly Cell[]): boolean {
  let row = 0;
  let points = 0;
  let versioned = false;
  for (const { from, to, lastAt, count, versions } of cells) {
    rows[row] = from;
    rows[row + ROW_TO] = to;
    rows[row + LAST_AT] = lastAt;
    rows[row + BEFORE] = points;
    points += count;
    versioned ||= versions !== undefined;
    row += STRIDE;
  }
  close(rows, row, points);
  return versioned;
}

function fillFromRows(rows: Float64Array, { length, stride, numbers }: CellRows, counts: Float64Array): void {
  let points = 0;
  for (let index = 0, row = 0; index < length; index++, row += STRIDE) {
    const from = numbers[index * stride + ROW_FROM]!;
    rows[row] = from;
    rows[row + ROW_TO] = numbers[index * stride + ROW_TO]!;
    rows[row + LAST_AT] = from;
    rows[row + BEFORE] = points;
    points += counts[index]!;
  }
  close(rows, length * STRIDE, points);
}

/** Behind the last cell: no search goes further. */
function close(rows: Float64Array, row: number, points: number): void {
  rows[row] = Number.POSITIVE_INFINITY;
  rows[row + BEFORE] = points;
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

/** Whether a bucket that has not ended may show anything: period points do only where something was said inside it. */
export function showsRunning(metric: Metric, index: SeriesIndex): boolean {
  return metric.points === 'time' || index.versioned;
}

/** A cell as an as-of sees it; `undefined` when none of its points is valid by then. */
export function cellAsOf(metric: Metric, series: SeriesCells, cell: Cell, asOf: Instant): Cell | undefined {
  if (asOf >= cell.to) return cell.count > 0 ? cell : undefined;
  if (asOf < cell.from) return undefined;
  if (metric.points === 'time') return series.running(asOf);
  return cell.versions === undefined ? undefined : cellFromVersions(metric, cell, cell.versions, asOf);
}

/** The start of `latestCell`, without a look at cells that are over; -Infinity without one. */
export function latestStart(metric: Metric, index: SeriesIndex, before: Instant, asOf: Instant): Instant {
  for (let at = index.startedBy(before, asOf) - 1; at >= 0; at--) {
    if (index.toOf(at) <= asOf) {
      if (index.count(at, at + 1) > 0) return index.fromOf(at);
    } else if (showsRunning(metric, index) && cellAsOf(metric, index.series, index.cell(at), asOf) !== undefined) {
      return index.fromOf(at);
    }
  }
  return Number.NEGATIVE_INFINITY;
}

/** The latest cell of a series that starts before `before` and holds a point valid by `asOf`, as seen then. */
export function latestCell(metric: Metric, series: SeriesCells, before: Instant, asOf: Instant): Cell | undefined {
  const index = indexOfSeries(series);
  for (let at = index.startedBy(before, asOf) - 1; at >= 0; at--) {
    const seen = cellAsOf(metric, series, index.cell(at), asOf);
    if (seen !== undefined) return seen;
  }
  return undefined;
}

/** Running totals; 64 bits hold nearly all, and lie together in memory. */
type Totals = BigInt64Array | readonly Scaled[];

function totalsOf(cells: readonly Cell[], read: (cell: Cell) => Scaled): Totals {
  const totals: Scaled[] = [0n];
  let total = 0n;
  for (const cell of cells) {
    total += read(cell);
    totals.push(total);
  }
  return packed(totals);
}

/** `at`: where in a row what is added up lies; -1: nowhere, all are 0. */
function totalsOfRows({ longs, length, stride }: CellRows, at: number): Totals {
  const totals = new BigInt64Array(length + 1);
  if (at < 0) return totals;
  let total = 0n;
  for (let row = 0; row < length; row++) {
    const value = longs[row * stride + at]!;
    // In 64 bits, which the processor adds as they are; what does not fit shows as a sum on the wrong side of its parts.
    const next = BigInt.asIntN(64, total + value);
    if (value < 0n ? next > total : next < total) return exactTotals(longs, length, stride, at);
    total = next;
    totals[row + 1] = total;
  }
  return totals;
}

function exactTotals(longs: BigInt64Array, length: number, stride: number, at: number): Totals {
  const totals: Scaled[] = [0n];
  for (let row = 0; row < length; row++) totals.push(totals[row]! + longs[row * stride + at]!);
  return totals;
}

function packed(totals: readonly Scaled[]): Totals {
  return totals.every((total) => BigInt.asIntN(64, total) === total) ? BigInt64Array.from(totals) : totals;
}
