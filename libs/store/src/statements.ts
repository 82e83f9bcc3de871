import {
  dimensionsOfKey,
  formatDecimal,
  instantText,
  type Metric,
  type Statement as PointStated,
  type PointStatement,
  type Position,
} from '@paceline/domain';
import { upTo } from './bounds.ts';
import type { QueryOptions, ReadRow, ReadShape, Store } from './port.ts';

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
const COLUMNS = 'series, period, at, id, pos, recorded_at, read_at, revision, feeder, value, numerator, denominator';

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
      sql: `SELECT ${COLUMNS} FROM observation
WHERE workspace = {workspace:String} AND metric = {metric:String} AND pos < {bound:UInt64} ORDER BY pos LIMIT 1 BY pos`,
      params: { workspace, metric, bound },
    },
    STATEMENT,
    options,
  );
  return rows.map(statedOf);
}

export interface NewsWanted {
  /** Exclusive: of this record everything was known. */
  readonly after: Position;
  /** Inclusive. */
  readonly position: Position;
  readonly rowsMax: number;
}

/**
 * Every statement up to a position about the points of one metric at whose times something was stated after an earlier one, in
 * any order: what is known of these times as a whole. `undefined`: more than `rowsMax`.
 */
export async function readNews(
  store: Store,
  workspace: string,
  metric: Metric,
  { after, position, rowsMax }: NewsWanted,
  options: QueryOptions = {},
): Promise<PointStated[] | undefined> {
  const own = 'workspace = {workspace:String} AND metric = {metric:String} AND pos < {bound:UInt64}';
  const rows = await store.read(
    {
      sql: `SELECT ${columnsOf(metric)} FROM observation
PREWHERE ${own} AND at IN (SELECT at FROM observation PREWHERE ${own} AND pos >= {after:UInt64})
LIMIT {limit:UInt32} SETTINGS max_threads = 1`,
      params: { workspace, metric: metric.name, after: upTo(after), bound: upTo(position), limit: rowsMax + 1 },
    },
    STATEMENT,
    options,
  );
  if (rows.length > rowsMax) return undefined;
  // A redone row is there twice, and only once a statement.
  return [...new Map(rows.map((row) => [row.position, statedOf(row)])).values()];
}

/** Of columns that a metric does not look at nothing is read. */
function columnsOf({ aggregation, revisions }: Metric): string {
  const none = "CAST(NULL, 'Nullable(Decimal(38, 9))')";
  const parts = aggregation === 'ratio' ? `${none}, numerator, denominator` : `value, ${none}, ${none}`;
  return `series, period, at, id, pos, recorded_at, read_at, ${revisions ? 'revision' : 'toUInt64(0)'}, feeder, ${parts}`;
}

function statedOf(row: ReadRow<typeof STATEMENT>): PointStated {
  return {
    position: row.position,
    recordedAt: row.recorded_at,
    readAt: row.read_at,
    feeder: row.feeder,
    point: pointOf(row),
  };
}

function pointOf(row: ReadRow<typeof STATEMENT>): PointStatement {
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
