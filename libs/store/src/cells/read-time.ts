import { bucketAt, type Instant, type Metric, type MetricCells, type Span } from '@paceline/domain';
import { Reader } from '../decode.ts';
import { extraOf, gridKey, grouped, readingKey } from './group.ts';
import { edgesOf, type Wanted } from './need.ts';
import { metricCells } from './period.ts';
import { type Candidate, decodeCandidates, keyOf, pointsOf, type ReadContext } from './read.ts';
import { lastAtOrBelow, sortedEdges } from './slices.ts';
import { lastBefore, lastStandingBefore, statedRange, type TimeCellsWanted, timeCells } from './sql.ts';
import { decodeTimeCells, type Slice, timeSeries } from './time.ts';

/** A microsecond, the step of stored times, in milliseconds. */
const MICROSECOND = 0.001;

export async function readTimeCells(
  context: ReadContext,
  wanted: readonly Wanted[],
  cells: Map<string, MetricCells>,
): Promise<void> {
  const bounded = await bound(context, wanted);
  const groups = grouped(
    bounded,
    ({ metric, from, to, only }) => `${readingKey(metric)} ${gridKey(metric)} ${from} ${to} ${only === null}`,
  );
  await Promise.all(groups.map((group) => readTimeGroup(context, group, cells)));
}

/** Puts ends to ranges that have none: where the first and the last statement lie. */
async function bound(context: ReadContext, wanted: readonly Wanted[]): Promise<Wanted[]> {
  const endless = wanted.filter(({ from, to }) => !Number.isFinite(from) || !Number.isFinite(to));
  if (endless.length === 0) return [...wanted];
  const ranges = new Map<string, Span>();
  const statement = statedRange({ ...pointsOf(context, endless), grain: null });
  const reader = new Reader(await context.store.bytes(statement, 'RowBinary', context.options));
  while (!reader.done) ranges.set(reader.text(), { from: reader.instant(), to: reader.instant() });
  // One pair of ends for all metrics of a grid: with each its own, none would share a query.
  const ends = new Map<string, Span>();
  for (const { metric } of endless) {
    const range = ranges.get(metric.name);
    const known = ends.get(gridKey(metric));
    if (range === undefined) continue;
    const from = bucketAt(metric.grid, range.from)?.from ?? range.from;
    const to = range.to + MICROSECOND;
    ends.set(gridKey(metric), { from: Math.min(from, known?.from ?? from), to: Math.max(to, known?.to ?? to) });
  }
  return wanted.flatMap((need) => {
    if (!endless.includes(need)) return [need];
    const end = ends.get(gridKey(need.metric));
    if (end === undefined || !ranges.has(need.metric.name)) return [];
    const from = Number.isFinite(need.from) ? need.from : end.from;
    // A range behind all statements still wants the cell before it.
    return [{ ...need, from, to: Math.max(from, Math.min(need.to, end.to)) }];
  });
}

async function readTimeGroup(
  context: ReadContext,
  group: readonly Wanted[],
  cells: Map<string, MetricCells>,
): Promise<void> {
  const [found, carried] = await Promise.all([readRange(context, group), readCarried(context, group)]);
  const targets = new Map(group.map((target) => [target.metric.name, target]));
  const bySeries = new Map<string, Slice[]>();
  for (const slice of [...carried, ...found]) {
    const key = keyOf(slice.metric, slice.series);
    const slices = bySeries.get(key);
    if (slices === undefined) bySeries.set(key, [slice]);
    else slices.push(slice);
  }
  const built = new Map(group.map(({ metric }) => [metric.name, [] as ReturnType<typeof timeSeries>[]]));
  for (const slices of bySeries.values()) {
    const { metric, series } = slices[0]!;
    const { need, ...target } = targets.get(metric)!;
    const runnings = new Set(need.running);
    built.get(metric)!.push(timeSeries(series, slices, pieces(target.metric, need.cuts ?? []), runnings));
  }
  for (const [name, series] of built) cells.set(name, metricCells(series));
}

/** The bucket an instant lies in, or the part of it between cuts. */
function pieces(metric: Metric, cuts: readonly Instant[]): (at: Instant) => Span | undefined {
  return (at) => {
    const bucket = bucketAt(metric.grid, at);
    if (bucket === undefined || cuts.length === 0) return bucket;
    const below = lastAtOrBelow(cuts, at);
    const from = Math.max(bucket.from, cuts[below] ?? bucket.from);
    const to = Math.min(bucket.to, cuts[below + 1] ?? bucket.to);
    return { from, to };
  };
}

async function readRange(context: ReadContext, group: readonly Wanted[]): Promise<Slice[]> {
  const { from, to, only, metric } = group[0]!;
  if (from >= to) return [];
  const edges = new Set<Instant>();
  for (const target of group) {
    // One grid, one range: the buckets are the same for all; what differs is where each is cut besides.
    if (edges.size === 0) for (const edge of edgesOf(target, from, to)) edges.add(edge);
    for (const cut of target.need.cuts ?? []) if (cut > from && cut < to) edges.add(cut);
    for (const asOf of target.need.running) if (asOf >= from && asOf < to) edges.add(behind(asOf));
  }
  if (edges.size < 2) return [];
  const sorted = sortedEdges(edges);
  const starts = only === null ? undefined : startsWithin(sorted, group);
  const slices = await readSlices(context, group, { edges: sorted, ...(starts === undefined ? {} : { only: starts }) });
  const targets = new Map(group.map((target) => [target.metric.name, target]));
  if (only === null) return slices;
  return slices.filter((slice) => {
    const bucket = bucketAt(metric.grid, slice.from);
    return bucket !== undefined && targets.get(slice.metric)!.only?.has(bucket.from) === true;
  });
}

function behind(asOf: Instant): Instant {
  return Math.round(asOf * 1000 + 1) / 1000;
}

/** The slices that lie in a bucket some metric of the group asks for. */
function startsWithin(edges: readonly Instant[], group: readonly Wanted[]): Instant[] {
  const { grid } = group[0]!.metric;
  const starts = new Set(group.flatMap(({ only }) => [...(only ?? [])]));
  return edges.filter((edge) => {
    const bucket = bucketAt(grid, edge);
    return bucket !== undefined && starts.has(bucket.from);
  });
}

async function readSlices(
  context: ReadContext,
  group: readonly Wanted[],
  asked: Pick<TimeCellsWanted, 'edges' | 'only' | 'pairs'>,
): Promise<Slice[]> {
  const request = { ...pointsOf(context, group), ...asked, extra: extraOf(group[0]!.metric) };
  const bytes = await context.store.bytes(timeCells(request), 'RowBinary', context.options);
  return decodeTimeCells(bytes, request.ratio, request.extra);
}

/** Of each series the slices of its latest bucket before the range in which a point stands. */
async function readCarried(context: ReadContext, group: readonly Wanted[]): Promise<Slice[]> {
  const carrying = group.filter(({ carry }) => carry);
  if (carrying.length === 0) return [];
  const befores = carrying.map(({ from }) => from);
  const statement = lastBefore({ ...pointsOf(context, carrying), grain: null, befores });
  const latest = decodeCandidates(await context.store.bytes(statement, 'RowBinary', context.options));
  const found = await readCandidates(context, carrying, latest);
  const has = new Set(found.map(({ metric, series }) => keyOf(metric, series)));
  const missing = latest.filter(({ metric, series }) => !has.has(keyOf(metric, series)));
  const further = await Promise.all(
    grouped(missing, ({ metric }) => metric).map(async (ofMetric) => {
      const target = carrying.find(({ metric }) => metric.name === ofMetric[0]!.metric)!;
      const standing = lastStandingBefore({
        ...pointsOf(context, [target]),
        grain: null,
        before: target.from,
        series: ofMetric.map(({ series }) => series),
      });
      const candidates = decodeCandidates(
        await context.store.bytes(standing, 'RowBinary', context.options),
        target.metric.name,
      );
      return readCandidates(context, [target], candidates);
    }),
  );
  return [...found, ...further.flat()];
}

async function readCandidates(
  context: ReadContext,
  group: readonly Wanted[],
  candidates: readonly Candidate[],
): Promise<Slice[]> {
  const { grid } = group[0]!.metric;
  const buckets = new Map<string, Span>();
  for (const { metric, series, at } of candidates) {
    const bucket = bucketAt(grid, at);
    if (bucket !== undefined) buckets.set(keyOf(metric, series), bucket);
  }
  if (buckets.size === 0) return [];
  const spans = [...buckets.values()];
  const cuts = group
    .flatMap(({ need }) => need.cuts ?? [])
    .filter((cut) => spans.some(({ from, to }) => cut > from && cut < to));
  const edges = sortedEdges([...spans.flatMap(({ from, to }) => [from, to]), ...cuts]);
  const only = edges.filter((edge) => spans.some(({ from, to }) => edge >= from && edge < to));
  const pairs = candidates.map(({ metric, series }) => [metric, series] as const);
  const slices = await readSlices(context, group, { edges, only, pairs });
  return slices.filter(({ metric, series, from }) => {
    const bucket = buckets.get(keyOf(metric, series));
    return bucket !== undefined && from >= bucket.from && from < bucket.to;
  });
}
