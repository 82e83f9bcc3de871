import type { Instant, Position } from '@paceline/domain';
import type { ReadShape, Statement } from '@paceline/store';

/** The processor's own reads, as text and parameters. All stand just before a record: nothing of it and after it is seen. */
interface Query<Shape extends ReadShape> extends Statement {
  readonly shape: Shape;
}

export interface Before {
  readonly workspace: string;
  readonly edition: number;
  /** Rows at or after this position do not exist for the reader. */
  readonly before: Position;
}

const STANDING = {
  subject: 'LowCardinality(String)',
  as_of: 'DateTime64(6)',
  hash: 'FixedString(16)',
  verdict: 'LowCardinality(String)',
  score: 'Nullable(Float64)',
} as const satisfies ReadShape;

/** What was last said of grid points in a range, both ends included. */
export function standingJudgements(
  at: Before,
  subjects: readonly string[],
  from: Instant,
  to: Instant,
): Query<typeof STANDING> {
  return {
    sql: `SELECT subject, as_of, j.1, j.2, j.3 FROM (
  SELECT subject, as_of, argMax(tuple(hash, verdict, score), judgement.position) AS j FROM judgement
  WHERE workspace = {workspace:String} AND subject IN {subjects:Array(String)} AND edition = {edition:UInt32}
    AND as_of >= {from:Instant} AND as_of <= {to:Instant} AND judgement.position < {before:UInt64}
  GROUP BY subject, as_of
)`,
    params: { ...at, subjects, from, to },
    shape: STANDING,
  };
}

const JUDGED_RANGE = {
  subject: 'LowCardinality(String)',
  first: 'DateTime64(6)',
  last: 'DateTime64(6)',
} as const satisfies ReadShape;

/** First and last grid point ever judged of each subject. */
export function judgedRanges(at: Before): Query<typeof JUDGED_RANGE> {
  return {
    sql: `SELECT subject, min(as_of), max(as_of) FROM judgement
WHERE workspace = {workspace:String} AND edition = {edition:UInt32} AND position < {before:UInt64} GROUP BY subject`,
    params: { ...at },
    shape: JUDGED_RANGE,
  };
}

const EVALUATION = { evaluation: 'String' } as const satisfies ReadShape;

/** The standing judgements of some subjects, ascending by grid point; `from` and `to` included. */
export function standingEvaluations(
  at: Before,
  subjects: readonly string[],
  from: Instant,
  to: Instant,
): Query<typeof EVALUATION> {
  return {
    sql: `SELECT text FROM (
  SELECT subject, as_of, argMax(evaluation, judgement.position) AS text FROM judgement
  WHERE workspace = {workspace:String} AND subject IN {subjects:Array(String)} AND edition = {edition:UInt32}
    AND as_of >= {from:Instant} AND as_of <= {to:Instant} AND judgement.position < {before:UInt64}
  GROUP BY subject, as_of
) ORDER BY as_of, subject`,
    params: { ...at, subjects, from, to },
    shape: EVALUATION,
  };
}

/** The standing judgement of each subject's latest grid point. */
export function latestEvaluations(at: Before, subjects: readonly string[]): Query<typeof EVALUATION> {
  return {
    sql: `SELECT argMax(evaluation, tuple(as_of, judgement.position)) FROM judgement
WHERE workspace = {workspace:String} AND subject IN {subjects:Array(String)} AND edition = {edition:UInt32}
  AND judgement.position < {before:UInt64} GROUP BY subject`,
    params: { ...at, subjects },
    shape: EVALUATION,
  };
}

const TRANSITION = { body: 'String' } as const satisfies ReadShape;

/** Every transition of the alerts whose last one leaves them open, oldest first. */
export function openTransitions(at: Before): Query<typeof TRANSITION> {
  const rows = `alert.position < {before:UInt64} AND workspace = {workspace:String} AND edition = {edition:UInt32}
    AND kind IN ('opened', 'escalated', 'reminder', 'recovered', 'retracted', 'closed')`;
  return {
    sql: `SELECT any(body) FROM alert WHERE ${rows} AND alert IN (
  SELECT alert FROM alert WHERE ${rows} GROUP BY alert
  HAVING argMax(kind, alert.position) IN ('opened', 'escalated', 'reminder')
) GROUP BY alert.position, transition ORDER BY alert.position, transition`,
    params: { ...at },
    shape: TRANSITION,
  };
}

const SUBJECT = { subject: 'LowCardinality(String)' } as const satisfies ReadShape;

/** Subjects whose latest status is not a removal. */
export function listedSubjects(workspace: string, edition: number): Query<typeof SUBJECT> {
  return {
    sql: `SELECT subject FROM status WHERE workspace = {workspace:String} AND edition = {edition:UInt32}
GROUP BY subject HAVING NOT argMax(removed, status.position)`,
    params: { workspace, edition },
    shape: SUBJECT,
  };
}

const ROLLED_UP = {
  metric: 'LowCardinality(String)',
  shape: 'UInt64',
  grain: 'LowCardinality(String)',
  bucket_from: 'DateTime64(6)',
  series: 'LowCardinality(String)',
} as const satisfies ReadShape;

/** Series whose last rollup of a bucket in a range holds points; both ends included. */
export function seriesWithRollups(at: {
  readonly workspace: string;
  readonly metrics: readonly string[];
  readonly before: Position;
  readonly from: Instant;
  readonly to: Instant;
}): Query<typeof ROLLED_UP> {
  return {
    sql: `SELECT metric, shape, grain, bucket_from, series FROM rollup
WHERE workspace = {workspace:String} AND metric IN {metrics:Array(String)}
  AND bucket_from >= {from:Instant} AND bucket_from <= {to:Instant} AND rollup.position < {before:UInt64}
GROUP BY metric, shape, grain, bucket_from, series HAVING argMax(count, rollup.position) > 0`,
    params: { ...at },
    shape: ROLLED_UP,
  };
}
