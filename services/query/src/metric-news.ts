import {
  type Bucket,
  bucketOfPoint,
  cellsFromStatements,
  extentsOf,
  type Instant,
  type Metric,
  type MetricCells,
  type PointExtent,
  readInstant,
  replacedCells,
  type SeriesCells,
  type Span,
  type Statement,
} from '@paceline/domain';
import type { CoverageFacts } from '@paceline/store';

/**
 * What is known of a metric at one position, carried on to a later one by its news: every statement about the times at which
 * anything was stated in between, so that what is known of these times is known whole.
 */

/** `undefined`: the news does not tell, as when the last point of a feeder was taken back. */
export function coverageAfter(
  metric: Metric,
  facts: CoverageFacts,
  news: readonly Statement[],
): CoverageFacts | undefined {
  const extents = new Map(facts.extents);
  for (const [feeder, own] of Map.groupBy(news, (statement) => statement.feeder)) {
    const said = extentsOf(metric, own).get(feeder);
    const known = extents.get(feeder);
    if (known !== undefined && !(standsStill(metric, known.first, own) && standsStill(metric, known.last, own)))
      return undefined;
    const extent = known === undefined || said === undefined ? (known ?? said) : widest(known, said);
    if (extent !== undefined) extents.set(feeder, extent);
  }
  return { ...facts, pushed: facts.pushed || news.some(({ feeder }) => feeder === 'push'), extents };
}

/** Whether a feeder's word still stands in a bucket where it stood before. */
function standsStill(metric: Metric, bucket: Bucket, own: readonly Statement[]): boolean {
  const inside = own.filter((statement) => bucketOf(metric, statement)?.from === bucket.from);
  return inside.length === 0 || extentsOf(metric, inside).size > 0;
}

function widest(left: PointExtent, right: PointExtent): PointExtent {
  return {
    first: right.first.from < left.first.from ? right.first : left.first,
    last: right.last.from > left.last.from ? right.last : left.last,
  };
}

function bucketOf(metric: Metric, { point }: Statement): Bucket | undefined {
  const at = point.time === undefined ? undefined : readInstant(point.time);
  return bucketOfPoint(metric, {
    ...(point.period === undefined ? {} : { period: point.period }),
    ...(at === undefined ? {} : { at }),
  });
}

/** The cells of a range of buckets with one label each, whose news then is of whole buckets. */
export function cellsAfter(metric: Metric, cells: MetricCells, range: Span, news: readonly Statement[]): MetricCells {
  const touched = new Set<Instant>();
  for (const statement of news) {
    const bucket = bucketOf(metric, statement);
    if (bucket !== undefined && isIn(range, bucket)) touched.add(bucket.from);
  }
  if (touched.size === 0) return cells;
  const read = within(cellsFromStatements(metric, news), range).series;
  const { series } = replacedCells(cells, ({ from }) => touched.has(from), read);
  return { series: series.filter((each) => each.cells.length > 0) };
}

/** The cells that begin in a range, of the series that have one there. */
export function within(cells: MetricCells, range: Span): MetricCells {
  const series: SeriesCells[] = [];
  for (const each of cells.series) {
    const [first, last] = [each.cells[0], each.cells.at(-1)];
    if (first === undefined || last === undefined) continue;
    if (isIn(range, first) && isIn(range, last)) series.push(each);
    else {
      const own = each.cells.filter((cell) => isIn(range, cell));
      if (own.length > 0) series.push({ ...each, cells: own });
    }
  }
  return { series };
}

function isIn(range: Span, { from }: { readonly from: Instant }): boolean {
  return from >= range.from && from < range.to;
}
