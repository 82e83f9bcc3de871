import type { Grain, Instant } from '@paceline/domain';
import type { Statement } from '../port.ts';
import { sliceStart, slicesOf } from './slices.ts';

/**
 * The queries behind cells, as text and parameters. The rule they all share: of a point's statements below the bound the
 * one with the greatest (revision, read_at, pos) stands, and it is chosen whole: `argMax` of a bare value passes over NULL
 * and would bring a retracted point back. They choose it by order and `LIMIT 1 BY`, which follows the table's own order
 * and costs little more than reading; grouping with `argMax` took four times as long over 100,000 points.
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

/** Orders a point's statements from the one that stands down. */
function precedence(wanted: Pick<PointsWanted, 'revisions'>): string {
  return `${wanted.revisions ? 'revision DESC, ' : ''}read_at DESC, pos DESC`;
}

function parts(wanted: Pick<PointsWanted, 'ratio'>): string {
  return wanted.ratio ? 'numerator, denominator' : 'value';
}

function notRetracted(wanted: Pick<PointsWanted, 'ratio'>): string {
  return wanted.ratio ? 'numerator IS NOT NULL AND denominator IS NOT NULL' : 'value IS NOT NULL';
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
 * Of each period point its standing statement first, then those recorded before `at` + earlyMs: metric, series, period, id,
 * recorded_at, read_at (µs), pos, revision, value (or numerator and denominator). Ascending by metric, series, at, id.
 */
export function periodPoints(wanted: PeriodPointsWanted): Statement {
  const range = rangeCondition(wanted.ranges);
  return {
    sql: `SELECT metric, series, period, id, ${micros('recorded_at')}, ${micros('read_at')}, pos, revision, ${parts(wanted)}
FROM observation
WHERE workspace = {workspace:String} AND metric IN {metrics:Array(String)} AND ${FORM[wanted.grain]} AND pos < {bound:UInt64}
  AND ${range.sql}${wanted.ats === undefined ? '' : ` AND ${micros('at')} IN {ats:Array(Instant)}`}${onlyPairs(wanted.pairs)}
ORDER BY metric, series, at, period, id, ${precedence(wanted)}
LIMIT 1 BY metric, series, at, period, id, if(${micros('recorded_at')} < ${micros('at')} + {early:Int64}, pos + 1, 0)`,
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
  const slices = slicesOf(wanted.edges.map((edge) => Math.round(edge * 1000)));
  const values = wanted.ratio
    ? `sum(toDecimal256(assumeNotNull(numerator), 9)), sum(toDecimal256(assumeNotNull(denominator), 9))`
    : `sum(toDecimal256(v, 9)), min(v), max(v), argMin(v, tuple(at, id)), argMax(v, tuple(at, id))${EXTRA[wanted.extra]}`;
  const only = wanted.only === undefined ? '' : ' AND slice IN {only:Array(Instant)}';
  return {
    sql: `SELECT metric, series, slice, count(), ${micros('min(at)')}, ${micros('max(at)')}, ${values}
FROM (
  SELECT metric, series, at, id, ${parts(wanted)}, ${sliceStart(micros('at'))} AS slice${wanted.ratio ? '' : ', assumeNotNull(value) AS v'}
  FROM (
    SELECT metric, series, at, id, ${parts(wanted)} FROM observation
    WHERE workspace = {workspace:String} AND metric IN {metrics:Array(String)} AND period = '' AND pos < {bound:UInt64}
      AND at >= {from:Instant} AND at < {to:Instant}${onlyPairs(wanted.pairs)}
    ORDER BY metric, series, at, period, id, ${precedence(wanted)}
    LIMIT 1 BY metric, series, at, id
  )
  WHERE ${notRetracted(wanted)}${only}
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
  return {
    sql: `SELECT series, ${micros('max(at)')} FROM (
  SELECT series, at, ${parts(wanted)} FROM observation
  WHERE workspace = {workspace:String} AND metric IN {metrics:Array(String)} AND ${formOf(wanted.grain)} AND pos < {bound:UInt64}
    AND at < {before:Instant} AND series IN {series:Array(String)}
  ORDER BY metric, series, at, period, id, ${precedence(wanted)}
  LIMIT 1 BY metric, series, at, period, id
) WHERE ${notRetracted(wanted)} GROUP BY series`,
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

/**
 * Where each feeder's valued statements begin and end, standing or not: metric, feeder, first period, first at (µs), last
 * period, last at (µs). Thin: only the columns that say when and whether.
 */
export function statedExtents(wanted: Omit<PointsWanted, 'revisions'> & { readonly grain: Grain | null }): Statement {
  return {
    sql: `SELECT metric, feeder, argMin(period, at), ${micros('min(at)')}, argMax(period, at), ${micros('max(at)')} FROM observation
WHERE workspace = {workspace:String} AND metric IN {metrics:Array(String)} AND ${formOf(wanted.grain)} AND pos < {bound:UInt64}
  AND ${notRetracted(wanted)}
GROUP BY metric, feeder`,
    params: { workspace: wanted.workspace, metrics: wanted.metrics, bound: wanted.bound },
  };
}

/** At which of some (metric, at) which feeder's own word stands and is a value: metric, feeder, at (µs). */
export function standingAt(
  wanted: PointsWanted & {
    readonly grain: Grain | null;
    readonly places: readonly (readonly [metric: string, at: Instant])[];
  },
): Statement {
  return {
    sql: `SELECT DISTINCT metric, feeder, ${micros('at')} FROM (
  SELECT metric, feeder, at, ${parts(wanted)} FROM observation
  WHERE workspace = {workspace:String} AND metric IN {metrics:Array(String)} AND ${formOf(wanted.grain)} AND pos < {bound:UInt64}
    AND (toString(metric), ${micros('at')}) IN (SELECT arrayJoin(arrayZip({placeMetrics:Array(String)}, {placeAts:Array(Instant)})))
  ORDER BY metric, series, at, period, id, feeder, ${precedence(wanted)}
  LIMIT 1 BY metric, series, at, period, id, feeder
) WHERE ${notRetracted(wanted)}`,
    params: {
      workspace: wanted.workspace,
      metrics: wanted.metrics,
      bound: wanted.bound,
      placeMetrics: wanted.places.map(([metric]) => metric),
      placeAts: wanted.places.map(([, at]) => at),
    },
  };
}

/**
 * Every label, and every quarter of an hour, where a feeder's own word about one metric stands and is a value: feeder,
 * period, first and last at (µs), the latest recorded_at (µs). Zones change on quarters of an hour, so no bucket's edge lies inside one.
 */
export function standingPlaces(wanted: PointsWanted & { readonly grain: Grain | null }): Statement {
  return {
    sql: `SELECT feeder, period, ${micros('min(at)')}, ${micros('max(at)')}, ${micros('max(recorded_at)')} FROM (
  SELECT feeder, period, at, recorded_at, ${parts(wanted)} FROM observation
  WHERE workspace = {workspace:String} AND metric IN {metrics:Array(String)} AND ${formOf(wanted.grain)} AND pos < {bound:UInt64}
  ORDER BY metric, series, at, period, id, feeder, ${precedence(wanted)}
  LIMIT 1 BY metric, series, at, period, id, feeder
) WHERE ${notRetracted(wanted)} GROUP BY feeder, period, intDiv(${micros('at')}, 900000000)`,
    params: { workspace: wanted.workspace, metrics: wanted.metrics, bound: wanted.bound },
  };
}
