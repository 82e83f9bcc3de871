import type { Cell, SeriesCells } from '../cell.ts';
import type { Span } from '../instant.ts';
import { compareText } from '../text-order.ts';
import type { Bucket } from '../time/bucket.ts';
import { cellOf, keepsValues, mergeVersions, type PointStatementRow, versionsOf } from './cells.ts';
import type { Metric } from './metric.ts';
import { dimensionsOfKey, type Precedence, type Said } from './statement.ts';

/** What is known of the point of one label and id: the statement that stands, and those recorded inside its bucket. */
export interface PeriodPoint extends Precedence {
  readonly label: string;
  /** Empty without. */
  readonly id: string;
  readonly bucket: Bucket;
  /** `null`: retracted. */
  readonly said: Said | null;
  /** Statements recorded before the bucket's end, the standing one among them. */
  early: PointStatementRow[] | undefined;
}

export interface PeriodSeries {
  readonly metric: string;
  readonly series: string;
  readonly points: PeriodPoint[];
}

/** `undefined` when two labels of one bucket name the same point: then only all its statements can tell which stands. */
export function periodCells(metric: Metric, series: PeriodSeries): SeriesCells | undefined {
  const points = ascending(series.points);
  const cells: Cell[] = [];
  const each = eachBucket(points, (start, end) => {
    const point = points[start]!;
    const isOne = end === start + 1 && point.early === undefined;
    const cell = isOne ? cellOfOne(metric, point) : cellOfSeveral(metric, points.slice(start, end));
    if (cell !== undefined) cells.push(cell);
  });
  if (!each) return undefined;
  return { key: series.series, dimensions: dimensionsOfKey(series.series), cells, running: () => undefined };
}

/** Visits the runs [start, end) of ascending points in one bucket; `false`, at once, where two labels of it name the same point. */
export function eachBucket(points: readonly PeriodPoint[], visit: (start: number, end: number) => void): boolean {
  for (let start = 0, end = 1; start < points.length; start = end, end++) {
    const { from } = points[start]!.bucket;
    for (; end < points.length && points[end]!.bucket.from === from; end++)
      if (points[end]!.id === points[end - 1]!.id) return false;
    visit(start, end);
  }
  return true;
}

/** Rows come in this order already, but for the cell before the range and grains whose labels share their `at`. */
export function ascending(points: PeriodPoint[]): readonly PeriodPoint[] {
  for (let at = 1; at < points.length; at++) if (compare(points[at - 1]!, points[at]!) > 0) return points.sort(compare);
  return points;
}

function compare(left: PeriodPoint, right: PeriodPoint): number {
  return left.bucket.from - right.bucket.from || (left.id === right.id ? 0 : compareText(left.id, right.id));
}

/** What the domain's `cellOf` makes of one point, without its lists: nearly all cells of period metrics are of one point. */
export function cellOfOne(
  metric: Metric,
  point: { readonly bucket: Span; readonly said: Said | null },
): Cell | undefined {
  const { bucket, said } = point;
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

export function cellOfSeveral(metric: Metric, group: readonly PeriodPoint[]): Cell | undefined {
  const { bucket } = group[0]!;
  const versions = mergeVersions(
    group.map(({ id, early }) => (early === undefined ? [] : versionsOf(bucket, id, early))),
  );
  const standing = group.flatMap(({ id, said }) => (said === null ? [] : [{ at: bucket.from, id, said }]));
  return standing.length > 0 || versions.length > 0 ? cellOf(metric, bucket, standing, versions) : undefined;
}
