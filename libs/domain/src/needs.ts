import type { Catalog } from './catalog.ts';
import type { MetricNeed } from './cell.ts';
import type { CompiledKeyResult, CompiledKpi, CompiledSubject, Source } from './definition/compiled.ts';
import { lastCompleteWindow } from './evaluate/window.ts';
import { EARLIEST, type Instant, type Span } from './instant.ts';
import { completeRuns, coveredOfMetric } from './metric/coverage.ts';
import { type Metric, sourcesOf } from './metric/metric.ts';
import { subjectOf } from './subjects.ts';
import { bucketAt, bucketEdge, type Grid } from './time/bucket.ts';
import type { MetricCoverage } from './view.ts';

/** The finest step of time: a sample at this much before an instant is before it. */
export const TICK: Instant = 0.001;

/**
 * What evaluating the subjects at the instants reads of each metric with points of its own. Without `coverage` the windows
 * that depend on it (each, rolling) are taken from the beginning of time, which is right and slow.
 */
export function needsOf(
  catalog: Catalog,
  subjects: Iterable<string>,
  instants: readonly Instant[],
  coverage?: (metric: string) => MetricCoverage,
): MetricNeed[] {
  const needs = new Map<string, Need>();
  const seen = new Set<CompiledSubject>();
  const visit = (compiled: CompiledSubject, closed?: Span): void => {
    if (closed === undefined && seen.has(compiled)) return;
    if (closed === undefined) seen.add(compiled);
    switch (compiled.kind) {
      case 'key_result':
        needOfKeyResult(compiled, instants, needs);
        return;
      case 'kpi':
        needOfKpi(compiled, closed, instants, coverage, needs);
        return;
      case 'unit':
        for (const member of compiled.members) visit(member);
        return;
      case 'objective':
        for (const result of compiled.keyResults) visit(result);
        for (const child of compiled.children) visit(child);
        return;
    }
  };
  for (const subject of subjects) {
    const found = subjectOf(catalog, subject);
    if (found !== undefined) visit(found.compiled, found.closed);
  }
  return [...needs].map(([metric, need]) => ({
    metric,
    from: need.from,
    to: need.to,
    running: [...need.running].sort((left, right) => left - right),
    cuts: [...need.cuts].sort((left, right) => left - right),
  }));
}

interface Need {
  from: Instant;
  to: Instant;
  readonly running: Set<Instant>;
  readonly cuts: Set<Instant>;
}

function needOfKeyResult(result: CompiledKeyResult, instants: readonly Instant[], needs: Map<string, Need>): void {
  if (result.source === null) return;
  const { span } = result.cycle;
  const metric = result.source.metric;
  // The bucket of `baseline: start` may lie before one without both sides, or without a denominator.
  const searched = metric.expression !== null || metric.aggregation === 'ratio';
  const wholePast = result.pace.method === 'seasonal' || (searched && usesStart(result));
  const read = { from: wholePast ? Number.NEGATIVE_INFINITY : span.from, before: span.to };
  add(result.source, read, instants, [result.cycle.span], needs);
}

function usesStart(result: CompiledKeyResult): boolean {
  return result.baseline.some((entry) => entry.value === 'start');
}

function needOfKpi(
  kpi: CompiledKpi,
  closed: Span | undefined,
  instants: readonly Instant[],
  coverage: ((metric: string) => MetricCoverage) | undefined,
  needs: Map<string, Need>,
): void {
  const before = closed?.to ?? (kpi.period.kind === 'cycle' ? kpi.period.cycle.span.to : Number.POSITIVE_INFINITY);
  let from = Number.POSITIVE_INFINITY;
  if (kpi.pace.method === 'seasonal') from = Number.NEGATIVE_INFINITY;
  for (const asOf of instants) from = Math.min(from, closed?.from ?? windowStart(kpi, asOf, coverage));
  add(kpi.source, { from, before }, instants, closed === undefined ? windowsCut(kpi, instants) : [closed], needs);
}

/** Periods whose edges may lie inside a bucket of the metric: a month of a metric by the week. */
function windowsCut({ period, cumulative }: CompiledKpi, instants: readonly Instant[]): Span[] {
  if (period.kind === 'cycle') return [period.cycle.span];
  if (period.kind !== 'toDate' || cumulative) return [];
  return instants.flatMap((asOf) => bucketAt(period.grid, asOf) ?? []);
}

/** Where what a KPI reads at an instant begins. */
function windowStart(
  kpi: CompiledKpi,
  asOf: Instant,
  coverage: ((metric: string) => MetricCoverage) | undefined,
): Instant {
  const { period } = kpi;
  const { metric } = kpi.source;
  switch (period.kind) {
    case 'cycle':
      return period.cycle.span.from;
    case 'toDate':
      return bucketAt(period.grid, asOf)?.from ?? asOf;
    case 'latest':
      // The latest cell of every series comes along, so the newest of them is known. A formula needs both sides of one
      // bucket, and a counter the sample before its latest.
      return metric.expression === null && metric.aggregation !== 'counter'
        ? (bucketAt(metric.grid, asOf)?.from ?? asOf)
        : Number.NEGATIVE_INFINITY;
    case 'each':
    case 'rolling': {
      if (coverage === undefined) return Number.NEGATIVE_INFINITY;
      const covered = coveredOfMetric(metric, coverage);
      const count = period.kind === 'rolling' ? period.count : 1;
      const runs = completeRuns(metric, covered, { from: EARLIEST, to: asOf }, asOf);
      return lastCompleteWindow(metric, runs, period.grid, count, asOf)?.from ?? asOf;
    }
  }
}

function add(
  source: Source,
  read: { readonly from: Instant; readonly before: Instant },
  instants: readonly Instant[],
  windows: readonly Span[],
  needs: Map<string, Need>,
): void {
  const latest = instants.reduce((left, right) => Math.max(left, right), Number.NEGATIVE_INFINITY);
  for (const metric of sourcesOf(source.metric)) {
    // A bucket that starts before the end belongs to the window as a whole, also where samples are cut at the end.
    const before = bucketEdge(metric.grid, read.before);
    const to = Math.min(latest + TICK, before);
    let need = needs.get(metric.name);
    if (need === undefined) {
      need = { from: Number.POSITIVE_INFINITY, to, running: new Set(), cuts: new Set() };
      needs.set(metric.name, need);
    }
    // A bucket that runs at the window's start may hold nothing yet: then the cell before it is the latest one.
    need.from = Math.min(need.from, alignedTo(metric, read.from));
    need.to = Math.max(need.to, to);
    if (metric.points === 'time') {
      for (const asOf of instants) if (asOf < before) need.running.add(asOf);
      for (const window of windows) for (const cut of cutsOf(metric, window)) need.cuts.add(cut);
    }
  }
}

/** The edges of a span that are no edges of the metric's buckets: there its cells are cut. */
export function cutsOf(metric: Metric, span: Span): Instant[] {
  return [span.from, span.to].filter((at) => bucketAt(metric.grid, at)?.from !== at);
}

/** The edges of all cycles at which the cells of a metric's time points are cut. */
export function cutsOfMetric(catalog: Catalog, metric: Metric): Instant[] {
  if (metric.points !== 'time') return [];
  const cuts = new Set<Instant>();
  for (const cycle of catalog.cycles.values()) for (const cut of cutsOf(metric, cycle.span)) cuts.add(cut);
  return [...cuts].sort((left, right) => left - right);
}

/**
 * The grids of the periods to date over which a metric's time points are read as a level: a point belongs to the period by
 * its own time, so cells are cut where periods begin. Hours and days lie in one period.
 */
export function cutGridsOf(catalog: Catalog, metric: Metric): Grid[] {
  if (metric.points !== 'time' || metric.grain === 'hour' || metric.grain === 'day') return [];
  const grids = new Set<Grid>();
  for (const { period, cumulative, source } of catalog.kpis.values()) {
    if (period.kind === 'toDate' && !cumulative && sourcesOf(source.metric).includes(metric)) grids.add(period.grid);
  }
  return [...grids];
}

function alignedTo(metric: Metric, from: Instant): Instant {
  return Number.isFinite(from) ? (bucketAt(metric.grid, from)?.from ?? from) : from;
}
