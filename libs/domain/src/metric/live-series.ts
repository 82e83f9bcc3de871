import { type Cell, type CellRows, ROW_FROM, ROW_TO, ROW_VALUE, type Scaled, type SeriesCells } from '../cell.ts';
import type { Instant, Span } from '../instant.ts';
import type { Metric } from './metric.ts';
import { cellOfOne } from './period-cells.ts';
import { RowSeries, RowTable } from './row-table.ts';
import { comparePrecedence, dimensionsOfKey, type Precedence, type Said } from './statement.ts';

/** A row: what `CellRows` says, the precedence of the statement, how the bucket stands; then what not every metric needs. */
const READ_AT = 3;
const POSITION = 4;
const STATE = 5;
const NEEDED_BY_ALL = 6;

/** How a bucket stands: by one value, retracted, or by several points or versions, which are a cell of their own. */
const VALUED = 0;
const RETRACTED = 1;
const ODD = 2;

/** In the place of a row: another statement stands; what stands cannot be told from one statement. */
export const OVERRULED = -1;
export const UNSURE = -2;

const FIRST_ROWS = 32;

/**
 * The buckets of one series about which anything was stated, ascending, with what stands in each and the precedence of its
 * statement. Rows of numbers, for there may be a million: an object each would keep the collector busier than all other work.
 */
export class LiveSeries {
  readonly key: string;
  /** Rows that gave way to an earlier bucket, so far. */
  moved = 0;
  readonly #metric: Metric;
  #length = 0;
  #table: Table;
  readonly #odd = new Map<Instant, Cell | undefined>();
  #retracted = 0;
  #exposed: SeriesCells | null = null;

  constructor(key: string, metric: Metric) {
    this.key = key;
    this.#metric = metric;
    this.#table = new Table(FIRST_ROWS, shapeOf(metric));
  }

  get length(): number {
    return this.#length;
  }

  /** Memory of its rows, with the room that is left behind them. */
  get bytes(): number {
    return this.#table.numbers.byteLength;
  }

  /**
   * The row of a bucket for a statement that stands there from now on, to be given what it says at once; or why it does not
   * (`OVERRULED`), or that nobody knows (`UNSURE`).
   */
  claim(bucket: Span, precedence: Precedence): number {
    const row = this.#find(bucket.from);
    if (!this.#isAt(row, bucket.from)) this.#insert(row);
    else if (this.#stateOf(row) === ODD) return UNSURE;
    else if (comparePrecedence(precedence, this.#precedenceOf(row)) <= 0) return OVERRULED;
    this.#mark(row, bucket, precedence);
    return row;
  }

  /** The row of a bucket, whatever stood there: all its statements were looked at. */
  take(bucket: Span, precedence: Precedence): number {
    const row = this.#find(bucket.from);
    if (!this.#isAt(row, bucket.from)) this.#insert(row);
    this.#mark(row, bucket, precedence);
    return row;
  }

  /** A scaled value that a double holds exactly, without a bigint on the way. */
  putSafe(row: number, scaled: number): void {
    this.#table.putSafe(row, ROW_VALUE, scaled);
  }

  put(row: number, said: Said): void {
    const value = said.numerator ?? said.value ?? 0n;
    const denominator = said.denominator ?? 0n;
    const { numbers, longs, stride, shape } = this.#table;
    const at = row * stride;
    if (!isLong(value) || !isLong(denominator)) {
      const bucket = { from: numbers[at + ROW_FROM]!, to: numbers[at + ROW_TO]! };
      this.putOdd(row, cellOfOne(this.#metric, { bucket, said }));
      return;
    }
    longs[at + ROW_VALUE] = value;
    if (shape.denominator >= 0) longs[at + shape.denominator] = denominator;
  }

  retract(row: number): void {
    this.#table.numbers[row * this.#table.stride + STATE] = RETRACTED;
    this.#retracted++;
  }

  /** A bucket of several points, of versions, or of a value that 64 bits do not hold; `undefined`: none is left. */
  putOdd(row: number, cell: Cell | undefined): void {
    const { numbers, stride } = this.#table;
    numbers[row * stride + STATE] = ODD;
    this.#odd.set(numbers[row * stride + ROW_FROM]!, cell);
  }

  /** As the evaluator reads it: the same object until something changes, right until then. */
  get exposed(): SeriesCells {
    this.#exposed ??= this.#expose();
    return this.#exposed;
  }

  #isAt(row: number, from: Instant): boolean {
    return this.#table.numbers[row * this.#table.stride + ROW_FROM] === from;
  }

  #stateOf(row: number): number {
    return this.#table.numbers[row * this.#table.stride + STATE]!;
  }

  #precedenceOf(row: number): Precedence {
    const { numbers, stride, shape } = this.#table;
    const at = row * stride;
    const revision = shape.revision < 0 ? 0 : numbers[at + shape.revision]!;
    return { revision, readAt: numbers[at + READ_AT]!, position: numbers[at + POSITION]! };
  }

  #mark(row: number, bucket: Span, { readAt, position, revision }: Precedence): void {
    const { numbers, stride, shape } = this.#table;
    const at = row * stride;
    if (numbers[at + STATE] === RETRACTED) this.#retracted--;
    else if (numbers[at + STATE] === ODD) this.#odd.delete(bucket.from);
    numbers[at + ROW_FROM] = bucket.from;
    numbers[at + ROW_TO] = bucket.to;
    numbers[at + READ_AT] = readAt;
    numbers[at + POSITION] = position;
    numbers[at + STATE] = VALUED;
    if (shape.revision >= 0) numbers[at + shape.revision] = revision;
    this.#exposed = null;
  }

  /** The first row that does not begin before; mostly the end. */
  #find(from: Instant): number {
    const { numbers, stride } = this.#table;
    let high = this.#length;
    if (high === 0 || numbers[(high - 1) * stride + ROW_FROM]! < from) return high;
    let low = 0;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (numbers[middle * stride + ROW_FROM]! < from) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #insert(row: number): void {
    if (this.#length === this.#table.rows) this.#table = this.#table.grown();
    const { numbers, stride } = this.#table;
    const behind = this.#length - row;
    if (behind > 0) {
      this.moved += behind;
      numbers.copyWithin((row + 1) * stride, row * stride, this.#length * stride);
    }
    numbers[row * stride + STATE] = VALUED;
    this.#length++;
    this.#table.end(this.#length);
  }

  #expose(): SeriesCells {
    if (this.#odd.size === 0) {
      const [table, length] = this.#retracted === 0 ? [this.#table, this.#length] : this.#standing();
      return new RowSeries(this.key, dimensionsOfKey(this.key), new Rows(this.#metric, table, length));
    }
    const cells: Cell[] = [];
    for (let row = 0; row < this.#length; row++) {
      const state = this.#stateOf(row);
      if (state === VALUED) cells.push(cellOfRow(this.#metric, this.#table, row));
      else if (state === ODD) {
        const cell = this.#odd.get(this.#table.numbers[row * this.#table.stride + ROW_FROM]!);
        if (cell !== undefined) cells.push(cell);
      }
    }
    return { key: this.key, dimensions: dimensionsOfKey(this.key), cells, running: () => undefined };
  }

  /** A copy without what was retracted. */
  #standing(): readonly [Table, number] {
    const { numbers, stride, shape } = this.#table;
    const standing = new Table(this.#length, shape);
    let length = 0;
    for (let row = 0; row < this.#length; row++) {
      if (this.#stateOf(row) !== VALUED) continue;
      standing.numbers.set(numbers.subarray(row * stride, (row + 1) * stride), length * stride);
      length++;
    }
    standing.end(length);
    return [standing, length];
  }
}

/** Where in a row lies what not every metric needs; -1: nowhere. */
interface Shape {
  readonly stride: number;
  readonly revision: number;
  readonly denominator: number;
}

function shapeOf({ revisions, aggregation }: Metric): Shape {
  let stride = NEEDED_BY_ALL;
  const revision = revisions ? stride++ : -1;
  const denominator = aggregation === 'ratio' ? stride++ : -1;
  return { stride, revision, denominator };
}

class Table extends RowTable {
  readonly shape: Shape;

  constructor(rows: number, shape: Shape) {
    super(rows, shape.stride);
    this.shape = shape;
  }

  /** With more rows: a quarter of days holds its quarter, then half as many again later. */
  grown(): Table {
    const larger = new Table(this.rows < 128 ? 128 : Math.ceil(this.rows * 1.5), this.shape);
    larger.numbers.set(this.numbers);
    return larger;
  }
}

class Rows implements CellRows {
  readonly length: number;
  readonly stride: number;
  readonly numbers: Float64Array;
  readonly longs: BigInt64Array;
  readonly words: Int32Array;
  readonly denominator: number;
  readonly counts = null;
  readonly #metric: Metric;
  #made: Cell[] | undefined;

  constructor(metric: Metric, { stride, numbers, longs, words, shape }: Table, length: number) {
    this.#metric = metric;
    this.length = length;
    this.stride = stride;
    this.numbers = numbers;
    this.longs = longs;
    this.words = words;
    this.denominator = shape.denominator;
  }

  cell(row: number): Cell {
    this.#made ??= [];
    const made = this.#made[row];
    if (made !== undefined) return made;
    const cell = cellOfRow(this.#metric, this, row);
    this.#made[row] = cell;
    return cell;
  }
}

function cellOfRow(
  metric: Metric,
  { numbers, longs, stride }: Pick<Table, 'numbers' | 'longs' | 'stride'>,
  row: number,
): Cell {
  const at = row * stride;
  const value = longs[at + ROW_VALUE]!;
  const { denominator } = shapeOf(metric);
  const said =
    denominator < 0
      ? { value, numerator: null, denominator: null }
      : { value: null, numerator: value, denominator: longs[at + denominator]! };
  return cellOfOne(metric, { bucket: { from: numbers[at + ROW_FROM]!, to: numbers[at + ROW_TO]! }, said })!;
}

function isLong(value: Scaled): boolean {
  return BigInt.asIntN(64, value) === value;
}
