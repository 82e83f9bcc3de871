import fc from 'fast-check';
import { expect, test } from 'vitest';
import { compareText } from './text-order.ts';

const bytes = new TextEncoder();

test('text is ordered as its UTF-8 bytes are', () => {
  const text = fc.string({ unit: fc.constantFrom('a', 'é', '\uE000', '\uFFFD', '😀', '𐀀', '\uD7FF') });
  fc.assert(
    fc.property(text, text, (a, b) => {
      expect(compareText(a, b)).toBe(compareBytes(bytes.encode(a), bytes.encode(b)));
    }),
  );
});

function compareBytes(a: Uint8Array, b: Uint8Array): number {
  for (let index = 0; index < Math.min(a.length, b.length); index++) {
    if (a[index] !== b[index]) return a[index]! < b[index]! ? -1 : 1;
  }
  return Math.sign(a.length - b.length);
}
