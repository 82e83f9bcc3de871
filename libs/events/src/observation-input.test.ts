import { canonicalDecimal } from '@paceline/domain';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseExactJson } from './exact-json.ts';
import { observationsOf, readObservation } from './observation-input.ts';

describe('numbers of JSON lose nothing', () => {
  it.each([
    ['912000', 912000],
    ['0.1', 0.1],
    ['1e3', 1000],
    ['12345678901234567890', '12345678901234567890'],
    ['12345678901234567.123456789', '12345678901234567.123456789'],
    ['-0.12345678901234567890', '-0.12345678901234567890'],
    ['1e400', '1e400'],
    ['1e-400', '1e-400'],
    ['0', 0],
    ['0.000000000000000000000', 0],
  ])('%s', (written, value) => {
    expect(parseExactJson(written)).toEqual({ ok: true, value });
    expect(parseExactJson(`{"a": [${written}]}`)).toEqual({ ok: true, value: { a: [value] } });
    expect(parseExactJson(` { "a" :\n${written} }`)).toEqual({ ok: true, value: { a: value } });
  });
  it('whatever decimal that can be stored is written', () => {
    const decimal = fc
      .tuple(fc.bigInt({ min: -(10n ** 29n - 1n), max: 10n ** 29n - 1n }), fc.nat(999_999_999))
      .map(([whole, places]) => `${whole}.${String(places).padStart(9, '0')}`);
    fc.assert(
      fc.property(decimal, (written) => {
        const parsed = parseExactJson(`[${written}]`);
        const value = parsed.ok && Array.isArray(parsed.value) ? (parsed.value[0] as string | number) : '';
        // Up to seventeen digits the shortest text of the double may differ in the last one: that text is what counts.
        const exact = typeof value === 'string' ? canonicalDecimal(written) : canonicalDecimal(Number(written));
        return canonicalDecimal(value) === exact || typeof exact !== 'string';
      }),
    );
  });
  it('half a JSON says where', () => {
    expect(parseExactJson('{"a":')).toMatchObject({ ok: false, message: expect.stringContaining('JSON') });
  });
});

describe('an observation as it was sent', () => {
  it('is handed on to be judged by its metric', () => {
    const line = { metric: 'm', period: '2026', value: '12345678901234567890', dimensions: { a: 1 } };
    const { metric, ...raw } = line;
    expect(readObservation(line)).toEqual({ ok: true, metric, raw });
  });
  it.each([
    [5, 'invalid_line', ''],
    [null, 'invalid_line', ''],
    [[], 'invalid_line', ''],
    [{}, 'missing_metric', '/metric'],
    [{ metric: '' }, 'missing_metric', '/metric'],
    [{ metric: 5 }, 'unknown_metric', '/metric'],
    [{ metric: 'm', dimensoins: {} }, 'unknown_key', '/dimensoins'],
    [{ metric: 'm', 'a/b': {} }, 'unknown_key', '/a~1b'],
  ])('%j is refused', (line, code, pointer) => {
    expect(readObservation(line)).toMatchObject({ ok: false, code, pointer });
  });
  it('says what a misspelt key was meant to be', () => {
    expect(readObservation({ metric: 'm', dimension: {} })).toMatchObject({
      message: 'unknown key "dimension"; did you mean "dimensions"?',
    });
  });
  it.each([
    [{ metric: 'm' }, [{ metric: 'm' }]],
    [
      [1, 2],
      [1, 2],
    ],
    [{ observations: [1] }, [1]],
    [{ observations: [1], more: 1 }, undefined],
    [{ observations: 1 }, undefined],
    ['text', undefined],
    [null, undefined],
  ])('comes alone or in a list: %j', (body, lines) => {
    expect(observationsOf(body)).toEqual(lines);
  });
});
