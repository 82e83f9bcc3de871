import {
  bucketAt,
  bucketFrom,
  bucketsBetween,
  type Cell,
  covers,
  difference,
  type Grain,
  type Grid,
  gridOf,
  type Instant,
  type Intervals,
  isComplete,
  keepsValues,
  type Metric,
  type MetricCells,
  type Span,
  settledAt,
  type WorkspaceFold,
} from '@paceline/domain';
import type { Row } from '@paceline/store';
import { Breath } from './breath.ts';
import type { CellCache } from './cells.ts';
import type { Tick } from './evaluation-rows.ts';
import { cellOfSpan } from './merged-cell.ts';
import type { WorkspaceDeps } from './options.ts';
import type { OneAhead } from './serial.ts';
import { seriesWithRollups } from './sql.ts';

const FINER_THAN_MONTH: ReadonlySet<Grain> = new Set(['hour', 'day', 'week']);

/** One bucket whose rollups are written at a tick. */
interface Due {
  readonly grain: Grain;
  readonly bucket: Span;
  /** Something of it was stated since the tick before: series may have emptied. */
  readonly touched: boolean;
  /** It is complete no more, since less is covered: what was kept of it is taken back. */
  readonly gone: boolean;
}

interface Work {
  readonly metric: Metric;
  readonly due: readonly Due[];
}

interface TickOf extends Tick {
  /** `null`: there was no tick before, so no rollup either. */
  readonly previous: { readonly recordedAt: Instant } | null;
}

interface RollupWork {
  readonly fold: WorkspaceFold;
  readonly cells: CellCache;
  readonly deps: WorkspaceDeps;
  /** The last insert is under way when the rollups are computed. */
  readonly inserts: OneAhead;
}

/**
 * Writes the rollups of a tick: of buckets that became complete since the tick before, and of complete ones that a fact
 * touched; those of buckets that are complete no more are taken back. Kept are buckets of the metric's own grain where they hold many points, and months of finer grains. Open
 * buckets are never stored. Distinct values and quantiles do not merge, so their metrics have none. `written`: the metrics
 * of which this tick had written some before it was cut off.
 */
export async function writeRollups(
  { fold, cells, deps, inserts }: RollupWork,
  tick: TickOf & { heartbeat(): Promise<void> },
  written: ReadonlySet<string>,
): Promise<void> {
  const work: Work[] = [];
  for (const name of fold.metrics()) {
    const metric = fold.catalog.metrics.get(name);
    if (metric === undefined || metric.aggregation === null || keepsValues(metric)) continue;
    const due = dueBuckets(metric, fold, tick);
    if (due.length > 0) work.push({ metric, due });
  }
  const { sliceMetrics } = deps.options;
  // Slices are written one after the other: all before the last one that was begun are whole.
  const begun = Math.max(
    0,
    work.findLastIndex(({ metric }) => written.has(metric.name)),
  );
  for (let from = begun - (begun % sliceMetrics); from < work.length; from += sliceMetrics) {
    const rows = await rowsOf(work.slice(from, from + sliceMetrics), fold, cells, tick, deps);
    if (rows.length > 0) await inserts.begin(() => deps.store.insert('rollup', rows));
    await tick.heartbeat();
  }
}

async function rowsOf(
  work: readonly Work[],
  fold: WorkspaceFold,
  cells: CellCache,
  tick: TickOf,
  deps: WorkspaceDeps,
): Promise<Row<'rollup'>[]> {
  const needs = work.map(({ metric, due }) => ({
    metric: metric.name,
    from: due.reduce((least, { bucket }) => Math.min(least, bucket.from), Number.POSITIVE_INFINITY),
    to: due.reduce((most, { bucket }) => Math.max(most, bucket.to), Number.NEGATIVE_INFINITY),
    running: [],
  }));
  const read = await cells.read(needs, tick.position);
  const before = await rolledUpBefore(work, tick, deps);
  const rows: Row<'rollup'>[] = [];
  const breath = new Breath(deps.clock);
  for (const { metric, due } of work) {
    if (breath.isDue) await breath.take();
    const shape = fold.documents.get(`metric/${metric.name}`)?.shape ?? 0;
    for (const { grain, bucket, gone } of due) {
      const place = { workspace: deps.workspace, metric: metric.name, grain, shape, position: tick.position };
      rows.push(
        ...rollupRows(
          place,
          metric,
          bucket,
          gone ? undefined : read.get(metric.name),
          before.get(`${metric.name} ${shape} ${grain} ${bucket.from}`),
        ),
      );
    }
  }
  return rows;
}

/** The buckets of a metric, by grain, whose rollups this tick writes. */
export function dueBuckets(metric: Metric, fold: WorkspaceFold, tick: Pick<TickOf, 'recordedAt' | 'previous'>): Due[] {
  const covered = fold.coveredSpans(metric.name);
  const before = fold.coveredAtTick(metric.name);
  const last = tick.previous?.recordedAt ?? Number.NEGATIVE_INFINITY;
  const touch = fold.touched.metrics.get(metric.name);
  const own = new Map<Instant, Due>();
  const put = (bucket: Span, touched: boolean): void => {
    if (own.get(bucket.from)?.touched === true || !isComplete(metric, covered, bucket, tick.recordedAt)) return;
    if (!touched && isComplete(metric, before, bucket, last)) return;
    own.set(bucket.from, { grain: metric.grain, bucket, touched, gone: false });
  };
  const from = fold.statedFrom(metric.name);
  if (from === null) return [];
  const whole = touch !== undefined && touch.buckets === null;
  const spans = whole ? covered : difference(covered, before);
  for (const span of spans) for (const bucket of within(metric.grid, span, from, tick.recordedAt)) put(bucket, whole);
  for (const [start, end] of touch?.buckets ?? []) put({ from: start, to: end }, true);
  for (const bucket of settledSince(metric, last, tick.recordedAt, from)) put(bucket, false);
  for (const span of difference(before, covered)) {
    for (const bucket of within(metric.grid, span, from, last)) {
      if (isComplete(metric, covered, bucket, tick.recordedAt)) continue;
      own.set(bucket.from, { grain: metric.grain, bucket, touched: true, gone: true });
    }
  }
  const months = FINER_THAN_MONTH.has(metric.grain)
    ? monthsOf(metric, [...own.values()], covered, tick.recordedAt)
    : [];
  return metric.points === 'time' ? [...own.values(), ...months] : months;
}

function within(grid: Grid, span: Span, from: Instant, to: Instant): Span[] {
  const start = Math.max(span.from, from);
  const end = Math.min(span.to, to);
  return start < end ? bucketsBetween(grid, bucketAt(grid, start)?.from ?? start, end) : [];
}

/** Buckets whose end + settle lies after `last`, up to and including `now`. */
function settledSince(metric: Metric, last: Instant, now: Instant, from: Instant): Span[] {
  const slack = Math.max(0, settledAt(metric, now) - now);
  const start = Math.max(from, Number.isFinite(last) ? last - slack * 1.1 - 2 * 86_400_000 : from);
  const first = bucketAt(metric.grid, start)?.from ?? start;
  return bucketsBetween(metric.grid, first, now).filter((bucket) => {
    const settled = settledAt(metric, bucket.to);
    return settled > last && settled <= now;
  });
}

/** The months that the buckets start in and all of whose own buckets are complete, or were. */
function monthsOf(metric: Metric, own: readonly Due[], covered: Intervals, now: Instant): Due[] {
  const grid = gridOf(metric.calendar, 'month');
  const months = new Map<Instant, Due>();
  for (const { bucket, touched, gone } of own) {
    const month = bucketAt(grid, bucket.from);
    if (month === undefined) continue;
    if (gone) {
      months.set(month.from, { grain: 'month', bucket: month, touched, gone });
      continue;
    }
    const known = months.get(month.from);
    if (known !== undefined && (known.touched || !touched)) continue;
    const first = bucketFrom(metric.grid, month.from);
    const last = bucketAt(metric.grid, month.to - 0.001);
    if (first === undefined || last === undefined || last.from < first.from || settledAt(metric, last.to) > now)
      continue;
    if (covers(covered, { from: first.from, to: last.to }))
      months.set(month.from, { grain: 'month', bucket: month, touched, gone });
  }
  return [...months.values()];
}

/** By metric, shape, grain and bucket the series that had a rollup: where nothing is left of one, that must be said. */
async function rolledUpBefore(
  work: readonly Work[],
  tick: TickOf,
  deps: WorkspaceDeps,
): Promise<ReadonlyMap<string, readonly string[]>> {
  const found = new Map<string, string[]>();
  const touched = work.filter(({ due }) => due.some((each) => each.touched));
  if (tick.previous === null || touched.length === 0) return found;
  const starts = touched.flatMap(({ due }) => due.flatMap((each) => (each.touched ? each.bucket.from : [])));
  const query = seriesWithRollups({
    workspace: deps.workspace,
    metrics: touched.map(({ metric }) => metric.name),
    before: tick.position,
    from: starts.reduce((least, at) => Math.min(least, at), Number.POSITIVE_INFINITY),
    to: starts.reduce((most, at) => Math.max(most, at), Number.NEGATIVE_INFINITY),
  });
  for (const row of await deps.store.read(query, query.shape, { lane: 'judge' })) {
    const key = `${row.metric} ${row.shape} ${row.grain} ${row.bucket_from}`;
    const list = found.get(key);
    if (list === undefined) found.set(key, [row.series]);
    else list.push(row.series);
  }
  return found;
}

type Place = Pick<Row<'rollup'>, 'workspace' | 'metric' | 'grain' | 'shape' | 'position'>;

function rollupRows(
  place: Place,
  metric: Metric,
  bucket: Span,
  cells: MetricCells | undefined,
  before: readonly string[] = [],
): Row<'rollup'>[] {
  const rows: Row<'rollup'>[] = [];
  const present = new Set<string>();
  for (const series of cells?.series ?? []) {
    const merged = cellOfSpan(metric, series, bucket);
    if (merged === undefined) continue;
    present.add(series.key);
    rows.push(rollupRow(place, series.key, merged));
  }
  for (const key of before) if (!present.has(key)) rows.push(rollupRow(place, key, { ...EMPTY, ...bucket }));
  return rows;
}

const EMPTY = {
  count: 0,
  sum: 0n,
  min: 0n,
  max: 0n,
  first: 0n,
  last: 0n,
  firstAt: 0,
  lastAt: 0,
  numerator: 0n,
  denominator: 0n,
};

function rollupRow(place: Place, series: string, cell: Cell): Row<'rollup'> {
  return {
    ...place,
    series,
    bucket_from: cell.from,
    bucket_to: cell.to,
    count: cell.count,
    sum: cell.sum,
    min: cell.min,
    max: cell.max,
    first: cell.first,
    last: cell.last,
    first_at: cell.firstAt,
    last_at: cell.lastAt,
    numerator: cell.numerator,
    denominator: cell.denominator,
    increase: cell.increase ?? 0n,
    resets: cell.resets ?? 0,
  };
}
