import { position } from '@paceline/domain';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readRollups } from './rollups.ts';
import type { Row } from './tables.ts';
import { temporaryStore } from './testing.ts';

let opened: Awaited<ReturnType<typeof temporaryStore>>;
beforeAll(async () => {
  opened = await temporaryStore();
});
afterAll(() => opened.stop());

const DAY = 86_400_000;

function row(day: number, offset: number, count: number, shape = 0): Row<'rollup'> {
  const from = day * DAY;
  return {
    workspace: 'w',
    metric: 'm',
    series: '{}',
    grain: 'day',
    bucket_from: from,
    bucket_to: from + DAY,
    shape,
    position: position(offset),
    count,
    sum: BigInt(offset),
    min: 1n,
    max: 2n,
    first: 1n,
    last: 2n,
    first_at: from,
    last_at: from + 1,
    numerator: 0n,
    denominator: 0n,
    increase: 3n,
    resets: 1,
  };
}

test('the rollup of the latest tick the reader knows stands; an emptied bucket and another shape are no cells', async () => {
  await opened.store.insert('rollup', [
    row(0, 1, 5),
    row(1, 1, 5),
    row(2, 1, 5),
    row(0, 3, 6),
    row(1, 3, 0),
    row(0, 2, 9, 7),
    row(0, 3, 6),
  ]);
  const wanted = { workspace: 'w', metric: 'm', grain: 'day', shape: 0, from: 0, to: 2 * DAY };
  const counts = async (offset: number) => {
    const cells = await readRollups(opened.store, { ...wanted, position: position(offset) });
    return (cells.get('{}') ?? []).map(({ from, count, sum, increase, resets, lastAt }) => [
      from,
      count,
      sum,
      increase,
      resets,
      lastAt,
    ]);
  };
  expect(await counts(0)).toEqual([]);
  expect(await counts(2)).toEqual([
    [0, 5, 1n, 3n, 1, 1],
    [DAY, 5, 1n, 3n, 1, DAY + 1],
  ]);
  expect(await counts(3)).toEqual([[0, 6, 3n, 3n, 1, 1]]);
});
