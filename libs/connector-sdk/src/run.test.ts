import { describe, expect, it } from 'vitest';
import type { Row } from './connector.ts';
import { at, DAY, inputOf, MemorySink, metric, metricsOf, rowsConnector, source, TestClock } from './run.fixture.ts';
import { type LiveInput, runLive } from './run.ts';

const revenue = metric('revenue', {
  aggregation: 'sum',
  grain: 'day',
  timezone: 'Europe/Berlin',
  dimensions: ['region'],
});
const spec = {
  schedule: { every: 'PT1H', settle: 'PT1H' },
  window: { period: 'P1D', lookback: 'P3D', start: '2026-11-01' },
  map: { metric: 'revenue', time: 'day', value: 'sum', dimensions: ['region'] },
};

function setUp(rows: Row[], options: { whole?: boolean; spec?: object; now?: string } = {}) {
  const sink = new MemorySink();
  const clock = new TestClock(at(options.now ?? '2026-11-05T12:00:00Z'));
  const fixture = {
    source: source('billing', { ...spec, ...options.spec }),
    connector: rowsConnector(() => rows, options),
    metrics: metricsOf(revenue),
    sink,
    clock,
  };
  return { sink, clock, run: (more: Partial<LiveInput> = {}) => runLive(inputOf(fixture, more)), fixture };
}
const day = (number: number): string => `2026-11-${String(number).padStart(2, '0')}`;
const rowsOf = (first: number, last: number, value = '1'): Row[] =>
  Array.from({ length: last - first + 1 }, (_, index) => ({ day: day(first + index), region: 'emea', sum: value }));

describe('a live run', () => {
  it('reads whole periods up to its start minus settle, never the day that is running', async () => {
    const { sink, run } = setUp(rowsOf(1, 9));
    const report = await run();
    expect(Object.keys(sink.standing('revenue'))).toEqual([1, 2, 3, 4].map((number) => `${day(number)} emea`));
    expect(sink.covered('revenue')).toEqual(['2026-10-31T23:00:00.000Z/2026-11-04T23:00:00.000Z']);
    expect(report).toMatchObject({ stated: 4, outside: 5, refused: 0, windows: 1 });
  });
  it('leaves out a day that has ended but not settled', async () => {
    const { sink, run } = setUp(rowsOf(1, 9), { now: '2026-11-04T23:30:00Z' });
    await run();
    expect(Object.keys(sink.standing('revenue'))).toHaveLength(3);
  });
  it('writes values, then covered, then state, in one order', async () => {
    const { sink, run } = setUp(rowsOf(1, 4));
    await run();
    expect(sink.facts.map((fact) => fact.type)).toEqual(['observations', 'covered', 'source_state']);
    const [observations] = sink.facts;
    expect(observations).toMatchObject({ feeder: 'source/billing', readAt: at('2026-11-05T12:00:00Z') });
  });
  it('skips what is unchanged and states what changed', async () => {
    const rows = rowsOf(1, 4);
    const { sink, clock, run } = setUp(rows);
    await run();
    rows[3] = { ...rows[3], sum: '2.50' };
    clock.time += 3_600_000;
    const report = await run();
    expect(report).toMatchObject({ stated: 1, unchanged: 2 });
    expect(sink.standing('revenue')[`${day(4)} emea`]).toBe('2.5');
  });
  it('lets a value that went from A to B and back to A stand as A', async () => {
    const rows = rowsOf(4, 4, 'A'.length.toString());
    const { sink, clock, run } = setUp(rows);
    for (const value of ['10', '20', '10']) {
      rows[0] = { day: day(4), region: 'emea', sum: value };
      await run();
      clock.time += 60_000;
    }
    expect(sink.standing('revenue')).toEqual({ [`${day(4)} emea`]: '10' });
    expect(sink.facts.filter((fact) => fact.type === 'observations')).toHaveLength(3);
  });
  it('reads a late row inside the lookback', async () => {
    const rows = rowsOf(2, 4);
    const { sink, clock, run } = setUp(rows);
    await run();
    rows.push({ day: day(2), region: 'apac', sum: '7' });
    clock.time += 3_600_000;
    await run();
    expect(sink.standing('revenue')[`${day(2)} apac`]).toBe('7');
  });
  it('states its whole window once a day though nothing changed', async () => {
    const { clock, run } = setUp(rowsOf(1, 9));
    await run();
    clock.time += 3_600_000;
    expect(await run()).toMatchObject({ stated: 0, unchanged: 3 });
    clock.time = at('2026-11-06T12:30:00Z');
    expect(await run()).toMatchObject({ stated: 4, unchanged: 0 });
  });
  it('reads a long history in bounded windows and goes on after a crash at any append', async () => {
    const rows: Row[] = Array.from({ length: 300 }, (_, index) => ({
      day: new Date(at('2026-01-01T00:00:00Z') + index * DAY).toISOString().slice(0, 10),
      region: 'emea',
      sum: String(index),
    }));
    const whole = setUp(rows, { spec: { window: { ...spec.window, start: '2026-01-01' } } });
    await whole.run();
    expect(whole.sink.appends.length).toBeGreaterThan(5);
    for (let crash = 0; crash < whole.sink.appends.length; crash++) {
      const broken = setUp(rows, { spec: { window: { ...spec.window, start: '2026-01-01' } } });
      broken.sink.crashAfter = crash;
      await expect(broken.run()).rejects.toMatchObject({ kind: 'transient' });
      broken.sink.crashAfter = Number.POSITIVE_INFINITY;
      await broken.run();
      expect(broken.sink.standing('revenue')).toEqual(whole.sink.standing('revenue'));
    }
  });
  it('has nothing to do before the first period has settled', async () => {
    const { sink, run } = setUp([], { now: '2026-11-01T10:00:00Z' });
    expect(await run()).toMatchObject({ from: null, windows: 0 });
    expect(sink.facts).toEqual([]);
  });
  it('keeps coverage of an empty window, and its state', async () => {
    const { sink, run } = setUp([]);
    await run();
    expect(sink.covered('revenue')).toHaveLength(1);
  });
  it('begins anew from a state it does not understand, and says so', async () => {
    const { run } = setUp(rowsOf(1, 4));
    expect(await run({ state: { stateVersion: 99, state: { shape: 'of the future' } } })).toMatchObject({
      stated: 4,
      notes: [expect.stringContaining('newer Paceline')],
    });
    expect(await run({ state: { stateVersion: 1, state: 'broken' } })).toMatchObject({
      notes: [expect.stringContaining('cannot be read')],
    });
  });
  it('ends within a second when cancelled', async () => {
    const abort = new AbortController();
    const { fixture } = setUp(rowsOf(1, 4));
    const slow = rowsConnector(() => rowsOf(1, 4), { onRow: () => abort.abort(new Error('enough')) });
    await expect(runLive(inputOf({ ...fixture, connector: slow }, { signal: abort.signal }))).rejects.toThrow('enough');
    expect(fixture.sink.facts).toEqual([]);
  });
});

describe('what is gone', () => {
  it('is retracted before covered, and stays gone', async () => {
    const rows = rowsOf(1, 4);
    const { sink, clock, run } = setUp(rows);
    await run();
    rows.splice(2, 1);
    clock.time += 3_600_000;
    const report = await run();
    expect(report).toMatchObject({ retracted: 1 });
    expect(sink.standing('revenue')[`${day(3)} emea`]).toBeUndefined();
    expect(sink.facts.slice(-3).map((fact) => fact.type)).toEqual(['observations', 'covered', 'source_state']);
    clock.time += 3_600_000;
    expect(await run()).toMatchObject({ retracted: 0 });
  });
  it('is retracted when its value becomes NULL, and comes back with a value', async () => {
    const rows = rowsOf(4, 4);
    const { sink, clock, run } = setUp(rows);
    await run();
    rows[0] = { day: day(4), region: 'emea', sum: null };
    clock.time += 3_600_000;
    expect(await run()).toMatchObject({ absent: 1, retracted: 1 });
    expect(sink.standing('revenue')).toEqual({});
    rows[0] = { day: day(4), region: 'emea', sum: '3' };
    clock.time += 3_600_000;
    await run();
    expect(sink.standing('revenue')).toEqual({ [`${day(4)} emea`]: '3' });
  });
  it('writes nothing when a window would lose more than half of its points and more than ten', async () => {
    const regions = Array.from({ length: 20 }, (_, index) => ({ day: day(4), region: `r${index}`, sum: '1' }));
    const rows = [...regions];
    const { sink, clock, run } = setUp(rows);
    await run();
    const before = sink.facts.length;
    rows.length = 9;
    rows[0] = { day: day(4), region: 'r0', sum: '99' };
    clock.time += 3_600_000;
    await expect(run()).rejects.toMatchObject({ kind: 'config', code: 'mass_retraction' });
    expect(sink.facts).toHaveLength(before);
    rows.push({ day: day(4), region: 'r9', sum: '1' });
    expect(await run()).toMatchObject({ retracted: 10, stated: 1 });
  });
  it('is retracted in mass once a person confirms it, and the confirmation is used up', async () => {
    const rows = Array.from({ length: 20 }, (_, index) => ({ day: day(4), region: `r${index}`, sum: '1' }));
    const { clock, run } = setUp(rows);
    await run();
    const override = { command: 'c1', until: clock.time + DAY };
    rows.length = 2;
    clock.time += 60_000;
    expect(await run({ override })).toMatchObject({ retracted: 18 });
    rows.push(...Array.from({ length: 20 }, (_, index) => ({ day: day(4), region: `s${index}`, sum: '1' })));
    clock.time += 60_000;
    await run({ override });
    rows.length = 1;
    clock.time += 60_000;
    await expect(run({ override })).rejects.toMatchObject({ code: 'mass_retraction' });
  });
  it('leaves alone what the lookback no longer reads', async () => {
    const rows = rowsOf(1, 9);
    const { sink, clock, run } = setUp(rows);
    await run();
    rows.splice(0, 1);
    clock.time += 3_600_000;
    await run();
    expect(sink.standing('revenue')[`${day(1)} emea`]).toBe('1');
  });
});

describe('rows that cannot be taken', () => {
  it('are named with their place and code, keep coverage back, and let the rest pass', async () => {
    const rows: Row[] = [...rowsOf(1, 3), { day: day(4), region: 'emea', sum: 'NaN' }];
    const { sink, run } = setUp(rows);
    const report = await run();
    expect(report.refusedRows).toEqual([
      expect.objectContaining({ metric: 'revenue', at: 'rows:4', code: 'not_a_number' }),
    ]);
    expect(Object.keys(sink.standing('revenue'))).toHaveLength(3);
    expect(sink.covered('revenue')).toEqual([]);
  });
  it('are read again after the lookback has passed them, until they are right', async () => {
    const rows: Row[] = [...rowsOf(1, 3), { day: day(4), region: 'emea', sum: 'oops' }];
    const { sink, clock, run } = setUp(rows);
    await run();
    clock.time = at('2026-11-20T12:00:00Z');
    rows[3] = { day: day(4), region: 'emea', sum: '5' };
    await run();
    expect(sink.standing('revenue')[`${day(4)} emea`]).toBe('5');
    expect(sink.covered('revenue')).toEqual(['2026-10-31T23:00:00.000Z/2026-11-19T23:00:00.000Z']);
    clock.time += 3_600_000;
    const report = await run();
    expect(new Date(report.from ?? 0).toISOString()).toBe('2026-11-16T23:00:00.000Z');
  });
  it('retract nothing: a refused row may be the missing one', async () => {
    const rows = rowsOf(1, 4);
    const { sink, clock, run } = setUp(rows);
    await run();
    rows[3] = { day: day(4), region: 'emea', sum: 'Infinity' };
    clock.time += 3_600_000;
    expect(await run()).toMatchObject({ retracted: 0, refused: 1 });
    expect(sink.standing('revenue')[`${day(4)} emea`]).toBe('1');
  });
  it.each([
    ['1e400', 'too_many_digits'],
    ['Infinity', 'not_a_number'],
    ['1234567890123456789012345678901234567890', 'too_many_digits'],
    ['1.1234567891', 'too_many_digits'],
    ['twelve', 'not_a_number'],
  ])('%s is refused', async (sum, code) => {
    const { run } = setUp([{ day: day(4), region: 'emea', sum }]);
    const [row] = (await run()).refusedRows;
    expect([code, 'not_a_number']).toContain(row?.code);
  });
  it('include a second row for one point with another value: the query lacks its GROUP BY', async () => {
    const { sink, run } = setUp([
      { day: day(4), region: 'emea', sum: '1' },
      { day: day(4), region: 'emea', sum: '2' },
      { day: day(4), region: 'emea', sum: '1' },
    ]);
    const report = await run();
    expect(report.refusedRows).toEqual([expect.objectContaining({ code: 'duplicate_point', at: 'rows:2' })]);
    expect(sink.covered('revenue')).toEqual([]);
  });
  it('say that a column does not exist instead of taking every value for NULL', async () => {
    const { sink, run } = setUp([{ day: day(4), region: 'emea', summ: '1' }]);
    await expect(run()).rejects.toMatchObject({
      code: 'unknown_column',
      message: expect.stringContaining('did you mean "summ"'),
    });
    expect(sink.facts).toEqual([]);
  });
});

describe('values and times', () => {
  const exact = ['9007199254740993', '0.1', '123456789012345678901234567.123456789', '-0.000000001', '1e3'];
  it('keep every digit', async () => {
    const { sink, run } = setUp(exact.map((sum, index) => ({ day: day(4), region: `r${index}`, sum })));
    await run();
    expect(Object.values(sink.standing('revenue'))).toEqual([
      '9007199254740993',
      '0.1',
      '123456789012345678901234567.123456789',
      '-0.000000001',
      '1000',
    ]);
  });
  it.each([
    ['2026-11-04', '2026-11-04'],
    ['2026-11-04 00:00:00', '2026-11-04'],
    ['2026-11-03 23:00:00+00', '2026-11-04'],
    ['2026-11-03T23:00:00Z', '2026-11-04'],
    ['2026-11-04T00:00:00+01:00', '2026-11-04'],
  ])('%s is the day %s of the zone', async (written, period) => {
    const { sink, run } = setUp([{ day: written, region: 'emea', sum: '1' }]);
    await run();
    expect(sink.standing('revenue')).toEqual({ [`${period} emea`]: '1' });
  });
  it('refuse a time inside a day rather than guess which day is meant', async () => {
    const { run } = setUp([{ day: '2026-11-04T00:00:00Z', region: 'emea', sum: '1' }]);
    expect((await run()).refusedRows[0]).toMatchObject({ code: 'wrong_grain' });
  });
  it('tell apart the two hours of the night when clocks go back, and find none in the one they jump over', async () => {
    const hourly = metric('load', { aggregation: 'last', grain: 'hour', timezone: 'Europe/Berlin' });
    const sink = new MemorySink();
    const clock = new TestClock(at('2026-10-26T12:00:00Z'));
    const rows: Row[] = [
      { hour: '2026-10-25 00:00:00+00', value: '1' },
      { hour: '2026-10-25 01:00:00+00', value: '2' },
    ];
    const map = { metric: 'load', time: 'hour', value: 'value' };
    const fixture = {
      source: source('grid', { ...spec, window: { period: 'PT1H', lookback: 'P2D' }, map }),
      connector: rowsConnector(() => rows),
      metrics: metricsOf(hourly),
      sink,
      clock,
    };
    await runLive(inputOf(fixture));
    expect(sink.standing('load')).toEqual({ '2026-10-25T02+01:00': '2', '2026-10-25T02+02:00': '1' });
    clock.time = at('2026-03-30T12:00:00Z');
    const spring = new MemorySink();
    const report = await runLive(
      inputOf({
        ...fixture,
        connector: rowsConnector(() => [{ hour: '2026-03-29 02:30:00', value: '1' }]),
        sink: spring,
      }),
    );
    expect(report.refusedRows[0]).toMatchObject({ code: 'invalid_time' });
  });
  it('keep microseconds of samples and tell two events of one instant apart by id', async () => {
    const orders = metric('orders', { aggregation: 'sum', grain: 'day', points: 'time' });
    const sink = new MemorySink();
    const rows: Row[] = [
      { ts: '2026-11-04 10:00:00.123456+01', id: 'a', value: '1' },
      { ts: '2026-11-04 10:00:00.123456+01', id: 'b', value: '2' },
      { ts: '2026-11-04 10:00:00.123457+01', id: 9007199254740993n, value: '3' },
    ];
    const fixture = {
      source: source('shop', {
        schedule: {},
        window: { lookback: 'P2D' },
        map: { metric: 'orders', time: 'ts', value: 'value', id: 'id' },
      }),
      connector: rowsConnector(() => rows),
      metrics: metricsOf(orders),
      sink,
      clock: new TestClock(at('2026-11-04T12:00:00.5Z')),
    };
    await runLive(inputOf(fixture));
    expect(sink.standing('orders')).toEqual({
      '2026-11-04T09:00:00.123456Z a': '1',
      '2026-11-04T09:00:00.123456Z b': '2',
      '2026-11-04T09:00:00.123457Z 9007199254740993': '3',
    });
    expect(sink.covered('orders')[0]).toMatch(/\/2026-11-04T12:00:00\.500Z$/);
  });
  it('feed one metric by several columns of one row', async () => {
    const sink = new MemorySink();
    const rows: Row[] = [{ day: day(4), emea: '1', apac: '2', a: 'emea', b: 'apac' }];
    const maps = [
      { metric: 'revenue', time: 'day', value: 'emea', dimensions: { region: 'a' } },
      { metric: 'revenue', time: 'day', value: 'apac', dimensions: { region: 'b' } },
    ];
    const fixture = {
      source: source('wide', { ...spec, map: maps }),
      connector: rowsConnector(() => rows),
      metrics: metricsOf(revenue),
      sink,
      clock: new TestClock(at('2026-11-05T12:00:00Z')),
    };
    await runLive(inputOf(fixture));
    fixture.clock.time += 60_000;
    expect(await runLive(inputOf(fixture))).toMatchObject({ retracted: 0, unchanged: 2 });
    expect(sink.standing('revenue')).toEqual({ [`${day(4)} apac`]: '2', [`${day(4)} emea`]: '1' });
  });
});

describe('a file, read whole', () => {
  const file = { window: undefined };
  it('covers what its rows span, not the time after its last row', async () => {
    const { sink, run } = setUp(rowsOf(1, 3), { whole: true, spec: file });
    await run();
    expect(sink.covered('revenue')).toEqual(['2026-10-31T23:00:00.000Z/2026-11-03T23:00:00.000Z']);
  });
  it('is taken up to now only, and the rest as time passes', async () => {
    const { sink, clock, run } = setUp(rowsOf(1, 30), { whole: true, spec: file });
    await run();
    expect(Object.keys(sink.standing('revenue'))).toHaveLength(4);
    expect(sink.covered('revenue')).toEqual(['2026-10-31T23:00:00.000Z/2026-11-04T23:00:00.000Z']);
    clock.time += 2 * DAY;
    await run();
    expect(Object.keys(sink.standing('revenue'))).toHaveLength(6);
  });
  it('takes rows that were added below its last covered day', async () => {
    const rows = rowsOf(1, 2);
    const { sink, clock, run } = setUp(rows, {
      whole: true,
      spec: { window: { lookback: 'P1D' } },
      now: '2026-11-20T12:00:00Z',
    });
    await run();
    rows.push(...rowsOf(3, 5));
    clock.time += DAY;
    await run();
    expect(Object.keys(sink.standing('revenue'))).toHaveLength(5);
    expect(sink.covered('revenue').at(-1)).toBe('2026-11-01T23:00:00.000Z/2026-11-05T23:00:00.000Z');
  });
  it('notices a correction anywhere in it', async () => {
    const rows = rowsOf(1, 4);
    const { sink, clock, run } = setUp(rows, { whole: true, spec: file });
    await run();
    rows[0] = { day: day(1), region: 'emea', sum: '42' };
    clock.time += 60_000;
    expect(await run()).toMatchObject({ stated: 1, unchanged: 3 });
    expect(sink.standing('revenue')[`${day(1)} emea`]).toBe('42');
  });
  it('is not read again while neither it nor the day has changed, but once a day', async () => {
    let version = 'a';
    let reads = 0;
    const rows = rowsOf(1, 30);
    const counted = function* () {
      reads++;
      yield* rows;
    };
    const { sink, clock, fixture } = setUp(rows, { whole: true, spec: file });
    const connector = rowsConnector(counted, { whole: true, fingerprint: () => version });
    const again = () => runLive(inputOf({ ...fixture, connector }));
    await again();
    clock.time += 3_600_000;
    expect(await again()).toMatchObject({ windows: 0, rows: 0 });
    expect(reads).toBe(1);
    version = 'b';
    rows[0] = { day: day(1), region: 'emea', sum: '42' };
    await again();
    expect(sink.standing('revenue')[`${day(1)} emea`]).toBe('42');
    clock.time = at('2026-11-06T00:30:00Z');
    await again();
    expect(Object.keys(sink.standing('revenue'))).toHaveLength(5);
    clock.time = at('2026-11-06T12:30:00Z');
    await again();
    expect(reads).toBe(4);
  });
});
