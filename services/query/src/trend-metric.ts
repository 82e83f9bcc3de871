import {
  type Bucket,
  type Catalog,
  coveredOfMetric,
  formatRational,
  type Grid,
  type Instant,
  type Intervals,
  instantText,
  isComplete,
  labelOf,
  type Metric,
  type MetricCells,
  matchingSeries,
  type Reading,
  readMetric,
  sourcesOf,
  staleAt,
  suggestion,
} from '@paceline/domain';
import { isCompletePeriod } from '@paceline/domain/evaluate/window';
import { coveredByFeeder } from '@paceline/domain/metric/coverage';
import { PacelineError } from '@paceline/runtime';
import type { CellsNeed, KnownCoverage, QueryOptions, Store } from '@paceline/store';
import { type Knowledge, type Moment, metricOf, refused } from './knowledge.ts';
import type { TrendPrevious, TrendRow } from './trend-rows.ts';
import {
  areOwnEdges,
  gridAsked,
  rangeAsked,
  regrid,
  requireWhole,
  type WindowsAsked,
  windowsBefore,
} from './trend-windows.ts';

export interface MetricTrendAsked extends WindowsAsked {
  readonly metric: string;
  readonly groupBy: readonly string[];
  readonly where: Readonly<Record<string, string>>;
  readonly compare: boolean;
  /** Levels only: a window without a value shows the latest one before it. */
  readonly fill: boolean;
  readonly limit: number;
}

export interface Trend {
  readonly rows: readonly TrendRow[];
  readonly grid: Grid;
  /** Grain of what is shown: the metric's, or the judged one. */
  readonly granularity: string;
  readonly unit: string | null;
  /** Share of the windows shown that are final. */
  readonly completeness: number | null;
  /** Start of the first window that did not fit. */
  readonly next: Instant | null;
}

export interface TrendContext {
  readonly store: Store;
  readonly options: QueryOptions;
  readonly catalog: Catalog;
  readonly moment: Moment;
  /** Of metrics with points of their own. */
  readonly knowledge: Pick<Knowledge, 'coverage' | 'cells'>;
}

/** Values of a metric per window and group: aggregated by the evaluator's own reader, over the same cells. */
export async function metricTrend(context: TrendContext, asked: MetricTrendAsked): Promise<Trend> {
  const { catalog, moment } = context;
  const metric = metricOf(catalog, asked.metric);
  requireDimensions(metric, asked);
  if (asked.fill && metric.cumulative) {
    const message = `${metric.name} adds up over time, so that an empty window is no gap to fill; fill is for levels`;
    throw refused('invalid_request', 'fill', message);
  }
  const grid = gridAsked(asked, metric.grid, catalog);
  requireWhole(metric, grid);
  const bounded = { asOf: moment.asOf, since: null, until: null };
  const named = asked.from === undefined ? null : rangeAsked(asked, grid, bounded, asked.limit);
  const sources = sourcesOf(metric).map(({ name }) => name);
  const covering = context.knowledge.coverage(moment, catalog, sources);
  const shown = named ?? rangeAsked(asked, grid, { ...bounded, ...knownSpan(metric, await covering) }, asked.limit);
  const before = asked.compare ? windowsBefore(grid, shown.windows, moment.asOf) : [];
  // Where the range was named, both are asked for at once.
  const [coverage, { reading, cells }] = await Promise.all([
    covering,
    readWindows(context, metric, grid, [...before, ...shown.windows], asked.fill),
  ]);
  const covered = coveredOfMetric(metric, (name) => coverage.get(name) ?? NO_COVERAGE);
  const reader = new TrendReader({ grid, metric, reading, cells, covered, asOf: moment.asOf, fill: asked.fill });
  const groups = reader.groups(asked.groupBy, asked.where);
  if (groups.length > asked.limit) {
    const message = `${groups.length} groups are more than the ${asked.limit} rows of one answer`;
    throw new PacelineError('too_many_rows', message);
  }
  const fits = Math.max(1, Math.floor(asked.limit / Math.max(1, groups.length)));
  const windows = shown.windows.slice(0, fits);
  const columns = groups.map((group) => columnOf(reader, group, windows, asked.compare ? before : null));
  return {
    rows: windows.flatMap((_, index) => columns.map((column) => column[index]!)),
    grid,
    granularity: metric.grain,
    unit: metric.unit,
    completeness: windows.length === 0 ? null : windows.filter((each) => reader.isFinal(each)).length / windows.length,
    next: shown.windows[fits]?.from ?? shown.next,
  };
}

const NO_COVERAGE: KnownCoverage = { feeders: [], extent: null };
const NO_CELLS: MetricCells = { series: [] };

interface KnownSpan {
  readonly since: Instant | null;
  readonly until: Instant | null;
}

/**
 * Where something is known of a metric: a point of it, or that somebody covered it. What all feeders cover decides whether a
 * window is final, not whether it is shown: a single pushed value would hide the history that a source has brought.
 */
function knownSpan(metric: Metric, coverage: ReadonlyMap<string, KnownCoverage>): KnownSpan {
  const spans = sourcesOf(metric).map(({ name }) => spanOf(coverage.get(name) ?? NO_COVERAGE));
  // A formula has a value only where each of its metrics has.
  const [since, until] = [spans.flatMap((span) => span.since ?? []), spans.flatMap((span) => span.until ?? [])];
  return {
    since: since.length === 0 ? null : Math.max(...since),
    until: until.length === 0 ? null : Math.min(...until),
  };
}

function spanOf({ feeders, extent }: KnownCoverage): KnownSpan {
  const spans = [...(extent === null ? [] : [extent]), ...feeders.flatMap(coveredByFeeder)];
  const starts = spans.map(({ from }) => from).filter(Number.isFinite);
  return {
    since: starts.length === 0 ? null : Math.min(...starts),
    until: spans.length === 0 ? null : Math.max(...spans.map(({ to }) => to)),
  };
}

function requireDimensions(metric: Metric, { groupBy, where }: MetricTrendAsked): void {
  for (const name of [...groupBy, ...Object.keys(where)]) {
    if (metric.dimensions.includes(name)) continue;
    const parameter = Object.hasOwn(where, name) ? `where.${name}` : 'group_by';
    const has = metric.dimensions.length === 0 ? 'none' : metric.dimensions.join(', ');
    const near = suggestion(name, metric.dimensions);
    throw refused('unknown_dimension', parameter, `${metric.name} has no dimension ${name}, it has ${has}${near}`);
  }
}

interface Group {
  readonly where: Readonly<Record<string, string>>;
  /** `null`: not grouped. */
  readonly dimensions: Readonly<Record<string, string>> | null;
}

/** What is read of a metric, in whichever cells the windows need. */
class TrendReader {
  readonly grid: Grid;
  readonly #metric: Metric;
  /** The metric with its cells on its own grid, or on the windows'. */
  readonly #reading: Metric;
  readonly #cells: ReadonlyMap<string, MetricCells>;
  readonly #covered: Intervals;
  readonly #asOf: Instant;
  readonly #fill: boolean;
  readonly #final = new Map<Bucket, boolean>();

  constructor(parts: {
    grid: Grid;
    metric: Metric;
    reading: Metric;
    cells: ReadonlyMap<string, MetricCells>;
    covered: Intervals;
    asOf: Instant;
    fill: boolean;
  }) {
    this.grid = parts.grid;
    this.#metric = parts.metric;
    this.#reading = parts.reading;
    this.#cells = parts.cells;
    this.#covered = parts.covered;
    this.#asOf = parts.asOf;
    this.#fill = parts.fill;
  }

  get fills(): boolean {
    return this.#fill;
  }

  isFinal(window: Bucket): boolean {
    let final = this.#final.get(window);
    if (final === undefined) {
      // Of its own grain the buckets that start in the window must be complete; where it is cut elsewhere, the window itself.
      final =
        this.#reading === this.#metric
          ? isCompletePeriod(this.#metric, this.#covered, window, this.#asOf)
          : isComplete(this.#metric, this.#covered, window, this.#asOf);
      this.#final.set(window, final);
    }
    return final;
  }

  read({ where }: Group, window: Bucket): Reading {
    const options = { asOf: this.#asOf, emptyIsZero: this.isFinal(window), ...this.#carry(window) };
    return readMetric(this.#reading, (name) => this.#cells.get(name) ?? NO_CELLS, where, [window], options);
  }

  /** Every combination of values that a series has, in order; one group of everything when nothing is grouped. */
  groups(groupBy: readonly string[], where: Readonly<Record<string, string>>): readonly Group[] {
    if (groupBy.length === 0) return [{ where, dimensions: null }];
    const groups = new Map<string, Group>();
    for (const cells of this.#cells.values()) {
      for (const series of matchingSeries(cells, where)) {
        const values = groupBy.map((name) => series.dimensions[name] ?? '');
        const dimensions = Object.fromEntries(groupBy.map((name, index) => [name, values[index] ?? '']));
        groups.set(JSON.stringify(values), { where: { ...where, ...dimensions }, dimensions });
      }
    }
    return [...groups].sort(([left], [right]) => (left < right ? -1 : 1)).map(([, group]) => group);
  }

  /** As a verdict at the window's end would: each series' last value stands in until it is stale. */
  #carry(window: Bucket): { carry?: (bucketEnd: Instant) => boolean } {
    if (!this.#fill || this.#metric.aggregation !== 'last') return {};
    const at = Math.min(this.#asOf, window.to);
    return { carry: (bucketEnd) => at <= staleAt(this.#metric, bucketEnd) };
  }
}

/** The metric with its cells on its own grid or on the windows', and the cells of the windows. */
async function readWindows(
  { knowledge, moment, catalog }: TrendContext,
  metric: Metric,
  grid: Grid,
  windows: readonly Bucket[],
  fill: boolean,
): Promise<{ readonly reading: Metric; readonly cells: ReadonlyMap<string, MetricCells> }> {
  const isFree = sourcesOf(metric).every(({ points }) => points === 'time');
  const reading = isFree && !areOwnEdges(metric, windows) ? regrid(metric, grid) : metric;
  const [first, last] = [windows[0], windows.at(-1)];
  if (first === undefined || last === undefined || moment.position < 0) return { reading, cells: new Map() };
  const needs = sourcesOf(reading).map((source) => needOf(source, first, last, moment, fill));
  return { reading, cells: await knowledge.cells(moment, catalog, needs) };
}

function needOf(metric: Metric, first: Bucket, last: Bucket, { asOf }: Moment, fill: boolean): CellsNeed {
  const { name, points } = metric;
  const isInside = points === 'time' && asOf >= first.from && asOf < last.to;
  const need = { metric: name, from: first.from, to: last.to, running: isInside ? [asOf] : [] };
  // What a series had before is only asked for where it may stand in, or is what a counter grows from.
  return { metric, need, alone: !fill && metric.aggregation !== 'counter' };
}

/** The rows of one group, one a window. */
function columnOf(
  reader: TrendReader,
  group: Group,
  windows: readonly Bucket[],
  before: readonly Bucket[] | null,
): TrendRow[] {
  let latest: string | null = null;
  return windows.map((window, index) => {
    const row = rowOf(reader, group, window);
    const filled = reader.fills && row.value === null && row.count === 0 && latest !== null;
    latest = row.value ?? latest;
    const earlier = before?.[index];
    return {
      ...row,
      ...(group.dimensions === null ? {} : { dimensions: group.dimensions }),
      ...(filled ? { value: latest, filled: true } : {}),
      ...(before === null ? {} : { previous: earlier === undefined ? null : previousOf(reader, group, earlier) }),
    };
  });
}

function rowOf(reader: TrendReader, group: Group, window: Bucket): TrendRow {
  const reading = reader.read(group, window);
  return {
    bucket: labelOf(reader.grid, window),
    from: instantText(window.from),
    to: instantText(window.to),
    value: reading.value === null ? null : formatRational(reading.value),
    count: reading.count,
    final: reader.isFinal(window),
    ...(reading.reason === null || reading.reason === 'no_points' ? {} : { reason: reading.reason }),
    ...(reading.carried ? { filled: true } : {}),
  };
}

function previousOf(reader: TrendReader, group: Group, window: Bucket): TrendPrevious {
  const { bucket, from, to, value, count, final } = rowOf(reader, group, window);
  return { bucket, from, to, value, count, final };
}
