import { type FastifyReply, type FastifyRequest, PacelineError } from '@paceline/runtime';
import type { QueryOptions, Statement, Store } from '@paceline/store';
import type { Answer, Cell } from './answer.ts';

/** Formats that are made by the engine, because columns have types in them. */
export const COLUMNAR = ['parquet', 'arrow'] as const;
export type Columnar = (typeof COLUMNAR)[number];

const FORMATS: Readonly<Record<Columnar, { readonly engine: string; readonly type: string; readonly end: string }>> = {
  parquet: { engine: 'Parquet', type: 'application/vnd.apache.parquet', end: 'parquet' },
  arrow: { engine: 'ArrowStream', type: 'application/vnd.apache.arrow.stream', end: 'arrows' },
};

/** The columnar format that is asked for by `format`, else by Accept; `null` for none. */
export function columnarOf(request: FastifyRequest, format: string | undefined): Columnar | null {
  if (format !== undefined) return COLUMNAR.find((each) => each === format) ?? null;
  const accept = request.headers.accept ?? '';
  return COLUMNAR.find((each) => accept.includes(FORMATS[each].type)) ?? null;
}

/** The formats that are left where columnar ones and pictures are answered otherwise. */
export function rowFormatOf(format: string | undefined): 'json' | 'csv' | 'ndjson' | undefined {
  return format === 'json' || format === 'csv' || format === 'ndjson' ? format : undefined;
}

/** Answers a table as Parquet or as an Arrow stream, made whole before it is sent. */
export async function answerColumnar(
  store: Store,
  options: QueryOptions,
  reply: FastifyReply,
  format: Columnar,
  table: ReturnType<Answer['table']>,
): Promise<FastifyReply> {
  const { engine, type, end } = FORMATS[format];
  const bytes = await store.bytes(columnarStatement(table), engine, options);
  const body = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return reply.type(type).header('content-disposition', `attachment; filename="paceline.${end}"`).send(body);
}

type Kind = 'text' | 'decimal' | 'ratio' | 'count' | 'flag' | 'instant';

const KINDS: Readonly<Record<string, Kind>> = {
  ...kind('decimal', 'value baseline target targetLow targetHigh expectedValue previousValue'),
  ...kind('ratio', 'progress progressRaw elapsed expected pace gap coverage freshCoverage score scoreOriginal'),
  ...kind('count', 'count resets edition'),
  ...kind('flag', 'final provisional carried'),
  ...kind('instant', 'from to asOf knownAt measuredAt lateAt staleAt lastObservedAt periodFrom periodTo'),
};

function kind(of: Kind, names: string): Readonly<Record<string, Kind>> {
  return Object.fromEntries(names.split(' ').map((name) => [name, of]));
}

/** What a cell's text becomes; an empty one is NULL in all of them. */
const TYPED: Readonly<Record<Kind, (cell: string) => string>> = {
  text: (cell) => `if(${cell} = '', NULL, substring(${cell}, 2))`,
  decimal: (cell) => `toDecimal128OrNull(substring(${cell}, 2), 9)`,
  ratio: (cell) => `toFloat64OrNull(substring(${cell}, 2))`,
  count: (cell) => `toUInt64OrNull(substring(${cell}, 2))`,
  flag: (cell) => `if(${cell} = '', NULL, CAST(${cell} = '=true' AS Bool))`,
  instant: (cell) => `parseDateTime64BestEffortOrNull(substring(${cell}, 2), 6, 'UTC')`,
};

/** Characters of one statement; the engine takes 64 MiB of them. */
const CHARACTERS_MAX = 40 * 1024 * 1024;

/**
 * The table as a statement: a list of texts for each column, bound as a parameter, and its type by the column's name. Exported for
 * its test. Throws `too_many_rows` for more than a statement can carry.
 */
export function columnarStatement({ columns, cells }: ReturnType<Answer['table']>): Statement {
  const lists: string[][] = columns.map(() => []);
  let characters = 0;
  for (const row of cells) {
    row.forEach((cell, at) => {
      const text = textOf(cell);
      characters += text.length + 4;
      lists[at]?.push(text);
    });
  }
  if (characters > CHARACTERS_MAX)
    throw new PacelineError(
      'too_many_rows',
      'the rows do not fit into one file; ask for fewer with limit, from and to',
    );
  const names = namesOf(columns);
  const items = names.map(({ name, of }, at) => `${TYPED[of](`r.${at + 1}`)} AS \`${name}\``);
  const zipped = lists.map((_, at) => `{c${at}:Array(String)}`).join(', ');
  return {
    sql: `SELECT ${items.join(', ')} FROM (SELECT arrayJoin(arrayZip(${zipped})) AS r)`,
    params: Object.fromEntries(lists.map((list, at) => [`c${at}`, list])),
  };
}

/** A value is told from nothing by the sign before it. */
function textOf(cell: Cell): string {
  return cell === null || cell === undefined ? '' : `=${cell}`;
}

/** A dimension may have the name of a column that is there already. */
function namesOf(columns: readonly string[]): readonly { readonly name: string; readonly of: Kind }[] {
  const taken = new Set<string>();
  return columns.map((written) => {
    const isTaken = taken.has(written);
    const name = (isTaken ? `dimension_${written}` : written).replace(/[^\w-]/g, '_');
    taken.add(written);
    return { name, of: isTaken || !Object.hasOwn(KINDS, written) ? 'text' : (KINDS[written] ?? 'text') };
  });
}
