import fc from 'fast-check';
import { expect, test } from 'vitest';
import { instantOfMicros, instantText, microsOf, offsetText, readInstant } from './instant-text.ts';

test.each([
  ['2026-11-22T06:00:00Z', '2026-11-22T06:00:00Z'],
  ['2026-11-22T07:00:00+01:00', '2026-11-22T06:00:00Z'],
  ['2026-11-22t07:00+0100', '2026-11-22T06:00:00Z'],
  ['2026-11-22 07:00:00.5+01', '2026-11-22T06:00:00.500Z'],
  ['2026-11-22T06:00:00.000001Z', '2026-11-22T06:00:00.000001Z'],
  ['2026-11-22T06:00:00.123456000Z', '2026-11-22T06:00:00.123456Z'],
  ['2026-01-01T00:30:00-23:59', undefined],
  ['1969-12-31T23:59:59.999999Z', '1969-12-31T23:59:59.999999Z'],
  ['2024-02-29T00:00:00Z', '2024-02-29T00:00:00Z'],
])('%s is %s', (written, text) => {
  const at = readInstant(written);
  expect(at === undefined ? undefined : instantText(at)).toBe(text);
});

test.each([
  '2026-11-22',
  '2026-11-22T06:00:00',
  '2026-02-30T00:00:00Z',
  '2026-11-22T24:00:00Z',
  '2026-11-22T06:60:00Z',
  '2026-12-31T23:59:60Z',
  '2026-11-22T06:00:00.1234567Z',
  '1763791200000',
  'yesterday',
  `2026-11-22T06:00:00.${'0'.repeat(200)}Z`,
])('%s is refused', (text) => expect(readInstant(text)).toBeUndefined());

// From 2109 on a double's steps are longer than a microsecond.
test('an instant comes back from its text to the microsecond', () => {
  const micros = fc.integer({ min: -2_208_988_800_000_000, max: 4_398_046_511_103_999 });
  fc.assert(
    fc.property(micros, (value) => {
      const at = instantOfMicros(value);
      expect(microsOf(at)).toBe(value);
      expect(readInstant(instantText(at))).toBe(at);
    }),
  );
});

test.each([
  [0, '+00:00'],
  [20_700_000, '+05:45'],
  [-12_600_000, '-03:30'],
  [1_172_000, '+00:19:32'],
])('an offset of %d ms prints %s', (offset, text) => expect(offsetText(offset)).toBe(text));
