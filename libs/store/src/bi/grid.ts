import { createHash } from 'node:crypto';
import { bucketAt, bucketsBetween, type Grid, type Instant, labelOf } from '@paceline/domain';
import type { Row } from '../tables.ts';

/** One name for all grids that cut time alike, such as `day Europe/Berlin`. */
export function gridName(grid: Grid): string {
  const { grain, zone, calendar } = grid;
  switch (grain) {
    case 'week':
      return `week ${zone.name} from ${calendar.weekStart}`;
    case 'fiscal_quarter':
    case 'fiscal_year':
      return `${grain} ${zone.name} from month ${calendar.fiscalYearStart}`;
    case 'period': {
      const table = createHash('sha256').update(JSON.stringify(calendar.periods)).digest('hex').slice(0, 16);
      return `period ${zone.name} of ${table}`;
    }
    default:
      return `${grain} ${zone.name}`;
  }
}

/** The buckets of a grid that lie in [from, to), the one that contains `from` too. */
export function bucketRows(workspace: string, grid: Grid, from: Instant, to: Instant): Row<'bi_bucket'>[] {
  const name = gridName(grid);
  const start = bucketAt(grid, from)?.from ?? from;
  return bucketsBetween(grid, start, to).map((bucket) => ({
    workspace,
    grid: name,
    label: labelOf(grid, bucket),
    bucket_from: bucket.from,
    bucket_to: bucket.to,
  }));
}
