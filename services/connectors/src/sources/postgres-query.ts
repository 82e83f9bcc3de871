import type { WindowEdge } from '@paceline/connector-sdk';

/** A query in PostgreSQL's own numbered form, with the texts of its parameters. */
export interface BoundQuery {
  readonly text: string;
  readonly values: readonly string[];
}

/** Names a query may use. The `_date` and `_utc` forms are for columns that hold days or UTC times as text. */
export const PARAMETERS = ['from', 'to', 'from_date', 'to_date', 'from_utc', 'to_utc'] as const;
export type Parameter = (typeof PARAMETERS)[number];

/**
 * Everything in which `:from` is not a parameter, then parameters: comments, quoted identifiers, strings in all their
 * forms, dollar quotes, casts (`::`). Block comments nest in PostgreSQL, so they are followed by hand.
 */
const TOKEN =
  /--[^\n]*|\/\*|"(?:[^"]|"")*"|[eE]'(?:[^'\\]|\\.|'')*'|'(?:[^']|'')*'|\$([A-Za-z_][A-Za-z0-9_]*)?\$|::|:([A-Za-z_][A-Za-z0-9_]*)|[A-Za-z0-9_$]+/g;

interface Place {
  readonly name: string;
  readonly start: number;
  readonly end: number;
}

/** The `:name` places of a query, in order. */
export function parametersIn(query: string): Place[] {
  const places: Place[] = [];
  TOKEN.lastIndex = 0;
  for (let match = TOKEN.exec(query); match !== null; match = TOKEN.exec(query)) {
    const [token, tag, name] = match;
    if (token === '/*') TOKEN.lastIndex = endOfComment(query, match.index);
    else if (token.startsWith('$') && token.endsWith('$') && token.length >= 2) {
      const quote = `$${tag ?? ''}$`;
      const end = query.indexOf(quote, TOKEN.lastIndex);
      TOKEN.lastIndex = end === -1 ? query.length : end + quote.length;
    } else if (name !== undefined) places.push({ name, start: match.index, end: TOKEN.lastIndex });
  }
  return places;
}

function endOfComment(query: string, start: number): number {
  let depth = 0;
  for (let at = start; at < query.length; at++) {
    const pair = query.slice(at, at + 2);
    if (pair === '/*' || pair === '*/') {
      depth += pair === '/*' ? 1 : -1;
      at++;
      if (depth === 0) return at + 1;
    }
  }
  return query.length;
}

/** What is wrong with a query before any server has seen it; `undefined` when nothing is. */
export function faultOfQuery(query: string, windowed: boolean): string | undefined {
  if (query.trim() === '') return 'the query is empty';
  const names = parametersIn(query).map((place) => place.name);
  const unknown = names.filter((name) => !isParameter(name));
  if (unknown.length > 0)
    return `:${unknown[0]} is no parameter; a query may use ${PARAMETERS.map((name) => `:${name}`).join(', ')}`;
  if (!windowed) return undefined;
  const has = (edge: string): boolean => names.some((name) => name === edge || name.startsWith(`${edge}_`));
  if (!has('from') || !has('to'))
    return 'the query must be bounded by :from and :to, as in WHERE day >= :from AND day < :to';
  return undefined;
}

function isParameter(name: string): name is Parameter {
  return PARAMETERS.some((known) => known === name);
}

/** Numbers the parameters; the values travel beside the query and are never put into it. */
export function bindQuery(query: string, from: WindowEdge, to: WindowEdge): BoundQuery {
  const values: string[] = [];
  const numbers = new Map<string, number>();
  const edges: Readonly<Record<Parameter, string>> = {
    from: from.local,
    to: to.local,
    from_date: from.date,
    to_date: to.date,
    from_utc: from.utc,
    to_utc: to.utc,
  };
  let text = '';
  let end = 0;
  for (const place of parametersIn(query)) {
    if (!isParameter(place.name)) continue;
    let number = numbers.get(place.name);
    if (number === undefined) {
      number = values.push(edges[place.name]);
      numbers.set(place.name, number);
    }
    text += `${query.slice(end, place.start)}$${number}`;
    end = place.end;
  }
  // A last semicolon is how people end a statement; inside a subquery it would be an error.
  return { text: (text + query.slice(end)).replace(/;\s*$/, ''), values };
}

export interface KeysetColumns {
  readonly column: string;
  readonly key?: string | undefined;
}

export interface KeysetPage {
  readonly after: readonly string[] | null;
  /** Exclusive upper bound of the cursor column. */
  readonly before: string | null;
  /** Inclusive lower bound, for the first read only. */
  readonly start: string | null;
  readonly limit: number;
}

/** One page after a (cursor, key) pair: ties larger than a page cannot be skipped, because the pair is unique. */
export function keysetQuery(query: string, columns: KeysetColumns, page: KeysetPage): BoundQuery {
  const values: string[] = [];
  const parameter = (value: string): string => `$${values.push(value)}`;
  const names = [columns.column, ...(columns.key === undefined ? [] : [columns.key])].map(quoteIdentifier);
  const conditions: string[] = [];
  if (page.after !== null) {
    const list = page.after.map(parameter).join(', ');
    conditions.push(names.length === 1 ? `${names[0]} > ${list}` : `(${names.join(', ')}) > (${list})`);
  } else if (page.start !== null) conditions.push(`${names[0]} >= ${parameter(page.start)}`);
  if (page.before !== null) conditions.push(`${names[0]} < ${parameter(page.before)}`);
  const where = conditions.length === 0 ? '' : ` WHERE ${conditions.join(' AND ')}`;
  const inner = query.replace(/;\s*$/, '');
  return {
    text: `SELECT * FROM (\n${inner}\n) AS paceline_rows${where} ORDER BY ${names.join(', ')} LIMIT ${page.limit}`,
    values,
  };
}

export function quoteIdentifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
