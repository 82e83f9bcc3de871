import type { Token } from './lexer.ts';
import { Refusal } from './refusal.ts';
import { SYSTEM_DATABASE } from './system-views.ts';

/**
 * What clients ask by other words than SELECT: a SELECT with the same columns, or the tokens of a DESCRIBE of a query, which the
 * engine answers itself. `undefined`: not understood.
 */
export function answerFor(verb: string, tokens: readonly Token[]): string | readonly Token[] | undefined {
  const words = new Words(tokens);
  words.skip();
  switch (verb) {
    case 'SHOW':
      return show(words);
    case 'DESC':
    case 'DESCRIBE':
      return describe(words, tokens);
    case 'EXISTS':
      return exists(words);
    default:
      return undefined;
  }
}

const COLUMNS = `name, type, default_kind AS default_type, default_expression, comment, compression_codec AS codec_expression, '' AS ttl_expression`;

function show(words: Words): string | undefined {
  if (words.take('DATABASES'))
    return `SELECT name FROM ${SYSTEM_DATABASE}.databases${words.like('WHERE')} ORDER BY name`;
  if (words.take('PROCESSLIST')) return words.end(`SELECT * FROM ${SYSTEM_DATABASE}.processes`);
  if (words.take('CREATE')) {
    if (!words.take('TABLE')) words.take('VIEW');
    const { database, table } = words.table();
    return words.end(`SELECT concat('CREATE VIEW ', any(database), '.', any(table), ' (', arrayStringConcat(groupArray(concat(name, ' ', type)), ', '), ')') AS statement
FROM (SELECT * FROM ${SYSTEM_DATABASE}.columns WHERE database = ${quoted(database)} AND table = ${quoted(table)} ORDER BY position) HAVING count() > 0`);
  }
  if (words.take('COLUMNS') || words.take('FIELDS')) {
    if (!words.take('FROM')) words.take('IN');
    const { database, table } = words.table();
    return words.end(
      `SELECT name AS field, type, startsWith(type, 'Nullable') AS null, '' AS key, NULL AS default, '' AS extra FROM ${SYSTEM_DATABASE}.columns WHERE database = ${quoted(database)} AND table = ${quoted(table)} ORDER BY position`,
    );
  }
  const full = words.take('FULL');
  if (!words.take('TABLES') && !words.take('VIEWS')) return undefined;
  const database = words.take('FROM') || words.take('IN') ? words.name() : 'bi';
  return `SELECT name${full ? ", 'VIEW' AS table_type" : ''} FROM ${SYSTEM_DATABASE}.tables WHERE database = ${quoted(named(database))}${words.like('AND')} ORDER BY name`;
}

function describe(words: Words, tokens: readonly Token[]): string | readonly Token[] | undefined {
  words.take('TABLE');
  // A query in parentheses is looked at like any other, by the engine's parser.
  if (words.isAt('(') || words.isWord('SELECT')) return tokens;
  const { database, table } = words.table();
  return words.end(
    `SELECT ${COLUMNS} FROM ${SYSTEM_DATABASE}.columns WHERE database = ${quoted(database)} AND table = ${quoted(table)} ORDER BY position`,
  );
}

function exists(words: Words): string {
  if (words.take('DATABASE'))
    return words.end(
      `SELECT toUInt8(count() > 0) AS result FROM ${SYSTEM_DATABASE}.databases WHERE name = ${quoted(words.name())}`,
    );
  if (!words.take('TABLE')) words.take('VIEW');
  const { database, table } = words.table();
  return words.end(
    `SELECT toUInt8(count() > 0) AS result FROM ${SYSTEM_DATABASE}.tables WHERE database = ${quoted(database)} AND name = ${quoted(table)}`,
  );
}

function quoted(text: string): string {
  return `'${text.replace(/[\\']/g, (character) => `\\${character}`)}'`;
}

/** Clients that were told of no database ask for `default`. */
export function named(database: string): string {
  return database === 'default' || database === '' ? 'bi' : database;
}

/** Reads a short statement word by word. */
class Words {
  readonly #tokens: readonly Token[];
  #at = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  skip(): void {
    this.#at++;
  }

  isAt(mark: string): boolean {
    return this.#tokens[this.#at]?.text === mark;
  }

  isWord(word: string): boolean {
    const token = this.#tokens[this.#at];
    return token?.kind === 'word' && token.text.toUpperCase() === word;
  }

  take(word: string): boolean {
    if (!this.isWord(word)) return false;
    this.#at++;
    return true;
  }

  name(): string {
    const token = this.#tokens[this.#at++];
    if (token !== undefined && (token.kind === 'word' || token.kind === 'name')) return token.text;
    throw new Refusal('SYNTAX_ERROR', 'Syntax error: a name is expected');
  }

  table(): { readonly database: string; readonly table: string } {
    const first = this.name();
    if (!this.isAt('.')) return { database: 'bi', table: first };
    this.#at++;
    return { database: named(first), table: this.name() };
  }

  like(glue: 'WHERE' | 'AND'): string {
    if (this.#at >= this.#tokens.length) return '';
    const not = this.take('NOT') ? 'NOT ' : '';
    const word = this.take('ILIKE') ? 'ILIKE' : this.take('LIKE') ? 'LIKE' : undefined;
    const pattern = this.#tokens[this.#at++];
    if (word === undefined || pattern?.kind !== 'text')
      throw new Refusal('SYNTAX_ERROR', 'Syntax error: LIKE with a text is expected');
    return this.end(` ${glue} name ${not}${word} ${pattern.text}`);
  }

  /** The answer, if nothing more was said. */
  end(answer: string): string {
    if (this.#at >= this.#tokens.length) return answer;
    throw new Refusal(
      'SYNTAX_ERROR',
      `Syntax error: ${this.#tokens[this.#at]?.text.slice(0, 60)} is not expected here`,
    );
  }
}
