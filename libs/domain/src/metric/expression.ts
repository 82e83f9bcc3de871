import { scaledOf } from '../number/decimal.ts';
import { add, divide, fromScaled, multiply, negate, type Rational, subtract } from '../number/rational.ts';

/** A formula over metrics: `revenue / orders`, `(won - lost) * 100`. */
export type Expression =
  | { readonly type: 'metric'; readonly name: string }
  | { readonly type: 'number'; readonly value: Rational }
  | { readonly type: 'negate'; readonly of: Expression }
  | { readonly type: 'binary'; readonly operator: Operator; readonly left: Expression; readonly right: Expression };
export type Operator = '+' | '-' | '*' | '/';

export type ParsedExpression =
  | { readonly ok: true; readonly expression: Expression; readonly operands: readonly string[] }
  | {
      readonly ok: false;
      /** 1 is the first character. */
      readonly column: number;
      readonly message: string;
    };

const LENGTH_MAX = 2000;
const DEPTH_MAX = 50;

/**
 * Names may hold hyphens, so `a-b` is one name and `a - b` a difference. A number has digits and at most one point; a name of
 * digits alone cannot be an operand.
 */
export function parseExpression(text: string): ParsedExpression {
  if (text.length > LENGTH_MAX)
    return { ok: false, column: LENGTH_MAX + 1, message: `longer than ${LENGTH_MAX} characters` };
  try {
    const parser = new Parser(text);
    const expression = parser.whole();
    return { ok: true, expression, operands: operandsOfExpression(expression) };
  } catch (error) {
    if (error instanceof Unexpected) return { ok: false, column: error.column, message: error.message };
    throw error;
  }
}

/** Names of the metrics it reads, each once, in the order of their first use. */
export function operandsOfExpression(expression: Expression): readonly string[] {
  const names = new Set<string>();
  const visit = (part: Expression): void => {
    if (part.type === 'metric') names.add(part.name);
    else if (part.type === 'negate') visit(part.of);
    else if (part.type === 'binary') {
      visit(part.left);
      visit(part.right);
    }
  };
  visit(expression);
  return [...names];
}

/** Only sums and differences of metrics: what is cumulative in each operand is so in the whole. */
export function isAdditive(expression: Expression): boolean {
  switch (expression.type) {
    case 'metric':
      return true;
    case 'number':
      return false;
    case 'negate':
      return isAdditive(expression.of);
    case 'binary':
      return (
        (expression.operator === '+' || expression.operator === '-') &&
        isAdditive(expression.left) &&
        isAdditive(expression.right)
      );
  }
}

/** The exact value, or why there is none. `read` answers `null` for a side without data. */
export function evaluateExpression(
  expression: Expression,
  read: (name: string) => Rational | null,
): Rational | 'no_points' | 'zero_denominator' {
  switch (expression.type) {
    case 'metric':
      return read(expression.name) ?? 'no_points';
    case 'number':
      return expression.value;
    case 'negate': {
      const value = evaluateExpression(expression.of, read);
      return typeof value === 'string' ? value : negate(value);
    }
    case 'binary': {
      const left = evaluateExpression(expression.left, read);
      if (typeof left === 'string') return left;
      const right = evaluateExpression(expression.right, read);
      if (typeof right === 'string') return right;
      return combine(expression.operator, left, right);
    }
  }
}

function combine(operator: Operator, left: Rational, right: Rational): Rational | 'zero_denominator' {
  switch (operator) {
    case '+':
      return add(left, right);
    case '-':
      return subtract(left, right);
    case '*':
      return multiply(left, right);
    case '/':
      return divide(left, right) ?? 'zero_denominator';
  }
}

class Unexpected extends Error {
  readonly column: number;
  constructor(column: number, message: string) {
    super(message);
    this.column = column;
  }
}

const NUMBER = /\d+(?:\.\d+)?(?![a-z0-9_.-])/y;
const NAME = /[a-z0-9][a-z0-9_-]*/y;

/** Recursive descent: sum = product (('+' | '-') product)*, product = factor (('*' | '/') factor)*. */
class Parser {
  private readonly text: string;
  private at = 0;
  private depth = 0;

  constructor(text: string) {
    this.text = text;
  }

  whole(): Expression {
    const expression = this.sum();
    const next = this.peek();
    if (next === ')') throw new Unexpected(this.at + 1, 'there is no "(" for this ")"');
    if (next !== '') throw new Unexpected(this.at + 1, `an operator (+ - * /) is missing before ${this.shown()}`);
    return expression;
  }

  private sum(): Expression {
    let left = this.product();
    for (let next = this.peek(); next === '+' || next === '-'; next = this.peek()) {
      this.at++;
      left = { type: 'binary', operator: next, left, right: this.product() };
    }
    return left;
  }

  private product(): Expression {
    let left = this.factor();
    for (let next = this.peek(); next === '*' || next === '/'; next = this.peek()) {
      this.at++;
      left = { type: 'binary', operator: next, left, right: this.factor() };
    }
    return left;
  }

  private factor(): Expression {
    const next = this.peek();
    if (next === '') throw new Unexpected(this.at + 1, 'a metric, a number or "(" is missing at the end');
    if (next === '(' || next === '-') return this.nested(next);
    const number = this.match(NUMBER);
    if (number !== undefined) {
      try {
        return { type: 'number', value: fromScaled(scaledOf(number)) };
      } catch (error) {
        throw new Unexpected(this.at - number.length + 1, error instanceof Error ? error.message : String(error));
      }
    }
    const name = this.match(NAME);
    if (name === undefined) {
      throw new Unexpected(this.at + 1, `a metric, a number or "(" is expected, not ${this.shown()}`);
    }
    return { type: 'metric', name };
  }

  private nested(opening: '(' | '-'): Expression {
    const column = this.at + 1;
    if (++this.depth > DEPTH_MAX) throw new Unexpected(column, `nested deeper than ${DEPTH_MAX}`);
    this.at++;
    let expression: Expression;
    if (opening === '-') expression = { type: 'negate', of: this.factor() };
    else {
      expression = this.sum();
      if (this.peek() !== ')') throw new Unexpected(this.at + 1, `")" is missing for the "(" at column ${column}`);
      this.at++;
    }
    this.depth--;
    return expression;
  }

  private peek(): string {
    while (this.at < this.text.length && /\s/.test(this.text[this.at]!)) this.at++;
    return this.text[this.at] ?? '';
  }

  private match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.text)?.[0];
    if (found !== undefined) this.at += found.length;
    return found;
  }

  private shown(): string {
    return JSON.stringify(this.text.slice(this.at, this.at + 20));
  }
}
