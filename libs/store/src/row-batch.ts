import { BATCH_BYTES_MIN, encodeRow, Writer } from './rows.ts';
import type { Row, TableName } from './tables.ts';

/**
 * Rows of one table and workspace, encoded as they are made: thousands of objects with their texts, kept until an insert, keep
 * the collector busier than encoding them does the processor.
 */
export class RowBatch<Table extends TableName> {
  readonly table: Table;
  readonly workspace: string;
  readonly #room: number;
  #writer: Writer | null = null;
  /** Where each row begins. */
  readonly #starts: number[] = [];

  /** `room`: the bytes that it will hold, where they can be guessed. */
  constructor(table: Table, workspace: string, room = BATCH_BYTES_MIN) {
    this.table = table;
    this.workspace = workspace;
    this.#room = Math.max(room, BATCH_BYTES_MIN);
  }

  get rows(): number {
    return this.#starts.length;
  }

  get byteLength(): number {
    return this.#writer?.length ?? 0;
  }

  /** Throws `RowEncodingError` for a row that no column can hold; the batch is as it was then. */
  add(row: Row<Table>): void {
    // In many ticks nothing is new, and room that is not used counts for the collector all the same.
    this.#writer ??= new Writer(this.#room, true);
    const start = this.#writer.length;
    try {
      encodeRow(this.#writer, this.table, row, this.rows);
    } catch (error) {
      this.#writer.cut(start);
      throw error;
    }
    this.#starts.push(start);
  }

  /** After the insert, never before it succeeded: the batch is empty then, and its memory goes to another. */
  free(): void {
    this.#writer?.free();
    this.#writer = null;
    this.#starts.length = 0;
  }

  /** Rows `from` to `to`, exclusive, as RowBinary; valid while nothing is added. */
  bytes(from = 0, to = this.rows): Uint8Array {
    if (this.#writer === null) return new Uint8Array();
    const end = this.#starts[to] ?? this.#writer.length;
    return this.#writer.finish().subarray(this.#starts[from] ?? end, end);
  }
}
