import type { Instant, Metric, MetricCells, Position, SeriesCells } from '@paceline/domain';
import { bucketAt, cellsFromStatements, labelOf, type PeriodSeries, periodCells } from '@paceline/domain';
import { upTo } from '../bounds.ts';
import { Reader } from '../decode.ts';
import { atOfLabel } from '../label.ts';
import type { Lane, Store } from '../port.ts';
import { readStatements } from '../statements.ts';
import { grouped, readingKey } from './group.ts';
import { type CellsNeed, labelRange, type Wanted, wantedOf } from './need.ts';
import { decodePeriodPoints, LabelBuckets, metricCells } from './period.ts';
import { readTimeCells } from './read-time.ts';
import { lastBefore, lastStandingBefore, type PeriodPointsWanted, periodPoints } from './sql.ts';

export interface CellsOptions {
  /** Default `read`. */
  readonly lane?: Lane;
  /** Engine time of one query. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

/**
 * The cells of many metrics as a reader at `position` sees them, equal to the domain's `cellsFromStatements` over the
 * statements up to there, within each need's range and with the latest cell before it. One query a group of metrics that
 * are read alike, not one a metric. Metrics must have points of their own and stand once in `needs`.
 */
export async function readCells(
  store: Store,
  workspace: string,
  needs: readonly CellsNeed[],
  position: Position,
  options: CellsOptions = {},
): Promise<Map<string, MetricCells>> {
  const context: ReadContext = { store, workspace, bound: upTo(position), options };
  const cells = new Map<string, MetricCells>(needs.map(({ metric }) => [metric.name, { series: [] }]));
  const wanted = needs.map(wantedOf).filter(({ metric }) => metric.aggregation !== null);
  const [period, time] = [wanted.filter(isPeriod), wanted.filter((need) => !isPeriod(need))];
  await Promise.all([readPeriodCells(context, period, cells), readTimeCells(context, time, cells)]);
  return cells;
}

/**
 * What `readCells` makes the cells of metrics with period points from: of every point of the ranges, and of the latest before
 * them, the standing statement, retracted or not. For `LiveCells`, which keep them up to date.
 */
export async function readPeriodPoints(
  store: Store,
  workspace: string,
  needs: readonly CellsNeed[],
  position: Position,
  options: CellsOptions = {},
): Promise<Map<string, PeriodSeries[]>> {
  const context: ReadContext = { store, workspace, bound: upTo(position), options };
  const points = new Map<string, PeriodSeries[]>(needs.map(({ metric }) => [metric.name, []]));
  await Promise.all(
    groupsOf(needs.map(wantedOf)).map(async (group) => {
      for (const [name, parts] of await readSeries(context, group)) points.set(name, [...parts.values()]);
    }),
  );
  return points;
}

/** The cells of one metric from all its statements: slow, and always right. */
export async function readCellsSlowly(
  store: Store,
  workspace: string,
  metric: Metric,
  position: Position,
  options: CellsOptions = {},
): Promise<MetricCells> {
  return fromStatements({ store, workspace, bound: upTo(position), options }, metric);
}

export interface ReadContext {
  readonly store: Store;
  readonly workspace: string;
  readonly bound: Position;
  readonly options: CellsOptions;
}

function isPeriod({ metric }: Wanted): boolean {
  return metric.points === 'period';
}

type Target = Wanted & { readonly labels: LabelBuckets };

async function readPeriodCells(
  context: ReadContext,
  wanted: readonly Wanted[],
  cells: Map<string, MetricCells>,
): Promise<void> {
  await Promise.all(groupsOf(wanted).map((group) => readPeriodGroup(context, group, cells)));
}

function groupsOf(wanted: readonly Wanted[]): Target[][] {
  const targets = wanted.map((need): Target => ({ ...need, labels: new LabelBuckets(need.metric) }));
  return grouped(targets, ({ metric, only }) => `${metric.grain} ${readingKey(metric)} ${only === null}`);
}

async function readPeriodGroup(
  context: ReadContext,
  group: readonly Target[],
  cells: Map<string, MetricCells>,
): Promise<void> {
  const metrics = new Map(group.map((target) => [target.metric.name, target]));
  for (const [name, parts] of await readSeries(context, group)) {
    const { metric } = metrics.get(name)!;
    const built: SeriesCells[] = [];
    let twice = false;
    for (const part of parts.values()) {
      const made = periodCells(metric, part);
      if (made === undefined) twice = true;
      else if (made.cells.length > 0) built.push(made);
    }
    cells.set(name, twice ? await fromStatements(context, metric) : metricCells(built));
  }
}

/** By metric and series. */
async function readSeries(
  context: ReadContext,
  group: readonly Target[],
): Promise<Map<string, Map<string, PeriodSeries>>> {
  const targets = new Map(group.map((target) => [target.metric.name, target]));
  const [found, carried] = await Promise.all([
    readRange(context, group, targets),
    readCarried(context, group, targets),
  ]);
  const series = new Map<string, Map<string, PeriodSeries>>();
  for (const part of [...carried, ...found]) {
    const ofMetric = series.get(part.metric) ?? new Map<string, PeriodSeries>();
    series.set(part.metric, ofMetric);
    const known = ofMetric.get(part.series);
    if (known === undefined) ofMetric.set(part.series, part);
    else for (const point of part.points) known.points.push(point);
  }
  return series;
}

/** The slow way that is always right, for the odd series of which one point goes by two labels. */
async function fromStatements(context: ReadContext, metric: Metric): Promise<MetricCells> {
  return cellsFromStatements(
    metric,
    await readStatements(context.store, context.workspace, metric.name, context.bound, context.options),
  );
}

async function readRange(
  context: ReadContext,
  group: readonly Target[],
  targets: ReadonlyMap<string, Target>,
): Promise<PeriodSeries[]> {
  const filled = group.filter(({ from, to }) => from < to);
  if (filled.length === 0) return [];
  const ranges = filled.map(({ metric, from, to, only }) => ({
    ...labelRange(metric, from, to),
    ats: only === null ? [] : atsOf(metric, only),
  }));
  const sparse = filled[0]!.only !== null;
  const request: PeriodPointsWanted = {
    ...pointsOf(context, filled),
    grain: filled[0]!.metric.grain,
    ranges,
    earlyMs: Math.max(...ranges.map(({ earlyMs }) => earlyMs)),
    ...(sparse ? { ats: [...new Set(ranges.flatMap(({ ats }) => ats))] } : {}),
  };
  const bytes = await context.store.bytes(periodPoints(request), 'RowBinary', context.options);
  return decodePeriodPoints(bytes, request.ratio, targets, (name, _, bucket) => {
    const { from, to, only } = targets.get(name)!;
    return only === null ? bucket.from >= from && bucket.from < to : only.has(bucket.from);
  });
}

function atsOf(metric: Metric, starts: ReadonlySet<Instant>): Instant[] {
  const ats: Instant[] = [];
  for (const start of starts) {
    const bucket = bucketAt(metric.grid, start);
    if (bucket !== undefined) ats.push(atOfLabel(labelOf(metric.grid, bucket)));
  }
  return ats;
}

export function pointsOf(context: ReadContext, group: readonly Wanted[]) {
  const { metric } = group[0]!;
  return {
    workspace: context.workspace,
    metrics: group.map((target) => target.metric.name),
    bound: context.bound,
    ratio: metric.aggregation === 'ratio',
    revisions: metric.revisions,
  };
}

/** (metric, series) and the `at` under which its latest point before the range may lie. */
export interface Candidate {
  readonly metric: string;
  readonly series: string;
  /** Milliseconds. */
  readonly at: Instant;
}

export function decodeCandidates(bytes: Uint8Array, metric?: string): Candidate[] {
  const reader = new Reader(bytes);
  const candidates: Candidate[] = [];
  while (!reader.done)
    candidates.push({ metric: metric ?? reader.text(), series: reader.text(), at: reader.instant() });
  return candidates;
}

/** Of each series the latest bucket before the range in which a point stands. */
async function readCarried(
  context: ReadContext,
  group: readonly Target[],
  targets: ReadonlyMap<string, Target>,
): Promise<PeriodSeries[]> {
  const carrying = group.filter(({ carry }) => carry);
  if (carrying.length === 0) return [];
  const befores = new Map(carrying.map(({ metric, from }) => [metric.name, labelBefore(metric, from)]));
  const latest = decodeCandidates(
    await context.store.bytes(
      lastBefore({ ...pointsOf(context, carrying), grain: carrying[0]!.metric.grain, befores: [...befores.values()] }),
      'RowBinary',
      context.options,
    ),
  );
  const found = await readCandidates(context, carrying, targets, latest);
  const missing = latest.filter(({ metric, series }) => !found.has(keyOf(metric, series)));
  const further = await Promise.all(
    grouped(missing, ({ metric }) => metric).map(async (ofMetric) => {
      const name = ofMetric[0]!.metric;
      const target = targets.get(name)!;
      const standing = lastStandingBefore({
        ...pointsOf(context, [target]),
        grain: target.metric.grain,
        before: befores.get(name)!,
        series: ofMetric.map(({ series }) => series),
      });
      const candidates = decodeCandidates(await context.store.bytes(standing, 'RowBinary', context.options), name);
      return [...(await readCandidates(context, [target], targets, candidates)).values()];
    }),
  );
  return [...found.values(), ...further.flat()];
}

/** By series: the points of its latest bucket among the candidates' in which one stands. */
async function readCandidates(
  context: ReadContext,
  group: readonly Target[],
  targets: ReadonlyMap<string, Target>,
  candidates: readonly Candidate[],
): Promise<Map<string, PeriodSeries>> {
  const found = new Map<string, PeriodSeries>();
  if (candidates.length === 0) return found;
  const wanted = new Map(candidates.map(({ metric, series, at }) => [keyOf(metric, series), at]));
  const ats = [...new Set(candidates.map(({ at }) => at))];
  const range = { atFrom: Math.min(...ats), atTo: Math.max(...ats) };
  const statement = periodPoints({
    ...pointsOf(context, group),
    grain: group[0]!.metric.grain,
    ranges: group.map(() => range),
    ats,
    pairs: candidates.map(({ metric, series }) => [metric, series] as const),
    earlyMs: 0,
  });
  const bytes = await context.store.bytes(statement, 'RowBinary', context.options);
  const series = decodePeriodPoints(bytes, group[0]!.metric.aggregation === 'ratio', targets, (name, key, bucket) => {
    return wanted.has(keyOf(name, key)) && bucket.from < targets.get(name)!.from;
  });
  for (const part of series) {
    // The query asks for the places of all series at once; at another's, what this one says is not its latest.
    const at = wanted.get(keyOf(part.metric, part.series));
    const points = part.points
      .filter(({ label, said }) => said !== null && atOfLabel(label) === at)
      // What stood inside a bucket before the range nobody asks.
      .map((point) => ({ ...point, early: undefined }));
    if (points.length > 0) found.set(keyOf(part.metric, part.series), { ...part, points });
  }
  return found;
}

export function keyOf(metric: string, series: string): string {
  return `${metric}\n${series}`;
}

/** What the label of the range's first bucket says: earlier buckets say less. */
function labelBefore(metric: Metric, from: Instant): Instant {
  const bucket = bucketAt(metric.grid, from);
  return bucket === undefined ? from : atOfLabel(labelOf(metric.grid, bucket));
}
