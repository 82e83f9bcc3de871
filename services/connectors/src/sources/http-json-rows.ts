import { atPointer, ConnectorFault, type Row } from '@paceline/connector-sdk';
import jsonata from 'jsonata';

const TIME_MS = 2_000;
const STACK_MAX = 200;
const SEQUENCE_MAX = 1_000_000;
const PATTERN_CHARACTERS_MAX = 200;

/** Patterns in which a repeated group repeats inside: the ones that can run for years on a short text. */
const NESTED_REPEAT = /\([^()]*[+*}][^()]*\)[+*{]/;

class BoundedRegExp extends RegExp {
  constructor(pattern: string | RegExp, flags?: string) {
    const source = typeof pattern === 'string' ? pattern : pattern.source;
    if (source.length > PATTERN_CHARACTERS_MAX || NESTED_REPEAT.test(source)) {
      throw new ConnectorFault('config', 'invalid_rows', `the pattern /${source.slice(0, 60)}/ may never end`, {
        remedy: 'Write it without a repeated group that repeats inside.',
      });
    }
    super(pattern, flags);
  }
}

/** Gives the rows of one answer. */
export type RowsOf = (document: unknown) => Promise<readonly unknown[]>;

export type RowsConfig = string | { readonly jsonata: string };

/** @throws ConnectorFault `invalid_rows` when the expression cannot be read. */
export function rowsReader(rows: RowsConfig): RowsOf {
  if (typeof rows === 'string') return async (document) => asList(atPointer(document, rows), rows);
  const expression = compile(rows.jsonata);
  return async (document) => {
    try {
      const found: unknown = await expression.evaluate(document);
      if (found === undefined) return [];
      return Array.isArray(found) ? found : [found];
    } catch (error) {
      throw new ConnectorFault('config', 'invalid_rows', `the expression of rows fails: ${messageOf(error)}`, {
        cause: error,
        remedy: 'Try the expression on one answer; paceline preview shows what it gives.',
      });
    }
  };
}

function compile(expression: string): jsonata.Expression {
  try {
    return jsonata(expression, {
      timeout: TIME_MS,
      stack: STACK_MAX,
      sequence: SEQUENCE_MAX,
      RegexEngine: BoundedRegExp as RegExpConstructor,
    });
  } catch (error) {
    throw new ConnectorFault('config', 'invalid_rows', `the expression of rows cannot be read: ${messageOf(error)}`, {
      cause: error,
      remedy: 'Correct the JSONata expression.',
    });
  }
}

/** What is wrong with an expression, without any data. */
export function faultOfRows(rows: RowsConfig): string | undefined {
  try {
    rowsReader(rows);
    return undefined;
  } catch (error) {
    return messageOf(error);
  }
}

function asList(found: unknown, pointer: string): readonly unknown[] {
  if (Array.isArray(found)) return found;
  if (typeof found === 'object' && found !== null) return [found];
  throw new ConnectorFault(
    'config',
    'invalid_rows',
    `at ${JSON.stringify(pointer)} the answer has ${found === undefined ? 'nothing' : 'no list'}`,
    {
      remedy: 'Set rows to the JSON Pointer of the list of rows, such as /data/items.',
    },
  );
}

/** A row is an object; a list becomes one with its places as names, a single value one with `value`. */
export function asRow(item: unknown): Row {
  if (Array.isArray(item)) return Object.fromEntries(item.map((value, index) => [String(index), value]));
  if (typeof item === 'object' && item !== null) return Object.fromEntries(Object.entries(item));
  return { value: item };
}

function messageOf(error: unknown): string {
  if (error instanceof Error) return error.message;
  const message: unknown = typeof error === 'object' && error !== null ? Reflect.get(error, 'message') : undefined;
  return typeof message === 'string' ? message : String(error);
}
