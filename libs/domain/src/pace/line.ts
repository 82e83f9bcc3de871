import type { Pace } from '../document.ts';
import type { Instant, Span } from '../instant.ts';
import { parseDecimal } from '../number/decimal.ts';
import {
  add,
  compare,
  divide,
  fromNumber,
  fromScaled,
  multiply,
  ONE,
  type Rational,
  subtract,
  toNumber,
  ZERO,
} from '../number/rational.ts';
import { instantText } from '../time/instant-text.ts';
import { elapsedShare } from './elapsed.ts';

/** How expected progress grows over a period, compiled from `pace`. */
export type PaceLine =
  | { readonly method: 'linear' }
  | { readonly method: 'points'; readonly points: readonly SharePoint[] }
  | { readonly method: 'phased'; readonly mode: 'interpolated' | 'stepped'; readonly marks: readonly Mark[] }
  | { readonly method: 'seasonal'; readonly season: 'year' | null };

/** At this share of the time, this share of the way. */
export interface SharePoint {
  readonly elapsed: Rational;
  readonly expected: Rational;
}
/** This value, in the metric's unit, is reached at this instant (24:00 of its day). */
export interface Mark {
  readonly at: Instant;
  readonly value: Rational;
}

export const LINEAR = { method: 'linear' } as const satisfies PaceLine;

/** `endOfDay` gives 24:00 of a date in the zone the subject counts in. */
export function compilePace(pace: Pace | undefined, endOfDay: (date: string) => Instant | undefined): PaceLine {
  if (pace === undefined || pace === 'linear') return LINEAR;
  if (pace === 'seasonal') return { method: 'seasonal', season: null };
  if ('seasonal' in pace) return { method: 'seasonal', season: 'year' };
  if ('points' in pace) {
    const points = pace.points.map(({ elapsed, expected }) => ({
      elapsed: exactShare(elapsed),
      expected: exactShare(expected),
    }));
    return { method: 'points', points: withEnds(points) };
  }
  const marks: Mark[] = [];
  for (const { date, value } of pace.phased.targets) {
    const at = endOfDay(date);
    if (at !== undefined) marks.push({ at, value: exactShare(value) });
  }
  return { method: 'phased', mode: pace.phased.mode, marks: marks.sort((left, right) => left.at - right.at) };
}

/** A number counts by its shortest decimal text; one finer than nine places by its exact binary value. */
function exactShare(written: number | string): Rational {
  const value = parseDecimal(String(written));
  if (typeof value === 'bigint') return fromScaled(value);
  const number = Number(written);
  return Number.isFinite(number) ? fromNumber(number) : ZERO;
}

/** (0, 0) and (1, 1) are implied; a point given there stands instead. */
function withEnds(points: readonly SharePoint[]): readonly SharePoint[] {
  const sorted = [...points].sort((left, right) => compare(left.elapsed, right.elapsed));
  const has = (elapsed: Rational): boolean => sorted.some((point) => compare(point.elapsed, elapsed) === 0);
  return [
    ...(has(ZERO) ? [] : [{ elapsed: ZERO, expected: ZERO }]),
    ...sorted,
    ...(has(ONE) ? [] : [{ elapsed: ONE, expected: ONE }]),
  ];
}

/** Between which values a phased line runs: from (start, baseline) to (end, target). */
export interface Course {
  readonly period: Span;
  readonly baseline: Rational;
  readonly target: Rational;
}

/** Expected progress E* of a linear, points or phased line at an instant of the period. */
export function expectedAt(line: Exclude<PaceLine, { method: 'seasonal' }>, course: Course, at: Instant): Rational {
  const elapsed = elapsedShare(course.period, at);
  if (line.method === 'linear') return elapsed;
  if (line.method === 'points') return alongPoints(line.points, elapsed);
  return alongMarks(line, course, at) ?? elapsed;
}

function alongPoints(points: readonly SharePoint[], elapsed: Rational): Rational {
  let before: SharePoint | undefined;
  for (const point of points) {
    const order = compare(point.elapsed, elapsed);
    if (order === 0) return point.expected;
    if (order > 0) return before === undefined ? point.expected : between(before, point, elapsed);
    before = point;
  }
  return before?.expected ?? elapsed;
}

function between(left: SharePoint, right: SharePoint, elapsed: Rational): Rational {
  const part = divide(subtract(elapsed, left.elapsed), subtract(right.elapsed, left.elapsed)) ?? ZERO;
  return add(left.expected, multiply(part, subtract(right.expected, left.expected)));
}

/** `null` where baseline and target are one: there is no way to be part of the way. */
function alongMarks(line: Extract<PaceLine, { method: 'phased' }>, course: Course, at: Instant): Rational | null {
  const { period, baseline, target } = course;
  if (at >= period.to) return ONE;
  const value = valueAlong(line, course, Math.max(at, period.from));
  return divide(subtract(value, baseline), subtract(target, baseline));
}

function valueAlong(line: Extract<PaceLine, { method: 'phased' }>, course: Course, at: Instant): Rational {
  const { last, next } = marksAround(line, course, at);
  return line.mode === 'stepped' ? last.value : onTheWay(last, next, at);
}

/** The last mark reached and the next one; the line begins at (start, baseline) and ends at (end, target). */
function marksAround(
  line: Extract<PaceLine, { method: 'phased' }>,
  { period, baseline, target }: Course,
  at: Instant,
): { readonly last: Mark; readonly next: Mark } {
  let last: Mark = { at: period.from, value: baseline };
  for (const mark of line.marks) {
    if (mark.at <= period.from || mark.at >= period.to) continue;
    if (mark.at > at) return { last, next: mark };
    last = mark;
  }
  return { last, next: { at: period.to, value: target } };
}

function onTheWay(from: Mark, to: Mark, at: Instant): Rational {
  const part = elapsedShare({ from: from.at, to: to.at }, at);
  return add(from.value, multiply(part, subtract(to.value, from.value)));
}

/** How `expectedAt` came to its answer: the formula, and the same with its numbers put in. */
export function expectedWords(
  line: Exclude<PaceLine, { method: 'seasonal' }>,
  course: Course,
  at: Instant,
): { readonly formula: string; readonly filled: string } {
  const elapsed = elapsedShare(course.period, at);
  if (line.method === 'linear' || (line.method === 'phased' && at >= course.period.to)) {
    return { formula: 'E', filled: String(toNumber(elapsed)) };
  }
  if (line.method === 'points') return pointsWords(line.points, elapsed);
  const { last, next } = marksAround(line, course, Math.max(at, course.period.from));
  const [b, t, v] = [course.baseline, course.target, last.value].map(exactText);
  if (line.mode === 'stepped') return { formula: '(last step − b) / (t − b)', filled: `(${v} − ${b}) / (${t} − ${b})` };
  const part = `(${instantText(at)} − ${instantText(last.at)}) / (${instantText(next.at)} − ${instantText(last.at)})`;
  return {
    formula: '(value on the line − b) / (t − b)',
    filled: `(${v} + (${exactText(next.value)} − ${v}) · ${part} − ${b}) / (${t} − ${b})`,
  };
}

function pointsWords(points: readonly SharePoint[], elapsed: Rational) {
  const index = points.findIndex((point) => compare(point.elapsed, elapsed) >= 0);
  const right = points[index];
  const left = points[index - 1];
  if (right === undefined || left === undefined) return { formula: 'E', filled: String(toNumber(elapsed)) };
  const [t0, t1, e0, e1] = [left.elapsed, right.elapsed, left.expected, right.expected].map(exactText);
  return {
    formula: 'along the points',
    filled: `${e0} + (${e1} − ${e0}) · (${toNumber(elapsed)} − ${t0}) / (${t1} − ${t0})`,
  };
}

/** With all its digits: what is put into a formula must give its result. */
function exactText(value: Rational): string {
  return String(toNumber(value));
}

/** The median; of an even number the mean of the middle two. `null` of nothing. */
export function median(values: readonly Rational[]): Rational | null {
  const sorted = [...values].sort(compare);
  const middle = sorted.length >>> 1;
  const upper = sorted[middle];
  if (upper === undefined) return null;
  if (sorted.length % 2 === 1) return upper;
  const lower = sorted[middle - 1] ?? upper;
  return multiply(add(lower, upper), { n: 1n, d: 2n });
}
