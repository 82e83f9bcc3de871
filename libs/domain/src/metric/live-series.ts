import type { Cell, CellColumns, Scaled, SeriesCells } from '../cell.ts';
import type { Instant, Span } from '../instant.ts';
import type { Metric } from './metric.ts';
import { cellOfOne } from './period-cells.ts';
import { comparePrecedence, dimensionsOfKey, type Precedence, type Said } from './statement.ts';

/** How a bucket stands: by one value, retracted, or by several points or versions, which are a cell of their own. */
const VALUE = 0;
const RETRACTED = 1;
const ODD = 2;

/** In the place of a row: another statement stands; what stands cannot be told from one statement. */
export const OVERRULED = -1;
export const UNSURE = -2;

const FIRST_ROWS = 32;
const WORD = 4_294_967_296;

/**
 * The buckets of one series about which anything was stated, ascending, with what stands in each and the precedence of its
 * statement. Columns, for there may be a million: an object each would keep the collector busier than all other work.
 */
export class LiveSeries {
  readonly key: string;
  /** Rows that gave way to an earlier bucket, so far. */
  moved = 0;
  readonly #metric: Metric;
  #length = 0;
  #columns: Table;
  readonly #odd = new Map<Instant, Cell | undefined>();
  #retracted = 0;
  #exposed: SeriesCells | null = null;

  constructor(key: string, metric: Metric) {
    this.key = key;
    this.#metric = metric;
    this.#columns = new Table(FIRST_ROWS, {
      revisions: metric.revisions,
      denominators: metric.aggregation === 'ratio',
    });
  }

  get length(): number {
    return this.#length;
  }

  /**
   * The row of a bucket for a statement that stands there from now on, to be given what it says at once; or why it does not
   * (`OVERRULED`), or that nobody knows (`UNSURE`).
   */
  claim(bucket: Span, precedence: Precedence): number {
    const row = this.#find(bucket.from);
    if (row === this.#length || this.#columns.froms[row] !== bucket.from) this.#insert(row);
    else if (this.#columns.states[row] === ODD) return UNSURE;
    else if (comparePrecedence(precedence, this.#precedenceOf(row)) <= 0) return OVERRULED;
    this.#mark(row, bucket, precedence);
    return row;
  }

  /** The row of a bucket, whatever stood there: all its statements were looked at. */
  take(bucket: Span, precedence: Precedence): number {
    const row = this.#find(bucket.from);
    if (row === this.#length || this.#columns.froms[row] !== bucket.from) this.#insert(row);
    this.#mark(row, bucket, precedence);
    return row;
  }

  /** A scaled value that a double holds exactly, without a bigint on the way. */
  putSafe(row: number, scaled: number): void {
    const high = Math.floor(scaled / WORD);
    this.#columns.words[row * 2] = scaled - high * WORD;
    this.#columns.words[row * 2 + 1] = high;
  }

  put(row: number, said: Said): void {
    const value = said.numerator ?? said.value ?? 0n;
    const denominator = said.denominator ?? 0n;
    if (!isLong(value) || !isLong(denominator)) {
      this.putOdd(
        row,
        cellOfOne(this.#metric, { bucket: { from: this.#columns.froms[row]!, to: this.#columns.tos[row]! }, said }),
      );
      return;
    }
    this.#columns.values[row] = value;
    if (this.#columns.denominators !== null) this.#columns.denominators[row] = denominator;
  }

  retract(row: number): void {
    this.#columns.states[row] = RETRACTED;
    this.#retracted++;
  }

  /** A bucket of several points, of versions, or of a value that 64 bits do not hold; `undefined`: none is left. */
  putOdd(row: number, cell: Cell | undefined): void {
    this.#columns.states[row] = ODD;
    this.#odd.set(this.#columns.froms[row]!, cell);
  }

  /** As the evaluator reads it: the same object until something changes, right until then. */
  get exposed(): SeriesCells {
    this.#exposed ??= this.#expose();
    return this.#exposed;
  }

  #precedenceOf(row: number): Precedence {
    const { revisions, readAts, positions } = this.#columns;
    return { revision: revisions?.[row] ?? 0, readAt: readAts[row]!, position: positions[row]! };
  }

  #mark(row: number, bucket: Span, { readAt, position, revision }: Precedence): void {
    if (this.#columns.states[row] === RETRACTED) this.#retracted--;
    else if (this.#columns.states[row] === ODD) this.#odd.delete(bucket.from);
    this.#columns.froms[row] = bucket.from;
    this.#columns.tos[row] = bucket.to;
    this.#columns.readAts[row] = readAt;
    this.#columns.positions[row] = position;
    if (this.#columns.revisions !== null) this.#columns.revisions[row] = revision;
    this.#columns.states[row] = VALUE;
    this.#exposed = null;
  }

  /** The first row that does not begin before; mostly the end. */
  #find(from: Instant): number {
    let high = this.#length;
    if (high === 0 || this.#columns.froms[high - 1]! < from) return high;
    let low = 0;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#columns.froms[middle]! < from) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #insert(row: number): void {
    if (this.#length === this.#columns.rows) this.#columns = this.#columns.grown(this.#length);
    const behind = this.#length - row;
    if (behind > 0) {
      this.moved += behind;
      this.#columns.shift(row, this.#length);
    }
    this.#columns.states[row] = VALUE;
    this.#length++;
  }

  #expose(): SeriesCells {
    const columns = new Columns(this.#metric, this.#retracted === 0 ? this.#all() : this.#standing());
    if (this.#odd.size === 0) return new ColumnSeries(this.key, columns);
    const cells: Cell[] = [];
    for (let row = 0; row < this.#length; row++) {
      const from = this.#columns.froms[row]!;
      if (this.#columns.states[row] === ODD) {
        const cell = this.#odd.get(from);
        if (cell !== undefined) cells.push(cell);
      } else if (this.#columns.states[row] === VALUE) {
        const cell = cellOfRow(
          this.#metric,
          from,
          this.#columns.tos[row]!,
          this.#columns.values[row]!,
          this.#denominatorOf(row),
        );
        cells.push(cell);
      }
    }
    return { key: this.key, dimensions: dimensionsOfKey(this.key), cells, running: () => undefined };
  }

  #denominatorOf(row: number): Scaled | undefined {
    return this.#columns.denominators?.[row];
  }

  #all(): ColumnData {
    const { froms, tos, values, denominators } = this.#columns;
    return { length: this.#length, froms, tos, values, denominators };
  }

  #standing(): ColumnData {
    const rows: number[] = [];
    const { froms, tos, values, denominators } = this.#columns;
    for (let row = 0; row < this.#length; row++) if (this.#columns.states[row] === VALUE) rows.push(row);
    return {
      length: rows.length,
      froms: Float64Array.from(rows, (row) => froms[row]!),
      tos: Float64Array.from(rows, (row) => tos[row]!),
      values: BigInt64Array.from(rows, (row) => values[row]!),
      denominators: denominators === null ? null : BigInt64Array.from(rows, (row) => denominators[row]!),
    };
  }
}

/** Columns that not every metric needs. */
interface Needed {
  readonly revisions: boolean;
  readonly denominators: boolean;
}

/** The columns of some rows, side by side in one piece of memory: a piece each costs more than all that is written into it. */
class Table {
  readonly rows: number;
  readonly froms: Float64Array;
  readonly tos: Float64Array;
  readonly readAts: Float64Array;
  readonly positions: Float64Array;
  readonly values: BigInt64Array;
  /** The halves of `values`, low before high. */
  readonly words: Int32Array;
  readonly states: Uint8Array;
  readonly revisions: Float64Array | null;
  readonly denominators: BigInt64Array | null;
  readonly #needed: Needed;

  constructor(rows: number, needed: Needed) {
    const numbers = 5 + Number(needed.revisions) + Number(needed.denominators);
    const memory = new ArrayBuffer(rows * (numbers * 8 + 1));
    this.rows = rows;
    this.#needed = needed;
    this.froms = new Float64Array(memory, 0, rows);
    this.tos = new Float64Array(memory, rows * 8, rows);
    this.readAts = new Float64Array(memory, rows * 16, rows);
    this.positions = new Float64Array(memory, rows * 24, rows);
    this.values = new BigInt64Array(memory, rows * 32, rows);
    this.words = new Int32Array(memory, rows * 32, rows * 2);
    this.revisions = needed.revisions ? new Float64Array(memory, rows * 40, rows) : null;
    this.denominators = needed.denominators ? new BigInt64Array(memory, rows * (numbers - 1) * 8, rows) : null;
    this.states = new Uint8Array(memory, rows * numbers * 8, rows);
  }

  /** With more rows: twice as many while they are few, half as many again later. */
  grown(length: number): Table {
    const larger = new Table(this.rows < 128 ? this.rows * 2 : Math.ceil(this.rows * 1.5), this.#needed);
    larger.froms.set(this.froms.subarray(0, length));
    larger.tos.set(this.tos.subarray(0, length));
    larger.readAts.set(this.readAts.subarray(0, length));
    larger.positions.set(this.positions.subarray(0, length));
    larger.values.set(this.values.subarray(0, length));
    larger.states.set(this.states.subarray(0, length));
    if (this.revisions !== null) larger.revisions?.set(this.revisions.subarray(0, length));
    if (this.denominators !== null) larger.denominators?.set(this.denominators.subarray(0, length));
    return larger;
  }

  /** Moves the rows from `row` on by one. */
  shift(row: number, length: number): void {
    this.froms.copyWithin(row + 1, row, length);
    this.tos.copyWithin(row + 1, row, length);
    this.readAts.copyWithin(row + 1, row, length);
    this.positions.copyWithin(row + 1, row, length);
    this.values.copyWithin(row + 1, row, length);
    this.states.copyWithin(row + 1, row, length);
    this.revisions?.copyWithin(row + 1, row, length);
    this.denominators?.copyWithin(row + 1, row, length);
  }
}

type ColumnData = Omit<CellColumns, 'cell'>;

class Columns implements CellColumns {
  readonly length: number;
  readonly froms: Float64Array;
  readonly tos: Float64Array;
  readonly values: BigInt64Array;
  readonly denominators: BigInt64Array | null;
  readonly #metric: Metric;
  #made: Cell[] | undefined;

  constructor(metric: Metric, { length, froms, tos, values, denominators }: ColumnData) {
    this.#metric = metric;
    this.length = length;
    this.froms = froms;
    this.tos = tos;
    this.values = values;
    this.denominators = denominators;
  }

  cell(row: number): Cell {
    this.#made ??= [];
    const made = this.#made[row];
    if (made !== undefined) return made;
    const { froms, tos, values, denominators } = this;
    const cell = cellOfRow(this.#metric, froms[row]!, tos[row]!, values[row]!, denominators?.[row]);
    this.#made[row] = cell;
    return cell;
  }
}

class ColumnSeries implements SeriesCells {
  readonly key: string;
  readonly dimensions: SeriesCells['dimensions'];
  readonly columns: CellColumns;

  constructor(key: string, columns: CellColumns) {
    this.key = key;
    this.dimensions = dimensionsOfKey(key);
    this.columns = columns;
  }

  get cells(): readonly Cell[] {
    return Array.from({ length: this.columns.length }, (_, row) => this.columns.cell(row));
  }

  running(): undefined {
    return undefined;
  }
}

function cellOfRow(metric: Metric, from: Instant, to: Instant, value: Scaled, denominator: Scaled | undefined): Cell {
  const said =
    denominator === undefined
      ? { value, numerator: null, denominator: null }
      : { value: null, numerator: value, denominator };
  return cellOfOne(metric, { bucket: { from, to }, said })!;
}

function isLong(value: Scaled): boolean {
  return BigInt.asIntN(64, value) === value;
}
