import type { CompiledCycle, Source } from '../definition/compiled.ts';
import type { Instant, Span } from '../instant.ts';
import { readMetric } from '../metric/aggregate.ts';
import { sourcesOf } from '../metric/metric.ts';
import { matchingSeries } from '../metric/selection.ts';
import { indexOfSeries } from '../metric/series-index.ts';
import { divide, isZero, ONE, type Rational, toNumber, ZERO } from '../number/rational.ts';
import { elapsedShare, micros } from '../pace/elapsed.ts';
import { type Course, expectedAt, expectedWords, LINEAR, median, type PaceLine } from '../pace/line.ts';
import { bucketUntil, type Grid } from '../time/bucket.ts';
import { earlierSpans } from '../time/step.ts';
import type { Zone } from '../time/zone.ts';
import type { Context } from './context.ts';
import { bucketsOf, isCompletePeriod } from './window.ts';

/** E* and how it was found. */
export interface Expected {
  readonly share: Rational;
  readonly method: string;
}

/** How the earlier spans of a season are found. */
export interface Seasons {
  readonly zone: Zone;
  /** The grid whose bucket the period is; `null`: it steps by its own number of days. */
  readonly periods: Grid | null;
}

export function seasonsOfCycle(cycle: CompiledCycle): Seasons {
  return { zone: cycle.zone, periods: cycle.periods };
}

/** Expected progress by the pace line at an instant; `at` is the moment of measuring, the period's end from then on. */
export function expectedByPace(
  context: Context,
  line: PaceLine,
  course: Course,
  at: Instant,
  seasonal: { readonly source: Source; readonly seasons: Seasons; readonly asOf: Instant } | null,
): Expected {
  if (line.method !== 'seasonal') {
    const share = expectedAt(line, course, at);
    noteExpected(context, expectedWords(line, course, at), share);
    return { share, method: line.method };
  }
  const share =
    seasonal === null || !seasonal.source.metric.cumulative
      ? null
      : seasonalShare(context, line.season, course.period, at, seasonal);
  if (share !== null) return { share, method: 'seasonal' };
  const linear = expectedAt(LINEAR, course, at);
  noteExpected(context, expectedWords(LINEAR, course, at), linear);
  return { share: linear, method: 'linear' };
}

/** For the explanation: what E* was made of. */
export function noteExpected(
  context: Context,
  { formula, filled }: { readonly formula: string; readonly filled: string },
  share: Rational,
): void {
  context.trace?.formulas.push({ name: 'E*', formula, filled, result: String(toNumber(share)) });
}

const SPANS_MAX = 1000;

/** The median share that earlier spans had reached by this part of their time; `null` with fewer than two of them. */
function seasonalShare(
  context: Context,
  season: 'year' | null,
  period: Span,
  at: Instant,
  { source, seasons, asOf }: { readonly source: Source; readonly seasons: Seasons; readonly asOf: Instant },
): Rational | null {
  const { metric } = source;
  const first = firstPoint(context, source);
  const length = season === 'year' ? YEAR_MS : period.to - period.from;
  const count = Math.min(SPANS_MAX, Math.ceil((period.from - first) / length) + 1);
  if (!(count >= 2)) return null;
  const options = {
    ...(seasons.periods === null ? {} : { periods: seasons.periods }),
    ...(season === null ? {} : { season }),
  };
  const elapsed = elapsedShare(period, at);
  const shares: Rational[] = [];
  for (const span of earlierSpans(seasons.zone, period, count, options)) {
    if (!isCompletePeriod(metric, context.covered(metric), span, asOf)) continue;
    const share = shareOf(context, source, span, elapsed, asOf);
    if (share !== null) shares.push(share);
  }
  if (shares.length < 2) return null;
  const share = at >= period.to ? ONE : (median(shares) ?? ONE);
  const filled = at >= period.to ? '1' : `median(${shares.map((each) => toNumber(each)).join(', ')})`;
  noteExpected(context, { formula: 'median of the shares that earlier spans had reached', filled }, share);
  return share;
}

/** A little less than the shortest year, so that none is missed. */
const YEAR_MS = 364 * 86_400_000;

/** The earliest point of a source; +Infinity without any. */
function firstPoint(context: Context, { metric, where }: Source): Instant {
  let first = Number.POSITIVE_INFINITY;
  for (const own of sourcesOf(metric)) {
    for (const series of matchingSeries(context.cellsOf(own.name), where)) {
      const index = indexOfSeries(series);
      const cell = index.length === 0 ? undefined : index.cell(0);
      if (cell !== undefined) first = Math.min(first, cell.from);
    }
  }
  return first;
}

/** Aggregate of the buckets that end by start + E · length over the whole; `null` where the whole is zero. */
function shareOf(context: Context, source: Source, span: Span, elapsed: Rational, asOf: Instant): Rational | null {
  const { metric, where } = source;
  const own = bucketsOf(metric, span);
  if (own === undefined) return null;
  const read = (window: Span): Rational | null =>
    readMetric(metric, context.cellsOf, where, [window], { asOf, emptyIsZero: true, asOne: true }).value;
  const whole = read(own);
  if (whole === null || isZero(whole)) return null;
  const length = micros(span.to) - micros(span.from);
  const until = span.from + Number((elapsed.n * length) / elapsed.d) / 1000;
  const last = bucketUntil(metric.grid, until);
  if (last === undefined || last.from < own.from) return ZERO;
  const part = read({ from: own.from, to: Math.min(last.to, own.to) });
  return part === null ? null : divide(part, whole);
}
