import {
  type Catalog,
  type Feeder,
  type FeederCoverage,
  type Instant,
  intervalsOf,
  type Metric,
  type MetricCoverage,
  mappedFeeders,
  type PointExtent,
  type Position,
  pointsCoverage,
  type Span,
} from '@paceline/domain';
import { upTo } from './bounds.ts';
import { readExtents } from './cells/extents.ts';
import type { QueryOptions, Store } from './port.ts';
import { coveredAt, pushedMetrics } from './sql.ts';

export interface KnownCoverage extends MetricCoverage {
  /** From the first to the last bucket that holds a point, whoever stated it. */
  readonly extent: Span | null;
}

/** What the tables say of who covers a metric with points of its own. */
export interface CoverageFacts {
  /** Explicit statements, in order. */
  readonly stated: readonly CoveredRow[];
  /** Whether anything was ever pushed. */
  readonly pushed: boolean;
  /** By feeder, of its points. */
  readonly extents: ReadonlyMap<string, PointExtent>;
}

interface CoveredRow {
  readonly feeder: string;
  readonly covered_from: Instant | null;
  readonly covered_to: Instant;
  readonly before_from: Instant | null;
  readonly before_to: Instant | null;
}

/** Who covered what of some metrics with points of their own, by metric. */
export async function readCoverage(
  store: Store,
  workspace: string,
  catalog: Catalog,
  metrics: readonly string[],
  position: Position,
  options: QueryOptions = {},
): Promise<Map<string, KnownCoverage>> {
  const compiled = metrics
    .flatMap((name) => catalog.metrics.get(name) ?? [])
    .filter(({ aggregation }) => aggregation !== null);
  const facts = await readCoverageFacts(store, workspace, compiled, position, options);
  const mapped = mappedFeeders(catalog.documents);
  return new Map(
    compiled.map((metric) => [metric.name, coverageOf(metric, mapped.get(metric.name) ?? [], facts.get(metric.name)!)]),
  );
}

/** The same as facts, which go on from one position to a later one. */
export async function readCoverageFacts(
  store: Store,
  workspace: string,
  metrics: readonly Metric[],
  position: Position,
  options: QueryOptions = {},
): Promise<Map<string, CoverageFacts>> {
  if (metrics.length === 0) return new Map();
  const names = metrics.map(({ name }) => name);
  const [stated, pushed] = [coveredAt(workspace, position, names), pushedMetrics(workspace, names, position)];
  const [statements, pushes, extents] = await Promise.all([
    store.read(stated, stated.shape, options),
    store.read(pushed, pushed.shape, options),
    readExtents(store, workspace, metrics, upTo(position), options),
  ]);
  const byPush = new Set(pushes.map(({ metric }) => metric));
  const byMetric = Map.groupBy(statements, ({ metric }) => metric);
  return new Map(
    names.map((name) => [
      name,
      { stated: byMetric.get(name) ?? [], pushed: byPush.has(name), extents: extents.get(name) ?? new Map() },
    ]),
  );
}

/** `mapped`: the feeders that the definitions give the metric. */
export function coverageOf(metric: Metric, mapped: readonly Feeder[], facts: CoverageFacts): KnownCoverage {
  const { stated, extents } = facts;
  const push = facts.pushed || stated.some(({ feeder }) => feeder === 'push');
  const feeders = [...mapped, ...(push ? ['push'] : [])].map((feeder) =>
    feederCoverage(
      feeder,
      stated.filter((row) => row.feeder === feeder),
      (ends) => pointsCoverage(metric, ends.first, ends.last),
      extents.get(feeder),
    ),
  );
  return { feeders, extent: wholeOf([...extents.values()]) };
}

function wholeOf(extents: readonly PointExtent[]): Span | null {
  if (extents.length === 0) return null;
  const [from, to] = [extents.map(({ first }) => first.from), extents.map(({ last }) => last.to)];
  return { from: Math.min(...from), to: Math.max(...to) };
}

function feederCoverage(
  feeder: string,
  rows: readonly CoveredRow[],
  spanOf: (extent: PointExtent) => Span | null,
  extent: PointExtent | undefined,
): FeederCoverage {
  const first = rows[0];
  if (first === undefined)
    return { feeder, statements: [], before: null, points: extent === undefined ? null : spanOf(extent) };
  const statements = intervalsOf(
    rows.map((row) => ({ from: row.covered_from ?? Number.NEGATIVE_INFINITY, to: row.covered_to })),
  );
  const before =
    first.before_from === null || first.before_to === null ? null : { from: first.before_from, to: first.before_to };
  return { feeder, statements, before, points: null };
}
