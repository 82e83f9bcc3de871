import { type ObservationsFact, position as positionOf, type Recorded, readAtOf, readInstant } from '@paceline/domain';
import { seriesKey } from '@paceline/domain/metric/statement';
import { atOfLabel } from './label.ts';
import type { Row } from './tables.ts';

/**
 * The rows of one observations record, one a point, at positions `offset:0`, `offset:1` and so on. A function of the
 * record alone: written twice, the rows are equal. Points whose time cannot be read are no rows; the codec refuses them.
 */
export function observationRows(workspace: string, recorded: Recorded<ObservationsFact>): Row<'observation'>[] {
  const { fact, position, recordedAt } = recorded;
  const readAt = readAtOf(recorded);
  const rows: Row<'observation'>[] = [];
  for (let index = 0; index < fact.points.length; index++) {
    const point = fact.points[index]!;
    const at = point.period === undefined ? readInstant(point.time ?? '') : atOfLabel(point.period);
    if (at === undefined) continue;
    rows.push({
      workspace,
      metric: fact.metric,
      series: seriesKey(point.dimensions),
      period: point.period ?? '',
      at,
      id: point.id ?? '',
      pos: position + index,
      recorded_at: recordedAt,
      read_at: readAt,
      revision: point.revision ?? 0,
      feeder: fact.feeder,
      value: point.value ?? null,
      numerator: point.numerator ?? null,
      denominator: point.denominator ?? null,
    });
  }
  return rows;
}

/** Records of one run at most: then a run ends within a millisecond of its start, and a reader knows how far to look back. */
const RUN_RECORDS_MAX = 1_000;

/**
 * Rows of `timeline` for records in log order: runs of records one offset and one microsecond apart. Give every record
 * that was folded, whatever its kind; rows of runs that were cut otherwise before are harmless.
 */
export function timelineRows(
  workspace: string,
  records: Iterable<Pick<Recorded, 'position' | 'recordedAt'>>,
): Row<'timeline'>[] {
  const rows: { workspace: string; recorded_at: number; position: number; records: number }[] = [];
  let run: (typeof rows)[number] | undefined;
  for (const { position, recordedAt } of records) {
    const next = run !== undefined && position === run.position + positionOf(run.records);
    if (
      run !== undefined &&
      next &&
      micros(recordedAt) === micros(run.recorded_at) + run.records &&
      run.records < RUN_RECORDS_MAX
    ) {
      run.records++;
      continue;
    }
    run = { workspace, recorded_at: recordedAt, position, records: 1 };
    rows.push(run);
  }
  return rows;
}

function micros(instant: number): number {
  return Math.round(instant * 1000);
}
