import { BATCHED, measureIngest, SINGLE } from './ingest/measure.ts';
import type { Measure } from './report.ts';
import { measureTrends, TREND_SHAPE } from './trend.ts';

export interface BenchOptions {
  readonly only: readonly string[];
  /** Small sizes: shows that everything runs and counts, and says nothing of speed. */
  readonly smoke: boolean;
  readonly rounds: number;
  readonly say: (line: string) => void;
}

const SMALL = { metrics: 8, regions: 4, days: 10 } as const;

export const MEASURES: ReadonlyMap<string, (options: BenchOptions) => Promise<readonly Measure[]>> = new Map([
  [
    'batched',
    async ({ smoke, rounds, say }) => [
      await measureIngest(smoke ? { ...BATCHED, ...SMALL, recordPoints: 20 } : BATCHED, { rounds, say }),
    ],
  ],
  [
    'single',
    async ({ smoke, rounds, say }) => [await measureIngest(smoke ? { ...SINGLE, ...SMALL } : SINGLE, { rounds, say })],
  ],
  ['trend', ({ smoke, rounds }) => measureTrends(smoke ? { ...TREND_SHAPE, metrics: 4 } : TREND_SHAPE, rounds * 30)],
]);

export async function runBench(options: BenchOptions): Promise<Measure[]> {
  const measures: Measure[] = [];
  for (const name of options.only) measures.push(...((await MEASURES.get(name)?.(options)) ?? []));
  return measures;
}
