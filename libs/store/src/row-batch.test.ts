import { expect, test } from 'vitest';
import { RowBatch } from './row-batch.ts';
import { encodeRows } from './rows.ts';
import type { Row } from './tables.ts';

function row(text: string, verdict = 'on_track'): Row<'timeline'> {
  return { workspace: text, position: verdict.length, records: 1, recorded_at: 1_700_000_000_000 } as Row<'timeline'>;
}

test('holds the bytes of its rows, whole and in part', () => {
  const rows = ['a', 'ab', 'x'.repeat(200), 'ä'].map((text) => row(text));
  const batch = new RowBatch('timeline', 'acme');
  for (const each of rows) batch.add(each);
  expect(batch.rows).toBe(4);
  const bytes = (from?: number, to?: number) => Buffer.from(encodeRows('timeline', rows, from, to).bytes);
  expect(Buffer.from(batch.bytes()).equals(bytes())).toBe(true);
  expect(batch.byteLength).toBe(bytes().length);
  for (const [from, to] of [
    [0, 2],
    [1, 3],
    [3, 4],
    [2, 2],
  ] as const)
    expect(Buffer.from(batch.bytes(from, to)).equals(bytes(from, to))).toBe(true);
});

test('a row that no column can hold is named, and leaves the batch as it was', () => {
  const batch = new RowBatch('timeline', 'acme');
  batch.add(row('a'));
  const before = Buffer.from(batch.bytes());
  expect(() => batch.add({ ...row('b'), position: -1 })).toThrow(/Row 1 of table timeline.*position/);
  expect(batch.rows).toBe(1);
  expect(Buffer.from(batch.bytes()).equals(before)).toBe(true);
});

test('memory of rows that are stored holds others', () => {
  // More than anything else in this process leaves.
  const large = (text: string): RowBatch<'timeline'> => {
    const batch = new RowBatch('timeline', 'acme', 20_000_000);
    batch.add(row(text));
    return batch;
  };
  // Whether it is the same, since a difference would be printed byte by byte.
  const isIn = (batch: RowBatch<'timeline'>, memory: ArrayBufferLike): boolean => batch.bytes().buffer === memory;
  const [first, second] = [large('first'), large('second')];
  const firstMemory = first.bytes().buffer;
  expect(isIn(second, firstMemory)).toBe(false);
  first.free();
  expect([first.rows, first.byteLength, first.bytes().length]).toEqual([0, 0, 0]);
  // Freed twice, it is not given to two.
  first.free();
  const [third, fourth] = [large('third'), large('fourth')];
  expect([isIn(third, firstMemory), isIn(fourth, firstMemory)]).toEqual([true, false]);
  const bytes = (text: string) => Buffer.from(encodeRows('timeline', [row(text)]).bytes);
  expect(Buffer.from(second.bytes()).equals(bytes('second'))).toBe(true);
  expect(Buffer.from(third.bytes()).equals(bytes('third'))).toBe(true);
});

test('a batch that grows leaves its memory to others, not its bytes', () => {
  const batch = new RowBatch('timeline', 'acme');
  batch.add(row('first'));
  for (let index = 0; index < 3_000; index++) batch.add(row('x'.repeat(100)));
  const others = Array.from({ length: 3 }, (_, index) => new RowBatch('timeline', 'acme', 70_000 * (index + 1)));
  for (const other of others) other.add(row('another'));
  expect(batch.rows).toBe(3_001);
  const bytes = Buffer.from(encodeRows('timeline', [row('first')]).bytes);
  expect(Buffer.from(batch.bytes(0, 1)).equals(bytes)).toBe(true);
});
