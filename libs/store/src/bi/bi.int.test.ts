import {
  type Aggregation,
  bucketAt,
  bucketsBetween,
  cellsFromStatements,
  compileCalendar,
  compileMetric,
  formatRational,
  type Grain,
  type Instant,
  instantText,
  labelOf,
  type Metric,
  type ObservationsFact,
  type PointStatement,
  position,
  type Recorded,
  readMetric,
  statementsOf,
} from '@paceline/domain';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { observationRows, type Store } from '../index.ts';
import type { Row } from '../tables.ts';
import { temporaryStore } from '../testing.ts';
import {
  BI_DATABASE,
  biViews,
  bucketRows,
  gridName,
  metricView,
  metricViewNames,
  publishBi,
  publishView,
} from './index.ts';
import { quotedName } from './view.ts';

let opened: Awaited<ReturnType<typeof temporaryStore>>;
let store: Store;
beforeAll(async () => {
  opened = await temporaryStore();
  store = opened.store;
  await publishBi(store, 1);
});
afterAll(() => opened.stop());

const DAY = 86_400_000;
const RETAIL = compileCalendar({
  apiVersion: 'paceline/v1',
  kind: 'Calendar',
  metadata: { name: 'retail' },
  spec: {
    timezone: 'UTC',
    weekStart: 'sunday',
    fiscalYearStart: 2,
    periods: [
      { label: '2026-P01', firstDay: '2026-02-10', lastDay: '2026-03-20' },
      { label: '2026-P02', firstDay: '2026-03-23', lastDay: '2026-04-30' },
    ],
  },
});

function metricOf(
  name: string,
  spec: { aggregation: Aggregation; points: 'period' | 'time'; grain: Grain; zone: string; revisions: boolean },
): Metric {
  if (!RETAIL.ok) throw new Error('the calendar is wrong');
  const compiled = compileMetric(
    {
      apiVersion: 'paceline/v1',
      kind: 'Metric',
      metadata: { name },
      spec: {
        aggregation: spec.aggregation,
        points: spec.aggregation === 'distinct' ? 'time' : spec.points,
        grain: spec.grain,
        timezone: spec.zone,
        calendar: 'retail',
        dimensions: ['region'],
        ...(spec.revisions ? { revisions: 'source' as const } : {}),
      },
    },
    new Map([['retail', RETAIL.value]]),
    new Map(),
  );
  if (!compiled.ok) throw new Error(JSON.stringify(compiled.faults));
  return compiled.value;
}

function definitionRow(workspace: string, metric: Metric, version = 1): Row<'bi_definition'> {
  return {
    workspace,
    id: `metric/${metric.name}`,
    version,
    removed: false,
    kind: 'metric',
    name: metric.name,
    title: '',
    description: '',
    owner: '',
    unit: '',
    measure: 'EUR',
    metric: '',
    cycle: '',
    parent: '',
    aggregation: metric.aggregation ?? '',
    across: metric.across,
    points: metric.points,
    revisions: metric.revisions,
    grid: gridName(metric.grid),
    position: 0,
    recorded_at: 0,
  };
}

const AROUND = Date.UTC(2026, 2, 29, 1);

const metrics = fc.record({
  aggregation: fc.constantFrom<Aggregation>(
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
    'p99',
    'ratio',
    'counter',
  ),
  points: fc.constantFrom('period' as const, 'time' as const),
  grain: fc.constantFrom<Grain>('hour', 'day', 'week', 'month', 'quarter', 'fiscal_quarter', 'fiscal_year', 'period'),
  zone: fc.constantFrom('UTC', 'Europe/Berlin', 'Australia/Lord_Howe'),
  revisions: fc.boolean(),
});

const said = fc.record({
  minutes: fc.oneof(fc.integer({ min: -200, max: 200 }), fc.integer({ min: -80_000, max: 80_000 })),
  region: fc.constantFrom(undefined, 'emea', '😀'),
  id: fc.constantFrom('', 'a', 'b'),
  value: fc.option(
    fc.oneof(
      fc.constantFrom('0', '0.000000001', '-7', '99999999999999999999.5'),
      fc.integer({ min: -50, max: 50 }).map(String),
    ),
    { freq: 5 },
  ),
  denominator: fc.constantFrom('0', '3', '-7', '0.1'),
  revision: fc.integer({ min: 0, max: 2 }),
  lag: fc.constantFrom(0, 0, 1_000, DAY),
});

function pointOf(
  metric: Metric,
  say: typeof said extends fc.Arbitrary<infer Said> ? Said : never,
): PointStatement | undefined {
  const at: Instant = AROUND + say.minutes * 60_000;
  const bucket = bucketAt(metric.grid, at);
  if (bucket === undefined) return undefined;
  const parts =
    metric.aggregation === 'ratio' && say.value !== null
      ? { numerator: say.value, denominator: say.denominator }
      : { value: say.value };
  return {
    ...(metric.points === 'period' ? { period: labelOf(metric.grid, bucket) } : { time: instantText(at) }),
    ...parts,
    ...(say.region === undefined ? {} : { dimensions: { region: say.region } }),
    ...(say.id === '' ? {} : { id: say.id }),
    revision: say.revision,
  };
}

test('metric_trend says of any statements what the domain says, in every aggregation and grain', async () => {
  let workspaces = 0;
  await fc.assert(
    fc.asyncProperty(metrics, fc.array(said, { minLength: 1, maxLength: 25 }), async (kind, says) => {
      const workspace = `w${workspaces++}`;
      const metric = metricOf('m', kind);
      const log = says.flatMap((say, index): Recorded<ObservationsFact>[] => {
        const point = pointOf(metric, say);
        if (point === undefined) return [];
        const recordedAt = AROUND + 400 * DAY + index;
        return [
          {
            position: position(index),
            recordedAt,
            id: String(index),
            fact: { type: 'observations', metric: 'm', feeder: 'push', readAt: recordedAt - say.lag, points: [point] },
          },
        ];
      });
      await store.insert('bi_definition', [definitionRow(workspace, metric)]);
      await store.insert(
        'bi_bucket',
        bucketRows(workspace, metric.grid, AROUND - 500 * DAY, AROUND + 500 * DAY).slice(-40_000),
      );
      await store.insert(
        'observation',
        log.flatMap((record) => observationRows(workspace, record)),
      );
      const rows = await store.query<{ series: string; bucket: string; value: string | null; points: string }>({
        sql: `SELECT series, bucket, toString(value) AS value, toString(points) AS points FROM bi.metric_trend WHERE workspace = {workspace:String} ORDER BY series, bucket_from`,
        params: { workspace },
      });
      expect(rows).toEqual(trendOf(metric, log));
    }),
    { numRuns: Number(process.env.PACELINE_PROPERTY_RUNS ?? 30) },
  );
}, 120_000);

function trendOf(metric: Metric, log: readonly Recorded<ObservationsFact>[]) {
  const cells = cellsFromStatements(metric, log.flatMap(statementsOf));
  return cells.series.flatMap((series) =>
    bucketsOf(metric).flatMap((bucket) => {
      const reading = readMetric(metric, () => ({ series: [series] }), undefined, [bucket], {
        asOf: AROUND + 900 * DAY,
      });
      if (reading.count === 0) return [];
      const value = reading.value === null ? null : formatRational(reading.value);
      return [{ series: series.key, bucket: labelOf(metric.grid, bucket), value, points: String(reading.count) }];
    }),
  );
}

const buckets = new Map<Metric, ReturnType<typeof bucketsBetween>>();
function bucketsOf(metric: Metric) {
  const reach = metric.grain === 'hour' ? 60 * DAY : 500 * DAY;
  const known = buckets.get(metric) ?? bucketsBetween(metric.grid, AROUND - reach, AROUND + reach);
  buckets.set(metric, known);
  return known;
}

test('every view selects the columns it describes, each with a comment', async () => {
  const names = metricViewNames(['m', 'trend', 'a-b', 'a_b']);
  expect(Object.fromEntries(names)).toEqual({
    m: 'metric_m',
    trend: 'metric_trend_',
    'a-b': 'metric_a_b',
    a_b: 'metric_a_b_',
  });
  const single = metricView('metric_m', {
    name: 'm',
    title: "it's {a:String}",
    dimensions: ['region', 'value', 'sales-rep'],
  });
  await publishView(store, single);
  for (const view of [...biViews({ database: store.database, edition: 1 }), single]) {
    const selected = await store.query<{ name: string; type: string }>({ sql: `DESCRIBE (${view.select})` });
    expect(selected.map(({ name, type }) => ({ name, type }))).toEqual(
      view.columns.map(({ name, type }) => ({ name, type })),
    );
    const described = await store.query<{ name: string; type: string; comment: string }>({
      sql: 'SELECT name, type, comment FROM system.columns WHERE database = {database:String} AND table = {table:String} ORDER BY position',
      params: { database: BI_DATABASE, table: view.name },
    });
    expect(described).toEqual(view.columns);
    await store.query({ sql: `SELECT * FROM bi.${quotedName(view.name)} LIMIT 1` });
  }
});
