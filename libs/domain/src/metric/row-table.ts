import { type Cell, type CellRows, ROW_FROM, type SeriesCells } from '../cell.ts';

const WORD = 4_294_967_296;
/** The high half of a 64-bit integer that a double holds exactly lies within so much of 0. */
const SAFE_HIGH = 2 ** 21;

/** Some rows in one piece of memory, and room for the end behind them: to write a row is to touch one place. */
export class RowTable {
  readonly rows: number;
  readonly stride: number;
  readonly numbers: Float64Array;
  readonly longs: BigInt64Array;
  readonly words: Int32Array;

  constructor(rows: number, stride: number) {
    const memory = new ArrayBuffer((rows + 1) * stride * 8);
    this.rows = rows;
    this.stride = stride;
    this.numbers = new Float64Array(memory);
    this.longs = new BigInt64Array(memory);
    this.words = new Int32Array(memory);
    this.end(0);
  }

  /** No search goes beyond so many rows. */
  end(length: number): void {
    this.numbers[length * this.stride + ROW_FROM] = Number.POSITIVE_INFINITY;
  }

  /** A 64-bit integer that a double holds exactly, without a bigint on the way. */
  putSafe(row: number, place: number, value: number): void {
    const at = (row * this.stride + place) * 2;
    const high = Math.floor(value / WORD);
    this.words[at] = value - high * WORD;
    this.words[at + 1] = high;
  }
}

/** What `putSafe` wrote; NaN where no double holds it exactly. */
export function safeLongAt({ words, stride }: CellRows, row: number, place: number): number {
  const at = (row * stride + place) * 2;
  const high = words[at + 1]!;
  return high >= -SAFE_HIGH && high < SAFE_HIGH ? high * WORD + (words[at]! >>> 0) : Number.NaN;
}

/** A series whose cells are rows. Points said inside their buckets are never kept so. */
export class RowSeries implements SeriesCells {
  readonly key: string;
  readonly dimensions: SeriesCells['dimensions'];
  readonly rows: CellRows;

  constructor(key: string, dimensions: SeriesCells['dimensions'], rows: CellRows) {
    this.key = key;
    this.dimensions = dimensions;
    this.rows = rows;
  }

  get cells(): readonly Cell[] {
    return Array.from({ length: this.rows.length }, (_, row) => this.rows.cell(row));
  }

  running(): undefined {
    return undefined;
  }
}
