import type { Evaluation, TrendRow, Verdict } from '../wire.ts';

/** One window of a trend as numbers to draw; instants in epoch milliseconds. */
export interface Point {
  readonly bucket: string;
  readonly from: number;
  readonly to: number;
  /** Where it is drawn: when it was measured, else the end of its window. */
  readonly at: number;
  readonly value: number | null;
  readonly expected: number | null;
  readonly target: number | null;
  readonly low: number | null;
  readonly high: number | null;
  readonly verdict: Verdict | null;
  readonly final: boolean;
  readonly definitions: string | null;
}

/** Goals have no number of their own; what they are drawn by is their progress in percent. */
export function isByProgress(subject: string, rows: readonly TrendRow[]): boolean {
  if (subject.startsWith('objective/') || subject.startsWith('unit/')) return true;
  return rows.every(({ value }) => value === null) && rows.some(({ progress }) => typeof progress === 'number');
}

export function pointsOf(subject: string, rows: readonly TrendRow[]): Point[] {
  const byProgress = isByProgress(subject, rows);
  return rows.map((row) => {
    const [from, to] = [Date.parse(row.from), Date.parse(row.to)];
    const measured = row.measuredAt === null || row.measuredAt === undefined ? to : Date.parse(row.measuredAt);
    const base = {
      bucket: row.bucket,
      from,
      to,
      at: measured > from && measured <= to ? measured : to,
      verdict: row.verdict ?? null,
      final: row.final,
      definitions: row.definitions ?? null,
    };
    if (byProgress) {
      const share = (ratio: number | null | undefined): number | null =>
        typeof ratio === 'number' ? ratio * 100 : null;
      const target = row.verdict === null || row.verdict === undefined ? null : 100;
      return { ...base, value: share(row.progress), expected: share(row.expected), target, low: null, high: null };
    }
    return {
      ...base,
      value: numberOf(row.value),
      expected: numberOf(row.expectedValue),
      target: numberOf(row.target),
      low: numberOf(row.targetLow),
      high: numberOf(row.targetHigh),
    };
  });
}

/** Doubles are exact enough for pixels; the table beside every chart shows the decimals as they are. */
function numberOf(decimal: string | null | undefined): number | null {
  if (decimal === null || decimal === undefined) return null;
  const value = Number(decimal);
  return Number.isFinite(value) ? value : null;
}

/** Whether the subject runs along a pace through one period, which is then drawn whole; else it is drawn as far as it goes. */
export function isPaced({ subject, paceMethod, period }: Evaluation): boolean {
  if (period === null) return false;
  return paceMethod !== null || subject.startsWith('objective/') || subject.startsWith('unit/');
}

/** Whether progress is part of a way from a start to a target. What a KPI merely keeps has none. */
export function isOnTheWay(evaluation: Evaluation): boolean {
  return isPaced(evaluation) || evaluation.subject.startsWith('key_result/');
}

export interface Change {
  readonly delta: number;
  /** Of the point it is compared with. */
  readonly since: string;
}

/** From the last but one value to the last one. */
export function changeOf(points: readonly Point[]): Change | null {
  const valued = points.filter(({ value }) => value !== null);
  const [before, last] = [valued.at(-2), valued.at(-1)];
  if (before === undefined || last === undefined) return null;
  return { delta: (last.value ?? 0) - (before.value ?? 0), since: before.bucket };
}
