import type { MetricCells, SeriesCells } from '../cell.ts';
import type { ObservationsFact, PointColumns, PointStatement, Recorded } from '../fact.ts';
import type { Instant } from '../instant.ts';
import { safeScaled } from '../number/decimal.ts';
import { compareText } from '../text-order.ts';
import type { Bucket } from '../time/bucket.ts';
import { bucketOfLabel, labelOf } from '../time/label.ts';
import { ByDimensions } from './by-dimensions.ts';
import { LiveSeries, UNSURE } from './live-series.ts';
import type { Metric } from './metric.ts';
import { ascending, cellOfSeveral, eachBucket, type PeriodPoint, type PeriodSeries } from './period-cells.ts';
import { isRetracted, type Precedence, readAtOf, revisionOf, saidOf } from './statement.ts';

/** Labels repeat in every record; beyond the bound they are asked again. */
const LABELS_MAX = 20_000;
/** Rows that may give way to earlier ones, over all series: then reading all anew is cheaper. */
const MOVED_MAX = 10_000_000;

/**
 * The cells of a metric with period points, kept up to date statement by statement: equal to `cellsFromStatements` over all
 * that was stated of the buckets from `from` on. What one statement alone cannot decide leaves its bucket in `unsure`, to be
 * given anew by `patch`.
 */
export class LiveCells {
  readonly metric: Metric;
  readonly from: Instant;
  /** Starts of the buckets that must be given anew before `cells` is right. */
  readonly unsure = new Set<Instant>();
  readonly #series = new Map<string, LiveSeries>();
  readonly #byDimensions = new ByDimensions((key) => this.#seriesOf(key));
  readonly #labels = new Map<string, Labelled | null>();
  #cells: MetricCells | null = null;
  #moved = 0;
  #bytes = 0;

  constructor(metric: Metric, from: Instant) {
    this.metric = metric;
    this.from = from;
  }

  /** Memory of the rows, with the room that is left behind them. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Right while nothing is `unsure`. The same objects until something of them changes. */
  get cells(): MetricCells {
    if (this.#cells === null) {
      const series = [...this.#series.values()].sort((left, right) => compareText(left.key, right.key));
      this.#cells = { series: series.map((one) => one.exposed).filter(hasCells) };
    }
    return this.#cells;
  }

  /**
   * Takes the points of a record in their order. `false`: one lies before `from`, or statements come in an order so bad that to
   * begin anew is cheaper; then this is of no use any more.
   */
  state(recorded: Recorded<ObservationsFact>): boolean {
    const { fact, position, recordedAt } = recorded;
    // A ratio's points say two parts: a plain one retracts.
    if (fact.columns !== undefined && this.metric.aggregation !== 'ratio')
      return this.#stateColumns(fact.columns, recorded);
    const { points } = fact;
    const readAt = readAtOf(recorded);
    for (let index = 0; index < points.length; index++) {
      const point = points[index]!;
      if (point.period === undefined) continue;
      const labelled = this.#labelled(point.period);
      if (labelled === null) continue;
      const { bucket } = labelled;
      if (bucket.from < this.from) return false;
      this.#cells = null;
      // A statement from inside its bucket makes a version; two labels or several ids make one cell of several points.
      if (!labelled.canonical || point.id !== undefined || recordedAt < bucket.to) this.unsure.add(bucket.from);
      else this.#state(point, bucket, { revision: revisionOf(this.metric, point), readAt, position: position + index });
    }
    return this.#moved <= MOVED_MAX;
  }

  #stateColumns({ periods, scaled, dimensions }: PointColumns, recorded: Recorded<ObservationsFact>): boolean {
    const { position, recordedAt } = recorded;
    const precedence = { revision: 0, readAt: readAtOf(recorded), position };
    let label: string | undefined;
    let labelled: Labelled | null = null;
    for (let index = 0; index < periods.length; index++) {
      if (periods[index] !== label) {
        label = periods[index]!;
        labelled = this.#labelled(label);
      }
      if (labelled === null) continue;
      const { bucket } = labelled;
      if (bucket.from < this.from) return false;
      this.#cells = null;
      if (!labelled.canonical || recordedAt < bucket.to) {
        this.unsure.add(bucket.from);
        continue;
      }
      precedence.position = position + index;
      const series = this.#byDimensions.ofShared(dimensions[index]!);
      const row = this.#claim(series, bucket, precedence);
      if (row >= 0) series.putSafe(row, scaled[index]!);
    }
    return this.#moved <= MOVED_MAX;
  }

  /**
   * Puts what was found of all statements about some buckets in the place of what was known of them. `false` when two labels
   * of one bucket name the same point: then only `cellsFromStatements` can tell which stands.
   */
  patch(found: readonly PeriodSeries[]): boolean {
    this.#cells = null;
    this.unsure.clear();
    for (const { series, points } of found) {
      const own = this.#seriesOf(series);
      const { bytes } = own;
      const isPatched = this.#patch(own, ascending(points));
      this.#bytes += own.bytes - bytes;
      if (!isPatched) return false;
    }
    return true;
  }

  #patch(series: LiveSeries, points: readonly PeriodPoint[]): boolean {
    return eachBucket(points, (start, end) => {
      const point = points[start]!;
      const row = series.take(point.bucket, point);
      const alone = end === start + 1 && point.id === '' && point.early === undefined && this.#isCanonical(point);
      if (!alone) series.putOdd(row, cellOfSeveral(this.metric, points.slice(start, end)));
      else if (point.said === null) series.retract(row);
      else series.put(row, point.said);
    });
  }

  #isCanonical({ label, bucket }: PeriodPoint): boolean {
    const known = this.#labelled(label);
    return known?.canonical === true && known.bucket.from === bucket.from;
  }

  #state(point: PointStatement, bucket: Bucket, precedence: Precedence): void {
    const series = this.#byDimensions.get(point.dimensions);
    const row = this.#claim(series, bucket, precedence);
    if (row < 0) return;
    const plain = point.numerator === undefined && typeof point.value === 'string';
    const safe = plain && this.metric.aggregation !== 'ratio' ? safeScaled(point.value ?? '') : undefined;
    if (safe !== undefined) {
      series.putSafe(row, safe);
      return;
    }
    const said = saidOf(this.metric, point);
    if (isRetracted(said)) series.retract(row);
    else series.put(row, said);
  }

  #claim(series: LiveSeries, bucket: Bucket, precedence: Precedence): number {
    const { bytes, moved } = series;
    const row = series.claim(bucket, precedence);
    this.#bytes += series.bytes - bytes;
    this.#moved += series.moved - moved;
    if (row === UNSURE) this.unsure.add(bucket.from);
    return row;
  }

  #labelled(label: string): Labelled | null {
    const known = this.#labels.get(label);
    if (known !== undefined) return known;
    const { grid } = this.metric;
    const bucket = bucketOfLabel(grid, label);
    const labelled = bucket === undefined ? null : { bucket, canonical: labelOf(grid, bucket) === label };
    if (this.#labels.size >= LABELS_MAX) this.#labels.clear();
    this.#labels.set(label, labelled);
    return labelled;
  }

  #seriesOf(key: string): LiveSeries {
    let series = this.#series.get(key);
    if (series === undefined) {
      series = new LiveSeries(key, this.metric);
      this.#series.set(key, series);
      this.#bytes += series.bytes;
    }
    return series;
  }
}

interface Labelled {
  readonly bucket: Bucket;
  /** Whether it is the label that the grid gives the bucket: other ones would be points of their own. */
  readonly canonical: boolean;
}

function hasCells(series: SeriesCells): boolean {
  return (series.rows?.length ?? series.cells.length) > 0;
}
