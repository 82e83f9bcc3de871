import { FORMATS } from './formats.ts';
import { type Token, textOf, tokensOf } from './lexer.ts';
import { Refusal } from './refusal.ts';
import { answerFor } from './show.ts';
import { SYSTEM_DATABASE, systemViewOf } from './system-views.ts';

/** One statement, ready to be looked at by the engine's parser. */
export interface ReadStatement {
  readonly sql: string;
  /** Of a FORMAT clause, which the engine does not get to see. */
  readonly format: string | null;
  /** Types of the parameters in the text, by name. */
  readonly parameters: ReadonlyMap<string, string>;
}

export const QUERY_BYTES_MAX = 256 * 1024;

/** Statements that change something, or another session; named so that their refusal can say why. */
const CHANGING = new Set(
  `INSERT CREATE DROP ALTER RENAME EXCHANGE TRUNCATE ATTACH DETACH OPTIMIZE SYSTEM KILL SET USE GRANT REVOKE DELETE UPDATE BACKUP
   RESTORE UNDROP MOVE WATCH CHECK EXECUTE BEGIN COMMIT ROLLBACK REPLACE MERGE COPY CALL PREPARE DEALLOCATE SNAPSHOT UNFREEZE`.split(
    /\s+/,
  ),
);

/**
 * The first gate: exactly one statement, of a kind that reads. Comments are taken out, the FORMAT clause is taken off, names of
 * system tables are turned to what guests may see of them, and what clients ask by SHOW, DESCRIBE and EXISTS becomes a SELECT.
 */
export function readStatement(sql: string): ReadStatement {
  if (Buffer.byteLength(sql) > QUERY_BYTES_MAX)
    throw new Refusal('QUERY_IS_TOO_LARGE', `Max query size of ${QUERY_BYTES_MAX} bytes exceeded`);
  if (!sql.isWellFormed()) throw new Refusal('SYNTAX_ERROR', 'Syntax error: the query is not valid text');
  const tokens = single(tokensOf(sql));
  refuseFiles(tokens);
  const { body, format } = takeFormat(tokens);
  const parameters = parametersOf(body);
  const verb = body.find(({ text }) => text !== '(');
  const word = verb?.kind === 'word' ? verb.text.toUpperCase() : '';
  if (word === 'SELECT' || word === 'WITH' || word === 'FROM') return { sql: textOf(turned(body)), format, parameters };
  if (CHANGING.has(word))
    throw new Refusal('READONLY', `Cannot execute ${word} query in readonly mode: this address only reads`);
  const answer = answerFor(word, body);
  if (answer === undefined) {
    const about = word === '' ? 'a query begins with a word' : `${word} is not understood here`;
    throw new Refusal(
      word === 'EXPLAIN' ? 'ACCESS_DENIED' : 'SYNTAX_ERROR',
      `${about}; SELECT, WITH, SHOW DATABASES, SHOW TABLES, DESCRIBE and EXISTS are`,
    );
  }
  return { sql: typeof answer === 'string' ? answer : textOf(turned(answer)), format, parameters };
}

/**
 * The id in `KILL QUERY WHERE query_id = '…'`, which is how drivers cancel. The engine never sees it: its own KILL would reach
 * everybody's queries. `undefined`: it is something else, which is then refused like all that is not reading.
 */
export function queryToKill(sql: string): string | undefined {
  return /^\s*KILL\s+QUERY\s+WHERE\s+query_id\s*=\s*'([\w-]{1,100})'\s*(?:SYNC|ASYNC)?\s*;?\s*$/i.exec(sql)?.[1];
}

/** Drops semicolons at the end; one before something else begins a second statement. */
function single(tokens: readonly Token[]): readonly Token[] {
  const end = tokens.findLastIndex(({ kind, text }) => kind !== 'mark' || text !== ';') + 1;
  if (end === 0) throw new Refusal('SYNTAX_ERROR', 'Syntax error: Empty query');
  const body = tokens.slice(0, end);
  if (body.some(({ kind, text }) => kind === 'mark' && text === ';'))
    throw new Refusal('SYNTAX_ERROR', 'Syntax error (Multi-statements are not allowed)');
  return body;
}

/** In read-only mode the engine still writes files with this clause, so its words are refused wherever they stand. */
function refuseFiles(tokens: readonly Token[]): void {
  tokens.forEach((token, at) => {
    const [word, next] = [wordAt(tokens, at), wordAt(tokens, at + 1)];
    if (word === 'INTO' && next === 'OUTFILE')
      throw new Refusal('ACCESS_DENIED', 'INTO OUTFILE is not allowed: the answer comes over HTTP');
    // The engine would take settings at the end as those of the look at the statement.
    if (word === 'SETTINGS' && next !== '' && tokens[at + 2]?.text === '=')
      throw new Refusal(
        'READONLY',
        'Settings cannot be changed in a query: this address only reads, with limits of its own',
      );
    if (word === 'INFILE' || (word === 'PARALLEL' && next === 'WITH'))
      throw new Refusal('ACCESS_DENIED', `${token.text} is not allowed here`);
  });
}

function wordAt(tokens: readonly Token[], at: number): string {
  const token = tokens[at];
  return token?.kind === 'word' ? token.text.toUpperCase() : '';
}

/** `… FORMAT Name` at the end, outside parentheses. */
function takeFormat(tokens: readonly Token[]): { readonly body: readonly Token[]; readonly format: string | null } {
  const last = tokens.at(-1);
  const isClause = last?.kind === 'word' && wordAt(tokens, tokens.length - 2) === 'FORMAT' && tokens.length > 2;
  if (!isClause) return { body: tokens, format: null };
  return { body: tokens.slice(0, -2), format: formatNamed(last.text) };
}

export function formatNamed(name: string): string {
  if (FORMATS.has(name)) return name;
  throw new Refusal('UNKNOWN_FORMAT', `Unknown format ${name.slice(0, 60).replace(/\W/g, '?')}`);
}

/** `{name:Type}` as the engine will bind them. */
function parametersOf(tokens: readonly Token[]): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  tokens.forEach((token, at) => {
    if (token.kind !== 'mark' || token.text !== '{') return;
    if (tokens[at + 1]?.kind !== 'word' || tokens[at + 2]?.text !== ':') return;
    const type = tokens.slice(at + 3, at + 3 + TYPE_TOKENS_MAX);
    const end = type.findIndex((other) => other.kind === 'mark' && other.text === '}');
    if (end > 0) found.set(tokens[at + 1]?.text ?? '', textOf(type.slice(0, end)));
  });
  return found;
}

const TYPE_TOKENS_MAX = 200;

const SYSTEM_NAMES = new Set(['system', 'information_schema', 'INFORMATION_SCHEMA']);

/** `system.tables` and its like, turned to the views of what a guest may see of them. */
function turned(tokens: readonly Token[]): readonly Token[] {
  const result = [...tokens];
  for (let at = 0; at + 2 < result.length; at++) {
    const [database, dot, table] = [result[at], result[at + 1], result[at + 2]];
    if (database === undefined || dot === undefined || table === undefined) continue;
    if (!isName(database) || !SYSTEM_NAMES.has(database.text) || dot.text !== '.' || !isName(table)) continue;
    if (result[at - 1]?.text === '.') continue;
    const view = systemViewOf(database.text, table.text);
    if (view === undefined)
      throw new Refusal(
        'ACCESS_DENIED',
        `Not enough privileges. To execute this query, it's necessary to have the grant SELECT ON ${database.text}.${table.text.slice(0, 60)}`,
      );
    result[at] = { kind: 'name', text: SYSTEM_DATABASE, apart: database.apart };
    result[at + 2] = { kind: 'name', text: view, apart: table.apart };
  }
  return result;
}

function isName(token: Token): boolean {
  return token.kind === 'word' || token.kind === 'name';
}
