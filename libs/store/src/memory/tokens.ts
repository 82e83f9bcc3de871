/** Text of a statement as tokens. */
export interface Token {
  readonly kind: 'name' | 'literal' | 'sign' | 'end';
  /** Of a literal: its index among the statement's literals. */
  readonly text: string;
}

export type Literal = string | number | bigint;

export interface Lifted {
  /** The statement with its values taken out: statements that differ in values only share one plan. */
  readonly text: string;
  readonly literals: Literal[];
}

/** Values as `bind.ts` writes them: quoted text, and whole numbers within a cast. Other numbers belong to the statement. */
const VALUES = /'((?:[^'\\]|\\.|'')*)'|CAST\((-?\d+)(?= AS)/gs;

export function lift(sql: string): Lifted {
  const literals: Literal[] = [];
  const text = sql.replace(VALUES, (_, quoted: string | undefined, number: string) =>
    quoted === undefined
      ? `CAST($${literals.push(numberOf(number)) - 1}$`
      : `$${literals.push(unquoted(quoted)) - 1}t$`,
  );
  return { text, literals };
}

export interface Tokens {
  readonly tokens: readonly Token[];
  /** Numbers of the statement itself; their indexes follow those of the values. */
  readonly constants: readonly Literal[];
}

const TOKEN =
  /\s+|\$(\d+)t?\$|(\d+(?:\.\d+)?(?:[eE][-+]?\d+)?)|`([^`]+)`|([A-Za-z_]\w*)|(->|!=|<=|>=|<>|[-+*/%(),.=<>[\]])/gsy;

/** Throws where the text is no token: the statement uses something this engine does not know. */
export function tokensOf(text: string, values: number): Tokens {
  const tokens: Token[] = [];
  const constants: Literal[] = [];
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < text.length) {
    const at = TOKEN.lastIndex;
    const match = TOKEN.exec(text);
    if (match === null)
      throw new SyntaxError(`the engine in memory cannot read ${JSON.stringify(text.slice(at, at + 60))}`);
    const [, value, number, identifier, name, sign] = match;
    if (value !== undefined) tokens.push({ kind: 'literal', text: value });
    else if (number !== undefined)
      tokens.push({ kind: 'literal', text: String(values + constants.push(numberOf(number)) - 1) });
    else if (identifier !== undefined) tokens.push({ kind: 'name', text: identifier });
    else if (name !== undefined) tokens.push({ kind: 'name', text: name });
    else if (sign !== undefined) tokens.push({ kind: 'sign', text: sign });
  }
  tokens.push({ kind: 'end', text: '' });
  return { tokens, constants };
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
  return /^-?\d+$/.test(text) && !Number.isSafeInteger(number) ? BigInt(text) : number;
}
