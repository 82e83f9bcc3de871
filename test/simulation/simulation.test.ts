import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { MUTANTS } from './mutants.ts';
import { Pool } from './pool.ts';
import { runSchedule } from './run.ts';
import { PROCESSORS, type Step, scheduleOf } from './schedule.ts';
import { shrink } from './shrink.ts';

/** `npm run simulate -- --seeds 10000` is the proof. */
const SEEDS = process.env.CI === 'true' ? 1_000 : 100;
const MUTANT_SEEDS = 1_000;
const TIMEOUT_MS = 600_000;

let pool: Pool;
beforeAll(() => {
  pool = new Pool();
});
afterAll(() => pool.close());

describe('whatever happens on the way', () => {
  test(
    `what ${SEEDS} seeds leave is what the log says`,
    async () => {
      const { wrong, counts } = await pool.play({ first: 1, count: SEEDS, mutant: null, untilWrong: true });
      expect(wrong).toEqual([]);
      // A world in which nothing happens would be clean too.
      expect(counts.judgements).toBeGreaterThan(SEEDS * 30);
      expect(counts.transitions).toBeGreaterThan(SEEDS);
      expect(counts.rollups).toBeGreaterThan(SEEDS);
      expect(counts.covered).toBeGreaterThan(SEEDS * 10);
    },
    TIMEOUT_MS,
  );

  test('a workspace goes on by itself after a commit that arrived and whose answer did not', async () => {
    const push: Step = {
      at: 3_600_000,
      do: 'push',
      workspace: 'one',
      by: 'feeder1',
      metric: 'level',
      points: [{ day: 0, value: '7.0000011', hour: 0, id: 0, region: 'a', revision: 0 }],
    };
    const faults = PROCESSORS.map((process): Step => {
      return { at: 3_500_000, do: 'fault', process, ambush: { call: 'commit', kind: 'ambiguous', skip: 0 } };
    });
    const change = { do: 'change', workspace: 'two', source: 'slow', day: 0, region: 'a', value: null } as const;
    // Time passes until something else happens, elsewhere.
    const others = [1, 2, 3, 4].map((second): Step => ({ ...change, at: 3_600_000 + second * 1_000 }));
    const steps = [...faults, push, ...others];
    const outcome = await runSchedule({ seed: 1, variants: { one: 0, two: 0, three: 0 }, steps });
    expect(outcome.faults).toEqual([]);
  });

  test('a processor that is stopped while it comes back to its group keeps no workspace from the others', async () => {
    // Shrunk from seed 135.
    const pull = { do: 'pull', slowMs: 0 } as const;
    const steps: readonly Step[] = [
      { at: 193_938_410, do: 'tick', workspace: 'one' },
      { at: 364_160_471, ...pull, workspace: 'one', by: 'feeder2', source: 'quick' },
      { at: 364_160_600, do: 'sleep', process: 'p1', forMs: 1_393, lapses: true },
      { at: 364_160_638, ...pull, workspace: 'two', by: 'feeder1', source: 'slow' },
      { at: 364_160_748, do: 'restart', process: 'p1', downMs: 8_481 },
    ];
    const outcome = await runSchedule({ seed: 135, variants: { one: 2, two: 12, three: 14 }, steps });
    expect(outcome.faults).toEqual([]);
  });

  test("a tick whose answer comes after its workspace went away and came back is nobody's second one", async () => {
    // Shrunk from seed 4388.
    const asleep = { do: 'sleep', process: 'p2' } as const;
    const point = { day: 0, value: '23.0000131', hour: 11, id: 2, region: 'b', revision: 1 } as const;
    const steps: readonly Step[] = [
      { at: 3_600_165, do: 'crash', process: 'p2', hops: 11, downMs: 15_068_498 },
      { at: 26_182_918, ...asleep, forMs: 8_425, lapses: false },
      { at: 26_183_334, ...asleep, forMs: 7_379, lapses: true },
      { at: 26_183_361, do: 'push', workspace: 'two', by: 'feeder2', metric: 'ping', points: [point] },
      { at: 143_289_245, do: 'crash', process: 'feeder1', hops: 43, downMs: 6_046 },
    ];
    const outcome = await runSchedule({ seed: 4_388, variants: { one: 16, two: 8, three: 3 }, steps });
    expect(outcome.faults).toEqual([]);
  });

  test('an alert that closed with its day is not opened again when the KPI is counted by weeks', async () => {
    // Shrunk from seed 260.
    const pull = { do: 'pull', workspace: 'three', slowMs: 0 } as const;
    const define = { do: 'define', workspace: 'three' } as const;
    const steps: readonly Step[] = [
      { at: 166_011_953, ...pull, by: 'feeder1', source: 'slow' },
      { at: 257_040_266, ...pull, by: 'feeder2', source: 'quick' },
      { at: 267_749_837, ...define, by: 'both', what: { kind: 'zone', variant: 1 } },
      { at: 276_844_327, ...define, by: 'catalog2', what: { kind: 'target', period: 'week', target: 13 } },
    ];
    const outcome = await runSchedule({ seed: 260, variants: { one: 13, two: 11, three: 12 }, steps });
    expect(outcome.faults).toEqual([]);
  });

  test('a rollup goes with the coverage by which its day was complete', async () => {
    // Shrunk from seed 903: the retraction takes back that anything was stated behind the first day.
    const push = { do: 'push', workspace: 'one', by: 'feeder1', metric: 'ping' } as const;
    const point = { hour: 0, id: 2, region: 'b', revision: 0 } as const;
    const steps: readonly Step[] = [
      {
        at: 114_220_020,
        ...push,
        points: [
          { ...point, day: 1, value: '54.0000181' },
          { ...point, day: 0, value: '2.0000191', hour: 6, id: 0 },
        ],
      },
      { at: 175_096_635, ...push, points: [{ ...point, day: 1, value: null }] },
    ];
    const outcome = await runSchedule({ seed: 903, variants: { one: 6, two: 14, three: 17 }, steps });
    expect(outcome.faults).toEqual([]);
  });

  test('a log whose clock was put back gets no tick a second until its time comes', async () => {
    // Seed 667 left ten thousand of them.
    const steps: readonly Step[] = [
      { at: 3_600_000, do: 'clock', of: 'log', byMs: -7_200_000 },
      { at: 10_000_000, do: 'change', workspace: 'two', source: 'slow', day: 0, region: 'a', value: null },
    ];
    const outcome = await runSchedule({ seed: 1, variants: { one: 1, two: 1, three: 1 }, steps });
    expect(outcome.faults).toEqual([]);
  });

  test.each(MUTANTS.map(({ name, says }) => [name, says]))(
    'the mutant %s dies: %s',
    async (mutant) => {
      const { wrong } = await pool.play({ first: 1, count: MUTANT_SEEDS, mutant, untilWrong: true });
      expect(wrong.length).toBeGreaterThan(0);
    },
    TIMEOUT_MS,
  );

  test(
    'a schedule that goes wrong is shown as short as it can be',
    async () => {
      const mutant = MUTANTS.find(({ name }) => name === 'bare-arg-max') ?? null;
      const { wrong } = await pool.play({ first: 1, count: 100, mutant: 'bare-arg-max', untilWrong: true });
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
