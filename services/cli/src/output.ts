import { stripVTControlCharacters, styleText } from 'node:util';

export type OutputFormat = 'table' | 'json' | 'csv';

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
  /** Data. */
  write(text: string): void;
  /** Messages and progress. */
  say(text: string): void;
}

export function processOutput(format: OutputFormat, quiet: boolean): Output {
  const colour = process.stdout.isTTY === true && process.env.NO_COLOR === undefined;
  return {
    format,
    quiet,
    colour,
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

function table<Row>(rows: readonly Row[], columns: readonly Column<Row>[], output: Output): string {
  const cells = rows.map((row) => columns.map((column) => textOf(column.cell(row))));
  const widths = columns.map((column, at) =>
    Math.max(width(column.title), ...cells.map((line) => width(line[at] ?? ''))),
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
  const gap = ' '.repeat(Math.max(0, size - width(text)));
  return right ? gap + text : text + gap;
}

/** Columns a text takes: marks and wide signs are rare in names, so code points without combining marks are counted. */
function width(text: string): number {
  return [...stripVTControlCharacters(text).replace(/\p{M}/gu, '')].length;
}

function csv<Row>(rows: readonly Row[], columns: readonly Column<Row>[]): string {
  const quote = (text: string): string => {
    // A spreadsheet would run a cell that begins like a formula; the quote keeps it text. Plain numbers stay numbers.
    const safe = /^[=+\-@\t\r]/.test(text) && !/^-?\d+(\.\d+)?$/.test(text) ? `'${text}` : text;
    return /[",\n\r]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
  };
  const head = columns.map((column) => quote(column.field ?? column.title.toLowerCase().replaceAll(' ', '_')));
  const body = rows.map((row) => columns.map((column) => quote(stripVTControlCharacters(textOf(column.cell(row))))));
  return [head, ...body].map((line) => line.join(',')).join('\n');
}
