import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type BackfillProgress, runBackfill } from './backfill.ts';
import type { Row } from './connector.ts';
import { at, DAY, inputOf, MemorySink, metric, metricsOf, rowsConnector, source, TestClock } from './run.fixture.ts';
import { runLive } from './run.ts';
import { backfillKey } from './state.ts';

const metrics = metricsOf(metric('revenue', { aggregation: 'sum', grain: 'day', timezone: 'America/New_York' }));
const billing = source('billing', {
  window: { period: 'P1D', lookback: 'P2D' },
  map: { metric: 'revenue', time: 'day', value: 'sum' },
});
const start = at('2026-01-01T05:00:00Z');
const dayText = (index: number): string => new Date(start + index * DAY).toISOString().slice(0, 10);
/** Midnight of New York, whatever its clocks do. */
const dayStart = (index: number): number => {
  const zone = metrics.get('revenue')?.zone;
  return zone?.dayStart(zone.dayAt(start) + index) ?? Number.NaN;
};
const rows: Row[] = Array.from({ length: 200 }, (_, index) => ({ day: dayText(index), sum: String(index) }));

function setUp(sink = new MemorySink()) {
  const clock = new TestClock(at('2026-12-01T12:00:00Z'));
  return { source: billing, connector: rowsConnector(() => rows), metrics, sink, clock };
}
const fill = (
  fixture: ReturnType<typeof setUp>,
  from: number,
  to: number,
  progress?: (progress: BackfillProgress) => void,
) =>
  runBackfill({
    ...inputOf(fixture),
    from: dayStart(from),
    to: dayStart(to),
    state: fixture.sink.state(backfillKey('billing'))?.state,
    ...(progress === undefined ? {} : { progress }),
  });

describe('a backfill', () => {
  it('of [a,b) and of [b,c) together state what one of [a,c) does', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(fc.integer({ min: 0, max: 199 }), { minLength: 3, maxLength: 3 }),
        async (picked) => {
          const [a = 0, b = 0, c = 0] = picked.sort((x, y) => x - y);
          const two = setUp();
          await fill(two, a, b);
          await fill(two, b, c);
          const one = setUp();
          await fill(one, a, c);
          expect(two.sink.standing('revenue')).toEqual(one.sink.standing('revenue'));
          expect(Object.keys(one.sink.standing('revenue'))).toHaveLength(c - a);
        },
      ),
      { numRuns: 25 },
    );
  });
  it('goes on under its own run after a crash, and begins anew once it was finished', async () => {
    const fixture = setUp();
    fixture.sink.crashAfter = 3;
    await expect(fill(fixture, 0, 100)).rejects.toMatchObject({ kind: 'transient' });
    fixture.sink.crashAfter = Number.POSITIVE_INFINITY;
    fixture.clock.time += 1000;
    const resumed = await fill(fixture, 0, 100);
    expect(resumed.rows).toBeLessThan(rows.length * 15);
    expect(resumed.notes[0]).toMatch(/^resumed at/);
    const runs = new Set(fixture.sink.facts.flatMap((fact) => (fact.type === 'observations' ? [fact.run] : [])));
    expect(runs.size).toBe(1);
    expect(Object.keys(fixture.sink.standing('revenue'))).toHaveLength(100);
    fixture.clock.time += 1000;
    expect((await fill(fixture, 0, 100)).notes).toEqual([]);
  });
  it('leaves the live cursor where it is', async () => {
    const fixture = setUp();
    await runLive(inputOf(fixture));
    const live = fixture.sink.state('billing');
    await fill(fixture, 0, 50);
    expect(fixture.sink.state('billing')).toEqual(live);
  });
  it('tells how far it is, from nothing to all', async () => {
    const told: number[] = [];
    await fill(setUp(), 0, 60, (progress) => told.push(progress.windowsDone / progress.windowsTotal));
    expect(told[0]).toBe(0);
    expect(told.at(-1)).toBe(1);
    expect([...told].sort((a, b) => a - b)).toEqual(told);
  });
  it('waits for room at a tenth of what a live run takes', async () => {
    const fixture = setUp();
    await fill(fixture, 0, 60);
    expect(new Set(fixture.sink.roomAsked)).toEqual(new Set([200_000]));
  });
  it('never reads the running period', async () => {
    const fixture = setUp();
    fixture.clock.time = start + 10.5 * DAY;
    await fill(fixture, 0, 60);
    expect(Object.keys(fixture.sink.standing('revenue'))).toHaveLength(10);
    await expect(fill(fixture, 11, 60)).rejects.toMatchObject({ code: 'invalid_window' });
  });
});
