import { observationsOf, parseExactJson } from '@paceline/events';
import { PacelineError } from '@paceline/runtime';
import { CsvError, parse } from 'csv-parse/sync';

/** What a body says, one entry a line; a line that cannot be read is its fault. */
export type Line =
  | { readonly ok: true; readonly line: unknown }
  | { readonly ok: false; readonly code: 'invalid_line'; readonly message: string };

const OWN_COLUMNS = new Set(['metric', 'time', 'period', 'value', 'id', 'revision', 'numerator', 'denominator']);
const DIMENSION_PREFIX = 'dimensions.';
const COLUMNS_MAX = 200;
export const LINES_MAX = 1_000_000;

export const NDJSON_TYPES = ['application/x-ndjson', 'application/ndjson', 'application/jsonl'];
export const CSV_TYPE = 'text/csv';

/** The lines of a body by its content type. @throws PacelineError when the body as a whole cannot be read. */
export function linesOf(body: string, contentType: string, metric: string | undefined): readonly Line[] {
  const type = contentType.split(';')[0]?.trim().toLowerCase() ?? '';
  const lines = type === CSV_TYPE ? csvLines(body) : NDJSON_TYPES.includes(type) ? ndjsonLines(body) : jsonLines(body);
  if (lines.length > LINES_MAX)
    throw new PacelineError('body_too_large', `the body has ${lines.length} lines, at most ${LINES_MAX} are taken`);
  return metric === undefined ? lines : lines.map((line) => named(line, metric));
}

function jsonLines(body: string): Line[] {
  const parsed = parseExactJson(withoutMark(body));
  if (!parsed.ok) throw new PacelineError('invalid_json', `the body is no valid JSON: ${parsed.message}`);
  const lines = observationsOf(parsed.value);
  if (lines === undefined) {
    throw new PacelineError(
      'invalid_request',
      'the body is neither an observation, nor a list of them, nor {"observations": […]}',
    );
  }
  return lines.map((line) => ({ ok: true, line }));
}

function ndjsonLines(body: string): Line[] {
  const lines: Line[] = [];
  const text = withoutMark(body);
  for (let start = 0; start < text.length; ) {
    const found = text.indexOf('\n', start);
    const end = found === -1 ? text.length : found;
    const line = text.slice(start, end).trim();
    start = end + 1;
    if (line === '') continue;
    const parsed = parseExactJson(line);
    lines.push(
      parsed.ok
        ? { ok: true, line: parsed.value }
        : { ok: false, code: 'invalid_line', message: `no valid JSON: ${parsed.message}` },
    );
  }
  return lines;
}

/** A header line names the columns; those that are not an observation's own are dimensions, also as `dimensions.region`. */
function csvLines(body: string): Line[] {
  const records = parseCsv(withoutMark(body));
  const [header, ...rows] = records;
  if (header === undefined) throw new PacelineError('invalid_csv', 'the body has no header line');
  const names = header.map((name) => name.trim());
  const twice = names.find((name, index) => name === '' || names.indexOf(name) !== index);
  if (twice !== undefined) {
    throw new PacelineError(
      'invalid_csv',
      twice === '' ? 'the header has a column without a name' : `the header names ${JSON.stringify(twice)} twice`,
    );
  }
  return rows.map((row) => csvLine(names, row));
}

function parseCsv(text: string): string[][] {
  try {
    return parse(text, { skip_empty_lines: true, relax_column_count: true, max_record_size: 1_000_000 });
  } catch (error) {
    const line = error instanceof CsvError && typeof error.lines === 'number' ? ` at line ${error.lines}` : '';
    throw new PacelineError(
      'invalid_csv',
      `the body is no valid CSV${line}: ${error instanceof Error ? error.message : String(error)}`,
      { cause: error },
    );
  }
}

function csvLine(names: readonly string[], row: readonly string[]): Line {
  if (row.length !== names.length) {
    return {
      ok: false,
      code: 'invalid_line',
      message: `the line has ${row.length} columns, the header ${names.length}`,
    };
  }
  if (names.length > COLUMNS_MAX)
    return { ok: false, code: 'invalid_line', message: `more than ${COLUMNS_MAX} columns` };
  const line: Record<string, unknown> = {};
  // As entries, because a name like "__proto__" would not become a key of its own.
  const dimensions: [string, string][] = [];
  for (const [index, name] of names.entries()) {
    const value = row[index] ?? '';
    if (OWN_COLUMNS.has(name)) {
      // An empty cell says nothing, except that an empty value retracts.
      if (value !== '') line[name] = value;
      else if (name === 'value') line[name] = null;
    } else dimensions.push([name.startsWith(DIMENSION_PREFIX) ? name.slice(DIMENSION_PREFIX.length) : name, value]);
  }
  line.dimensions = Object.fromEntries(dimensions);
  return { ok: true, line };
}

/** `?metric=` names the metric of lines that name none. */
function named(line: Line, metric: string): Line {
  if (!line.ok || typeof line.line !== 'object' || line.line === null || 'metric' in line.line) return line;
  return { ok: true, line: { ...line.line, metric } };
}

function withoutMark(body: string): string {
  return body.charCodeAt(0) === 0xfeff ? body.slice(1) : body;
}
