import { stripVTControlCharacters, styleText } from 'node:util';

/** `junit`: of `paceline test` only. */
export type OutputFormat = 'table' | 'json' | 'csv' | 'junit';

export interface Column<Row> {
  readonly title: string;
  readonly cell: (row: Row) => string | number | null | undefined;
  readonly align?: 'left' | 'right';
  /** Field name in CSV; the title in lower case otherwise. */
  readonly field?: string;
}

/** Where a command writes: data to stdout, everything else to stderr, colour and bars only on a terminal. */
export interface Output {
  readonly format: OutputFormat;
  readonly quiet: boolean;
  readonly colour: boolean;
  /** Size of the terminal that data goes to; `null` where it goes elsewhere. */
  readonly terminal: { readonly columns: number; readonly rows: number } | null;
  /** The format was asked for, not only left as it is: then a table stays one. */
  readonly asked: boolean;
  /** Data. */
  write(text: string): void;
  /** Messages and progress. */
  say(text: string): void;
}

/** Where the terminal does not say. */
const [COLUMNS_USUAL, ROWS_USUAL] = [80, 24];

export function processOutput(format: OutputFormat, options: { quiet: boolean; asked: boolean }): Output {
  const { quiet, asked } = options;
  const { stdout } = process;
  const colour = stdout.isTTY === true && process.env.NO_COLOR === undefined;
  return {
    format,
    quiet,
    asked,
    colour,
    // Read anew each time: people pull at windows.
    get terminal() {
      if (stdout.isTTY !== true) return null;
      return { columns: stdout.columns || COLUMNS_USUAL, rows: stdout.rows || ROWS_USUAL };
    },
    write: (text) => {
      process.stdout.write(text.endsWith('\n') ? text : `${text}\n`);
    },
    say: (text) => {
      if (!quiet) process.stderr.write(text.endsWith('\n') ? text : `${text}\n`);
    },
  };
}

export type Tone = 'green' | 'yellow' | 'red' | 'gray' | 'bold' | 'cyan';

export function paint(output: Output, tone: Tone, text: string): string {
  return output.colour ? styleText(tone, text, { validateStream: false }) : text;
}

/** Prints rows in the chosen format; `document` is what `--output json` prints instead of the rows. */
export function printRows<Row>(
  output: Output,
  rows: readonly Row[],
  columns: readonly Column<Row>[],
  document: unknown = rows,
): void {
  if (output.format === 'json') output.write(JSON.stringify(document, null, 2));
  else if (output.format === 'csv') output.write(csv(rows, columns));
  else output.write(table(rows, columns, output));
}

/** Prints one object: key and value lines on a terminal, the object itself as JSON. */
export function printDocument(output: Output, document: Readonly<Record<string, unknown>>, lines?: string): void {
  if (output.format === 'json') output.write(JSON.stringify(document, null, 2));
  else if (output.format === 'csv') {
    const fields = Object.entries(document).filter(([, value]) => value === null || typeof value !== 'object');
    output.write(
      csv(
        [document],
        fields.map(([key]) => ({ title: key, field: key, cell: (row) => textOf(row[key]) })),
      ),
    );
  } else {
    output.write(
      lines ??
        Object.entries(document)
          .map(([key, value]) => `${key}: ${textOf(value)}`)
          .join('\n'),
    );
  }
}

function textOf(value: unknown): string {
  if (value === null || value === undefined) return '';
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

export function table<Row>(rows: readonly Row[], columns: readonly Column<Row>[], output: Output): string {
  const cells = rows.map((row) => columns.map((column) => textOf(column.cell(row))));
  const widths = columns.map((column, at) =>
    Math.max(textWidth(column.title), ...cells.map((line) => textWidth(line[at] ?? ''))),
  );
  const line = (parts: readonly string[]): string =>
    parts
      .map((part, at) => pad(part, widths[at] ?? 0, columns[at]?.align === 'right'))
      .join('  ')
      .trimEnd();
  const head = line(columns.map((column) => column.title.toUpperCase()));
  return [paint(output, 'bold', head), ...cells.map(line)].join('\n');
}

function pad(text: string, size: number, right: boolean): string {
  const gap = ' '.repeat(Math.max(0, size - textWidth(text)));
  return right ? gap + text : text + gap;
}

/** Columns a text takes: marks and wide signs are rare in names, so code points without combining marks are counted. */
export function textWidth(text: string): number {
  return [...stripVTControlCharacters(text).replace(/\p{M}/gu, '')].length;
}

export function csv<Row>(rows: readonly Row[], columns: readonly Column<Row>[]): string {
  const quote = (text: string): string => {
    // A spreadsheet would run a cell that begins like a formula; the quote keeps it text. Plain numbers stay numbers.
    const safe = /^[=+\-@\t\r]/.test(text) && !/^-?\d+(\.\d+)?$/.test(text) ? `'${text}` : text;
    return /[",\n\r]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
  };
  const head = columns.map((column) => quote(column.field ?? column.title.toLowerCase().replaceAll(' ', '_')));
  const body = rows.map((row) => columns.map((column) => quote(stripVTControlCharacters(textOf(column.cell(row))))));
  return [head, ...body].map((line) => line.join(',')).join('\n');
}
