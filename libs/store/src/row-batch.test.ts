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
