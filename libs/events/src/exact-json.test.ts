import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseExactJson } from './exact-json.ts';

const read = (source: string): unknown => {
  const parsed = parseExactJson(`{"value":${source}}`);
  return parsed.ok && typeof parsed.value === 'object' && parsed.value !== null
    ? Reflect.get(parsed.value, 'value')
    : parsed;
};

describe('JSON without losing digits', () => {
  it.each([
    '9007199254740993',
    '9007199254740993.5',
    '12345678901234567890123456789',
    '1e400',
    '0.1234567890123456789',
  ])('%s, which no double is, stays its text', (source) => {
    expect(read(source)).toBe(source);
  });
  it.each([
    ['0.1', 0.1],
    ['0.10000000000000001', 0.1],
    ['0.30000000000000004', 0.30000000000000004],
    ['9007199254740992', 9007199254740992],
    ['1e3', 1000],
    ['-0.50', -0.5],
    ['0', 0],
  ])('%s is the number %s', (source, value) => {
    expect(read(source)).toBe(value);
  });
  it('gives every double back, however it was printed', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
        const same = value === 0 ? 0 : value;
        expect(read(JSON.stringify(value))).toBe(same);
        expect(read(value.toPrecision(17).replace('e+', 'e'))).toBe(same);
      }),
    );
  });
});
