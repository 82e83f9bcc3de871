import type { Evaluation } from '../wire.ts';
import { isPaced, type Point } from './series.ts';

/** Paths of a sparkline in a box of `width` × `height`; empty text where there is nothing to draw. */
export interface Spark {
  readonly line: string;
  readonly pace: string;
  readonly target: string;
  /** A range that is to be kept. */
  readonly band: { readonly y: number; readonly height: number } | null;
  readonly last: { readonly x: number; readonly y: number } | null;
}

export interface Box {
  readonly width: number;
  readonly height: number;
}

const MARGIN = 3;

/** A paced subject is drawn from the first to the last day of its period, with the line it should follow to its target. */
export function sparkOf(points: readonly Point[], evaluation: Evaluation, box: Box): Spark {
  const drawn = points.filter(({ value }) => value !== null);
  const paced = isPaced(evaluation);
  const line = paced ? paceLine(points, evaluation) : [];
  const { period } = evaluation;
  const start = paced && period !== null ? Date.parse(period.from) : Math.min(...drawn.map(({ at }) => at));
  const end = paced && period !== null ? Date.parse(period.to) : Math.max(...drawn.map(({ at }) => at));
  const latest = points.findLast(({ target, low }) => target !== null || low !== null);
  const levels = [...drawn.map(({ target }) => target), latest?.target, latest?.low, latest?.high].filter(
    (level) => typeof level === 'number',
  );
  const ys = [...drawn.map(({ value }) => value ?? 0), ...line.map(({ y }) => y), ...levels];
  if (drawn.length === 0 || ys.length === 0) return { line: '', pace: '', target: '', band: null, last: null };
  const [low, high] = [Math.min(...ys), Math.max(...ys)];
  const x = (at: number): number => place(at, start, end, MARGIN, box.width - MARGIN);
  const y = (value: number): number => place(value, low, high, box.height - MARGIN, MARGIN);
  const last = drawn.at(-1);
  return {
    line: pathOf(drawn.map(({ at, value }) => [x(at), y(value ?? 0)])),
    pace: pathOf(line.map((each) => [x(each.at), y(each.y)])),
    target: paced ? '' : stepsOf(drawn, x, y, box.width),
    band: bandOf(latest, y),
    last: last === undefined ? null : { x: round(x(last.at)), y: round(y(last.value ?? 0)) },
  };
}

interface Spot {
  readonly at: number;
  readonly y: number;
}

/** What was expected at each point, from the period's start to the target at its end. */
function paceLine(points: readonly Point[], evaluation: Evaluation): Spot[] {
  const { period, baseline } = evaluation;
  const known = expectedLine(points);
  if (period === null || known.length === 0) return known;
  const start = { at: Date.parse(period.from), y: baseline === null ? 0 : Number(baseline) };
  const target = points.findLast((point) => point.target !== null)?.target;
  const end = Date.parse(period.to);
  const isOver = (known.at(-1)?.at ?? 0) >= end;
  return [
    ...((known[0]?.at ?? 0) > start.at ? [start] : []),
    ...known,
    ...(isOver || typeof target !== 'number' ? [] : [{ at: end, y: target }]),
  ];
}

function expectedLine(points: readonly Point[]): Spot[] {
  return points.flatMap(({ at, expected }) => (expected === null ? [] : [{ at, y: expected }]));
}

/** The target over the whole width, stepping where it was changed. */
function stepsOf(
  drawn: readonly Point[],
  x: (at: number) => number,
  y: (value: number) => number,
  width: number,
): string {
  const steps: (readonly [number, number])[] = [];
  for (const { at, target } of drawn) {
    if (target === null) continue;
    const before = steps.at(-1);
    if (before === undefined) steps.push([0, y(target)]);
    else if (before[1] !== y(target)) steps.push([x(at), before[1]], [x(at), y(target)]);
  }
  const last = steps.at(-1);
  return last === undefined ? '' : pathOf([...steps, [width, last[1]]]);
}

function bandOf(point: Point | undefined, y: (value: number) => number): Spark['band'] {
  if (point?.low == null || point.high === null) return null;
  const top = y(point.high);
  return { y: round(top), height: round(Math.max(1, y(point.low) - top)) };
}

/** Linear between two edges; what has no width lies in the middle. */
function place(value: number, low: number, high: number, first: number, last: number): number {
  return high === low ? (first + last) / 2 : first + ((value - low) / (high - low)) * (last - first);
}

function pathOf(spots: readonly (readonly [number, number])[]): string {
  const [first] = spots;
  if (first === undefined) return '';
  // A single value is still seen: round caps make a dot of a line without length.
  const all = spots.length === 1 ? [first, first] : spots;
  return all.map(([x, y], index) => `${index === 0 ? 'M' : 'L'}${round(x)} ${round(y)}`).join('');
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
