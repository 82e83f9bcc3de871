import { describe, expect, it } from 'vitest';
import { MEASURES, runBench } from './bench.ts';
import { table } from './report.ts';

// How fast says nothing at this size; a measure throws unless it counts back all that went in.
describe('npm run bench at its smallest', () => {
  it('completes every measure, with every row counted', async () => {
    // Batched and single records take the same way through the measure.
    const only = [...MEASURES.keys()].filter((name) => name !== 'batched');
    const measures = await runBench({ only, smoke: true, rounds: 1, replayPoints: 0, say: () => undefined });
    expect(measures.length).toBeGreaterThanOrEqual(only.length);
    expect(measures.filter(({ ours }) => !Number.isFinite(ours))).toEqual([]);
    expect(table(measures).split('\n')).toHaveLength(measures.length + 1);
  });
});
