import {
  type Bucket,
  bucketOfLabel,
  type Cell,
  cellOf,
  compareText,
  dimensionsOfKey,
  keepsValues,
  type Metric,
  type MetricCells,
  mergeVersions,
  type PointStatementRow,
  RETRACTED,
  type Said,
  type SeriesCells,
  versionsOf,
} from '@paceline/domain';
import { Reader, TextMemo } from '../decode.ts';

/** What a query of `periodPoints` says of one metric's series, still as points. */
export interface PeriodSeries {
  readonly metric: string;
  readonly series: string;
  readonly points: PeriodPoint[];
}

type PeriodPoint = OpenPoint & { readonly bucket: Bucket };

/** Labels asked of a metric's grid once each. */
export class LabelBuckets {
  private readonly known = new Map<string, Bucket | undefined>();
  private readonly metric: Metric;

  constructor(metric: Metric) {
    this.metric = metric;
  }

  of(label: string): Bucket | undefined {
    const known = this.known.get(label);
    if (known !== undefined || this.known.has(label)) return known;
    const bucket = bucketOfLabel(this.metric.grid, label);
    this.known.set(label, bucket);
    return bucket;
  }
}

/**
 * Rows of `periodPoints`, ascending by metric and series. `metrics` says which are wanted and how; points whose label is no
 * bucket of the metric, or for which `wanted` says no, are passed over.
 */
export function decodePeriodPoints(
  bytes: Uint8Array,
  ratio: boolean,
  metrics: ReadonlyMap<string, { readonly metric: Metric; readonly labels: LabelBuckets }>,
  wanted: (metric: string, series: string, bucket: Bucket) => boolean,
): PeriodSeries[] {
  const reader = new Reader(bytes);
  const memo = { metric: new TextMemo(), series: new TextMemo(), label: new TextMemo(), id: new TextMemo() };
  const all: PeriodSeries[] = [];
  let current: PeriodSeries | undefined;
  let point: OpenPoint | undefined;
  while (!reader.done) {
    const name = reader.textBy(memo.metric);
    const series = reader.textBy(memo.series);
    const label = reader.textBy(memo.label);
    const id = reader.textBy(memo.id);
    const recordedAt = reader.instant();
    const readAt = reader.instant();
    const position = reader.uint64();
    const revision = reader.uint64();
    const said = readSaid(reader, ratio);
    if (current === undefined || current.metric !== name || current.series !== series) {
      current = { metric: name, series, points: [] };
      all.push(current);
      point = undefined;
    }
    if (point === undefined || point.label !== label || point.id !== id) {
      // The first row of a point is the statement that stands.
      const bucket = metrics.get(name)?.labels.of(label);
      const asked = bucket !== undefined && wanted(name, series, bucket) ? bucket : undefined;
      point = { label, id, bucket: asked, said, early: undefined };
      if (isWanted(point)) current.points.push(point);
    }
    if (point.bucket === undefined || recordedAt >= point.bucket.to) continue;
    const revisions = metrics.get(name)?.metric.revisions === true;
    point.early ??= [];
    point.early.push({ recordedAt, readAt, position, revision: revisions ? revision : 0, said: said ?? RETRACTED });
  }
  return all.filter(({ points }) => points.length > 0);
}

interface OpenPoint {
  readonly label: string;
  readonly id: string;
  /** `undefined`: not wanted. */
  readonly bucket: Bucket | undefined;
  /** `null`: retracted. */
  readonly said: Said | null;
  /** Statements recorded before the bucket's end. */
  early: PointStatementRow[] | undefined;
}

function isWanted(point: OpenPoint): point is PeriodPoint {
  return point.bucket !== undefined;
}

function readSaid(reader: Reader, ratio: boolean): Said | null {
  const first = reader.nullableDecimal();
  if (!ratio) return first === null ? null : { value: first, numerator: null, denominator: null };
  const second = reader.nullableDecimal();
  return first === null || second === null ? null : { value: null, numerator: first, denominator: second };
}

/** `undefined` when two labels of one bucket name the same point: then only all its statements can tell which stands. */
export function periodCells(metric: Metric, series: PeriodSeries): SeriesCells | undefined {
  const points = ascending(series.points);
  const cells: Cell[] = [];
  for (let at = 0; at < points.length; ) {
    const point = points[at]!;
    const { bucket } = point;
    let end = at + 1;
    for (; end < points.length && points[end]!.bucket.from === bucket.from; end++)
      if (points[end]!.id === points[end - 1]!.id) return undefined;
    const cell =
      end === at + 1 && point.early === undefined
        ? cellOfOne(metric, point)
        : cellOfSeveral(metric, points.slice(at, end));
    if (cell !== undefined) cells.push(cell);
    at = end;
  }
  return { key: series.series, dimensions: dimensionsOfKey(series.series), cells, running: () => undefined };
}

/** Rows come in this order already, but for the cell before the range and grains whose labels share their `at`. */
function ascending(points: PeriodPoint[]): readonly PeriodPoint[] {
  for (let at = 1; at < points.length; at++) if (compare(points[at - 1]!, points[at]!) > 0) return points.sort(compare);
  return points;
}

function compare(left: PeriodPoint, right: PeriodPoint): number {
  return left.bucket.from - right.bucket.from || (left.id === right.id ? 0 : compareText(left.id, right.id));
}

/** What the domain's `cellOf` makes of one point, without its lists: nearly all cells of period metrics are of one point. */
function cellOfOne(metric: Metric, { bucket, said }: PeriodPoint): Cell | undefined {
  if (said === null) return undefined;
  const { from, to } = bucket;
  const value = said.value ?? 0n;
  const [numerator, denominator] = [said.numerator ?? 0n, said.denominator ?? 0n];
  const one = {
    from,
    to,
    count: 1,
    sum: value,
    min: value,
    max: value,
    first: value,
    last: value,
    firstAt: from,
    lastAt: from,
    numerator,
    denominator,
  };
  if (metric.aggregation === 'counter') return { ...one, increase: 0n, resets: 0 };
  return keepsValues(metric) ? { ...one, values: [value] } : one;
}

function cellOfSeveral(metric: Metric, group: readonly PeriodPoint[]): Cell | undefined {
  const { bucket } = group[0]!;
  const versions = mergeVersions(
    group.map(({ id, early }) => (early === undefined ? [] : versionsOf(bucket, id, early))),
  );
  const standing = group.flatMap(({ id, said }) => (said === null ? [] : [{ at: bucket.from, id, said }]));
  return standing.length > 0 || versions.length > 0 ? cellOf(metric, bucket, standing, versions) : undefined;
}

export function metricCells(series: readonly SeriesCells[]): MetricCells {
  return { series: [...series].sort((a, b) => compareText(a.key, b.key)) };
}
