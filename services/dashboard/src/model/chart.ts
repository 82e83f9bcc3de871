import type { AlertView, Evaluation, Verdict } from '../wire.ts';
import { isPaced, type Point } from './series.ts';

/** What a chart draws besides its lines; instants in epoch seconds, as uPlot counts. */
export interface Chart {
  /** xs, actual, expected, target, low, high. */
  readonly columns: readonly (readonly (number | null)[])[];
  readonly from: number;
  readonly to: number;
  /** Where the definitions that judge changed. */
  readonly definitions: readonly { readonly at: number; readonly position: string }[];
  /** Stretches whose numbers may still change, or are overdue. */
  readonly shades: readonly { readonly from: number; readonly to: number; readonly kind: 'provisional' | 'late' }[];
  readonly alerts: readonly { readonly at: number; readonly severity: string; readonly rule: string }[];
  /** Where the verdict became another one; the first one counts. */
  readonly turns: readonly { readonly at: number; readonly value: number; readonly verdict: Verdict }[];
}

export interface ChartInput {
  readonly points: readonly Point[];
  readonly evaluation: Evaluation;
  readonly alerts: readonly AlertView[];
  /** The server's clock, or the instant asked about, in epoch milliseconds. */
  readonly now: number;
  /** Only one period is shown: then it is drawn to its end. */
  readonly wholePeriod: boolean;
}

export function chartOf({ points, evaluation, alerts, now, wholePeriod }: ChartInput): Chart {
  const { period } = evaluation;
  const spots = [...points];
  const whole = wholePeriod && isPaced(evaluation) && period !== null;
  const [first, last] = [spots[0], spots.at(-1)];
  const from = whole ? Date.parse(period.from) : (first?.at ?? now);
  const overdueTo = overdueEnd(from, last?.at ?? now, evaluation, now);
  const to = whole ? Math.max(Date.parse(period.to), last?.at ?? 0) : overdueTo;
  const rows: (readonly (number | null)[])[] = [];
  if (whole && first !== undefined && from < first.at) {
    const baseline = evaluation.baseline === null ? 0 : Number(evaluation.baseline);
    const target = first.target;
    rows.push([from, null, first.expected === null ? null : baseline, target, first.low, first.high]);
  }
  // Where nothing runs along a pace, the target is what is expected, and one line says so.
  const isPace = spots.some(({ expected, target }) => expected !== null && expected !== target);
  for (const { at, value, expected, target, low, high } of spots) {
    rows.push([at, value, isPace ? expected : null, target, low, high]);
  }
  if (whole && last !== undefined && to > last.at) {
    const ending = spots.findLast(({ target }) => target !== null);
    const pace = isPace ? (ending?.target ?? null) : null;
    rows.push([to, null, pace, ending?.target ?? null, last.low, last.high]);
  } else if (last !== undefined && to > last.at) {
    rows.push([to, null, null, last.target, last.low, last.high]);
  }
  const columns = Array.from({ length: 6 }, (_, column) =>
    rows.map((row) => (column === 0 ? (row[0] ?? 0) / 1000 : (row[column] ?? null))),
  );
  return {
    columns,
    from: from / 1000,
    to: to / 1000,
    definitions: definitionChanges(points),
    shades: shadesOf(points, evaluation, now, to),
    alerts: alerts
      .map(({ openedAt, severity, rule }) => ({ at: Date.parse(openedAt) / 1000, severity, rule }))
      .filter(({ at }) => at * 1000 >= from && at * 1000 <= to),
    turns: turnsOf(points),
  };
}

/** What is overdue is drawn up to now, but takes a third of the picture at most: years without data would leave no room for the data. */
function overdueEnd(from: number, last: number, { lateAt }: Evaluation, now: number): number {
  if (lateAt === null || now <= Date.parse(lateAt)) return last;
  return Math.max(last, Math.min(now, last + (last - from) / 2));
}

function definitionChanges(points: readonly Point[]): Chart['definitions'] {
  const changes: { at: number; position: string }[] = [];
  let before: string | null = null;
  for (const { at, definitions } of points) {
    if (definitions === null) continue;
    if (before !== null && definitions !== before) changes.push({ at: at / 1000, position: definitions });
    before = definitions;
  }
  return changes;
}

/** Windows that are not final yet, and the time since data was due. */
function shadesOf(points: readonly Point[], evaluation: Evaluation, now: number, to: number): Chart['shades'] {
  const shades: { from: number; to: number; kind: 'provisional' | 'late' }[] = [];
  for (const point of points) {
    if (point.final || point.value === null) continue;
    const last = shades.at(-1);
    const from = point.from / 1000;
    if (last !== undefined && last.to === from) last.to = point.at / 1000;
    else shades.push({ from, to: point.at / 1000, kind: 'provisional' });
  }
  const lateAt = evaluation.lateAt === null ? Number.POSITIVE_INFINITY : Date.parse(evaluation.lateAt);
  const observed = points.findLast(({ value }) => value !== null);
  const end = Math.min(now, to);
  if (now > lateAt && observed !== undefined && end > observed.at) {
    shades.push({ from: observed.at / 1000, to: end / 1000, kind: 'late' });
  }
  return shades;
}

function turnsOf(points: readonly Point[]): Chart['turns'] {
  const turns: { at: number; value: number; verdict: Verdict }[] = [];
  for (const { at, value, verdict } of points) {
    if (verdict === null || value === null || turns.at(-1)?.verdict === verdict) continue;
    turns.push({ at: at / 1000, value, verdict });
  }
  return turns;
}
