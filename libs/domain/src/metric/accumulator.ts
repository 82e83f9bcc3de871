import type { Cell, Scaled } from '../cell.ts';
import type { Aggregation } from '../document.ts';
import type { Instant } from '../instant.ts';
import { SCALE } from '../number/decimal.ts';
import type { Rational } from '../number/rational.ts';
import { compareScaled } from './cells.ts';
import { entryOf, type SeriesIndex } from './series-index.ts';

/** Collects cells of one aggregation: whole runs of a series at once, and single ones. */
export class Accumulator {
  readonly aggregation: Aggregation;
  count = 0;
  resets = 0;
  /** End of the latest used point's bucket, and that point's time. */
  until: Instant | null = null;
  lastAt: Instant | null = null;
  private sum: Scaled = 0n;
  private denominator: Scaled = 0n;
  private extreme: Scaled | undefined;
  private extremeAt: Instant = 0;
  private lists: (readonly Scaled[])[] | undefined;

  constructor(aggregation: Aggregation) {
    this.aggregation = aggregation;
  }

  /** The cells [low, high) of a series, each seen whole. */
  addRun(index: SeriesIndex, low: number, high: number): void {
    const filled = index.lastFilled(high);
    if (filled < low) return;
    this.note(index.toOf(filled), index.lastAtOf(filled), index.count(low, high));
    switch (this.aggregation) {
      case 'sum':
      case 'avg':
        this.sum += index.sum(low, high);
        return;
      case 'count':
        return;
      case 'ratio':
        this.sum += index.numerator(low, high);
        this.denominator += index.denominator(low, high);
        return;
      case 'counter':
        this.sum += index.growth(low, high);
        this.resets += index.resets(low, high);
        return;
      case 'last':
        this.take(index.cell(filled));
        return;
      default:
        for (let at = low; at < high; at++) {
          const cell = index.cell(at);
          if (cell.count === 0) continue;
          this.take(cell);
          if (this.aggregation === 'first') return;
        }
    }
  }

  /** One cell, as seen by some instant; `base` is a counter's sample before it. */
  addCell(cell: Cell, base: Scaled | undefined): void {
    this.note(cell.to, cell.lastAt, cell.count);
    switch (this.aggregation) {
      case 'sum':
      case 'avg':
        this.sum += cell.sum;
        return;
      case 'count':
        return;
      case 'ratio':
        this.sum += cell.numerator;
        this.denominator += cell.denominator;
        return;
      case 'counter':
        this.sum += entryOf(cell, base) + (cell.increase ?? 0n);
        this.resets += (cell.resets ?? 0) + (base !== undefined && cell.first < base ? 1 : 0);
        return;
      default:
        this.take(cell);
    }
  }

  /** The exact value; `null` of nothing, and of a ratio whose denominators add up to zero. */
  finish(): Rational | null {
    if (this.count === 0) return null;
    switch (this.aggregation) {
      case 'sum':
      case 'counter':
        return { n: this.sum, d: SCALE };
      case 'count':
        return { n: BigInt(this.count) * SCALE, d: SCALE };
      case 'avg':
        return { n: this.sum, d: SCALE * BigInt(this.count) };
      case 'ratio':
        if (this.denominator === 0n) return null;
        return this.denominator < 0n ? { n: -this.sum, d: -this.denominator } : { n: this.sum, d: this.denominator };
      case 'distinct':
        return { n: BigInt(differing(this.sorted())) * SCALE, d: SCALE };
      case 'median':
        return quantile(this.sorted(), 50);
      case 'p90':
        return quantile(this.sorted(), 90);
      case 'p95':
        return quantile(this.sorted(), 95);
      case 'p99':
        return quantile(this.sorted(), 99);
      default:
        return { n: this.extreme ?? 0n, d: SCALE };
    }
  }

  private note(to: Instant, lastAt: Instant, count: number): void {
    this.count += count;
    if (this.until === null || to > this.until) this.until = to;
    if (this.lastAt === null || lastAt > this.lastAt) this.lastAt = lastAt;
  }

  private take(cell: Cell): void {
    switch (this.aggregation) {
      case 'min':
        if (this.extreme === undefined || cell.min < this.extreme) this.extreme = cell.min;
        return;
      case 'max':
        if (this.extreme === undefined || cell.max > this.extreme) this.extreme = cell.max;
        return;
      // Series come in the order of their names, which decides between points of one time.
      case 'first':
        this.keep(cell.first, cell.firstAt, this.extreme === undefined || cell.firstAt < this.extremeAt);
        return;
      case 'last':
        this.keep(cell.last, cell.lastAt, this.extreme === undefined || cell.lastAt >= this.extremeAt);
        return;
      default:
        this.lists ??= [];
        this.lists.push(cell.values ?? []);
    }
  }

  private keep(value: Scaled, at: Instant, better: boolean): void {
    if (!better) return;
    this.extreme = value;
    this.extremeAt = at;
  }

  private sorted(): readonly Scaled[] {
    const lists = this.lists ?? [];
    const [only] = lists;
    if (lists.length === 1 && only !== undefined) return only;
    // Ascending runs one after another: the engine's merge sort only has to merge them.
    return lists.flat().sort(compareScaled);
  }
}

/**
 * The value at h = (n − 1)·q between its neighbours, linear and exact (Hyndman and Fan's type 7; the engine's
 * quantileExactInclusive). `sorted` is ascending and not empty.
 */
export function quantile(sorted: readonly Scaled[], percent: number): Rational {
  const place = (sorted.length - 1) * percent;
  const index = Math.floor(place / 100);
  const rest = place - index * 100;
  const low = sorted[index]!;
  if (rest === 0) return { n: low, d: SCALE };
  return { n: low * 100n + (sorted[index + 1]! - low) * BigInt(rest), d: SCALE * 100n };
}

function differing(sorted: readonly Scaled[]): number {
  let count = 0;
  for (let index = 0; index < sorted.length; index++) if (index === 0 || sorted[index] !== sorted[index - 1]) count++;
  return count;
}
