import {
  type Aggregation,
  bucketAt,
  bucketsBetween,
  type Cell,
  cellsFromStatements,
  compileCalendar,
  compileMetric,
  extentsOf,
  type Grain,
  type Instant,
  instantText,
  LiveCells,
  labelOf,
  type Metric,
  type MetricCells,
  type ObservationsFact,
  type PointExtent,
  type PointStatement,
  position,
  type Recorded,
  type SeriesCells,
  statementsOf,
} from '@paceline/domain';
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { upTo } from '../bounds.ts';
import { observationRows } from '../observations.ts';
import type { Store } from '../port.ts';
import { readExtents } from './extents.ts';
import type { CellsNeed } from './need.ts';
import { readCells, readPeriodPoints } from './read.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

/** Zones with their moments: changes of clocks by an hour and by half of one, a skipped midnight, a skipped day. */
const PLACES = [
  { timezone: 'UTC', around: Date.UTC(2026, 1, 28) },
  { timezone: 'Europe/Berlin', around: Date.UTC(2026, 2, 29, 1) },
  { timezone: 'Europe/Berlin', around: Date.UTC(2026, 9, 25, 1) },
  { timezone: 'America/New_York', around: Date.UTC(2026, 10, 1, 6) },
  { timezone: 'Asia/Kolkata', around: Date.UTC(2026, 11, 31, 18, 30) },
  { timezone: 'Australia/Lord_Howe', around: Date.UTC(2026, 3, 4, 15) },
  { timezone: 'America/Sao_Paulo', around: Date.UTC(2018, 10, 4, 3) },
  { timezone: 'Pacific/Apia', around: Date.UTC(2011, 11, 30, 10) },
] as const;

const RETAIL = compileCalendar({
  apiVersion: 'paceline/v1',
  kind: 'Calendar',
  metadata: { name: 'retail' },
  spec: {
    timezone: 'UTC',
    weekStart: 'sunday',
    fiscalYearStart: 2,
    periods: [2011, 2018, 2025, 2026].flatMap((year) => [
      { label: `${year}-P10`, firstDay: `${year}-10-04`, lastDay: `${year}-10-31` },
      { label: `${year}-P11`, firstDay: `${year}-11-01`, lastDay: `${year}-12-05` },
      { label: `${year + 1}-P01`, firstDay: `${year + 1}-01-10`, lastDay: `${year + 1}-02-06` },
      { label: `${year + 1}-P02`, firstDay: `${year + 1}-02-07`, lastDay: `${year + 1}-04-10` },
    ]),
  },
});

const AGGREGATIONS: Aggregation[] = [
  'sum',
  'avg',
  'min',
  'max',
  'first',
  'last',
  'count',
  'distinct',
  'median',
  'p90',
  'ratio',
  'counter',
];
const GRAINS: Grain[] = ['hour', 'day', 'week', 'month', 'quarter', 'year', 'fiscal_quarter', 'fiscal_year', 'period'];
const LENGTH: Record<Grain, number> = {
  hour: HOUR,
  day: DAY,
  week: 7 * DAY,
  month: 30 * DAY,
  quarter: 91 * DAY,
  year: 365 * DAY,
  fiscal_quarter: 91 * DAY,
  fiscal_year: 365 * DAY,
  period: 30 * DAY,
};

function metricOf(
  name: string,
  aggregation: Aggregation,
  points: 'period' | 'time',
  grain: Grain,
  timezone: string,
  revisions: boolean,
): Metric {
  if (!RETAIL.ok) throw new Error('the calendar is wrong');
  const compiled = compileMetric(
    {
      apiVersion: 'paceline/v1',
      kind: 'Metric',
      metadata: { name },
      spec: {
        aggregation,
        points: aggregation === 'distinct' ? 'time' : points,
        grain,
        timezone,
        calendar: 'retail',
        dimensions: ['region'],
        ...(revisions ? { revisions: 'source' as const } : {}),
      },
    },
    new Map([['retail', RETAIL.value]]),
    new Map(),
  );
  if (!compiled.ok) throw new Error(JSON.stringify(compiled.faults));
  return compiled.value;
}

const metrics = fc
  .record({
    aggregation: fc.constantFrom(...AGGREGATIONS),
    points: fc.constantFrom('period' as const, 'time' as const),
    grain: fc.constantFrom(...GRAINS),
    place: fc.constantFrom(...PLACES),
    revisions: fc.boolean(),
  })
  .map(({ aggregation, points, grain, place, revisions }) => ({
    place,
    metric: metricOf('m', aggregation, points, grain, place.timezone, revisions),
  }));

/** A place on the time line in buckets from the interesting moment, with a part of a bucket in microseconds. */
const offset = fc.record({
  buckets: fc.integer({ min: -6, max: 6 }),
  part: fc.oneof(fc.constant(0), fc.constant(-1), fc.integer({ min: 0, max: 1_000_000 })),
});
const decimal = fc.oneof(
  fc.constantFrom(
    '0',
    '1',
    '-1',
    '0.000000001',
    '99999999999999999999999999999.999999999',
    '-99999999999999999999999999999.999999999',
  ),
  fc.integer({ min: -50, max: 50 }).map(String),
);

interface Said {
  readonly at: { readonly buckets: number; readonly part: number };
  readonly series: Readonly<Record<string, string>> | undefined;
  readonly id: string;
  readonly value: string | null;
  readonly denominator: string;
  readonly revision: number;
  readonly readLag: number;
  readonly recorded: { readonly buckets: number; readonly part: number };
  readonly alien: boolean;
}
const said: fc.Arbitrary<Said> = fc.record({
  at: offset,
  series: fc.constantFrom(undefined, { region: 'emea' }, { region: '😀' }, { region: 'ﬁ' }),
  id: fc.constantFrom('', '', 'a', '😀', 'ﬁ'),
  value: fc.option(decimal, { freq: 4 }),
  denominator: decimal,
  revision: fc.integer({ min: 0, max: 2 }),
  readLag: fc.constantFrom(0, 0, 1000, DAY),
  recorded: offset,
  alien: fc.boolean().map((yes) => yes),
});

function instantAt(metric: Metric, around: Instant, { buckets, part }: { buckets: number; part: number }): Instant {
  const near = bucketAt(metric.grid, around + buckets * LENGTH[metric.grain]);
  const start = near?.from ?? around + buckets * LENGTH[metric.grain];
  return Math.round(start * 1000 + (part < 0 ? part : (part / 1_000_000) * LENGTH[metric.grain] * 1000)) / 1000;
}

function pointOf(metric: Metric, around: Instant, say: Said): PointStatement | undefined {
  const at = instantAt(metric, around, say.at);
  const bucket = bucketAt(metric.grid, at);
  if (bucket === undefined) return undefined;
  const value =
    metric.aggregation === 'ratio'
      ? say.value === null
        ? { value: null }
        : { numerator: say.value, denominator: say.denominator }
      : { value: say.value };
  // Now and then a statement of another shape: it belongs to no bucket of this metric.
  const alien = say.alien && say.revision === 2;
  const when =
    (metric.points === 'period') !== alien
      ? { period: alien ? '2026' : labelOf(metric.grid, bucket) }
      : { time: instantText(at) };
  return {
    ...when,
    ...value,
    ...(say.series === undefined ? {} : { dimensions: say.series }),
    ...(say.id === '' ? {} : { id: say.id }),
    revision: say.revision,
  };
}

/** Records of one or more points; recordedAt ascends along the log as the fold makes it. */
function logOf(metric: Metric, around: Instant, says: readonly Said[]): Recorded<ObservationsFact>[] {
  const times = says.map((say) => instantAt(metric, around, say.recorded)).sort((a, b) => a - b);
  const log: Recorded<ObservationsFact>[] = [];
  says.forEach((say, index) => {
    const point = pointOf(metric, around, say);
    if (point === undefined) return;
    const recordedAt = Math.round(times[index]! * 1000 + index) / 1000;
    const points = say.readLag === DAY ? [point, { ...point, value: point.value === undefined ? null : '7' }] : [point];
    log.push({
      position: position(index),
      recordedAt,
      id: String(index),
      fact: { type: 'observations', metric: metric.name, feeder: 'push', readAt: recordedAt - say.readLag, points },
    });
  });
  return log;
}

function expected(
  metric: Metric,
  log: readonly Recorded<ObservationsFact>[],
  bound: number,
  { from, to, cuts }: { from: Instant; to: Instant; cuts: readonly Instant[] },
) {
  const statements = log.flatMap(statementsOf).filter((statement) => statement.position < bound);
  const all = cellsFromStatements(metric, statements, { cuts });
  const floor = metric.grain === 'period' ? Number.NEGATIVE_INFINITY : bucketStart(metric, from);
  const series = all.series.map((one) => {
    const inside = one.cells.filter(
      (cell) => bucketStart(metric, cell.from) >= floor && bucketStart(metric, cell.from) < to,
    );
    const earlier = one.cells.filter((cell) => bucketStart(metric, cell.from) < floor && cell.count > 0);
    const last = earlier.at(-1);
    const carried =
      last === undefined
        ? []
        : earlier.filter((cell) => bucketStart(metric, cell.from) === bucketStart(metric, last.from));
    return { ...one, cells: [...carried.map(({ versions: _, ...cell }): Cell => cell), ...inside] };
  });
  return { series: series.filter(({ cells }) => cells.length > 0) };
}

function bucketStart(metric: Metric, at: Instant): Instant {
  if (!Number.isFinite(at)) return at;
  return bucketAt(metric.grid, at)?.from ?? at;
}

function plain(cells: MetricCells, runnings: readonly Instant[]) {
  return cells.series.map((series: SeriesCells) => ({
    key: series.key,
    dimensions: series.dimensions,
    cells: series.cells,
    running: runnings.map((asOf) => series.running(asOf)),
  }));
}

const NO_TEST = (_name: string, _run: () => Promise<void>): void => undefined;

function runsOf(usual: number, runs: number): number {
  return Number(process.env.PACELINE_PROPERTY_RUNS ?? usual * runs);
}

/**
 * What every engine promises about cells: those of the domain, of any statements. `runs` scales how many cases each property
 * looks at; `large` asks for a bucket of 250,000 points too.
 */
export function describeCells(
  name: string,
  make: () => Promise<{ readonly store: Store; stop(): Promise<void> }>,
  { runs = 1, large = true }: { readonly runs?: number; readonly large?: boolean } = {},
): void {
  describe(`cells of ${name}`, () => {
    let opened: Awaited<ReturnType<typeof make>>;
    let store: Store;
    beforeAll(async () => {
      opened = await make();
      store = opened.store;
    });
    afterAll(() => opened.stop());
    let workspaces = 0;

    test('the engine makes the same cells of any statements as the domain, in every zone, grain and aggregation', async () => {
      await fc.assert(
        fc.asyncProperty(
          metrics,
          fc.array(said, { minLength: 1, maxLength: 40 }),
          fc.record({
            known: fc.double({ min: 0, max: 1, noNaN: true }),
            from: fc.option(offset),
            to: fc.option(offset),
          }),
          fc.array(offset, { maxLength: 2 }),
          fc.array(offset, { maxLength: 3 }),
          async ({ metric, place }, says, range, cutsAt, runningAt) => {
            const log = logOf(metric, place.around, says);
            const workspace = `w${workspaces++}`;
            await store.insert(
              'observation',
              log.flatMap((record) => observationRows(workspace, record)),
            );
            const at = position(Math.floor(range.known * says.length));
            const start = range.from === null ? Number.NEGATIVE_INFINITY : instantAt(metric, place.around, range.from);
            const end = range.to === null ? Number.POSITIVE_INFINITY : instantAt(metric, place.around, range.to);
            const [from, to] = [Math.min(start, end), Math.max(start, end)];
            const time = metric.points === 'time';
            const sorted = (offsets: typeof cutsAt) =>
              [...new Set(offsets.map((one) => instantAt(metric, place.around, one)))].sort((a, b) => a - b);
            const cuts = time ? sorted(cutsAt) : [];
            const running = time ? sorted(runningAt).filter((asOf) => asOf >= from && asOf < to) : [];
            const need: CellsNeed = { metric, need: { metric: metric.name, from, to, running, cuts } };
            const cells = (await readCells(store, workspace, [need], at)).get(metric.name)!;
            const wanted = expected(metric, log, upTo(at), { from, to, cuts });
            expect(plain(cells, running)).toEqual(plain(wanted, running));
          },
        ),
        { numRuns: runsOf(150, runs) },
      );
    }, 120_000);

    test('buckets asked for by their starts are read alone, and equal those of the whole', async () => {
      await fc.assert(
        fc.asyncProperty(
          metrics,
          fc.array(said, { minLength: 5, maxLength: 30 }),
          fc.array(offset, { minLength: 1, maxLength: 4 }),
          async ({ metric, place }, says, wantedAt) => {
            const log = logOf(metric, place.around, says);
            const workspace = `w${workspaces++}`;
            await store.insert(
              'observation',
              log.flatMap((record) => observationRows(workspace, record)),
            );
            const buckets = [
              ...new Set(wantedAt.map((one) => bucketStart(metric, instantAt(metric, place.around, one)))),
            ];
            const at = position(says.length);
            const need = { metric: metric.name, from: 0, to: 0, running: [] };
            const some = (await readCells(store, workspace, [{ metric, need, buckets }], at)).get(metric.name)!;
            const all = cellsFromStatements(metric, log.flatMap(statementsOf));
            const series = all.series.map((one) => ({
              ...one,
              cells: one.cells.filter((cell) => buckets.includes(cell.from)),
            }));
            expect(plain(some, [])).toEqual(plain({ series: series.filter(({ cells }) => cells.length > 0) }, []));
          },
        ),
        { numRuns: runsOf(60, runs) },
      );
    }, 120_000);

    test('cells kept up to date by the facts themselves are those of all statements', async () => {
      await fc.assert(
        fc.asyncProperty(
          metrics.filter(({ metric }) => metric.points === 'period'),
          fc.array(said, { minLength: 1, maxLength: 30 }),
          fc.record({
            start: fc.double({ min: 0, max: 1, noNaN: true }),
            from: fc.option(offset, { freq: 1 }),
            // Some are stated within their buckets, which needs the engine each time; most were stated afterwards.
            late: fc.boolean(),
          }),
          fc.infiniteStream(fc.boolean()),
          async ({ metric, place }, says, { start, from, late }, looks) => {
            const log = logOf(metric, place.around, says).map((record) =>
              late ? { ...record, recordedAt: record.recordedAt + 20 * LENGTH[metric.grain] } : record,
            );
            const workspace = `w${workspaces++}`;
            await store.insert(
              'observation',
              log.flatMap((record) => observationRows(workspace, record)),
            );
            const begin =
              from === null ? Number.NEGATIVE_INFINITY : bucketStart(metric, instantAt(metric, place.around, from));
            const first = Math.floor(start * log.length);
            const at = (index: number) => log[index]?.position ?? -1;
            const need = { metric: 'm', from: begin, to: Number.POSITIVE_INFINITY, running: [] };
            const read = async (index: number, buckets?: readonly Instant[]) => {
              const wanted: CellsNeed = { metric, need, ...(buckets === undefined ? {} : { buckets }) };
              return (await readPeriodPoints(store, workspace, [wanted], at(index))).get('m')!;
            };
            let live: LiveCells | undefined = new LiveCells(metric, begin);
            if (first > 0 && !live.patch(await read(first - 1))) return;
            for (let index = first; index < log.length; index++) {
              // What lies before its range ends it; whoever keeps it begins anew.
              if (!live.state(log[index]!)) live = undefined;
              if (live === undefined) return;
              if (looks.next().value !== true && index < log.length - 1) continue;
              if (live.unsure.size > 0 && !live.patch(await read(index, [...live.unsure]))) return;
              const statements = log.flatMap(statementsOf).filter(({ position }) => position < upTo(at(index)));
              const wanted = await (begin === Number.NEGATIVE_INFINITY
                ? { series: cellsFromStatements(metric, statements).series }
                : expected(metric, log, upTo(at(index)), { from: begin, to: Number.POSITIVE_INFINITY, cuts: [] }));
              expect(plain(live.cells, [])).toEqual(
                plain({ series: wanted.series.filter(({ cells }) => cells.length > 0) }, []),
              );
            }
          },
        ),
        { numRuns: runsOf(100, runs) },
      );
    }, 120_000);

    test('the engine finds the same first and last buckets of every feeder as the domain', async () => {
      await fc.assert(
        fc.asyncProperty(
          metrics,
          fc.boolean(),
          fc.array(said, { minLength: 1, maxLength: 30 }),
          fc.array(fc.constantFrom('push', 'source/a'), { minLength: 30, maxLength: 30 }),
          fc.double({ min: 0, max: 1, noNaN: true }),
          async ({ metric: plainMetric, place }, future, says, feeders, known) => {
            const metric: Metric = { ...plainMetric, future };
            const log = logOf(metric, place.around, says).map((record, index) => ({
              ...record,
              fact: { ...record.fact, feeder: feeders[index]! },
            }));
            const workspace = `w${workspaces++}`;
            await store.insert(
              'observation',
              log.flatMap((record) => observationRows(workspace, record)),
            );
            const before = position(Math.floor(known * (says.length + 1)));
            const extents = await readExtents(store, workspace, [metric], before);
            const statements = log.flatMap(statementsOf).filter((statement) => statement.position < before);
            const byFeeder = (entries: Iterable<readonly [string, PointExtent]>) =>
              [...entries].map(([feeder, { first, last }]) => [feeder, first.from, last.to]).sort();
            expect(byFeeder(extents.get('m')!)).toEqual(byFeeder(extentsOf(metric, statements)));
          },
        ),
        { numRuns: runsOf(60, runs) },
      );
    }, 120_000);

    test('many metrics of many kinds in one call are what each is alone', async () => {
      await fc.assert(
        fc.asyncProperty(
          fc.array(fc.tuple(metrics, fc.array(said, { maxLength: 8 }), offset), { minLength: 2, maxLength: 8 }),
          async (parts) => {
            const workspace = `w${workspaces++}`;
            const needs: CellsNeed[] = [];
            let offsets = 0;
            for (const [index, [{ metric, place }, says, start]] of parts.entries()) {
              const named: Metric = { ...metric, name: `m${index}` };
              const log = logOf(named, place.around, says).map((record) => ({
                ...record,
                position: position(offsets++),
              }));
              await store.insert(
                'observation',
                log.flatMap((record) => observationRows(workspace, record)),
              );
              const from = instantAt(metric, place.around, start);
              needs.push({
                metric: named,
                need: { metric: named.name, from, to: from + 5 * LENGTH[metric.grain], running: [] },
              });
            }
            const together = await readCells(store, workspace, needs, position(offsets));
            for (const need of needs) {
              const alone = await readCells(store, workspace, [need], position(offsets));
              expect(plain(together.get(need.metric.name)!, [])).toEqual(plain(alone.get(need.metric.name)!, []));
            }
          },
        ),
        { numRuns: 15 * runs },
      );
    }, 120_000);

    (large ? test : NO_TEST)('a bucket above 200,000 points is exact', async () => {
      const metric = metricOf('big', 'sum', 'time', 'day', 'Europe/Berlin', false);
      const workspace = 'big';
      const start = Date.UTC(2026, 0, 1, 23);
      const points = 250_000;
      const rows = Array.from({ length: points }, (_, index) => ({
        workspace,
        metric: 'big',
        series: '{}',
        period: '',
        at: start + index * 100,
        id: String(index),
        pos: index,
        recorded_at: start,
        read_at: start,
        revision: 0,
        feeder: 'push',
        value: '99999999999999999999999999999.999999999',
        numerator: null,
        denominator: null,
      }));
      await store.insert('observation', rows);
      const cells = await readCells(
        store,
        workspace,
        [{ metric, need: { metric: 'big', from: start, to: start + DAY, running: [] } }],
        position(points),
      );
      const [cell] = cells.get('big')!.series[0]!.cells;
      expect(cell).toMatchObject({
        count: points,
        sum: 99999999999999999999999999999999999999n * 250_000n,
        from: start,
        to: start + DAY,
      });
    });

    test('each series comes with its own latest cell, also where it was retracted in the bucket of another’s', async () => {
      const metric = metricOf('carried', 'last', 'period', 'day', 'UTC', false);
      const workspace = 'carried';
      const says: readonly (readonly [region: string, period: string, value: string | null])[] = [
        ['a', '2026-11-01', '20'],
        ['a', '2026-11-02', null],
        ['b', '2026-11-02', '12'],
        ['b', '2026-11-03', null],
      ];
      const log = says.map(
        ([region, period, value], index): Recorded<ObservationsFact> => ({
          position: position(index),
          recordedAt: Date.UTC(2026, 10, 4) + index,
          id: String(index),
          fact: {
            type: 'observations',
            metric: 'carried',
            feeder: 'push',
            points: [{ period, dimensions: { region }, value }],
          },
        }),
      );
      await store.insert(
        'observation',
        log.flatMap((record) => observationRows(workspace, record)),
      );
      const from = Date.UTC(2026, 10, 4);
      const need = { metric: 'carried', from, to: Number.POSITIVE_INFINITY, running: [] };
      const cells = await readCells(store, workspace, [{ metric, need }], position(says.length));
      expect(cells.get('carried')!.series.map((series) => series.cells.map((cell) => [cell.from, cell.last]))).toEqual([
        [[Date.UTC(2026, 10, 1), 20_000_000_000n]],
        [[Date.UTC(2026, 10, 2), 12_000_000_000n]],
      ]);
    });

    test('buckets of a range are the grid’s', () => {
      const metric = metricOf('m', 'sum', 'period', 'day', 'Europe/Berlin', false);
      expect(
        bucketsBetween(metric.grid, Date.UTC(2026, 2, 27, 23), Date.UTC(2026, 2, 29, 22)).map(
          ({ from, to }) => to - from,
        ),
      ).toEqual([DAY, 23 * HOUR]);
    });
  });
}
