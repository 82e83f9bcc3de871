import type { Cell } from '@paceline/domain';
import type { QueryOptions, Store } from './port.ts';
import { type RollupsWanted, rollupsAt } from './sql.ts';

/**
 * Cells of complete buckets as ticks kept them, by series: months of years of points at the price of reading months.
 * Buckets without points are absent, as they are among cells. Distinct values and quantiles have no rollups.
 */
export async function readRollups(
  store: Store,
  wanted: RollupsWanted,
  options: QueryOptions = {},
): Promise<Map<string, Cell[]>> {
  const query = rollupsAt(wanted);
  const bySeries = new Map<string, Cell[]>();
  for (const row of await store.read(query, query.shape, options)) {
    if (row.count === 0) continue;
    const { count, sum, min, max, first, last, numerator, denominator, increase, resets } = row;
    const cell: Cell = {
      from: row.bucket_from,
      to: row.bucket_to,
      firstAt: row.first_at,
      lastAt: row.last_at,
      ...{ count, sum, min, max, first, last, numerator, denominator, increase, resets },
    };
    const cells = bySeries.get(row.series);
    if (cells === undefined) bySeries.set(row.series, [cell]);
    else cells.push(cell);
  }
  return bySeries;
}
