import { expect, it } from 'vitest';
import { runChaos } from '../chaos/rounds.ts';

/** `npm run chaos` in small: the seed is fixed, so that a failure can be looked at again. */
it('kill -9 during pushes loses nothing, doubles nothing and leaves judgements and alerts that the log explains', async () => {
  const told: string[] = [];
  const result = await runChaos({ form: 'one', rounds: 2, points: 5_000, seed: 1, say: (line) => told.push(line) });
  expect(result.faults, told.join('\n')).toEqual([]);
  expect(result).toMatchObject({ kills: { 'paceline serve': 2 }, pointsTaken: 10_502, checkIns: 11, commands: 2 });
  expect(result.judgements).toBeGreaterThan(200);
  expect(result.transitions).toBeGreaterThanOrEqual(2);
});
