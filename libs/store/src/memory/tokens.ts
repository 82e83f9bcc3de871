/** Text of a statement as tokens. Literals are lifted out, so that statements that differ in values only share one plan. */
export interface Token {
  readonly kind: 'name' | 'literal' | 'sign' | 'end';
  /** Of a literal: its index among the statement's literals. */
  readonly text: string;
}

export type Literal = string | number | bigint;

export interface Tokens {
  readonly tokens: readonly Token[];
  readonly literals: readonly Literal[];
  /** The statement without its literals. */
  readonly key: string;
}

const TOKEN =
  /\s+|'((?:[^'\\]|\\.|'')*)'|(\d+(?:\.\d+)?(?:[eE][-+]?\d+)?)|`([^`]+)`|([A-Za-z_]\w*)|(->|!=|<=|>=|<>|[-+*/%(),.=<>[\]])/gsy;

/** Throws where the text is no token: the statement uses something this engine does not know. */
export function tokensOf(sql: string): Tokens {
  const tokens: Token[] = [];
  const literals: Literal[] = [];
  let key = '';
  const put = (kind: Token['kind'], text: string, shown: string): void => {
    tokens.push({ kind, text });
    key += `${shown} `;
  };
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < sql.length) {
    const at = TOKEN.lastIndex;
    const match = TOKEN.exec(sql);
    if (match === null)
      throw new SyntaxError(`the engine in memory cannot read ${JSON.stringify(sql.slice(at, at + 60))}`);
    const [, quoted, number, identifier, name, sign] = match;
    if (quoted !== undefined) put('literal', String(literals.push(unquoted(quoted)) - 1), '?');
    else if (number !== undefined) {
      // Only what `bind` writes as CAST(number AS …) varies; a part of a tuple or a limit belongs to the plan.
      const varies = tokens.at(-1)?.text === '(';
      put('literal', String(literals.push(numberOf(number)) - 1), varies ? '#' : number);
    } else if (identifier !== undefined) put('name', identifier, `\`${identifier}\``);
    else if (name !== undefined) put('name', name, name);
    else if (sign !== undefined) put('sign', sign, sign);
  }
  tokens.push({ kind: 'end', text: '' });
  return { tokens, literals, key };
}

const ESCAPES: Readonly<Record<string, string>> = { '0': '\0', n: '\n', t: '\t', r: '\r', b: '\b', f: '\f' };

function unquoted(text: string): string {
  if (!text.includes('\\') && !text.includes("''")) return text;
  return text.replace(/\\(.)|''/gs, (_, escaped: string | undefined) =>
    escaped === undefined ? "'" : (ESCAPES[escaped] ?? escaped),
  );
}

function numberOf(text: string): number | bigint {
  const number = Number(text);
  return /^\d+$/.test(text) && !Number.isSafeInteger(number) ? BigInt(text) : number;
}
