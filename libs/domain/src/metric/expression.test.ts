import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { fromNumber, rational, toNumber } from '../number/rational.ts';
import { evaluateExpression, isAdditive, parseExpression } from './expression.ts';

const VALUES: Readonly<Record<string, number>> = {
  revenue: 100,
  orders: 10,
  cost: 25,
  zero: 0,
  'new-deals': 4,
  '7day_users': 7,
};

function calculated(text: string): number | string {
  const parsed = parseExpression(text);
  if (!parsed.ok) return `column ${parsed.column}: ${parsed.message}`;
  const value = evaluateExpression(parsed.expression, (name) => (name in VALUES ? fromNumber(VALUES[name]!) : null));
  return typeof value === 'string' ? value : toNumber(value);
}

test.each([
  ['revenue / orders', 10],
  ['revenue - cost - orders', 65],
  ['revenue - (cost - orders)', 85],
  ['revenue + cost * 2', 150],
  ['(revenue + cost) * 2', 250],
  ['revenue / orders / 2', 5],
  ['-revenue + cost', -75],
  ['revenue * -1', -100],
  ['revenue*0.5', 50],
  ['new-deals + 7day_users', 11],
  ['revenue/orders', 10],
  ['  revenue  ', 100],
  ['revenue / zero', 'zero_denominator'],
  ['revenue / (cost - cost)', 'zero_denominator'],
  ['revenue / nothing', 'no_points'],
])('%s is %s', (text, value) => expect(calculated(text)).toBe(value));

test.each([
  ['', 'column 1: a metric, a number or "(" is missing at the end'],
  ['revenue /', 'column 10: a metric, a number or "(" is missing at the end'],
  ['revenue orders', 'column 9: an operator (+ - * /) is missing before "orders"'],
  ['(revenue + cost', 'column 16: ")" is missing for the "(" at column 1'],
  ['revenue + cost)', 'column 15: there is no "(" for this ")"'],
  ['revenue % cost', 'column 9: an operator (+ - * /) is missing before "% cost"'],
  ['Revenue', 'column 1: a metric, a number or "(" is expected, not "Revenue"'],
  ['revenue * * cost', 'column 11: a metric, a number or "(" is expected, not "* cost"'],
])('%j is refused at its column', (text, message) => expect(calculated(text)).toBe(message));

test('nesting is bounded', () => {
  expect(parseExpression(`${'('.repeat(51)}revenue${')'.repeat(51)}`)).toMatchObject({ ok: false, column: 51 });
  expect(parseExpression('('.repeat(100_000))).toMatchObject({ ok: false });
  expect(parseExpression(`${'-'.repeat(1500)}revenue`)).toMatchObject({ ok: false });
  expect(parseExpression(`${'('.repeat(49)}revenue${')'.repeat(49)}`)).toMatchObject({ ok: true });
});

test('operands are named once, in order of first use', () => {
  expect(parseExpression('(b + a) / b - c')).toMatchObject({ operands: ['b', 'a', 'c'] });
});

test.each([
  ['a + b - c', true],
  ['-(a - b)', true],
  ['a', true],
  ['a / b', false],
  ['a * 2', false],
  ['a + 1', false],
])('%s is additive: %s', (text, additive) => {
  const parsed = parseExpression(text);
  expect(parsed.ok && isAdditive(parsed.expression)).toBe(additive);
});

describe('properties', () => {
  test('arithmetic is that of exact fractions', () => {
    const leaf = fc
      .integer({ min: 0, max: 9 })
      .map((value) => ({ text: String(value), value: rational(BigInt(value), 1n) }));
    const tree = fc.letrec<{ node: { text: string; value: ReturnType<typeof rational> | null } }>((tie) => ({
      node: fc.oneof(
        { depthSize: 'small', withCrossShrink: true },
        leaf,
        fc.tuple(tie('node'), fc.constantFrom('+', '-', '*', '/'), tie('node')).map(([left, operator, right]) => ({
          text: `(${left.text} ${operator} ${right.text})`,
          value: calculate(left.value, operator, right.value),
        })),
      ),
    })).node;
    fc.assert(
      fc.property(tree, ({ text, value }) => {
        const parsed = parseExpression(text);
        // Deeper than the bound is refused, which is tested by itself.
        if (!parsed.ok) return;
        const found = evaluateExpression(parsed.expression, () => null);
        if (value === null) expect(found).toBe('zero_denominator');
        else
          expect(typeof found === 'string' ? found : found.n * value.d).toBe(
            typeof found === 'string' ? '' : value.n * found.d,
          );
      }),
    );
  });

  test('no text makes a throw', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom('a', '-', '+', '*', '/', '(', ')', ' ', '1', '.', '_', 'é') }),
        (text) => {
          const parsed = parseExpression(text);
          if (!parsed.ok) expect(parsed.column).toBeGreaterThan(0);
        },
      ),
    );
  });
});

function calculate(
  left: ReturnType<typeof rational> | null,
  operator: string,
  right: ReturnType<typeof rational> | null,
) {
  if (left === null || right === null) return null;
  switch (operator) {
    case '+':
      return rational(left.n * right.d + right.n * left.d, left.d * right.d);
    case '-':
      return rational(left.n * right.d - right.n * left.d, left.d * right.d);
    case '*':
      return rational(left.n * right.n, left.d * right.d);
    default:
      return right.n === 0n ? null : rational(left.n * right.d, left.d * right.n);
  }
}
