import type { ObservationsFact, PointColumns, PointStatement } from '../fact.ts';
import { safeScaled } from '../number/decimal.ts';

/** The columns of points that are all plain, with one object for equal dimensions; `undefined` of others. */
export function columnsOf(points: readonly PointStatement[]): PointColumns | undefined {
  const shared = new Map<string, Readonly<Record<string, string>>>();
  const columns = { periods: [] as string[], scaled: [] as number[], dimensions: [] as Record<string, string>[] };
  for (const { period, value, dimensions = {}, ...rest } of points) {
    const scaled = safeScaled(value ?? '');
    if (period === undefined || scaled === undefined || Object.keys(rest).length > 0) return undefined;
    const key = JSON.stringify(dimensions);
    if (!shared.has(key)) shared.set(key, dimensions);
    columns.periods.push(period);
    columns.scaled.push(scaled);
    columns.dimensions.push(shared.get(key)!);
  }
  return columns;
}

/** The fact as a reader of bytes hands it out: with columns, where its points have them. */
export function inColumns(fact: ObservationsFact): ObservationsFact {
  const columns = columnsOf(fact.points);
  return columns === undefined ? fact : { ...fact, columns };
}
