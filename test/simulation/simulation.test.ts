import { describe, expect, test } from 'vitest';
import { MUTANTS } from './mutants.ts';
import { playSeeds } from './pool.ts';
import { scheduleOf } from './schedule.ts';
import { shrink } from './shrink.ts';

/** A smoke size: `npm run simulate -- --seeds 10000` is the proof. */
const SEEDS = 200;
const MUTANT_SEEDS = 1_000;
const TIMEOUT_MS = 300_000;

describe('whatever happens on the way', () => {
  test(
    `what ${SEEDS} seeds leave is what the log says`,
    async () => {
      const { wrong, counts } = await playSeeds({ first: 1, count: SEEDS, mutant: null, untilWrong: true });
      expect(wrong).toEqual([]);
      // A world in which nothing happens would be clean too.
      expect(counts.judgements).toBeGreaterThan(SEEDS * 30);
      expect(counts.transitions).toBeGreaterThan(SEEDS);
      expect(counts.rollups).toBeGreaterThan(SEEDS);
    },
    TIMEOUT_MS,
  );

  test.each(MUTANTS.map(({ name, says }) => [name, says]))(
    'the mutant %s dies: %s',
    async (mutant) => {
      const { wrong } = await playSeeds({ first: 1, count: MUTANT_SEEDS, mutant, untilWrong: true });
      expect(wrong.length).toBeGreaterThan(0);
    },
    TIMEOUT_MS,
  );

  test(
    'a schedule that goes wrong is shown as short as it can be',
    async () => {
      const mutant = MUTANTS.find(({ name }) => name === 'bare-arg-max') ?? null;
      const { wrong } = await playSeeds({ first: 1, count: 100, mutant: 'bare-arg-max', untilWrong: true });
      const [first] = wrong;
      if (first === undefined) throw new Error('the mutant lives');
      const whole = scheduleOf(first.seed);
      const { schedule, faults } = await shrink(whole, first.faults, mutant);
      expect(faults.length).toBeGreaterThan(0);
      expect(schedule.steps.length).toBeLessThan(whole.steps.length / 4);
    },
    TIMEOUT_MS,
  );
});
