import type { Grain, Instant } from '@paceline/domain';
import type { Statement } from '../port.ts';
import { sliceStart, slicesOf } from './slices.ts';

/**
 * The queries behind cells, as text and parameters. The rule they all share: of a point's statements below the bound the
 * one with the greatest (revision, read_at, pos) stands, chosen as a whole tuple, because `argMax` of a bare value passes
 * over NULL and would bring a retracted point back.
 */
export interface PointsWanted {
  readonly workspace: string;
  readonly metrics: readonly string[];
  /** Exclusive bound of `pos`. */
  readonly bound: number;
  readonly ratio: boolean;
  /** Whether revisions of the source count. */
  readonly revisions: boolean;
}

export type Pairs = readonly (readonly [metric: string, series: string])[];

function onlyPairs(pairs: Pairs | undefined): string {
  if (pairs === undefined) return '';
  return ' AND (toString(metric), toString(series)) IN (SELECT arrayJoin(arrayZip({pairMetrics:Array(String)}, {pairSeries:Array(String)})))';
}

function pairParams(pairs: Pairs | undefined): Readonly<Record<string, unknown>> {
  if (pairs === undefined) return {};
  return { pairMetrics: pairs.map(([metric]) => metric), pairSeries: pairs.map(([, series]) => series) };
}

const micros = (column: string) => `toUnixTimestamp64Micro(${column})`;

function standing(wanted: Pick<PointsWanted, 'ratio' | 'revisions'>): {
  readonly said: string;
  readonly holds: string;
} {
  const parts = wanted.ratio ? 'numerator, denominator' : 'value';
  const revision = wanted.revisions ? 'revision' : 'toUInt64(0)';
  return {
    said: `argMax(tuple(${parts}), tuple(${revision}, read_at, pos))`,
    holds: wanted.ratio ? 's.1 IS NOT NULL AND s.2 IS NOT NULL' : 's.1 IS NOT NULL',
  };
}

/** What a label of a grain looks like: rows of an earlier grain of the metric are left unread. */
const FORM: Readonly<Record<Grain, string>> = {
  hour: `period LIKE '____-__-__T%'`,
  day: 'length(period) = 10',
  week: `(period LIKE '____-W__' OR period LIKE '%/P7D')`,
  month: `(length(period) = 7 AND period NOT LIKE '%Q%')`,
  quarter: `period LIKE '____-Q_'`,
  year: 'length(period) = 4',
  fiscal_quarter: `period LIKE 'FY____-Q_'`,
  fiscal_year: `period LIKE 'FY____'`,
  period: `period != ''`,
};

export interface PeriodPointsWanted extends PointsWanted {
  readonly grain: Grain;
  /** Inclusive bounds of `at`, one pair for all metrics or one each in the metrics' order. */
  readonly ranges: readonly { readonly atFrom: Instant; readonly atTo: Instant }[];
  /** Only these `at`, in milliseconds. */
  readonly ats?: readonly Instant[];
  /** Only these (metric, series). */
  readonly pairs?: Pairs;
  /** Statements recorded up to this long after `at` come along, for what stood inside the bucket. */
  readonly earlyMs: number;
}

/**
 * One row a period point that stands, or of which something stood inside its bucket: metric, series, at (µs), period, id,
 * value (or numerator and denominator), and its early statements as (recorded_at, read_at, pos, revision, parts…).
 */
export function periodPoints(wanted: PeriodPointsWanted): Statement {
  const { said, holds } = standing(wanted);
  const parts = wanted.ratio ? 'numerator, denominator' : 'value';
  const range = rangeCondition(wanted.ranges);
  return {
    sql: `SELECT metric, series, ${micros('at')}, period, id, ${wanted.ratio ? 's.1, s.2' : 's.1'}, early FROM (
  SELECT metric, series, at, period, id, ${said} AS s,
    groupArrayIf(tuple(${micros('recorded_at')}, ${micros('read_at')}, pos, revision, ${parts}), ${micros('recorded_at')} < ${micros('at')} + {early:Int64}) AS early
  FROM observation
  WHERE workspace = {workspace:String} AND metric IN {metrics:Array(String)} AND ${FORM[wanted.grain]} AND pos < {bound:UInt64}
    AND ${range.sql}${wanted.ats === undefined ? '' : ` AND ${micros('at')} IN {ats:Array(Instant)}`}${onlyPairs(wanted.pairs)}
  GROUP BY metric, series, at, period, id
  HAVING (${holds}) OR notEmpty(early)
) ORDER BY metric, series, at, period, id`,
    params: {
      workspace: wanted.workspace,
      metrics: wanted.metrics,
      bound: wanted.bound,
      early: Number.isFinite(wanted.earlyMs) ? Math.ceil(wanted.earlyMs * 1000) : 2 ** 52,
      ...range.params,
      ...(wanted.ats === undefined ? {} : { ats: wanted.ats }),
      ...pairParams(wanted.pairs),
    },
  };
}

/** One pair of bounds for all metrics, or the widest for the index and each metric's own behind it. */
function rangeCondition(ranges: readonly { readonly atFrom: Instant; readonly atTo: Instant }[]): {
  readonly sql: string;
  readonly params: Readonly<Record<string, unknown>>;
} {
  const from = Math.min(...ranges.map(({ atFrom }) => atFrom));
  const to = Math.max(...ranges.map(({ atTo }) => atTo));
  const alike = ranges.every(({ atFrom, atTo }) => atFrom === from && atTo === to);
  const whole = 'at >= {from:Instant} AND at <= {to:Instant}';
  if (alike) return { sql: whole, params: { from, to } };
  const own = (list: string) =>
    `transform(toString(metric), {metrics:Array(String)}, {${list}:Array(Instant)}, toInt64(0))`;
  return {
    sql: `${whole} AND ${micros('at')} >= ${own('froms')} AND ${micros('at')} <= ${own('tos')}`,
    params: { from, to, froms: ranges.map(({ atFrom }) => atFrom), tos: ranges.map(({ atTo }) => atTo) },
  };
}

export interface TimeCellsWanted extends PointsWanted {
  /** Edges in milliseconds, ascending; points outside are not read. */
  readonly edges: readonly Instant[];
  /** Only slices with these starts, in milliseconds. */
  readonly only?: readonly Instant[];
  /** Only these (metric, series). */
  readonly pairs?: Pairs;
  /** What is computed beside count, sum, min, max, first, last and the times of first and last. */
  readonly extra: 'none' | 'values' | 'counter';
}

/**
 * One row a slice of a series with standing points: metric, series, slice start (µs), count, first and last time (µs), then
 * sum, min, max, first, last (of ratios: the two sums), then the sorted values, or a counter's increase and resets.
 */
export function timeCells(wanted: TimeCellsWanted): Statement {
  const { said, holds } = standing(wanted);
  const slices = slicesOf(wanted.edges.map((edge) => Math.round(edge * 1000)));
  const values = wanted.ratio
    ? `sum(toDecimal256(assumeNotNull(s.1), 9)), sum(toDecimal256(assumeNotNull(s.2), 9))`
    : `sum(toDecimal256(v, 9)), min(v), max(v), argMin(v, tuple(at, id)), argMax(v, tuple(at, id))${EXTRA[wanted.extra]}`;
  return {
    sql: `SELECT metric, series, slice, count(), ${micros('min(at)')}, ${micros('max(at)')}, ${values}
FROM (
  SELECT metric, series, at, id, ${said} AS s, ${sliceStart(micros('at'))} AS slice${wanted.ratio ? '' : ', assumeNotNull(s.1) AS v'}
  FROM observation
  WHERE workspace = {workspace:String} AND metric IN {metrics:Array(String)} AND period = '' AND pos < {bound:UInt64}
    AND at >= {from:Instant} AND at < {to:Instant}${onlyPairs(wanted.pairs)}
  GROUP BY metric, series, at, id
  HAVING ${holds}${wanted.only === undefined ? '' : ' AND slice IN {only:Array(Instant)}'}
)
GROUP BY metric, series, slice ORDER BY metric, series, slice`,
    params: {
      workspace: wanted.workspace,
      metrics: wanted.metrics,
      bound: wanted.bound,
      from: wanted.edges[0],
      to: wanted.edges.at(-1),
      starts: slices.starts,
      steps: slices.steps,
      ...(wanted.only === undefined ? {} : { only: wanted.only }),
      ...pairParams(wanted.pairs),
    },
  };
}

/** A drop of a counter is a reset and starts from zero (EVALUATION §2); in 256 bits, where no difference overflows. */
const SAMPLES = `arrayMap(x -> x.3, arraySort(groupArray(tuple(at, id, toDecimal256(v, 9)))))`;
const EXTRA = {
  none: '',
  values: ', arraySort(groupArray(v))',
  counter: `, ${SAMPLES} AS samples,
  arraySum((a, b) -> if(b < a, b, b - a), arrayPopBack(samples), arrayPopFront(samples)),
  toUInt64(arrayCount((a, b) -> b < a, arrayPopBack(samples), arrayPopFront(samples)))`,
} as const;

/** The `at` of the latest statement of each series before a metric's range, standing or not: metric, series, at (µs). */
export function lastBefore(
  wanted: Pick<PointsWanted, 'workspace' | 'metrics' | 'bound'> & {
    readonly grain: Grain | null;
    /** Exclusive bounds of `at`, in the metrics' order. */
    readonly befores: readonly Instant[];
  },
): Statement {
  const latest = Math.max(...wanted.befores);
  const alike = wanted.befores.every((bound) => bound === latest);
  const own = `transform(toString(metric), {metrics:Array(String)}, {befores:Array(Instant)}, toInt64(0))`;
  return {
    sql: `SELECT metric, series, ${micros('max(at)')} FROM observation
WHERE workspace = {workspace:String} AND metric IN {metrics:Array(String)} AND ${formOf(wanted.grain)} AND pos < {bound:UInt64}
  AND at < {latest:Instant}${alike ? '' : ` AND ${micros('at')} < ${own}`}
GROUP BY metric, series`,
    params: {
      workspace: wanted.workspace,
      metrics: wanted.metrics,
      bound: wanted.bound,
      latest,
      ...(alike ? {} : { befores: wanted.befores }),
    },
  };
}

/** The `at` of the latest point that stands before a bound, of some series of one metric: series, at (µs). */
export function lastStandingBefore(
  wanted: PointsWanted & { readonly grain: Grain | null; readonly before: Instant; readonly series: readonly string[] },
): Statement {
  const { said, holds } = standing(wanted);
  return {
    sql: `SELECT series, ${micros('max(at)')} FROM (
  SELECT series, at, ${said} AS s FROM observation
  WHERE workspace = {workspace:String} AND metric IN {metrics:Array(String)} AND ${formOf(wanted.grain)} AND pos < {bound:UInt64}
    AND at < {before:Instant} AND series IN {series:Array(String)}
  GROUP BY series, at, period, id HAVING ${holds}
) GROUP BY series`,
    params: {
      workspace: wanted.workspace,
      metrics: wanted.metrics,
      bound: wanted.bound,
      before: wanted.before,
      series: wanted.series,
    },
  };
}

/** First and last `at` of a metric's statements: metric, both (µs). */
export function statedRange(
  wanted: Pick<PointsWanted, 'workspace' | 'metrics' | 'bound'> & { readonly grain: Grain | null },
): Statement {
  return {
    sql: `SELECT metric, ${micros('min(at)')}, ${micros('max(at)')} FROM observation
WHERE workspace = {workspace:String} AND metric IN {metrics:Array(String)} AND ${formOf(wanted.grain)} AND pos < {bound:UInt64}
GROUP BY metric`,
    params: { workspace: wanted.workspace, metrics: wanted.metrics, bound: wanted.bound },
  };
}

/** `null`: time points. */
function formOf(grain: Grain | null): string {
  return grain === null ? `period = ''` : FORM[grain];
}
