import {
  bucketOfPoint,
  futureFrom,
  type Instant,
  type Metric,
  type PointExtent,
  type Position,
} from '@paceline/domain';
import { Reader } from '../decode.ts';
import type { QueryOptions, Store } from '../port.ts';
import { grouped, readingKey } from './group.ts';
import { standingAt, standingPlaces, statedExtents } from './sql.ts';

type Extents = Map<string, PointExtent>;

/**
 * First and last bucket about which each feeder's own word stands, for default coverage: by metric, then feeder, equal to the
 * domain's `extentsOf` over the statements before `before` (exclusive). A feeder that took back all it said is absent.
 *
 * The ends of all valued statements are read first, which is cheap; where its word stands at both, they are the extent.
 * Only where an end was retracted or overtaken are all points looked at.
 */
export async function readExtents(
  store: Store,
  workspace: string,
  metrics: readonly Metric[],
  before: Position,
  options: QueryOptions = {},
): Promise<Map<string, Extents>> {
  const context: Context = { store, workspace, bound: before, options };
  const extents = new Map<string, Extents>(metrics.map(({ name }) => [name, new Map()]));
  const groups = grouped(metrics, (metric) => `${grainOf(metric)} ${readingKey(metric)} ${metric.future}`);
  await Promise.all(groups.map((group) => readGroup(context, group, extents)));
  return extents;
}

interface Context {
  readonly store: Store;
  readonly workspace: string;
  readonly bound: Position;
  readonly options: QueryOptions;
}

interface Place {
  readonly period: string;
  readonly at: Instant;
}

function grainOf(metric: Metric) {
  return metric.points === 'time' ? null : metric.grain;
}

function pointsOf({ workspace, bound }: Context, group: readonly Metric[]) {
  const { aggregation, revisions } = group[0]!;
  const metrics = group.map(({ name }) => name);
  return { workspace, bound, metrics, ratio: aggregation === 'ratio', revisions, grain: grainOf(group[0]!) };
}

async function readGroup(context: Context, group: readonly Metric[], extents: Map<string, Extents>): Promise<void> {
  // A table's own labels say nothing of time, and points ahead of their time do not cover: both need every point.
  const whole = group[0]!.future || group[0]!.grain === 'period';
  const odd = whole ? group : await readEnds(context, group, extents);
  await Promise.all(odd.map(async (metric) => extents.set(metric.name, await readAll(context, metric))));
}

/** Answers the metrics whose ends do not stand. */
async function readEnds(context: Context, group: readonly Metric[], extents: Map<string, Extents>): Promise<Metric[]> {
  const ends = await readStated(context, group);
  if (ends.length === 0) return [];
  const places = ends.flatMap(({ metric, first, last }) => [[metric, first.at] as const, [metric, last.at] as const]);
  const bytes = await context.store.bytes(
    standingAt({ ...pointsOf(context, group), places }),
    'RowBinary',
    context.options,
  );
  const reader = new Reader(bytes);
  const standing = new Set<string>();
  while (!reader.done) standing.add(`${reader.text()}\n${reader.text()}\n${reader.int64()}`);
  const stands = (metric: string, feeder: string, at: Instant) =>
    standing.has(`${metric}\n${feeder}\n${Math.round(at * 1000)}`);
  const metrics = new Map(group.map((metric) => [metric.name, metric]));
  const odd = new Set<Metric>();
  for (const { metric: name, feeder, first, last } of ends) {
    const metric = metrics.get(name)!;
    const extent =
      stands(name, feeder, first.at) && stands(name, feeder, last.at) ? extentOf(metric, first, last) : undefined;
    if (extent === undefined) odd.add(metric);
    else extents.get(name)?.set(feeder, extent);
  }
  return [...odd];
}

async function readStated(context: Context, group: readonly Metric[]) {
  const reader = new Reader(
    await context.store.bytes(statedExtents(pointsOf(context, group)), 'RowBinary', context.options),
  );
  const ends: { metric: string; feeder: string; first: Place; last: Place }[] = [];
  while (!reader.done) {
    const [metric, feeder] = [reader.text(), reader.text()];
    const first = { period: reader.text(), at: reader.instant() };
    ends.push({ metric, feeder, first, last: { period: reader.text(), at: reader.instant() } });
  }
  return ends;
}

function extentOf(metric: Metric, first: Place, last: Place): PointExtent | undefined {
  const [from, to] = [bucketOf(metric, first), bucketOf(metric, last)];
  return from === undefined || to === undefined ? undefined : { first: from, last: to };
}

function bucketOf(metric: Metric, { period, at }: Place) {
  return bucketOfPoint(metric, metric.points === 'period' ? { period } : { at });
}

async function readAll(context: Context, metric: Metric): Promise<Extents> {
  const reader = new Reader(
    await context.store.bytes(standingPlaces(pointsOf(context, [metric])), 'RowBinary', context.options),
  );
  const extents: Extents = new Map();
  while (!reader.done) {
    const [feeder, period] = [reader.text(), reader.text()];
    const [first, last, recordedAt] = [reader.instant(), reader.instant(), reader.instant()];
    for (const at of first === last ? [first] : [first, last]) {
      const bucket = bucketOf(metric, { period, at });
      if (bucket === undefined || (metric.future && bucket.from >= futureFrom(metric, recordedAt))) continue;
      const known = extents.get(feeder);
      extents.set(feeder, {
        first: known === undefined || bucket.from < known.first.from ? bucket : known.first,
        last: known === undefined || bucket.from > known.last.from ? bucket : known.last,
      });
    }
  }
  return extents;
}
