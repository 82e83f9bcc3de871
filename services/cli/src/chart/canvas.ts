/** Dots of a braille sign: two columns of four; by column and row its bit in the block that begins at U+2800. */
const BITS: readonly (readonly number[])[] = [
  [0x01, 0x02, 0x04, 0x40],
  [0x08, 0x10, 0x20, 0x80],
];
const BRAILLE = 0x2800;
export const DOTS_WIDE = 2;
export const DOTS_HIGH = 4;

/** A field of dots, drawn with braille signs: eight dots to one place of the terminal. */
export class Canvas {
  readonly columns: number;
  readonly rows: number;
  readonly #cells: Uint8Array;

  constructor(columns: number, rows: number) {
    this.columns = columns;
    this.rows = rows;
    this.#cells = new Uint8Array(columns * rows);
  }

  /** Counted from the left and from the top; what lies outside is not drawn. */
  dot(x: number, y: number): void {
    const [column, row] = [Math.floor(x / DOTS_WIDE), Math.floor(y / DOTS_HIGH)];
    if (column < 0 || row < 0 || column >= this.columns || row >= this.rows) return;
    const at = row * this.columns + column;
    this.#cells[at] = (this.#cells[at] ?? 0) | (BITS[x % DOTS_WIDE]?.[y % DOTS_HIGH] ?? 0);
  }

  /** Every dot on the way, both ends too. */
  line(fromX: number, fromY: number, toX: number, toY: number): void {
    const steps = Math.max(Math.abs(toX - fromX), Math.abs(toY - fromY), 1);
    for (let step = 0; step <= steps; step++) {
      const share = step / steps;
      this.dot(Math.round(fromX + share * (toX - fromX)), Math.round(fromY + share * (toY - fromY)));
    }
  }

  /** The sign of one place; `null` where nothing is drawn. */
  sign(column: number, row: number): string | null {
    const bits = this.#cells[row * this.columns + column] ?? 0;
    return bits === 0 ? null : String.fromCodePoint(BRAILLE + bits);
  }
}
