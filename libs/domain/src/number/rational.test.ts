import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { scaledOf } from './decimal.ts';
import {
  add,
  compare,
  divide,
  formatRational,
  fromNumber,
  fromScaled,
  multiply,
  rational,
  subtract,
  toNumber,
  toScaled,
} from './rational.ts';
import { round12 } from './round.ts';

describe('a rational is printed half to even at the 9th place', () => {
  test.each([
    [1n, 3n, '0.333333333'],
    [2n, 3n, '0.666666667'],
    [-2n, 3n, '-0.666666667'],
    [5n, 10_000_000_000n, '0'],
    [15n, 10_000_000_000n, '0.000000002'],
    [25n, 10_000_000_000n, '0.000000002'],
    [-15n, 10_000_000_000n, '-0.000000002'],
    [-5n, 10_000_000_000n, '0'],
    [25_000_000_001n, 10_000_000_000_000_000_000n, '0.000000003'],
    [51n, 110n, '0.463636364'],
  ])('%d/%d prints %s', (n, d, text) => {
    expect(formatRational({ n, d })).toBe(text);
  });
});

describe('arithmetic is exact', () => {
  const whole = fc.bigInt({ min: -(10n ** 40n), max: 10n ** 40n });
  const any = fc
    .tuple(
      whole,
      whole.filter((d) => d !== 0n),
    )
    .map(([n, d]) => rational(n, d));

  test('what is added can be taken away', () => {
    fc.assert(
      fc.property(any, any, (a, b) => {
        expect(compare(subtract(add(a, b), b), a)).toBe(0);
      }),
    );
  });

  test('what is multiplied can be divided away', () => {
    fc.assert(
      fc.property(any, any, (a, b) => {
        const back = divide(multiply(a, b), b);
        if (b.n === 0n) expect(back).toBeNull();
        else expect(compare(back!, a)).toBe(0);
      }),
    );
  });

  test('long products stay equal to themselves when they are brought to lowest terms', () => {
    let value = rational(1n, 1n);
    for (let k = 1n; k <= 60n; k++) value = multiply(value, rational(10n ** 9n * k, 10n ** 9n * (k + 1n)));
    expect(compare(value, rational(1n, 61n))).toBe(0);
    expect(value.d.toString().length).toBeLessThan(160);
  });
});

describe('a rational becomes the nearest double', () => {
  test('doubles come back as themselves', () => {
    fc.assert(
      fc.property(
        fc.double({ noNaN: true, noDefaultInfinity: true }).filter((x) => x === 0 || Math.abs(x) > 1e-290),
        (x) => {
          expect(toNumber(fromNumber(x))).toBe(x === 0 ? 0 : x);
        },
      ),
    );
  });

  test('decimals read as JavaScript reads them', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(10n ** 38n), max: 10n ** 38n }), (scaled) => {
        expect(toNumber(fromScaled(scaled))).toBe(Number(`${scaled}e-9`) + 0);
      }),
    );
  });

  test('no double lies nearer', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 1n, max: 10n ** 45n }), fc.bigInt({ min: 1n, max: 10n ** 45n }), (n, d) => {
        const value = { n, d };
        const double = toNumber(value);
        const off = distance(value, double);
        const step = double * 2 ** -52;
        expect(compare(off, distance(value, double + step))).toBeLessThanOrEqual(0);
        expect(compare(off, distance(value, double - step))).toBeLessThanOrEqual(0);
      }),
    );
  });

  const distance = (value: { n: bigint; d: bigint }, double: number) => {
    const difference = subtract(value, fromNumber(double));
    return difference.n < 0n ? { n: -difference.n, d: difference.d } : difference;
  };
});

test('a decimal is its own rational', () => {
  expect(toScaled(fromScaled(scaledOf('12.345678901')))).toBe(12_345_678_901n);
});

test('a zero denominator is a bug', () => {
  expect(() => rational(1n, 0n)).toThrow(RangeError);
});

test('.36 of .40 is at least .90 after rounding to 12 places', () => {
  expect(0.36 / 0.4).toBeLessThan(0.9);
  expect(round12(0.36 / 0.4)).toBeGreaterThanOrEqual(round12(0.9));
});
