import {
  type Cell,
  compareScaled,
  dimensionsOfKey,
  growthOf,
  type Instant,
  type Scaled,
  type SeriesCells,
  type Span,
} from '@paceline/domain';
import { Reader, TextMemo } from '../decode.ts';
import type { TimeCellsWanted } from './sql.ts';

/** A cell of one slice: a bucket or a part of one. */
export interface Slice {
  readonly metric: string;
  readonly series: string;
  /** Milliseconds. */
  readonly from: Instant;
  readonly cell: Omit<Cell, 'from' | 'to'>;
}

/** Rows of `timeCells`, ascending by metric, series and slice. */
export function decodeTimeCells(bytes: Uint8Array, ratio: boolean, extra: TimeCellsWanted['extra']): Slice[] {
  const reader = new Reader(bytes);
  const [metrics, keys] = [new TextMemo(), new TextMemo()];
  const slices: Slice[] = [];
  while (!reader.done) {
    const metric = reader.textBy(metrics);
    const series = reader.textBy(keys);
    const from = reader.instant();
    const count = reader.uint64();
    const firstAt = reader.instant();
    const lastAt = reader.instant();
    const cell = ratio ? ratioCell(reader) : valueCell(reader, extra);
    slices.push({ metric, series, from, cell: { count, firstAt, lastAt, ...cell } });
  }
  return slices;
}

type Values = Omit<Cell, 'from' | 'to' | 'count' | 'firstAt' | 'lastAt'>;

function ratioCell(reader: Reader): Values {
  const numerator = reader.decimal256();
  const denominator = reader.decimal256();
  return { sum: 0n, min: 0n, max: 0n, first: 0n, last: 0n, numerator, denominator };
}

function valueCell(reader: Reader, extra: TimeCellsWanted['extra']): Values {
  const sum = reader.decimal256();
  const [min, max, first, last] = [reader.decimal128(), reader.decimal128(), reader.decimal128(), reader.decimal128()];
  const cell = { sum, min, max, first, last, numerator: 0n, denominator: 0n };
  if (extra === 'none') return cell;
  if (extra === 'values') return { ...cell, values: reader.array(() => reader.decimal128()) };
  // The samples themselves come first: the engine needs their name for what follows.
  reader.array(() => reader.decimal256());
  return { ...cell, increase: reader.decimal256(), resets: reader.uint64() };
}

/** Joins neighbouring slices of one series: what their points together would have given. */
export function joinSlices(slices: readonly Omit<Cell, 'from' | 'to'>[], span: Span): Cell {
  const first = slices[0]!;
  if (slices.length === 1) return { from: span.from, to: span.to, ...first };
  const last = slices.at(-1)!;
  return {
    from: span.from,
    to: span.to,
    count: slices.reduce((total, { count }) => total + count, 0),
    sum: total(slices, 'sum'),
    min: slices.map(({ min }) => min).sort(compareScaled)[0]!,
    max: slices
      .map(({ max }) => max)
      .sort(compareScaled)
      .at(-1)!,
    first: first.first,
    last: last.last,
    firstAt: first.firstAt,
    lastAt: last.lastAt,
    numerator: total(slices, 'numerator'),
    denominator: total(slices, 'denominator'),
    ...(first.values === undefined ? {} : { values: slices.flatMap(({ values }) => values ?? []).sort(compareScaled) }),
    ...(first.increase === undefined ? {} : joinGrowth(slices)),
  };
}

function total(slices: readonly Omit<Cell, 'from' | 'to'>[], part: 'sum' | 'numerator' | 'denominator'): Scaled {
  return slices.reduce((sum, slice) => sum + slice[part], 0n);
}

/** Between two slices the counter grew from the last sample of the one to the first of the other. */
function joinGrowth(slices: readonly Omit<Cell, 'from' | 'to'>[]): {
  readonly increase: Scaled;
  readonly resets: number;
} {
  let increase = 0n;
  let resets = 0;
  slices.forEach((slice, index) => {
    const between = index === 0 ? growthOf([]) : growthOf([slices[index - 1]!.last, slice.first]);
    increase += between.increase + (slice.increase ?? 0n);
    resets += between.resets + (slice.resets ?? 0);
  });
  return { increase, resets };
}

/**
 * The cells of one series of time points from its slices, ascending. `pieceOf` names the bucket, or the part of it between
 * cuts, that an instant lies in; `undefined` where the calendar has a gap. `runnings` are the instants at which a bucket
 * may be asked for as it was seen then: the slices must have been cut just behind each.
 */
export function timeSeries(
  key: string,
  slices: readonly Slice[],
  pieceOf: (at: Instant) => Span | undefined,
  runnings: ReadonlySet<Instant>,
): SeriesCells {
  const cells: Cell[] = [];
  const parts = new Map<Instant, readonly Slice[]>();
  for (let at = 0; at < slices.length; ) {
    const piece = pieceOf(slices[at]!.from);
    let end = at + 1;
    while (piece !== undefined && end < slices.length && slices[end]!.from < piece.to) end++;
    const group = slices.slice(at, end);
    at = end;
    if (piece === undefined) continue;
    if (group.length > 1 || runnings.size > 0) parts.set(piece.from, group);
    cells.push(
      joinSlices(
        group.map(({ cell }) => cell),
        piece,
      ),
    );
  }
  const running = (asOf: Instant): Cell | undefined => {
    if (!runnings.has(asOf))
      throw new RangeError(
        `Series ${key} was not read to be seen at ${new Date(asOf).toISOString()}: name it in the need's running`,
      );
    const piece = pieceOf(asOf);
    if (piece === undefined) return undefined;
    const seen = (parts.get(piece.from) ?? []).filter(({ from }) => from <= asOf);
    return seen.length === 0
      ? undefined
      : joinSlices(
          seen.map(({ cell }) => cell),
          piece,
        );
  };
  return { key, dimensions: dimensionsOfKey(key), cells, running };
}
