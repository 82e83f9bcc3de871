import { type BiScope, type BiView, column, decimalColumns, definitionRows, INSTANT, NAME } from './view.ts';

/**
 * Values of metrics per series and bucket, from the statements that stand: the aggregate over time as the domain defines
 * it, digit for digit. Aggregating across series is left to the reader, who has the parts for it.
 */
export function metricTrend(scope: BiScope): BiView {
  return {
    name: 'metric_trend',
    comment:
      'Values of every metric with points of its own, one row a series and bucket of the metric’s grain. Buckets without points have no row.',
    columns: [
      column('workspace', NAME, 'Workspace'),
      column('metric', NAME, 'Name of the metric'),
      column('title', 'String', 'Title of the metric; its name where it has none'),
      column('measure', 'String', 'Unit of measure of the values, such as EUR'),
      column('aggregation', NAME, 'How points become one value over time: sum, avg, last, …'),
      column('series', NAME, 'The dimensions as JSON, {} without; the views of single metrics have a column for each'),
      column('bucket', 'String', 'Label of the bucket: 2026-11-22, 2026-W47, 2026-11, …'),
      column('bucket_from', INSTANT, 'Start of the bucket'),
      column('bucket_to', INSTANT, 'End of the bucket, exclusive'),
      ...decimalColumns('value', 'Value of the series in the bucket'),
      column('points', 'UInt64', 'Points that stand in the bucket; averages over series are weighted with it'),
      ...decimalColumns('numerator', 'Ratios: sum of the numerators; divide sums by sums to combine series'),
      ...decimalColumns('denominator', 'Ratios: sum of the denominators'),
      column(
        'ended',
        'Bool',
        'The bucket has ended by the engine’s clock; later changes are corrections or late values',
      ),
    ],
    select: select(scope),
  };
}

/** Scaled integers in 256 bits: `quotient` of two of them is rounded half to even, as the domain rounds. */
const SCALE = 'toInt256(1000000000)';

function scaled(expression: string): string {
  return `toInt256(toDecimal256(${expression}, 9) * toDecimal256(1000000000, 0))`;
}

/** A scaled integer as a decimal; NULL where it does not fit into 38 digits, of which the twin still tells. */
function decimalOf(integer: string): string {
  return `accurateCastOrNull(toDecimal256(${integer}, 0) * toDecimal256('0.000000001', 9), 'Decimal(38, 9)')`;
}

const QUANTILES = { median: 50, p90: 90, p95: 95, p99: 99 } as const;

/** A quantile lies between two neighbours at place (n − 1)·q: hundredths of the one and of the other. */
const BETWEEN = `sorted[intDiv(place, 100) + 1] * (100 - place % 100) + sorted[least(intDiv(place, 100) + 2, length(sorted))] * (place % 100)`;

/** The value by the metric's aggregation, as a quotient of integers that is scaled once it is rounded. */
const NUMERATOR = `multiIf(
    aggregation IN ('sum', 'avg'), total,
    aggregation = 'count', toInt256(points) * ${SCALE},
    aggregation = 'min', least_value,
    aggregation = 'max', greatest_value,
    aggregation = 'first', first_value,
    aggregation = 'last', last_value,
    aggregation = 'ratio', total_numerator * ${SCALE},
    aggregation = 'distinct', toInt256(different) * ${SCALE},
    aggregation = 'counter', growth + multiIf(before IS NULL, toInt256(0), first_value < assumeNotNull(before), first_value, first_value - assumeNotNull(before)),
    ${BETWEEN})`;
const DENOMINATOR = `multiIf(aggregation = 'avg', toInt256(points), aggregation = 'ratio', total_denominator, percent > 0, toInt256(100), toInt256(1))`;

function select(scope: BiScope): string {
  const tables = `\`${scope.database}\``;
  return `SELECT workspace, metric, title, measure, aggregation, series, bucket, bucket_from, bucket_to,
  ${decimalOf('exact')} AS value, toFloat64(toDecimal256(exact, 0)) / 1e9 AS value_float, points,
  if(aggregation = 'ratio', ${decimalOf('total_numerator')}, NULL) AS numerator, toFloat64(numerator) AS numerator_float,
  if(aggregation = 'ratio', ${decimalOf('total_denominator')}, NULL) AS denominator, toFloat64(denominator) AS denominator_float,
  CAST(bucket_to <= now64(6, 'UTC') AS Bool) AS ended
FROM (
  SELECT *, (floor + (rest > half OR (rest = half AND floor % 2 = 1))) * side AS rounded, if(bottom = 0, NULL, rounded) AS exact FROM (
    SELECT *, intDiv(over, under) AS floor, (over - floor * under) * 2 AS rest, under AS half FROM (
      SELECT *, abs(top) AS over, if(bottom = 0, toUInt256(1), abs(bottom)) AS under, toInt256(sign(top) * sign(bottom)) AS side FROM (
        SELECT *, ${NUMERATOR} AS top, ${DENOMINATOR} AS bottom FROM (
          SELECT *, (length(sorted) - 1) * percent AS place, lagInFrame(toNullable(last_value)) OVER (
            PARTITION BY workspace, metric, series ORDER BY bucket_from ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
          ) AS before FROM (
${buckets(tables)}
          )
        )
      )
    )
  )
)`.replaceAll('{definitions}', definitionRows(scope));
}

/** One row a bucket with everything an aggregation may need; lists are only kept for those that need them. */
function buckets(tables: string): string {
  const quantiles = Object.entries(QUANTILES)
    .map(([name, percent]) => `aggregation = '${name}', ${percent}`)
    .join(', ');
  return `        SELECT workspace, metric, title, measure, aggregation,
          series, bucket, bucket_from, bucket_to, count() AS points,
          sum(v) AS total, min(v) AS least_value, max(v) AS greatest_value,
          argMin(v, tuple(at, id)) AS first_value, argMax(v, tuple(at, id)) AS last_value,
          sum(n) AS total_numerator, sum(d) AS total_denominator,
          uniqExactIf(v, aggregation = 'distinct') AS different,
          multiIf(${quantiles}, 0) AS percent, arraySort(groupArrayIf(v, percent > 0)) AS sorted,
          arrayMap(x -> x.3, arraySort(groupArrayIf(tuple(at, id, v), aggregation = 'counter'))) AS samples,
          if(length(samples) < 2, toInt256(0), arraySum((a, b) -> if(b < a, b, b - a), arrayPopBack(samples), arrayPopFront(samples))) AS growth
        FROM (
          SELECT workspace, metric, title, measure, aggregation, series, bucket, bucket_from, bucket_to, at, id,
            ${scaled('coalesce(stands.1, 0)')} AS v, ${scaled('coalesce(stands.2, 0)')} AS n, ${scaled('coalesce(stands.3, 0)')} AS d
          FROM (
${points(tables, 'period')}
            UNION ALL
${points(tables, 'time')}
          )
          WHERE if(aggregation = 'ratio', stands.2 IS NOT NULL AND stands.3 IS NOT NULL, stands.1 IS NOT NULL)
        )
        GROUP BY workspace, metric, title, measure, aggregation, series, bucket, bucket_from, bucket_to`;
}

/** Standing statements with their buckets: by label of period points, by time of the others. */
function points(tables: string, kind: 'period' | 'time'): string {
  const join =
    kind === 'period'
      ? 'INNER JOIN {buckets} AS b ON b.workspace = p.workspace AND b.grid = p.grid AND b.label = p.period'
      : 'ASOF INNER JOIN {buckets} AS b ON b.workspace = p.workspace AND b.grid = p.grid AND p.at >= b.bucket_from';
  return `            SELECT p.workspace AS workspace, p.metric AS metric, p.title AS title, p.measure AS measure, p.aggregation AS aggregation,
              p.series AS series, p.at AS at, p.id AS id, p.stands AS stands,
              b.label AS bucket, b.bucket_from AS bucket_from, b.bucket_to AS bucket_to
            FROM (
              SELECT o.workspace AS workspace, o.metric AS metric, o.series AS series, o.period AS period, o.at AS at, o.id AS id,
                if(m.revisions, o.by_revision, o.by_reading) AS stands,
                if(m.title = '', m.name, m.title) AS title, m.measure AS measure, m.aggregation AS aggregation, m.grid AS grid
              FROM (
                SELECT workspace, metric, series, period, at, id,
                  argMax(tuple(value, numerator, denominator), tuple(revision, read_at, pos)) AS by_revision,
                  argMax(tuple(value, numerator, denominator), tuple(read_at, pos)) AS by_reading
                FROM ${tables}.observation WHERE ${kind === 'period' ? "period != ''" : "period = ''"}
                GROUP BY workspace, metric, series, at, period, id
              ) AS o
              INNER JOIN {definitions} AS m ON m.workspace = o.workspace AND m.name = o.metric
              WHERE m.kind = 'metric' AND m.points = '${kind}' AND NOT m.removed
            ) AS p
            ${join.replace('{buckets}', `(SELECT * FROM ${tables}.bi_bucket FINAL)`)}${kind === 'time' ? '\n            WHERE p.at < b.bucket_to' : ''}`;
}
