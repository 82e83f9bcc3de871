import type { MetricCells } from '../cell.ts';
import type { Instant, Span } from '../instant.ts';
import { SCALE } from '../number/decimal.ts';
import { add, compare, type Rational } from '../number/rational.ts';
import { bucketAt } from '../time/bucket.ts';
import { Accumulator } from './accumulator.ts';
import { evaluateExpression } from './expression.ts';
import { MergedCell, readsAsOne } from './merged-series.ts';
import type { Metric } from './metric.ts';
import { selectionOf, type Where } from './selection.ts';
import { cellAsOf, latestCell, type SeriesIndex, showsRunning } from './series-index.ts';

export type CellsOf = (metric: string) => MetricCells;

/** The aggregate of a metric over a window, exact. */
export interface Reading {
  readonly value: Rational | null;
  /** Why there is no value; `null` with one. */
  readonly reason: 'no_points' | 'zero_denominator' | 'several_series' | null;
  /** Points used. */
  readonly count: number;
  /** Matching series: those with a point used in the value; `null` where they were read as one. */
  readonly series: number | null;
  /** End of the latest used point's bucket. */
  readonly until: Instant | null;
  /** Time of the latest used point; of a period point its bucket's start. */
  readonly lastAt: Instant | null;
  /** Drops of counters that were read as restarts. */
  readonly resets: number;
  /** A bucket that had not ended by `asOf` was used. */
  readonly provisional: boolean;
  /** A series' value is that of its latest point before the window. */
  readonly carried: boolean;
}

export interface ReadOptions {
  /** Only points valid by then are seen. */
  readonly asOf: Instant;
  /** The window consists of complete buckets: sum, count, counter and distinct of nothing are 0 and count as data. */
  readonly emptyIsZero?: boolean;
  /** `last` only: whether a point whose bucket ended then may stand in for a window without one; absent: none may. */
  readonly carry?: (bucketEnd: Instant) => boolean;
  /** Nobody asks how many series there were: those that add up may be read as one. */
  readonly asOne?: boolean;
}

/**
 * The aggregate over the buckets (or points) that start in the windows, as seen at `asOf`: over time within each series, then
 * across series. `windows` are ascending and disjoint; a derived metric is computed on its operands' aggregates of the same windows.
 */
export function readMetric(
  metric: Metric,
  cellsOf: CellsOf,
  where: Where | undefined,
  windows: readonly Span[],
  options: ReadOptions,
): Reading {
  if (metric.expression !== null) return readDerived(metric, cellsOf, where, windows, options);
  const selection = selectionOf(cellsOf(metric.name), where);
  const reader = new Reader(metric, windows, options);
  const merged = options.asOne === true ? selection.merged(metric) : undefined;
  if (merged !== undefined) {
    if (readsAsOne(metric)) return reader.readMerged(merged);
    const reading = metric.aggregation === 'last' ? reader.readLast(merged, selection.series.length) : undefined;
    if (reading !== undefined) return reading;
  }
  return reader.read(selection.indexes);
}

/**
 * The latest bucket that starts before `before` and holds a point valid by `asOf`; of a derived metric the latest in which
 * one operand has one and every other has one too, or adds up and is known to be 0 there (`isWhole`: the bucket is complete).
 */
export function latestBucket(
  metric: Metric,
  cellsOf: CellsOf,
  where: Where | undefined,
  before: Instant,
  asOf: Instant,
  isWhole: (bucket: Span) => boolean = () => false,
): Span | undefined {
  if (metric.expression === null) {
    const latest = selectionOf(cellsOf(metric.name), where).latestStart(metric, before, asOf);
    return latest === Number.NEGATIVE_INFINITY ? undefined : bucketAt(metric.grid, latest);
  }
  let limit = before;
  for (;;) {
    let latest: Span | undefined;
    // Sides that do not add up must have a point: no bucket after the earliest of their latest can do.
    let needed: Span | undefined;
    const sides: (Span | undefined)[] = [];
    for (const operand of metric.operands.values()) {
      const side = latestBucket(operand, cellsOf, where, limit, asOf, isWhole);
      if (side === undefined && !operand.cumulative) return undefined;
      sides.push(side);
      if (side === undefined) continue;
      if (latest === undefined || side.from > latest.from) latest = side;
      if (!operand.cumulative && (needed === undefined || side.from < needed.from)) needed = side;
    }
    const bucket = needed ?? latest;
    if (bucket === undefined) return undefined;
    const later = sides.some((side) => side !== undefined && side.from > bucket.from);
    // Looked at once more from there: the sides that go further may have a point in it too.
    if (later) limit = bucket.to;
    else if (sides.every((side) => side?.from === bucket.from) || isWhole(bucket)) return bucket;
    else limit = bucket.from;
  }
}

/** Whether any point that starts before `before` is valid by `asOf`; of a derived metric, of any operand. */
export function hasPoint(
  metric: Metric,
  cellsOf: CellsOf,
  where: Where | undefined,
  asOf: Instant,
  before: Instant = Number.POSITIVE_INFINITY,
): boolean {
  if (metric.expression === null) {
    const latest = selectionOf(cellsOf(metric.name), where).latestStart(metric, before, asOf);
    return latest !== Number.NEGATIVE_INFINITY;
  }
  for (const operand of metric.operands.values()) if (hasPoint(operand, cellsOf, where, asOf, before)) return true;
  return false;
}

/**
 * Whether there is a point in each of the `count` buckets of the metric's own grain that a window of complete ones consists of.
 * `false` is no answer: where something was said inside a bucket it is not known here, and a ratio's points may have no denominator.
 */
export function isFilled(
  metric: Metric,
  cellsOf: CellsOf,
  where: Where | undefined,
  window: Span,
  count: number,
): boolean {
  // Cells of time points may be pieces of a bucket.
  if (metric.expression !== null || metric.aggregation === 'ratio' || metric.points === 'time') return false;
  const index = selectionOf(cellsOf(metric.name), where).merged(metric);
  return index !== undefined && !index.versioned && index.lower(window.to) - index.lower(window.from) === count;
}

class Reader {
  private readonly metric: Metric;
  private readonly windows: readonly Span[];
  private readonly options: ReadOptions;
  private provisional = false;
  private carried = false;

  constructor(metric: Metric, windows: readonly Span[], options: ReadOptions) {
    this.metric = metric;
    this.windows = windows;
    this.options = options;
  }

  read(series: readonly SeriesIndex[]): Reading {
    const { metric } = this;
    const pooled = metric.across === 'pool' || (metric.across === 'sum' && addsUp(metric));
    return pooled ? this.pool(series) : this.fold(series);
  }

  /** What `mergeSeries` made of all series. */
  readMerged(merged: SeriesIndex): Reading {
    const all = new Accumulator(this.metric.aggregation!);
    this.collect(all, merged);
    return this.pooled(all, null);
  }

  /** `last` across series where the latest bucket of the window has a point of each; `undefined` elsewhere. */
  readLast(merged: SeriesIndex, series: number): Reading | undefined {
    const [window, ...more] = this.windows;
    const { metric } = this;
    if (window === undefined || more.length > 0 || metric.across === 'none' || metric.across === 'pool')
      return undefined;
    const low = merged.lower(window.from);
    let high = merged.startedBy(window.to, this.options.asOf);
    if (high > low && merged.toOf(high - 1) > this.options.asOf) {
      if (showsRunning(metric, merged)) return undefined;
      high--;
    }
    const latest = merged.lastFilled(high);
    const cell = latest < low ? undefined : merged.cell(latest);
    if (cell === undefined) return undefined;
    // A row that was merged has one point of each of its series.
    const here = cell instanceof MergedCell ? cell.series : merged.series.rows?.counts?.[latest];
    if (here !== series) return undefined;
    const value = { n: cell.last, d: metric.across === 'avg' ? SCALE * BigInt(series) : SCALE };
    return this.reading(value, null, null, merged.count(low, high), cell.to, cell.lastAt, 0);
  }

  /** The points of all series together. */
  private pool(series: readonly SeriesIndex[]): Reading {
    const all = new Accumulator(this.metric.aggregation!);
    let used = 0;
    for (const each of series) if (this.collect(all, each)) used++;
    return this.pooled(all, used);
  }

  private pooled(all: Accumulator, used: number | null): Reading {
    const value = all.finish();
    const reason = value !== null ? null : all.count === 0 ? 'no_points' : 'zero_denominator';
    return this.reading(value, reason, used, all.count, all.until, all.lastAt, all.resets);
  }

  /** Each series by itself, then across. */
  private fold(series: readonly SeriesIndex[]): Reading {
    const values: Rational[] = [];
    let used = 0;
    let count = 0;
    let resets = 0;
    let until: Instant | null = null;
    let lastAt: Instant | null = null;
    for (const each of series) {
      const one = new Accumulator(this.metric.aggregation!);
      if (!this.collect(one, each)) continue;
      used++;
      count += one.count;
      resets += one.resets;
      until = Math.max(until ?? one.until!, one.until!);
      lastAt = Math.max(lastAt ?? one.lastAt!, one.lastAt!);
      const value = one.finish();
      if (value !== null) values.push(value);
    }
    if (this.metric.across === 'none' && used > 1) {
      return this.reading(null, 'several_series', used, count, until, lastAt, resets);
    }
    const value = acrossOf(this.metric.across, values);
    const reason = value !== null ? null : count === 0 ? 'no_points' : 'zero_denominator';
    return this.reading(value, reason, used, count, until, lastAt, resets);
  }

  private reading(
    value: Rational | null,
    reason: Reading['reason'],
    series: number | null,
    count: number,
    until: Instant | null,
    lastAt: Instant | null,
    resets: number,
  ): Reading {
    const { provisional, carried } = this;
    if (reason === 'no_points' && this.options.emptyIsZero === true && this.metric.zeroWhenEmpty) {
      return { value: NOTHING, reason: null, count, series, until, lastAt, resets, provisional, carried };
    }
    return { value, reason, count, series, until, lastAt, resets, provisional, carried };
  }

  /** Adds what a series has in the windows; whether it has a point. */
  private collect(into: Accumulator, index: SeriesIndex): boolean {
    const before = into.count;
    const { windows, options, metric } = this;
    for (let at = 0; at < windows.length; at++) this.collectWindow(into, index, windows[at]!);
    if (into.count > before) return true;
    const start = windows[0]?.from;
    if (options.carry === undefined || metric.aggregation !== 'last' || start === undefined) return false;
    const earlier = latestCell(metric, index.series, start, options.asOf);
    // A cell may be a piece of its bucket.
    const end = earlier && (bucketAt(metric.grid, earlier.from)?.to ?? earlier.to);
    if (earlier === undefined || end === undefined || !options.carry(end)) return false;
    this.carried = true;
    into.addCell(earlier, undefined);
    return true;
  }

  private collectWindow(into: Accumulator, index: SeriesIndex, window: Span): void {
    const { asOf } = this.options;
    const low = index.lower(window.from);
    let high = index.lower(window.to);
    if (low >= high) return;
    // Cells end in order, so at most the last that has started by asOf has not ended.
    if (index.toOf(high - 1) <= asOf) {
      into.addRun(index, low, high);
      return;
    }
    high = Math.min(high, index.upper(asOf));
    if (low >= high) return;
    if (index.toOf(high - 1) <= asOf) {
      into.addRun(index, low, high);
      return;
    }
    into.addRun(index, low, high - 1);
    if (!showsRunning(this.metric, index)) return;
    const last = index.cell(high - 1);
    const seen = cellAsOf(this.metric, index.series, last, asOf);
    if (seen === undefined) return;
    this.provisional = true;
    const base = this.metric.aggregation === 'counter' ? index.lastFilled(high - 1) : -1;
    into.addCell(seen, base < 0 ? undefined : index.cell(base).last);
  }
}

const NOTHING: Rational = { n: 0n, d: SCALE };

/** A sum over series of these is the same as over all their points. */
function addsUp(metric: Metric): boolean {
  return metric.aggregation === 'sum' || metric.aggregation === 'count' || metric.aggregation === 'counter';
}

function acrossOf(across: Metric['across'], values: readonly Rational[]): Rational | null {
  let joined = values[0];
  if (joined === undefined) return null;
  for (let index = 1; index < values.length; index++) {
    const value = values[index]!;
    if (across === 'min') joined = compare(value, joined) < 0 ? value : joined;
    else if (across === 'max') joined = compare(value, joined) > 0 ? value : joined;
    else joined = add(joined, value);
  }
  return across === 'avg' ? { n: joined.n, d: joined.d * BigInt(values.length) } : joined;
}

function readDerived(
  metric: Metric,
  cellsOf: CellsOf,
  where: Where | undefined,
  windows: readonly Span[],
  { asOf, emptyIsZero = false, asOne = false }: ReadOptions,
): Reading {
  let count = 0;
  let series: number | null = 0;
  let until: Instant | null = null;
  let lastAt: Instant | null = null;
  let resets = 0;
  let provisional = false;
  let missing: Reading['reason'] = null;
  const values = new Map<string, Rational | null>();
  for (const [name, operand] of metric.operands) {
    // Operands do not carry: both sides are of the same window.
    const side = readMetric(operand, cellsOf, where, windows, { asOf, emptyIsZero, asOne });
    values.set(name, side.value);
    missing ??= side.reason;
    count += side.count;
    series = series === null || side.series === null ? null : Math.max(series, side.series);
    if (side.until !== null) until = Math.max(until ?? side.until, side.until);
    if (side.lastAt !== null) lastAt = Math.max(lastAt ?? side.lastAt, side.lastAt);
    resets += side.resets;
    provisional ||= side.provisional;
  }
  const value = evaluateExpression(metric.expression!, (name) => values.get(name) ?? null);
  return {
    value: typeof value === 'string' ? null : value,
    reason: typeof value === 'string' ? (missing ?? value) : null,
    count,
    series,
    until,
    lastAt,
    resets,
    provisional,
    carried: false,
  };
}
