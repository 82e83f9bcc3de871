import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inChild } from './children.ts';
import { EVALUATOR_SHAPE, measureEvaluator } from './evaluator.ts';
import type { IngestLoad } from './ingest/load.ts';
import { BATCHED, measureIngest, SINGLE } from './ingest/measure.ts';
import { measureOneProcess } from './one-process.ts';
import type { ReplayDone, ReplayOrder } from './replay.ts';
import { type Measure, table } from './report.ts';
import { measureStages } from './stages.ts';
import { measureTrends, TREND_SHAPE } from './trend.ts';
import type { WaitingDone, WaitingOrder } from './waiting.ts';

export interface BenchOptions {
  readonly only: readonly string[];
  /** Small sizes: shows that everything runs and counts, and says nothing of speed. */
  readonly smoke: boolean;
  readonly rounds: number;
  /** Observations that are replayed at the larger size; the smaller one is a tenth. */
  readonly replayPoints: number;
  readonly say: (line: string) => void;
}

type Run = (options: BenchOptions) => Promise<readonly Measure[]>;

const SMALL = { metrics: 8, regions: 4, days: 10 } as const;
const SHAPE = { metrics: 100, regions: 20, days: 100, batch: 2_000, concurrency: 4 } as const;

const batched: Run = async ({ smoke, rounds, say }) => [
  await measureIngest(smoke ? { ...BATCHED, ...SMALL, recordPoints: 20 } : BATCHED, { rounds, say }),
];

const single: Run = async ({ smoke, rounds, say }) => [
  await measureIngest(smoke ? { ...SINGLE, ...SMALL } : SINGLE, { rounds, say }),
];

const trend: Run = ({ smoke, rounds }) =>
  measureTrends(smoke ? { ...TREND_SHAPE, metrics: 4 } : TREND_SHAPE, rounds * 30);

const evaluation: Run = async ({ smoke }) => {
  const shape = smoke ? { ...EVALUATOR_SHAPE, metrics: 4, days: 130, objectives: 2 } : EVALUATOR_SHAPE;
  const measured = measureEvaluator(shape, smoke ? { rounds: 1, roundMs: 10 } : {});
  return [
    {
      measure: 'evaluator alone',
      ours: measured.evaluationsPerSecond,
      unit: 'evaluations/s',
      better: 'more',
      floor: 200_000,
      note: `one core, ${measured.subjects} subjects; a tree of 100 key results ${measured.treeMs.toFixed(2)} ms`,
      details: { ...measured },
    },
  ];
};

const process: Run = ({ smoke, say }) =>
  measureOneProcess({
    starts: smoke ? 1 : 3,
    idleMs: smoke ? 500 : 10_000,
    shape: smoke ? { ...SHAPE, ...SMALL } : SHAPE,
    freshness: smoke ? { seconds: 1, pointsPerSecond: 500 } : { seconds: 20, pointsPerSecond: 5_000 },
    say,
  });

const replay: Run = async ({ smoke, replayPoints, say }) => {
  // Definitions are one record, which holds those of some thousand metrics: beyond, there are more days.
  const load = (points: number): IngestLoad => {
    const metrics = Math.min(5_000, points / 100 / 20);
    return { ...BATCHED, workspaces: 1, days: points / metrics / 20, metrics };
  };
  const tiny: IngestLoad = { ...BATCHED, ...SMALL, workspaces: 1, recordPoints: 20 };
  const run = async (size: IngestLoad): Promise<ReplayDone> => {
    const done = await inChild<ReplayOrder, ReplayDone>('replay.ts', { load: size });
    say(`replay: ${JSON.stringify(done)}`);
    return done;
  };
  const small = await run(smoke ? tiny : load(replayPoints / 10));
  const large = await run(smoke ? { ...tiny, metrics: 80 } : load(replayPoints));
  const cost = ({ ms, points }: ReplayDone): number => (ms * 1000) / points;
  return [
    {
      measure: `replay of ${large.points.toLocaleString('en')} observations`,
      ours: large.ms / 1000,
      engine: large.engineMs / 1000,
      unit: 's',
      ratio: large.ms / large.engineMs,
      floor: 5,
      better: 'less',
      note: 'points, rollups and judgements from the log alone; the engine copies the rows (INSERT SELECT)',
      details: { small, large },
    },
    {
      measure: 'cost of a point at ten times the size',
      ours: cost(large),
      engine: cost(small),
      unit: 'µs',
      ratio: cost(large) / cost(small),
      floor: 1.25,
      better: 'less',
      note: `${large.points.toLocaleString('en')} beside ${small.points.toLocaleString('en')} observations (in the column of the engine)`,
    },
  ];
};

/**
 * Most memory of a processor in the second half of a long log beside the first: what waits must not be held. A fifth is left to the
 * engine, whose caches and merges grow for a while.
 */
const waiting: Run = async ({ smoke, say }) => {
  const load: IngestLoad = {
    ...BATCHED,
    workspaces: 1,
    metrics: 250,
    ...(smoke ? { ...SMALL, recordPoints: 20 } : {}),
  };
  const folder = mkdtempSync(join(tmpdir(), 'paceline-bench-waiting-'));
  try {
    const order: WaitingOrder = { folder, load, times: 10 };
    const made = await inChild<WaitingOrder, WaitingDone>('waiting.ts', order);
    const done = await inChild<WaitingOrder, WaitingDone>('waiting.ts', { ...order, times: null });
    if (done.points !== made.points) throw new Error(`${done.points} of ${made.points} points are in the table`);
    say(`waiting: ${JSON.stringify(done)}`);
    const half = done.mib.length / 2;
    const [first, second] = [done.mib.slice(0, half), done.mib.slice(half)].map((part) => Math.max(...part));
    return [
      {
        measure: `memory while ${made.points.toLocaleString('en')} points wait`,
        ours: second ?? 0,
        engine: first ?? 0,
        unit: 'MiB',
        ratio: (second ?? 0) / (first ?? 1),
        floor: 1.2,
        better: 'less',
        note: `most in the second half of the log, beside the first (in the column of the engine); by tenths ${done.mib.join(', ')}; ${done.seconds.toFixed(1)} s`,
        details: { load, ...done },
      },
    ];
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
};

const stages: Run = ({ smoke, rounds }) =>
  measureStages({
    batched: { ...BATCHED, ...(smoke ? { ...SMALL, recordPoints: 20 } : { metrics: 50 }) },
    single: { ...SINGLE, ...(smoke ? SMALL : { metrics: 100 }) },
    rounds: smoke ? 1 : rounds * 3,
  });

export const MEASURES: ReadonlyMap<string, Run> = new Map([
  ['batched', batched],
  ['single', single],
  ['trend', trend],
  ['evaluator', evaluation],
  ['process', process],
  ['replay', replay],
  ['waiting', waiting],
  ['stages', stages],
]);

/** In the order asked for; each table is said as soon as it is there, as a run may be cut short. */
export async function runBench(options: BenchOptions): Promise<Measure[]> {
  const measures: Measure[] = [];
  for (const name of options.only) {
    const some = (await MEASURES.get(name)?.(options)) ?? [];
    if (some.length > 0) options.say(`${table(some)}\n`);
    measures.push(...some);
  }
  return measures;
}
