import type { Cell, MetricCells, PointVersion, Scaled, SeriesCells } from '../cell.ts';
import type { Instant, Span } from '../instant.ts';
import { compareText } from '../text-order.ts';
import { type Bucket, bucketAt, type Grid } from '../time/bucket.ts';
import { readInstant } from '../time/instant-text.ts';
import { bucketOfPoint, futureFrom, type Metric } from './metric.ts';
import {
  comparePrecedence,
  dimensionsOfKey,
  isRetracted,
  type Precedence,
  periodValidFrom,
  revisionOf,
  type Said,
  type Statement,
  saidOf,
  seriesKey,
} from './statement.ts';

/** A point that stands: not retracted. `at` is its time, of a period point its bucket's start. */
export interface StandingPoint {
  readonly at: Instant;
  /** Empty without. */
  readonly id: string;
  readonly said: Said;
}

/** A statement of one period point, for `versionsOf`. */
export interface PointStatementRow extends Precedence {
  readonly recordedAt: Instant;
  readonly said: Said;
}

/** First and last bucket with a standing point that may cover by default. */
export interface PointExtent {
  readonly first: Bucket;
  readonly last: Bucket;
}

export interface CellOptions {
  /**
   * Further edges at which cells of time points are cut, ascending: starts and ends of windows that are no bucket edges of
   * this metric, because a time point belongs to a window by its own time (EVALUATION §3).
   */
  readonly cuts?: readonly Instant[];
  /** Grids at whose edges cells of time points are cut as well. */
  readonly grids?: readonly Grid[];
}

const QUANTILES = new Set(['distinct', 'median', 'p90', 'p95', 'p99']);

export function keepsValues(metric: Pick<Metric, 'aggregation'>): boolean {
  return metric.aggregation !== null && QUANTILES.has(metric.aggregation);
}

/**
 * The cells of a metric from its statements, in any order: the reference that the engine's cells must equal. Statements that
 * are none of this metric's (another grain, time for period) are passed over, as they are by the engine.
 */
export function cellsFromStatements(
  metric: Metric,
  statements: Iterable<Statement>,
  options: CellOptions = {},
): MetricCells {
  const series: SeriesCells[] = [];
  const keys = pointsBySeries(metric, statements);
  for (const key of [...keys.keys()].sort(compareText)) {
    const points = [...keys.get(key)!.values()].sort(compareStates);
    series.push(
      metric.points === 'period' ? periodSeries(metric, key, points) : timeSeries(metric, key, points, options),
    );
  }
  return { series };
}

/** The cell of some standing points, ascending by time, then id. */
export function cellOf(
  metric: Pick<Metric, 'aggregation'>,
  span: Span,
  points: readonly StandingPoint[],
  versions?: readonly PointVersion[],
): Cell {
  const ratio = metric.aggregation === 'ratio';
  let sum = 0n;
  let min: Scaled | undefined;
  let max: Scaled | undefined;
  let numerator = 0n;
  let denominator = 0n;
  const values: Scaled[] = [];
  for (const { said } of points) {
    numerator += said.numerator ?? 0n;
    denominator += said.denominator ?? 0n;
    const value = said.value ?? 0n;
    values.push(value);
    sum += value;
    if (min === undefined || value < min) min = value;
    if (max === undefined || value > max) max = value;
  }
  const growth = metric.aggregation === 'counter' ? growthOf(values) : {};
  return {
    from: span.from,
    to: span.to,
    count: points.length,
    sum,
    min: min ?? 0n,
    max: max ?? 0n,
    first: ratio ? 0n : (values[0] ?? 0n),
    last: ratio ? 0n : (values.at(-1) ?? 0n),
    firstAt: points[0]?.at ?? span.from,
    lastAt: points.at(-1)?.at ?? span.from,
    numerator,
    denominator,
    ...(keepsValues(metric) ? { values: values.sort(compareScaled) } : {}),
    ...growth,
    ...(versions === undefined || versions.length === 0 ? {} : { versions }),
  };
}

/** Growth between samples in their order: a drop is a reset and starts from zero. */
export function growthOf(samples: readonly Scaled[]): { readonly increase: Scaled; readonly resets: number } {
  let increase = 0n;
  let resets = 0;
  for (let index = 1; index < samples.length; index++) {
    const before = samples[index - 1]!;
    const value = samples[index]!;
    if (value < before) resets++;
    increase += value < before ? value : value - before;
  }
  return { increase, resets };
}

/**
 * What stood of one period point inside its bucket, from all its statements or only those recorded before the bucket's end
 * (later ones are valid from the end and change nothing here). Ascending; each entry differs from the one before.
 */
export function versionsOf(bucket: Span, id: string, statements: readonly PointStatementRow[]): PointVersion[] {
  const early = statements
    .filter((statement) => statement.recordedAt < bucket.to)
    .sort((a, b) => a.recordedAt - b.recordedAt || a.position - b.position);
  const versions: PointVersion[] = [];
  let standing: PointStatementRow | undefined;
  for (const statement of early) {
    if (standing !== undefined && comparePrecedence(statement, standing) < 0) continue;
    standing = statement;
    const validFrom = periodValidFrom(bucket, statement.recordedAt);
    if (versions.at(-1)?.validFrom === validFrom) versions.pop();
    const { value, numerator, denominator } = statement.said;
    const last = versions.at(-1);
    const same =
      last === undefined
        ? isRetracted(statement.said)
        : last.value === value && last.numerator === numerator && last.denominator === denominator;
    if (!same) versions.push({ ...(id === '' ? {} : { id }), validFrom, value, numerator, denominator });
  }
  return versions;
}

/** The versions of all points of one bucket in the order of a cell's. */
export function mergeVersions(lists: readonly (readonly PointVersion[])[]): PointVersion[] {
  return lists.flat().sort((a, b) => a.validFrom - b.validFrom || compareText(a.id ?? '', b.id ?? ''));
}

/** The bucket of a cell with versions as an as-of inside it sees it; `undefined` when nothing stood then. */
export function cellFromVersions(
  metric: Pick<Metric, 'aggregation'>,
  span: Span,
  versions: readonly PointVersion[],
  asOf: Instant,
): Cell | undefined {
  const latest = new Map<string, PointVersion>();
  for (const version of versions) {
    if (version.validFrom > asOf) break;
    latest.set(version.id ?? '', version);
  }
  const points: StandingPoint[] = [];
  for (const [id, said] of latest) if (!isRetracted(said)) points.push({ at: span.from, id, said });
  if (points.length > 1) points.sort((a, b) => compareText(a.id, b.id));
  return points.length === 0 ? undefined : cellOf(metric, span, points);
}

/**
 * First and last bucket about which each feeder's own word stands and is a value, for default coverage. What another
 * feeder said of the same point does not matter: both looked there. Points stated more than one grain ahead of their
 * recordedAt never cover.
 */
export function extentsOf(metric: Metric, statements: Iterable<Statement>): ReadonlyMap<string, PointExtent> {
  const extents = new Map<string, PointExtent>();
  for (const [feeder, own] of Map.groupBy(statements, (statement) => statement.feeder)) {
    for (const points of pointsBySeries(metric, own).values()) {
      for (const { bucket, standing } of points.values()) {
        if (isRetracted(standing.said)) continue;
        if (metric.future && bucket.from >= futureFrom(metric, standing.recordedAt)) continue;
        const known = extents.get(feeder);
        extents.set(feeder, {
          first: known === undefined || bucket.from < known.first.from ? bucket : known.first,
          last: known === undefined || bucket.from > known.last.from ? bucket : known.last,
        });
      }
    }
  }
  return extents;
}

interface PointState {
  readonly bucket: Bucket;
  readonly at: Instant;
  readonly id: string;
  standing: PointStatementRow;
  /** Statements recorded before the bucket's end; period points only. */
  early: PointStatementRow[] | undefined;
}

function pointsBySeries(metric: Metric, statements: Iterable<Statement>): Map<string, Map<string, PointState>> {
  const bySeries = new Map<string, Map<string, PointState>>();
  for (const statement of statements) {
    const { point } = statement;
    const time = point.time === undefined ? undefined : readInstant(point.time);
    const bucket = bucketOfPoint(metric, {
      ...(point.period === undefined ? {} : { period: point.period }),
      ...(time === undefined ? {} : { at: time }),
    });
    if (bucket === undefined) continue;
    const series = seriesKey(point.dimensions);
    let points = bySeries.get(series);
    if (points === undefined) {
      points = new Map();
      bySeries.set(series, points);
    }
    const at = metric.points === 'time' && time !== undefined ? time : bucket.from;
    put(metric, points, statement, bucket, at);
  }
  return bySeries;
}

function put(metric: Metric, points: Map<string, PointState>, statement: Statement, bucket: Bucket, at: Instant): void {
  const id = statement.point.id ?? '';
  const row: PointStatementRow = {
    revision: revisionOf(metric, statement.point),
    readAt: statement.readAt,
    position: statement.position,
    recordedAt: statement.recordedAt,
    said: saidOf(metric, statement.point),
  };
  const key = `${at} ${id}`;
  let state = points.get(key);
  if (state === undefined) {
    state = { bucket, at, id, standing: row, early: undefined };
    points.set(key, state);
  } else if (comparePrecedence(row, state.standing) > 0) state.standing = row;
  if (metric.points === 'period' && row.recordedAt < bucket.to) {
    state.early ??= [];
    state.early.push(row);
  }
}

function compareStates(left: PointState, right: PointState): number {
  return left.at - right.at || compareText(left.id, right.id);
}

function standingOf(states: readonly PointState[]): StandingPoint[] {
  const points: StandingPoint[] = [];
  for (const { at, id, standing } of states) {
    if (!isRetracted(standing.said)) points.push({ at, id, said: standing.said });
  }
  return points;
}

function periodSeries(metric: Metric, key: string, states: readonly PointState[]): SeriesCells {
  const cells: Cell[] = [];
  for (const group of groupBy(states, (state) => state.bucket.from)) {
    const { bucket } = group[0]!;
    const points = standingOf(group);
    const versions = mergeVersions(
      group.map((state) => (state.early === undefined ? [] : versionsOf(bucket, state.id, state.early))),
    );
    if (points.length > 0 || versions.length > 0) cells.push(cellOf(metric, bucket, points, versions));
  }
  return { key, dimensions: dimensionsOfKey(key), cells, running: () => undefined };
}

function timeSeries(metric: Metric, key: string, states: readonly PointState[], options: CellOptions): SeriesCells {
  const cells: Cell[] = [];
  const pointsOf = new Map<Instant, readonly StandingPoint[]>();
  const standing = states.filter((state) => !isRetracted(state.standing.said));
  for (const group of groupBy(standing, (state) => pieceOf(state.bucket, state.at, options).from)) {
    const span = pieceOf(group[0]!.bucket, group[0]!.at, options);
    const points = standingOf(group);
    pointsOf.set(span.from, points);
    cells.push(cellOf(metric, span, points));
  }
  const running = (asOf: Instant): Cell | undefined => {
    const cell = cells.findLast(({ from }) => from <= asOf);
    if (cell === undefined || cell.to <= asOf) return undefined;
    const points = pointsOf.get(cell.from)!.filter(({ at }) => at <= asOf);
    return points.length === 0 ? undefined : cellOf(metric, cell, points);
  };
  return { key, dimensions: dimensionsOfKey(key), cells, running };
}

/** The part of a bucket between the cuts around an instant. */
function pieceOf(bucket: Span, at: Instant, { cuts = [], grids = [] }: CellOptions): Span {
  let { from, to } = bucket;
  for (const grid of grids) {
    const period = bucketAt(grid, at);
    if (period === undefined) continue;
    from = Math.max(from, period.from);
    to = Math.min(to, period.to);
  }
  for (const cut of cuts) {
    if (cut > from && cut <= at) from = cut;
    if (cut > at && cut < to) to = cut;
  }
  return { from, to };
}

function groupBy(states: readonly PointState[], keyOf: (state: PointState) => Instant): PointState[][] {
  const groups: PointState[][] = [];
  let key: Instant | undefined;
  for (const state of states) {
    const own = keyOf(state);
    if (own === key) groups.at(-1)!.push(state);
    else groups.push([state]);
    key = own;
  }
  return groups;
}

/** Cells with those of some buckets replaced by what was read of these; series that keep all of theirs stay the same objects. */
export function replacedCells(
  { series }: MetricCells,
  isReplaced: (cell: Cell) => boolean,
  read: readonly SeriesCells[],
): MetricCells {
  const fresh = new Map(read.map((each) => [each.key, each]));
  const old = series.map((held) => {
    const found = fresh.get(held.key)?.cells ?? [];
    fresh.delete(held.key);
    if (found.length === 0 && !held.cells.some(isReplaced)) return held;
    const cells = [...held.cells.filter((cell) => !isReplaced(cell)), ...found];
    const { key, dimensions } = held;
    const running = (asOf: Instant): Cell | undefined => held.running(asOf);
    return { key, dimensions, cells: cells.sort((left, right) => left.from - right.from), running };
  });
  return { series: [...old, ...fresh.values()].sort((left, right) => compareText(left.key, right.key)) };
}

export function compareScaled(left: Scaled, right: Scaled): -1 | 0 | 1 {
  return left < right ? -1 : left > right ? 1 : 0;
}
