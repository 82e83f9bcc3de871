import { Readable } from 'node:stream';
import {
  type CheckStage,
  type Connector,
  type ConnectorContext,
  ConnectorFault,
  defineConnector,
  type ReadItem,
  type Row,
} from '@paceline/connector-sdk';
import { parse } from 'csv-parse';
import { z } from 'zod';
import { stage } from './check.ts';
import { decodeText, ENCODINGS, fromCommaDecimal, sniffDelimiter } from './csv-text.ts';

const config = z.strictObject({
  path: z.string().min(1).describe('File or glob below the project folder, such as data/sales-*.csv'),
  delimiter: z
    .string()
    .length(1)
    .optional()
    .describe('Default: the one of comma, semicolon, tab and bar that the header line uses'),
  quote: z.string().length(1).default('"'),
  comment: z.string().min(1).max(4).optional().describe('Lines that begin with it are left out'),
  encoding: z.enum(ENCODINGS).default('utf-8').describe('A byte order mark in the file wins'),
  header: z.array(z.string().min(1)).min(1).optional().describe('Column names of a file without a header line'),
  skipLines: z.coerce.number().int().min(0).max(1_000).default(0).describe('Lines above the header'),
  decimal: z.enum(['point', 'comma']).default('point').describe('comma: 1.234,50 is read as 1234.50'),
  unpivot: z
    .strictObject({
      keep: z.array(z.string().min(1)).min(1).describe('Columns that stay; every other one becomes a row'),
      name: z.string().min(1).describe('Column that gets the name of the other column'),
      value: z.string().min(1).describe('Column that gets its value'),
    })
    .optional()
    .describe('For wide files, with one column per region or month'),
});
type Config = z.infer<typeof config>;

const state = z.strictObject({});
type State = z.infer<typeof state>;

const RECORD_CHARACTERS_MAX = 1_000_000;
const COLUMNS_MAX = 2_000;

/** Files of the project folder. They are read whole each time; the runtime states only what changed. */
export const csv: Connector<Config, State> = defineConnector({
  spec: {
    id: 'csv',
    version: '1.0.0',
    title: 'CSV files of the project folder',
    config,
    state,
    stateVersion: 1,
    modes: ['window'],
    extent: () => 'whole',
    egress: () => [],
  },
  check,
  async discover(ctx, settings) {
    const files = await ctx.files.glob(settings.path);
    return Promise.all(files.map(async (file) => ({ name: file, columns: await columnsOf(ctx, settings, file) })));
  },
  async fingerprint(ctx, settings) {
    const files = await filesOf(ctx, settings);
    return (await Promise.all(files.map((file) => ctx.files.fingerprint(file)))).join('\n');
  },
  async *read(ctx, settings, request) {
    let left = request.limit ?? Number.POSITIVE_INFINITY;
    for (const file of await filesOf(ctx, settings)) {
      for await (const item of readFile(ctx, settings, file)) {
        if (left-- <= 0) return;
        yield item;
      }
    }
  },
});

async function filesOf(ctx: ConnectorContext, settings: Config): Promise<readonly string[]> {
  const files = await ctx.files.glob(settings.path);
  if (files.length > 0) return files;
  throw new ConnectorFault('config', 'file_missing', `no file of the project folder fits ${settings.path}`, {
    remedy: 'Check the path; it is relative to the folder of paceline.yaml.',
  });
}

async function* readFile(
  ctx: ConnectorContext,
  settings: Config,
  file: string,
): AsyncIterable<Extract<ReadItem<State>, { row: Row }>> {
  const pieces = decodeText(ctx.files.read(file, ctx.signal), settings.encoding, file)[Symbol.asyncIterator]();
  const first = await pieces.next();
  if (first.done === true) return;
  const delimiter = settings.delimiter ?? sniffDelimiter(afterLines(first.value, settings.skipLines));
  const text = Readable.from(joined(first.value, pieces));
  const parser = parse({
    delimiter,
    quote: settings.quote,
    ...(settings.comment === undefined ? {} : { comment: settings.comment, comment_no_infix: true }),
    from_line: settings.skipLines + 1,
    columns: settings.header ?? ((header: string[]) => checkedHeader(header, file)),
    info: true,
    skip_empty_lines: true,
    max_record_size: RECORD_CHARACTERS_MAX,
  });
  text.on('error', (error) => parser.destroy(error));
  text.pipe(parser);
  try {
    for await (const item of parser) {
      if (!isParsed(item)) throw new TypeError('the CSV parser gave something else than a record with its place');
      const at = `${file}:${item.info.lines}`;
      for (const row of rowsOf(item.record, settings)) yield { row, at };
    }
  } catch (error) {
    throw ctx.signal.aborted || error instanceof ConnectorFault ? error : malformed(error, file);
  } finally {
    text.destroy();
    parser.destroy();
  }
}

async function* joined(first: string, rest: AsyncIterator<string>): AsyncIterable<string> {
  try {
    yield first;
    for (let next = await rest.next(); next.done !== true; next = await rest.next()) yield next.value;
  } finally {
    await rest.return?.();
  }
}

function afterLines(text: string, lines: number): string {
  let at = 0;
  for (let line = 0; line < lines; line++) at = text.indexOf('\n', at) + 1;
  return text.slice(at);
}

function checkedHeader(header: readonly string[], file: string): string[] {
  const names = header.map((name, index) => name.trim() || `column_${index + 1}`);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  const why =
    twice !== undefined
      ? `has two columns named ${JSON.stringify(twice)}`
      : names.length > COLUMNS_MAX
        ? `has more than ${COLUMNS_MAX} columns`
        : undefined;
  if (why === undefined) return names;
  throw new ConnectorFault('config', 'invalid_header', `${file} ${why}`, {
    remedy: 'Name the columns by header in the source, with skipLines: 1 if the file has a header line.',
  });
}

type Parsed = { readonly info: { readonly lines: number }; readonly record: Readonly<Record<string, string>> };

/** What the parser gives with `info: true`; looked at by hand, because there may be millions. */
function isParsed(item: unknown): item is Parsed {
  if (typeof item !== 'object' || item === null || !('info' in item) || !('record' in item)) return false;
  const { info, record } = item;
  return typeof record === 'object' && record !== null && typeof info === 'object' && info !== null && 'lines' in info;
}

function* rowsOf(record: Readonly<Record<string, string>>, settings: Config): Iterable<Row> {
  const plain = settings.decimal === 'comma' ? mapValues(record, fromCommaDecimal) : record;
  const { unpivot } = settings;
  if (unpivot === undefined) {
    yield plain;
    return;
  }
  const kept = Object.fromEntries(unpivot.keep.map((name) => [name, plain[name]]));
  for (const [name, value] of Object.entries(plain)) {
    if (!unpivot.keep.includes(name)) yield { ...kept, [unpivot.name]: name, [unpivot.value]: value };
  }
}

function mapValues(record: Readonly<Record<string, string>>, change: (text: string) => string): Record<string, string> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, change(value)]));
}

function malformed(error: unknown, file: string): ConnectorFault {
  const text = error instanceof Error ? error.message : String(error);
  const line: unknown = error instanceof Error ? Reflect.get(error, 'lines') : undefined;
  return new ConnectorFault('config', 'invalid_csv', `${file}${typeof line === 'number' ? `:${line}` : ''}: ${text}`, {
    cause: error,
    remedy: 'Correct the line, or the delimiter, quote and header settings of the source.',
  });
}

async function columnsOf(ctx: ConnectorContext, settings: Config, file: string) {
  for await (const { row } of readFile(ctx, settings, file)) {
    return Object.keys(row).map((name) => ({ name, type: 'text' }));
  }
  return [];
}

async function* check(ctx: ConnectorContext, settings: Config): AsyncIterable<CheckStage> {
  let files: readonly string[] = [];
  const permission = await stage('permission', ctx, async () => {
    files = await filesOf(ctx, settings);
    return files.length === 1 ? `${files[0]} is there` : `${files.length} files fit ${settings.path}`;
  });
  yield permission;
  if (!permission.ok) return;
  yield await stage('sample', ctx, async () => {
    const columns = await columnsOf(ctx, settings, files[0] ?? '');
    return columns.length === 0
      ? `${files[0]} has no row`
      : `columns ${columns.map((column) => column.name).join(', ')}`;
  });
}
