import type { Instant, Position } from '@paceline/domain';
import { type Query, type ReadShape, upTo } from '@paceline/store';

/** Reads that only the query service has; all bounded by workspace and position, as those of the store. */

const WATERMARK = {
  part: 'String',
  rows: 'UInt64',
  position: 'UInt64',
  recorded_at: 'DateTime64(6)',
} as const satisfies ReadShape;

/** How far the facts, the definitions among them and the status have come, in one question: a row each. */
export function watermark(workspace: string, edition: number): Query<typeof WATERMARK> {
  const part = (name: string, table: string, at: string, condition = ''): string =>
    `SELECT '${name}', count(), max(position), ${at} FROM ${table} WHERE workspace = {workspace:String}${condition}`;
  const none = "toDateTime64(0, 6, 'UTC')";
  const parts = [
    part('facts', 'progress', 'argMax(recorded_at, position)'),
    part('definitions', 'command', none, " AND kind = 'definitions' AND accepted"),
    part('status', 'status', none, ' AND edition = {edition:UInt32}'),
  ];
  return { sql: parts.join('\nUNION ALL\n'), params: { workspace, edition }, shape: WATERMARK };
}

const CHANGES = { rows: 'UInt64' } as const satisfies ReadShape;

/** How often the coverage of a metric was stated by records after one position and up to another. */
export function coveredSince(
  workspace: string,
  metric: string,
  after: Position,
  position: Position,
): Query<typeof CHANGES> {
  return {
    sql: `SELECT count() FROM covered
WHERE workspace = {workspace:String} AND metric = {metric:String} AND position >= {after:UInt64} AND position < {bound:UInt64}`,
    params: { workspace, metric, after: upTo(after), bound: upTo(position) },
    shape: CHANGES,
  };
}

const STATUS_MARKS = {
  subject: 'LowCardinality(String)',
  position: 'UInt64',
  removed: 'Bool',
} as const satisfies ReadShape;

/** The version of every subject's status, gone ones too. */
export function statusMarks(workspace: string, edition: number): Query<typeof STATUS_MARKS> {
  return {
    sql: `SELECT subject, max(position), argMax(removed, position) FROM status
WHERE workspace = {workspace:String} AND edition = {edition:UInt32} GROUP BY subject ORDER BY subject`,
    params: { workspace, edition },
    shape: STATUS_MARKS,
  };
}

export interface StatementsAsked {
  readonly workspace: string;
  readonly metric: string;
  readonly position: Position;
  /** Of an earlier page. */
  readonly after: Position | null;
  readonly where: Readonly<Record<string, string>>;
  /** Of time points their time, of period points what the label says as UTC; `to` is exclusive. */
  readonly from: Instant | null;
  readonly to: Instant | null;
  readonly period: string | null;
  readonly limit: number;
}

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

/** Statements about a metric's points, retractions too, newest first. */
export function statementsPage(asked: StatementsAsked): Query<typeof STATEMENT> {
  const { workspace, metric, position, after, where, from, to, period, limit } = asked;
  const bound = Math.min(after ?? Number.MAX_SAFE_INTEGER, upTo(position));
  const conditions = [
    'workspace = {workspace:String}',
    'metric = {metric:String}',
    ...Object.keys(where).map((_, at) => `JSONExtractString(series, {name${at}:String}) = {value${at}:String}`),
    ...(from === null ? [] : ['at >= {from:Instant}']),
    ...(to === null ? [] : ['at < {to:Instant}']),
    ...(period === null ? [] : ['period = {period:String}']),
    'pos < {bound:UInt64}',
  ];
  const dimensions = Object.entries(where).flatMap(([name, value], at) => [
    [`name${at}`, name],
    [`value${at}`, value],
  ]);
  return {
    sql: `SELECT series, period, at, id, pos, recorded_at, read_at, revision, feeder, value, numerator, denominator
FROM observation WHERE ${conditions.join(' AND ')} ORDER BY pos DESC LIMIT 1 BY pos LIMIT {limit:UInt32}`,
    params: {
      workspace,
      metric,
      bound,
      limit,
      ...Object.fromEntries(dimensions),
      ...(from === null ? {} : { from }),
      ...(to === null ? {} : { to }),
      ...(period === null ? {} : { period }),
    },
    shape: STATEMENT,
  };
}

const STANDING = { position: 'UInt64' } as const satisfies ReadShape;

/** Positions of the statements that stand for the points of some series at some times. */
export function standingPositions(asked: {
  readonly workspace: string;
  readonly metric: string;
  readonly position: Position;
  readonly series: readonly string[];
  readonly ats: readonly Instant[];
  /** Whether revisions of the source count. */
  readonly revisions: boolean;
}): Query<typeof STANDING> {
  const { workspace, metric, position, series, ats, revisions } = asked;
  return {
    sql: `SELECT argMax(pos, tuple(${revisions ? 'revision' : '0'}, read_at, pos)) FROM observation
WHERE workspace = {workspace:String} AND metric = {metric:String} AND series IN {series:Array(String)}
  AND at >= {first:Instant} AND at <= {last:Instant} AND toUnixTimestamp64Micro(at) IN {ats:Array(Instant)} AND pos < {bound:UInt64}
GROUP BY series, at, period, id`,
    params: {
      workspace,
      metric,
      series: [...series],
      ats: [...ats],
      first: Math.min(...ats),
      last: Math.max(...ats),
      bound: upTo(position),
    },
    shape: STANDING,
  };
}

const ALERT = {
  alert: 'String',
  episode: 'DateTime64(6)',
  position: 'UInt64',
  rule: 'LowCardinality(String)',
  subject: 'LowCardinality(String)',
  period_label: 'String',
  kind: 'LowCardinality(String)',
  severity: 'LowCardinality(String)',
  opened_at: 'DateTime64(6)',
  opened_recorded_at: 'DateTime64(6)',
  last_at: 'DateTime64(6)',
  last_recorded_at: 'DateTime64(6)',
  messages: 'UInt64',
  body: 'String',
} as const satisfies ReadShape;

/** One row an alert and episode, as its transitions left it; the latest to change first. */
export function alertEpisodes(asked: {
  readonly workspace: string;
  readonly edition: number;
  readonly position: Position;
  readonly asOf: Instant;
  readonly onlyOpen: boolean;
  readonly subject: string | null;
  readonly rule: string | null;
  readonly limit: number;
}): Query<typeof ALERT> {
  const { workspace, edition, position, asOf, onlyOpen, subject, rule, limit } = asked;
  return {
    sql: `SELECT alert, episode, e.1, e.2, e.3, e.4, e.5, e.6, opened, opened_recorded, e.7, e.8, messages, e.9 FROM (
  SELECT alert, episode,
    argMax(tuple(position, rule, subject, period_label, kind, severity, at, recorded_at, body), tuple(alert.position, alert.recorded_at)) AS e,
    min(alert.at) AS opened, min(alert.recorded_at) AS opened_recorded, uniqExact(transition) AS messages
  FROM alert WHERE workspace = {workspace:String} AND edition = {edition:UInt32} AND alert.position < {bound:UInt64} AND alert.at <= {asOf:Instant}
    ${subject === null ? '' : 'AND subject = {subject:String}'} ${rule === null ? '' : 'AND rule = {rule:String}'}
  GROUP BY alert, episode
)${onlyOpen ? " WHERE e.5 NOT IN ('recovered', 'retracted', 'closed')" : ''} ORDER BY e.1 DESC, alert LIMIT {limit:UInt32}`,
    params: {
      workspace,
      edition,
      bound: upTo(position),
      asOf,
      limit,
      ...(subject === null ? {} : { subject }),
      ...(rule === null ? {} : { rule }),
    },
    shape: ALERT,
  };
}
