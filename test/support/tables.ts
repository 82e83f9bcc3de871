import type { Instant, Position } from '@paceline/domain';
import type { Store } from '@paceline/store';
import type { JudgementLine, RollupLine, TransitionLine } from './oracle.ts';

/** What the tables hold of a workspace, as lines to compare. A row that a redone span wrote twice is one. */
export async function judgementLines(store: Store, workspace: string): Promise<JudgementLine[]> {
  const shape = {
    position: 'UInt64',
    subject: 'String',
    at: 'DateTime64(6)',
    verdict: 'String',
    restatement: 'Bool',
    evaluation: 'String',
  } as const;
  return store.read(
    {
      sql: `SELECT DISTINCT position, toString(subject), as_of, toString(verdict), restatement, evaluation FROM judgement
WHERE workspace = {workspace:String}`,
      params: { workspace },
    },
    shape,
  );
}

export async function transitionLines(store: Store, workspace: string): Promise<TransitionLine[]> {
  const shape = {
    position: 'UInt64',
    kind: 'String',
    rule: 'String',
    subject: 'String',
    period: 'String',
    episode: 'DateTime64(6)',
    at: 'DateTime64(6)',
  } as const;
  return store.read(
    {
      sql: `SELECT DISTINCT position, toString(kind), toString(rule), toString(subject), period_label, episode, at FROM alert
WHERE workspace = {workspace:String} AND kind NOT IN ('acknowledgement', 'snooze')`,
      params: { workspace },
    },
    shape,
  );
}

/** The rollups that stand: the latest of each bucket and series; one that was emptied says nothing. */
export async function rollupLines(store: Store, workspace: string): Promise<RollupLine[]> {
  const shape = {
    metric: 'String',
    grain: 'String',
    series: 'String',
    from: 'DateTime64(6)',
    to: 'DateTime64(6)',
    count: 'UInt64',
    sum: 'Decimal(76, 9)',
    min: 'Decimal(38, 9)',
    max: 'Decimal(38, 9)',
    first: 'Decimal(38, 9)',
    last: 'Decimal(38, 9)',
  } as const;
  return store.read(
    {
      sql: `SELECT toString(metric), toString(grain), toString(series), bucket_from, r.1, r.2, r.3, r.4, r.5, r.6, r.7 FROM (
  SELECT metric, grain, series, bucket_from,
    argMax(tuple(bucket_to, count, sum, min, max, first, last), rollup.position) AS r
  FROM rollup WHERE workspace = {workspace:String} GROUP BY metric, grain, series, shape, bucket_from
) WHERE r.2 > 0`,
      params: { workspace },
    },
    shape,
  );
}

/** An explicit statement of completeness as the table keeps it. */
export interface CoveredLine {
  readonly metric: string;
  readonly feeder: string;
  readonly position: Position;
  readonly recordedAt: Instant;
  /** `null`: from the beginning. */
  readonly from: Instant | null;
  readonly to: Instant;
  readonly beforeFrom: Instant | null;
  readonly beforeTo: Instant | null;
}

export async function coveredLines(store: Store, workspace: string): Promise<CoveredLine[]> {
  const shape = {
    metric: 'String',
    feeder: 'String',
    position: 'UInt64',
    recordedAt: 'DateTime64(6)',
    from: 'Nullable(DateTime64(6))',
    to: 'DateTime64(6)',
    beforeFrom: 'Nullable(DateTime64(6))',
    beforeTo: 'Nullable(DateTime64(6))',
  } as const;
  return store.read(
    {
      sql: `SELECT DISTINCT toString(metric), toString(feeder), position, recorded_at, covered_from, covered_to, before_from, before_to
FROM covered WHERE workspace = {workspace:String}`,
      params: { workspace },
    },
    shape,
  );
}

/** The evaluation of each listed subject, as printed. */
export async function statusTexts(store: Store, workspace: string): Promise<ReadonlyMap<string, string>> {
  const rows = await store.read(
    {
      sql: `SELECT toString(subject), argMax(evaluation, tuple(status.position, removed)) FROM status
WHERE workspace = {workspace:String} GROUP BY subject HAVING NOT argMax(removed, tuple(status.position, removed))`,
      params: { workspace },
    },
    { subject: 'String', evaluation: 'String' },
  );
  return new Map(rows.map(({ subject, evaluation }) => [subject, evaluation]));
}

export async function deadLetters(
  store: Store,
  workspace: string,
): Promise<readonly { code: string; payload: string }[]> {
  return store.read(
    {
      sql: `SELECT toString(code), payload FROM (
  SELECT DISTINCT position, code, payload FROM dead_letter WHERE workspace = {workspace:String} ORDER BY position
)`,
      params: { workspace },
    },
    { code: 'String', payload: 'String' },
  );
}

/** What stands of a metric's points by the rule of the raw table, by plain SQL: how many, and their exact sum. */
export async function standingPoints(
  store: Store,
  workspace: string,
  metric: string,
): Promise<{ readonly points: number; readonly sum: bigint; readonly statements: number }> {
  const [row] = await store.read(
    {
      sql: `SELECT countIf(v IS NOT NULL), sum(toDecimal256(ifNull(v, 0), 9)), sum(statements) FROM (
  SELECT argMax(tuple(value), (revision, read_at, pos)).1 AS v, uniqExact(pos) AS statements FROM observation
  WHERE workspace = {workspace:String} AND metric = {metric:String} GROUP BY series, period, at, id
)`,
      params: { workspace, metric },
    },
    { points: 'UInt64', sum: 'Decimal(76, 9)', statements: 'UInt64' },
  );
  return row ?? { points: 0, sum: 0n, statements: 0 };
}
