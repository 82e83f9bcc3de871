import { Refusal } from './refusal.ts';

/**
 * A token of a statement. What cannot be told apart with certainty by two readers of ClickHouse's syntax is refused rather
 * than guessed at, because the engine reads the text again.
 */
export interface Token {
  readonly kind: 'word' | 'name' | 'text' | 'number' | 'mark';
  /** As written; of a `name` what stands inside the quotes, of a `text` as written with them. */
  readonly text: string;
  /** Whether white space or a comment stood before it. */
  readonly apart: boolean;
}

const TOKENS_MAX = 50_000;
/** Marks of more than one character need no entry: marks are kept side by side as they were. */
const MARKS = new Set('()[]{},.;:?<>=!+-*/%|^~&');

export function tokensOf(sql: string): Token[] {
  const reader = new Reader(sql);
  const tokens: Token[] = [];
  for (let token = reader.next(); token !== undefined; token = reader.next()) {
    tokens.push(token);
    if (tokens.length > TOKENS_MAX)
      throw new Refusal('QUERY_IS_TOO_LARGE', `The query has more than ${TOKENS_MAX} tokens`);
  }
  return tokens;
}

/** The statement without its comments: what is sent to the engine. */
export function textOf(tokens: readonly Token[]): string {
  return tokens.map((token, at) => (at > 0 && token.apart ? ' ' : '') + written(token)).join('');
}

function written({ kind, text }: Token): string {
  return kind === 'name' ? `\`${text.replaceAll('`', '``')}\`` : text;
}

class Reader {
  readonly #sql: string;
  #at = 0;

  constructor(sql: string) {
    this.#sql = sql;
  }

  next(): Token | undefined {
    const apart = this.#skip();
    const first = this.#sql[this.#at];
    if (first === undefined) return undefined;
    if (first === "'") return { kind: 'text', text: this.#quoted("'", true), apart };
    if (first === '"' || first === '`') return { kind: 'name', text: this.#name(first), apart };
    const word = this.#match(/[A-Za-z_][A-Za-z0-9_]*/y);
    if (word !== undefined) return { kind: 'word', text: word, apart };
    const number = this.#match(/[0-9][A-Za-z0-9_]*/y);
    if (number !== undefined) return { kind: 'number', text: number, apart };
    if (!MARKS.has(first)) throw this.#strange(first);
    this.#at++;
    return { kind: 'mark', text: first, apart };
  }

  /** White space and comments; whether there were any. */
  #skip(): boolean {
    const start = this.#at;
    for (;;) {
      this.#match(/[ \t\n\r\f\v]+/y);
      if (this.#sql.startsWith('--', this.#at)) this.#match(/[^\n]*/y);
      else if (this.#sql.startsWith('/*', this.#at)) this.#comment();
      else return this.#at > start;
    }
  }

  /** Comments nest, as in the engine. */
  #comment(): void {
    let depth = 0;
    do {
      const mark = this.#sql.slice(this.#at, this.#at + 2);
      if (mark.length < 2) throw new Refusal('SYNTAX_ERROR', 'Syntax error: a comment is not closed');
      if (mark === '/*') depth++;
      else if (mark === '*/') depth--;
      this.#at += mark === '/*' || mark === '*/' ? 2 : 1;
    } while (depth > 0);
  }

  #quoted(quote: string, escapes: boolean): string {
    const start = this.#at++;
    for (;;) {
      const character = this.#sql[this.#at];
      if (character === undefined) throw new Refusal('SYNTAX_ERROR', `Syntax error: a ${quote} is not closed`);
      if (character === '\\' && escapes) this.#at += 2;
      else if (character !== quote) this.#at++;
      else if (this.#sql[this.#at + 1] === quote) this.#at += 2;
      else {
        this.#at++;
        return this.#sql.slice(start, this.#at);
      }
    }
  }

  #name(quote: string): string {
    const inside = this.#quoted(quote, false)
      .slice(1, -1)
      .replaceAll(quote + quote, quote);
    // A control character could make a line of its own in the syntax tree, and a backslash is read differently elsewhere.
    if (/[\\\p{Cc}]/u.test(inside) || inside === '')
      throw new Refusal(
        'SYNTAX_ERROR',
        'Syntax error: a quoted name is empty or holds a backslash or control character',
      );
    return inside;
  }

  #match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#sql)?.[0];
    if (found !== undefined) this.#at += found.length;
    return found;
  }

  #strange(character: string): Refusal {
    const code = character.codePointAt(0)?.toString(16).padStart(4, '0');
    return new Refusal(
      'SYNTAX_ERROR',
      `Syntax error: character U+${code} at position ${this.#at + 1} is not understood outside quotes; here-documents, variables and curly quotes are not supported`,
    );
  }
}
