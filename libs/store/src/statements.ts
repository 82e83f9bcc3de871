import {
  dimensionsOfKey,
  formatDecimal,
  instantText,
  type Statement as PointStated,
  type PointStatement,
  type Position,
} from '@paceline/domain';
import type { QueryOptions, ReadShape, Store } from './port.ts';

const STATEMENT = {
  series: 'LowCardinality(String)',
  period: 'String',
  at: 'DateTime64(6)',
  id: 'String',
  position: 'UInt64',
  recorded_at: 'DateTime64(6)',
  read_at: 'DateTime64(6)',
  revision: 'UInt64',
  feeder: 'LowCardinality(String)',
  value: 'Nullable(Decimal(38, 9))',
  numerator: 'Nullable(Decimal(38, 9))',
  denominator: 'Nullable(Decimal(38, 9))',
} as const satisfies ReadShape;

/**
 * Every statement ever made about a metric's points, as the domain takes them, ascending by position. `bound` is exclusive.
 * Refuses above the store's row bound: for oddities and small metrics, not for all reading.
 */
export async function readStatements(
  store: Store,
  workspace: string,
  metric: string,
  bound: Position,
  options: QueryOptions = {},
): Promise<PointStated[]> {
  const rows = await store.read(
    {
      sql: `SELECT series, period, at, id, pos, recorded_at, read_at, revision, feeder, value, numerator, denominator FROM observation
WHERE workspace = {workspace:String} AND metric = {metric:String} AND pos < {bound:UInt64} ORDER BY pos LIMIT 1 BY pos`,
      params: { workspace, metric, bound },
    },
    STATEMENT,
    options,
  );
  return rows.map((row) => ({
    position: row.position,
    recordedAt: row.recorded_at,
    readAt: row.read_at,
    feeder: row.feeder,
    point: pointOf(row),
  }));
}

function pointOf(row: {
  readonly series: string;
  readonly period: string;
  readonly at: number;
  readonly id: string;
  readonly revision: number;
  readonly value: bigint | null;
  readonly numerator: bigint | null;
  readonly denominator: bigint | null;
}): PointStatement {
  const parts =
    row.numerator === null || row.denominator === null
      ? { value: row.value === null ? null : formatDecimal(row.value) }
      : { numerator: formatDecimal(row.numerator), denominator: formatDecimal(row.denominator) };
  return {
    ...(row.period === '' ? { time: instantText(row.at) } : { period: row.period }),
    dimensions: dimensionsOfKey(row.series),
    ...(row.id === '' ? {} : { id: row.id }),
    revision: row.revision,
    ...parts,
  };
}
