import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { encodeRows, RowEncodingError, scaledOf } from './rows.ts';
import type { Row } from './tables.ts';

const PROGRESS: Row<'progress'> = { workspace: 'w', position: 1, recorded_at: 0 };

function decimalBytes(value: bigint | string, bytes: number): Uint8Array {
  const row = { ...ROLLUP, sum: value };
  const whole = encodeRows('rollup', [row]).bytes;
  return whole.subarray(SUM_AT, SUM_AT + bytes);
}
const ROLLUP: Row<'rollup'> = {
  workspace: '',
  metric: '',
  series: '',
  grain: '',
  bucket_from: 0,
  bucket_to: 0,
  shape: 0,
  position: 0,
  count: 0,
  sum: 0n,
  min: 0n,
  max: 0n,
  first: 0n,
  last: 0n,
  first_at: 0,
  last_at: 0,
  numerator: 0n,
  denominator: 0n,
  increase: 0n,
  resets: 0,
};
const DEAD_LETTER: Row<'dead_letter'> = {
  workspace: '',
  position: 0,
  recorded_at: 0,
  code: '',
  message: '',
  payload: '',
};
/** Four empty strings, two instants, three UInt64. */
const SUM_AT = 4 + 16 + 24;

function twosComplement(value: bigint, bytes: number): Uint8Array {
  const out = new Uint8Array(bytes);
  let rest = BigInt.asUintN(bytes * 8, value);
  for (let i = 0; i < bytes; i++) {
    out[i] = Number(rest & 255n);
    rest >>= 8n;
  }
  return out;
}

test('a row is its columns in order: length-prefixed text, little-endian numbers, microseconds', () => {
  const row: Row<'progress'> = { workspace: 'é', position: 2 ** 40 + 3, recorded_at: 1.5 };
  expect([...encodeRows('progress', [row]).bytes]).toEqual([
    2, 0xc3, 0xa9, 3, 0, 0, 0, 0, 1, 0, 0, 0xdc, 5, 0, 0, 0, 0, 0, 0,
  ]);
});

test('text longer than one length byte keeps every byte', () => {
  const text = '😀\0\t"\''.repeat(60);
  const { bytes } = encodeRows('progress', [{ ...PROGRESS, workspace: text }]);
  const length = Buffer.byteLength(text);
  expect(bytes[0]! & 127).toBe(length & 127);
  expect(Buffer.from(bytes.subarray(2, 2 + length)).toString('utf8')).toBe(text);
});

test('text is its bytes in UTF-8 behind their number, at every length and wherever it needs more bytes than characters', () => {
  const part = fc.record({
    of: fc.constantFrom('a', 'é', '€', '😀', '\0'),
    times: fc.constantFrom(0, 1, 20, 63, 127, 128, 5500),
  });
  fc.assert(
    fc.property(fc.array(part, { maxLength: 4 }), (parts) => {
      const text = parts.map(({ of, times }) => of.repeat(times)).join('');
      const { bytes } = encodeRows('dead_letter', [{ ...DEAD_LETTER, message: text, payload: '!' }]);
      const written = Buffer.from(text);
      const length: number[] = [];
      for (let rest = written.length; ; rest >>>= 7) {
        length.push(rest > 127 ? (rest & 127) | 128 : rest);
        if (rest <= 127) break;
      }
      const wanted = Buffer.concat([Buffer.from(length), written, Buffer.from('\x01!')]);
      expect(wanted.equals(bytes.subarray(1 + 8 + 8 + 1))).toBe(true);
    }),
  );
});

test('an instant before 1970 is negative microseconds', () => {
  const { bytes } = encodeRows('progress', [{ ...PROGRESS, recorded_at: -0.001 }]);
  expect(Buffer.from(bytes).readBigInt64LE(bytes.length - 8)).toBe(-1n);
});

test('a decimal has the same bytes as text and as a scaled bigint', () => {
  const scaled = fc.bigInt({ min: -(10n ** 76n) + 1n, max: 10n ** 76n - 1n });
  const near = fc.bigInt({ min: -(2n ** 65n), max: 2n ** 65n });
  fc.assert(
    fc.property(fc.oneof(scaled, near, fc.bigInt({ min: -(10n ** 16n), max: 10n ** 16n })), (value) => {
      const digits = (value < 0n ? -value : value).toString().padStart(10, '0');
      const text = `${value < 0n ? '-' : ''}${digits.slice(0, -9)}.${digits.slice(-9)}`.replace(/\.?0+$/, '');
      expect(Uint8Array.from(decimalBytes(value, 32))).toEqual(twosComplement(value, 32));
      expect(scaledOf(text)).toBe(value);
      expect(Uint8Array.from(decimalBytes(text, 32))).toEqual(twosComplement(value, 32));
    }),
  );
});

test.each(['', '-', '.5', '1.', '1e3', '+1', '1.0000000001', '1..2', 'NaN', '0x1', ' 1', '1'.repeat(68)])(
  'decimal text %j is refused, naming row and column',
  (text) => {
    expect(() => encodeRows('rollup', [ROLLUP, { ...ROLLUP, sum: text }])).toThrow(RowEncodingError);
    expect(() => encodeRows('rollup', [ROLLUP, { ...ROLLUP, sum: text }])).toThrow(
      /Row 1 of table rollup .* column sum/,
    );
  },
);

test('what a column cannot hold is refused before it is sent', () => {
  const cases: Row<'progress'>[] = [
    { ...PROGRESS, position: -1 },
    { ...PROGRESS, position: 1.5 },
    { ...PROGRESS, position: 2n ** 64n },
    { ...PROGRESS, recorded_at: Number.NaN },
    { ...PROGRESS, recorded_at: Date.UTC(1899, 0, 1) },
    { ...PROGRESS, recorded_at: Date.UTC(2300, 0, 1) },
    { ...PROGRESS, workspace: '\ud800' },
  ];
  for (const row of cases) expect(() => encodeRows('progress', [row])).toThrow(RowEncodingError);
  expect(() => encodeRows('rollup', [{ ...ROLLUP, min: 10n ** 38n }])).toThrow(/digits/);
});
