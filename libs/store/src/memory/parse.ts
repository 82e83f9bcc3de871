import type { Expression, Ordered, Select, Selected } from './syntax.ts';
import type { Token } from './tokens.ts';

/** Reads a SELECT, or several with UNION ALL between; throws a SyntaxError naming the first word it does not know. */
export function parseSelects(tokens: readonly Token[]): Select[] {
  const parser = new Parser(tokens);
  const selects = [parser.select()];
  while (parser.union()) selects.push(parser.select());
  parser.end();
  return selects;
}

const RESERVED = new Set([
  'from',
  'where',
  'group',
  'having',
  'order',
  'limit',
  'union',
  'as',
  'and',
  'or',
  'not',
  'in',
  'like',
  'is',
  'desc',
  'asc',
  'by',
]);
/** From the loosest to the tightest. */
const ARITHMETIC: readonly (readonly string[])[] = [
  ['+', '-'],
  ['*', '/', '%'],
];
const COMPARISONS = new Set(['=', '!=', '<>', '<', '<=', '>', '>=']);

class Parser {
  readonly #tokens: readonly Token[];
  #at = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  end(): void {
    if (this.#token.kind !== 'end') throw this.#unknown();
  }

  union(): boolean {
    return this.#words('union', 'all');
  }

  select(): Select {
    this.#expect('select');
    const distinct = this.#word('distinct');
    const items = this.#list(() => this.#selected());
    const from = this.#word('from') ? this.#source() : null;
    const where = this.#word('where') ? this.#expression() : null;
    const groupBy = this.#words('group', 'by') ? this.#list(() => this.#expression()) : [];
    const having = this.#word('having') ? this.#expression() : null;
    let orderBy: readonly Ordered[] = [];
    let orderAll = false;
    if (this.#words('order', 'by')) {
      orderAll = this.#word('all');
      if (!orderAll) orderBy = this.#list(() => this.#ordered());
    }
    let limitBy: Select['limitBy'] = null;
    let limit: Expression | null = null;
    while (this.#word('limit')) {
      const count = this.#expression();
      if (this.#word('by')) limitBy = { count, by: this.#list(() => this.#expression()) };
      else limit = count;
    }
    return { distinct, items, from, where, groupBy, having, orderBy, orderAll, limitBy, limit };
  }

  #source(): NonNullable<Select['from']> {
    if (!this.#sign('(')) return { table: this.#name() };
    const query = this.select();
    this.#expect(')');
    return { query };
  }

  #selected(): Selected {
    const expression = this.#expression();
    return { expression, alias: this.#word('as') ? this.#name() : null };
  }

  #ordered(): Ordered {
    const expression = this.#expression();
    const descending = this.#word('desc');
    if (!descending) this.#word('asc');
    return { expression, descending };
  }

  #expression(): Expression {
    let left = this.#conjunction();
    while (this.#word('or')) left = { kind: 'binary', sign: 'or', left, right: this.#conjunction() };
    return left;
  }

  #conjunction(): Expression {
    let left = this.#negation();
    while (this.#word('and')) left = { kind: 'binary', sign: 'and', left, right: this.#negation() };
    return left;
  }

  #negation(): Expression {
    return this.#word('not') ? { kind: 'not', value: this.#negation() } : this.#comparison();
  }

  #comparison(): Expression {
    const left = this.#arithmetic(0);
    if (this.#word('is')) {
      const is = !this.#word('not');
      this.#expect('null');
      return { kind: 'null', value: left, is };
    }
    const not = this.#word('not');
    const said = this.#membership(left);
    if (said !== undefined) return not ? { kind: 'not', value: said } : said;
    if (not) throw this.#unknown();
    const sign = this.#token;
    if (sign.kind !== 'sign' || !COMPARISONS.has(sign.text)) return left;
    this.#at++;
    return { kind: 'binary', sign: sign.text === '<>' ? '!=' : sign.text, left, right: this.#arithmetic(0) };
  }

  #membership(value: Expression): Expression | undefined {
    if (this.#word('in')) return { kind: 'in', value, set: this.#arithmetic(0) };
    if (this.#word('like')) return { kind: 'like', value, pattern: this.#arithmetic(0) };
    return undefined;
  }

  #arithmetic(level: number): Expression {
    const signs = ARITHMETIC[level];
    if (signs === undefined) return this.#postfix();
    let left = this.#arithmetic(level + 1);
    for (;;) {
      const { kind, text: sign } = this.#token;
      if (kind !== 'sign' || !signs.includes(sign)) return left;
      this.#at++;
      left = { kind: 'binary', sign, left, right: this.#arithmetic(level + 1) };
    }
  }

  #postfix(): Expression {
    let value = this.#primary();
    while (this.#token.kind === 'sign' && this.#token.text === '.' && this.#tokens[this.#at + 1]?.kind === 'literal') {
      this.#at += 2;
      value = { kind: 'element', of: value, at: Number(this.#tokens[this.#at - 1]?.text) };
    }
    return value;
  }

  #primary(): Expression {
    const token = this.#token;
    if (token.kind === 'literal') {
      this.#at++;
      return { kind: 'literal', index: Number(token.text) };
    }
    if (this.#sign('-')) return { kind: 'call', name: 'negate', args: [this.#postfix()] };
    if (this.#sign('(')) return this.#parenthesis();
    if (token.kind !== 'name') throw this.#unknown();
    const name = this.#name();
    if (this.#sign('->')) return { kind: 'lambda', names: [name], body: this.#expression() };
    if (this.#sign('(')) return name.toLowerCase() === 'cast' ? this.#cast() : this.#call(name);
    if (this.#token.text !== '.' || this.#tokens[this.#at + 1]?.kind !== 'name') return { kind: 'name', name };
    this.#at++;
    return { kind: 'name', name: `${name}.${this.#name()}` };
  }

  #call(name: string): Expression {
    if (this.#sign(')')) return { kind: 'call', name, args: [] };
    const args = this.#list(() => this.#expression());
    this.#expect(')');
    return { kind: 'call', name, args };
  }

  /** A value, a tuple, the names of a lambda, or a query. */
  #parenthesis(): Expression {
    if (this.#token.kind === 'name' && this.#token.text.toLowerCase() === 'select') {
      const query = this.select();
      this.#expect(')');
      return { kind: 'query', query };
    }
    const items = this.#list(() => this.#expression());
    this.#expect(')');
    if (this.#sign('->')) {
      const names = items.map((item) => (item.kind === 'name' ? item.name : ''));
      return { kind: 'lambda', names, body: this.#expression() };
    }
    const [only, ...others] = items;
    return only !== undefined && others.length === 0 ? only : { kind: 'tuple', items };
  }

  #cast(): Expression {
    const value = this.#expression();
    this.#expect('as');
    let type = this.#name();
    if (this.#sign('(')) {
      type += `(${this.#name()})`;
      this.#expect(')');
    }
    this.#expect(')');
    return { kind: 'cast', value, type };
  }

  #list<Item>(item: () => Item): Item[] {
    const items = [item()];
    while (this.#sign(',')) items.push(item());
    return items;
  }

  get #token(): Token {
    return this.#tokens[this.#at] ?? { kind: 'end', text: '' };
  }

  #name(): string {
    const { kind, text } = this.#token;
    if (kind !== 'name' || RESERVED.has(text.toLowerCase())) throw this.#unknown();
    this.#at++;
    return text;
  }

  #is(text: string, ahead = 0): boolean {
    const token = this.#tokens[this.#at + ahead];
    return token?.kind === 'name' && token.text.toLowerCase() === text;
  }

  #word(text: string): boolean {
    if (!this.#is(text)) return false;
    this.#at++;
    return true;
  }

  #words(first: string, second: string): boolean {
    if (!this.#is(first) || !this.#is(second, 1)) return false;
    this.#at += 2;
    return true;
  }

  #sign(text: string): boolean {
    const token = this.#token;
    if (token.kind !== 'sign' || token.text !== text) return false;
    this.#at++;
    return true;
  }

  #expect(text: string): void {
    if (!this.#word(text) && !this.#sign(text)) throw this.#unknown(text);
  }

  #unknown(expected?: string): SyntaxError {
    const near = this.#tokens
      .slice(Math.max(0, this.#at - 6), this.#at + 3)
      .map(({ text }) => text)
      .join(' ');
    const wanted = expected === undefined ? '' : `, where "${expected}" was expected`;
    return new SyntaxError(`the engine in memory does not know what stands near "${near}"${wanted}`);
  }
}
