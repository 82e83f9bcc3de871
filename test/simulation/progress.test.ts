import { expect, test } from 'vitest';
import { Progress } from './progress.ts';

test('a run of seeds says now and then how fast it is and what is left', () => {
  let now = 0;
  const progress = new Progress(11, 100, () => now);
  const lines: (string | null)[] = [];
  for (const seed of [11, 13, 12, 15]) {
    now += 5_000;
    lines.push(progress.played(seed));
  }
  expect(lines).toEqual([
    null,
    '2 of 100 seeds, 0.2 a second, 8 min 10 s left; all from 11 to 11 are played',
    null,
    '4 of 100 seeds, 0.2 a second, 8 min 0 s left; all from 11 to 13 are played',
  ]);
  expect(progress.next).toBe(14);
});
