import {
  type Bucket,
  bucketOfLabel,
  compareText,
  type Metric,
  type MetricCells,
  type PeriodPoint,
  type PeriodSeries,
  RETRACTED,
  type Said,
  type SeriesCells,
} from '@paceline/domain';
import { Reader, TextMemo } from '../decode.ts';

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
    const own = metrics.get(name)?.metric.revisions === true ? revision : 0;
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
      point = { label, id, bucket: asked, said, early: undefined, readAt, position, revision: own };
      if (isWanted(point)) current.points.push(point);
    }
    if (point.bucket === undefined || recordedAt >= point.bucket.to) continue;
    point.early ??= [];
    point.early.push({ recordedAt, readAt, position, revision: own, said: said ?? RETRACTED });
  }
  return all.filter(({ points }) => points.length > 0);
}

type OpenPoint = Omit<PeriodPoint, 'bucket'> & {
  /** `undefined`: not wanted. */
  readonly bucket: Bucket | undefined;
};

function isWanted(point: OpenPoint): point is PeriodPoint {
  return point.bucket !== undefined;
}

function readSaid(reader: Reader, ratio: boolean): Said | null {
  const first = reader.nullableDecimal();
  if (!ratio) return first === null ? null : { value: first, numerator: null, denominator: null };
  const second = reader.nullableDecimal();
  return first === null || second === null ? null : { value: null, numerator: first, denominator: second };
}

export function metricCells(series: readonly SeriesCells[]): MetricCells {
  return { series: [...series].sort((a, b) => compareText(a.key, b.key)) };
}
