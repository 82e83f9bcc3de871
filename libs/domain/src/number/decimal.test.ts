import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { canonicalDecimal, formatDecimal, parseDecimal, scaledOf } from './decimal.ts';

const codeOf = (text: string) => {
  const value = parseDecimal(text);
  return typeof value === 'bigint' ? 'ok' : value.code;
};

describe('a decimal has one canonical text', () => {
  test.each([
    ['0', '0'],
    ['-0', '0'],
    ['-0.000', '0'],
    ['00012.50', '12.5'],
    ['+7', '7'],
    ['.5', '0.5'],
    ['5.', '5'],
    ['1e3', '1000'],
    ['1e+21', '1000000000000000000000'],
    ['1.5E-7', '0.00000015'],
    ['1500e-2', '15'],
    ['1.5000000000000', '1.5'],
    ['0e999999999999', '0'],
    ['99999999999999999999999999999.999999999', '99999999999999999999999999999.999999999'],
    ['-0.000000001', '-0.000000001'],
  ])('%s is %s', (written, canonical) => {
    expect(canonicalDecimal(written)).toBe(canonical);
  });

  test('a number counts by its shortest text', () => {
    expect([0.1, 1e21, 1e-9, -0, 2 ** 53].map((value) => canonicalDecimal(value))).toEqual([
      '0.1',
      '1000000000000000000000',
      '0.000000001',
      '0',
      '9007199254740992',
    ]);
  });
});

describe('what is no decimal is refused', () => {
  test.each([
    '',
    ' ',
    '-',
    '.',
    'e5',
    '1,5',
    '1 000',
    ' 1',
    '1 ',
    '0x10',
    '1_000',
    'NaN',
    'Infinity',
    '-Infinity',
    '--1',
    '١',
  ])('%j is not a number', (text) => expect(codeOf(text)).toBe('not_a_number'));

  test.each([
    '0.0000000001',
    '1e-10',
    '100000000000000000000000000000',
    '1e29',
    '1e999999999999999999999',
    '1e-99999999999',
    '1'.repeat(40),
    '9'.repeat(100_000),
  ])('%s has too many digits', (text) => expect(codeOf(text)).toBe('too_many_digits'));

  test('non-finite numbers are no numbers', () => {
    for (const value of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
      expect(canonicalDecimal(value)).toMatchObject({ code: 'not_a_number' });
    }
  });

  test('text that must be a decimal throws where it is none', () => {
    expect(() => scaledOf('abc')).toThrow(RangeError);
  });
});

describe('properties', () => {
  const scaled = fc.bigInt({ min: -(10n ** 38n) + 1n, max: 10n ** 38n - 1n });

  test('every value comes back from its text, which is canonical', () => {
    fc.assert(
      fc.property(scaled, (value) => {
        const text = formatDecimal(value);
        expect(parseDecimal(text)).toBe(value);
        expect(canonicalDecimal(text)).toBe(text);
        expect(text).toMatch(/^(0|-?(0|[1-9]\d*)(\.\d*[1-9])?)$/);
      }),
    );
  });

  test('no text makes a throw', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.stringMatching(/^[+\-0-9.eE]{0,30}$/)), (text) => {
        const value = canonicalDecimal(text);
        if (typeof value === 'string') expect(canonicalDecimal(value)).toBe(value);
      }),
    );
  });
});
