import {
  type Bucket,
  bucketOfLabel,
  type Cell,
  cellOf,
  compareText,
  dimensionsOfKey,
  type Instant,
  type Metric,
  type MetricCells,
  mergeVersions,
  type PointStatementRow,
  type PointVersion,
  RETRACTED,
  type Said,
  type SeriesCells,
  type StandingPoint,
  versionsOf,
} from '@paceline/domain';
import { Reader } from '../decode.ts';

/** What a query of `periodPoints` says of one metric's series, still as points. */
export interface PeriodSeries {
  readonly metric: string;
  readonly series: string;
  readonly points: PeriodPoint[];
}

interface PeriodPoint {
  readonly bucket: Bucket;
  readonly id: string;
  /** `null`: retracted, but something stood inside its bucket. */
  readonly said: Said | null;
  readonly versions: readonly PointVersion[];
}

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
  const all: PeriodSeries[] = [];
  let current: PeriodSeries | undefined;
  while (!reader.done) {
    const name = reader.text();
    const series = reader.text();
    reader.int64();
    const label = reader.text();
    const id = reader.text();
    const said = readSaid(reader, ratio);
    const early = reader.array(() => readEarly(reader, ratio));
    const { metric, labels } = metrics.get(name)!;
    const bucket = labels.of(label);
    if (bucket === undefined || !wanted(name, series, bucket)) continue;
    const versions =
      early.length === 0
        ? NONE
        : versionsOf(
            bucket,
            id,
            early.map((row) => (metric.revisions ? row : { ...row, revision: 0 })),
          );
    if (said === null && versions.length === 0) continue;
    if (current === undefined || current.metric !== name || current.series !== series) {
      current = { metric: name, series, points: [] };
      all.push(current);
    }
    current.points.push({ bucket, id, said, versions });
  }
  return all;
}

const NONE: readonly PointVersion[] = [];

function readSaid(reader: Reader, ratio: boolean): Said | null {
  const first = reader.nullableDecimal();
  if (!ratio) return first === null ? null : { value: first, numerator: null, denominator: null };
  const second = reader.nullableDecimal();
  return first === null || second === null ? null : { value: null, numerator: first, denominator: second };
}

function readEarly(reader: Reader, ratio: boolean): PointStatementRow {
  const recordedAt = reader.instant();
  const readAt = reader.instant();
  const position = reader.uint64();
  const revision = reader.uint64();
  return { recordedAt, readAt, position, revision, said: readSaid(reader, ratio) ?? RETRACTED };
}

/** `undefined` when two labels of one bucket name the same point: then only all its statements can tell which stands. */
export function periodCells(metric: Metric, series: PeriodSeries): SeriesCells | undefined {
  const points = series.points.sort((a, b) => a.bucket.from - b.bucket.from || compareText(a.id, b.id));
  const cells: Cell[] = [];
  for (let at = 0; at < points.length; ) {
    const { bucket } = points[at]!;
    let end = at + 1;
    for (; end < points.length && points[end]!.bucket.from === bucket.from; end++)
      if (points[end]!.id === points[end - 1]!.id) return undefined;
    const group = points.slice(at, end);
    const versions = group.length === 1 ? group[0]!.versions : mergeVersions(group.map((point) => point.versions));
    cells.push(cellOf(metric, bucket, standingOf(group, bucket.from), versions));
    at = end;
  }
  return { key: series.series, dimensions: dimensionsOfKey(series.series), cells, running: () => undefined };
}

function standingOf(group: readonly PeriodPoint[], at: Instant): StandingPoint[] {
  const standing: StandingPoint[] = [];
  for (const { id, said } of group) if (said !== null) standing.push({ at, id, said });
  return standing;
}

export function metricCells(series: readonly SeriesCells[]): MetricCells {
  return { series: [...series].sort((a, b) => compareText(a.key, b.key)) };
}
