import { describe, expect, it } from 'vitest';
import { readable } from './look.ts';

describe('a decimal in a table', () => {
  it.each([
    ['1234567.8912', '1,234,567.891'],
    ['-1234.5', '-1,234.5'],
    ['12.3456', '12.345'],
    ['0.0004', '0.0004'],
    ['-0.000123456', '-0.000123'],
    ['0.5', '0.5'],
    ['0', '0'],
    ['1.0004', '1'],
    [null, ''],
  ])('%s reads %s', (decimal, text) => expect(readable(decimal)).toBe(text));
});
