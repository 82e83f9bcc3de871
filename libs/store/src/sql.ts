import type { Instant, Position } from '@paceline/domain';
import { before, upTo } from './bounds.ts';
import type { ReadShape, Statement } from './port.ts';

/**
 * Every read of a table as text, parameters and the shape of its rows: pure, so it is tested without an engine. All are
 * bounded by position (`bounds.ts`): a row above the bound does not exist for the reader, so a late row disturbs nothing.
 */
export interface Query<Shape extends ReadShape> extends Statement {
  readonly params: Readonly<Record<string, unknown>>;
  readonly shape: Shape;
}

/** Pages are bounded whatever a caller asks for. */
export const PAGE_MAX = 10_000;

export interface Page {
  readonly limit: number;
  /** Position of the last row of the page before; rows follow it in the listing's order. */
  readonly after?: Position;
}

const NO_BOUND = 2 ** 53 - 1;

function limitOf(page: Page): number {
  return Math.min(PAGE_MAX, Math.max(1, page.limit));
}

/** Joins the conditions that apply; the first is the workspace's, on every read. */
function where(...conditions: readonly (string | false | undefined)[]): string {
  return ['workspace = {workspace:String}', ...conditions.filter((condition) => typeof condition === 'string')].join(
    ' AND ',
  );
}

/** Only the parameters whose condition stands in the text. */
function given(params: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(params).filter(([, value]) => value !== undefined));
}

const DEFINITION = {
  id: 'String',
  position: 'UInt64',
  recorded_at: 'DateTime64(6)',
  removed: 'Bool',
  shape: 'UInt64',
  document: 'String',
} as const satisfies ReadShape;

/** The documents in force at a position. */
export function definitionsAt(workspace: string, position: Position): Query<typeof DEFINITION> {
  return {
    sql: `SELECT id, d.1, d.2, d.3, d.4, d.5 FROM (
  SELECT id, argMax(tuple(position, recorded_at, removed, shape, document), definition.position) AS d
  FROM definition WHERE ${where('definition.position < {bound:UInt64}')} GROUP BY id
) WHERE NOT d.3 ORDER BY id`,
    params: { workspace, bound: upTo(position) },
    shape: DEFINITION,
  };
}

/** Every version of a document, oldest first; of all documents without an id. */
export function definitionVersions(workspace: string, position: Position, id?: string): Query<typeof DEFINITION> {
  return {
    sql: `SELECT DISTINCT id, position, recorded_at, removed, shape, document FROM definition
WHERE ${where(id !== undefined && 'id = {id:String}', 'position < {bound:UInt64}')} ORDER BY position, id`,
    params: given({ workspace, bound: upTo(position), id }),
    shape: DEFINITION,
  };
}

const COMMAND = {
  kind: 'LowCardinality(String)',
  command: 'String',
  position: 'UInt64',
  recorded_at: 'DateTime64(6)',
  accepted: 'Bool',
  reason: 'LowCardinality(String)',
  actor: 'String',
} as const satisfies ReadShape;

/** What became of a command: its first outcome stands. */
export function commandOutcome(workspace: string, command: string): Query<typeof COMMAND> {
  return {
    sql: `SELECT kind, command, position, recorded_at, accepted, reason, actor FROM command
WHERE ${where('command = {command:String}')} ORDER BY position LIMIT 1`,
    params: { workspace, command },
    shape: COMMAND,
  };
}

const DEFINITIONS_POSITION = { commands: 'UInt64', position: 'UInt64' } as const satisfies ReadShape;

/** Position of the last accepted definition command, and how many there were; none: position 0 and count 0. */
export function definitionsPosition(workspace: string, position: Position): Query<typeof DEFINITIONS_POSITION> {
  return {
    sql: `SELECT count(), max(position) FROM command
WHERE ${where("kind = 'definitions'", 'accepted', 'position < {bound:UInt64}')}`,
    params: { workspace, bound: upTo(position) },
    shape: DEFINITIONS_POSITION,
  };
}

const CHECK_IN = {
  subject: 'String',
  time: 'DateTime64(6)',
  position: 'UInt64',
  recorded_at: 'DateTime64(6)',
  body: 'String',
} as const satisfies ReadShape;

/** The latest statement of each (subject, time), by time; of all subjects without a list. */
export function checkInsAt(
  workspace: string,
  position: Position,
  subjects?: readonly string[],
): Query<typeof CHECK_IN> {
  return {
    sql: `SELECT subject, time, c.1, c.2, c.3 FROM (
  SELECT subject, time, argMax(tuple(position, recorded_at, body), check_in.position) AS c
  FROM check_in WHERE ${where(subjects !== undefined && 'subject IN {subjects:Array(String)}', 'check_in.position < {bound:UInt64}')}
  GROUP BY subject, time
) ORDER BY subject, time`,
    params: given({ workspace, bound: upTo(position), subjects }),
    shape: CHECK_IN,
  };
}

const COVERED = {
  metric: 'LowCardinality(String)',
  feeder: 'LowCardinality(String)',
  position: 'UInt64',
  covered_from: 'Nullable(DateTime64(6))',
  covered_to: 'DateTime64(6)',
  before_from: 'Nullable(DateTime64(6))',
  before_to: 'Nullable(DateTime64(6))',
} as const satisfies ReadShape;

/** Explicit statements of completeness, in order. */
export function coveredAt(workspace: string, position: Position, metrics?: readonly string[]): Query<typeof COVERED> {
  return {
    sql: `SELECT DISTINCT metric, feeder, position, covered_from, covered_to, before_from, before_to FROM covered
WHERE ${where(metrics !== undefined && 'metric IN {metrics:Array(String)}', 'position < {bound:UInt64}')} ORDER BY metric, feeder, position`,
    params: given({ workspace, bound: upTo(position), metrics }),
    shape: COVERED,
  };
}

const PUSHED = { metric: 'LowCardinality(String)' } as const satisfies ReadShape;

/** Metrics to which anything was ever pushed: push is one of their feeders from then on. */
export function pushedMetrics(workspace: string, metrics: readonly string[], position: Position): Query<typeof PUSHED> {
  return {
    sql: `SELECT metric FROM observation
WHERE ${where('metric IN {metrics:Array(String)}', "feeder = 'push'", 'pos < {bound:UInt64}')} GROUP BY metric`,
    params: { workspace, metrics, bound: upTo(position) },
    shape: PUSHED,
  };
}

const JUDGEMENT = {
  subject: 'LowCardinality(String)',
  as_of: 'DateTime64(6)',
  position: 'UInt64',
  recorded_at: 'DateTime64(6)',
  verdict: 'LowCardinality(String)',
  score: 'Nullable(Float64)',
  provisional: 'Bool',
  restatement: 'Bool',
  hash: 'FixedString(16)',
  evaluation: 'String',
} as const satisfies ReadShape;

export interface JudgementsWanted {
  readonly workspace: string;
  readonly edition: number;
  readonly position: Position;
  /** All subjects without. */
  readonly subjects?: readonly string[];
  /** Grid points from, inclusive, and to, exclusive. */
  readonly from?: Instant;
  readonly to?: Instant;
}

/** The standing judgement of each (subject, grid point): the latest at or before the position. Ascending by both. */
export function judgementsAt(wanted: JudgementsWanted): Query<typeof JUDGEMENT> {
  const { workspace, edition, position, subjects, from, to } = wanted;
  return {
    sql: `SELECT subject, as_of, j.1, j.2, j.3, j.4, j.5, j.6, j.7, j.8 FROM (
  SELECT subject, as_of,
    argMax(tuple(position, recorded_at, verdict, score, provisional, restatement, hash, evaluation), judgement.position) AS j
  FROM judgement WHERE ${where(
    subjects !== undefined && 'subject IN {subjects:Array(String)}',
    from !== undefined && 'as_of >= {from:Instant}',
    to !== undefined && 'as_of < {to:Instant}',
    'edition = {edition:UInt32}',
    'judgement.position < {bound:UInt64}',
  )} GROUP BY subject, as_of
) ORDER BY subject, as_of`,
    params: given({ workspace, edition, bound: upTo(position), subjects, from, to }),
    shape: JUDGEMENT,
  };
}

const JUDGEMENT_HASH = {
  subject: 'LowCardinality(String)',
  as_of: 'DateTime64(6)',
  position: 'UInt64',
  hash: 'FixedString(16)',
} as const satisfies ReadShape;

/** Only what tells whether a new judgement differs from the standing one. */
export function judgementHashesAt(wanted: JudgementsWanted): Query<typeof JUDGEMENT_HASH> {
  const { workspace, edition, position, subjects, from, to } = wanted;
  return {
    sql: `SELECT subject, as_of, j.1, j.2 FROM (
  SELECT subject, as_of, argMax(tuple(position, hash), judgement.position) AS j
  FROM judgement WHERE ${where(
    subjects !== undefined && 'subject IN {subjects:Array(String)}',
    from !== undefined && 'as_of >= {from:Instant}',
    to !== undefined && 'as_of < {to:Instant}',
    'edition = {edition:UInt32}',
    'judgement.position < {bound:UInt64}',
  )} GROUP BY subject, as_of
) ORDER BY subject, as_of`,
    params: given({ workspace, edition, bound: upTo(position), subjects, from, to }),
    shape: JUDGEMENT_HASH,
  };
}

/** The last grid points of each subject at or before `from` (default: any), newest first: what an alert machine starts from. */
export function latestJudgements(wanted: JudgementsWanted & { readonly perSubject: number }): Query<typeof JUDGEMENT> {
  const standing = judgementsAt(wanted);
  return {
    sql: `SELECT * FROM (\n${standing.sql}\n) ORDER BY subject, as_of DESC LIMIT {perSubject:UInt32} BY subject`,
    params: { ...standing.params, perSubject: wanted.perSubject },
    shape: JUDGEMENT,
  };
}

/** All judgements ever made of a subject's grid points, restated ones too, in the order they were made. */
export function judgementHistory(wanted: JudgementsWanted): Query<typeof JUDGEMENT> {
  const { workspace, edition, position, subjects, from, to } = wanted;
  return {
    sql: `SELECT DISTINCT subject, as_of, position, recorded_at, verdict, score, provisional, restatement, hash, evaluation
FROM judgement WHERE ${where(
      subjects !== undefined && 'subject IN {subjects:Array(String)}',
      from !== undefined && 'as_of >= {from:Instant}',
      to !== undefined && 'as_of < {to:Instant}',
      'edition = {edition:UInt32}',
      'position < {bound:UInt64}',
    )} ORDER BY subject, as_of, position`,
    params: given({ workspace, edition, bound: upTo(position), subjects, from, to }),
    shape: JUDGEMENT,
  };
}

const STATUS = {
  subject: 'LowCardinality(String)',
  position: 'UInt64',
  recorded_at: 'DateTime64(6)',
  verdict: 'LowCardinality(String)',
  late_at: 'Nullable(DateTime64(6))',
  stale_at: 'Nullable(DateTime64(6))',
  evaluation: 'String',
} as const satisfies ReadShape;

/** The latest evaluation of each subject that exists; of some subjects with a list. */
export function statusList(workspace: string, edition: number, subjects?: readonly string[]): Query<typeof STATUS> {
  return {
    sql: `SELECT subject, s.1, s.2, s.3, s.4, s.5, s.6 FROM (
  SELECT subject, argMax(tuple(position, recorded_at, verdict, late_at, stale_at, evaluation, removed), status.position) AS s
  FROM status WHERE ${where('edition = {edition:UInt32}', subjects !== undefined && 'subject IN {subjects:Array(String)}')} GROUP BY subject
) WHERE NOT s.7 ORDER BY subject`,
    params: given({ workspace, edition, subjects }),
    shape: STATUS,
  };
}

const ROLLUP = {
  series: 'LowCardinality(String)',
  bucket_from: 'DateTime64(6)',
  bucket_to: 'DateTime64(6)',
  count: 'UInt64',
  sum: 'Decimal(76, 9)',
  min: 'Decimal(38, 9)',
  max: 'Decimal(38, 9)',
  first: 'Decimal(38, 9)',
  last: 'Decimal(38, 9)',
  first_at: 'DateTime64(6)',
  last_at: 'DateTime64(6)',
  numerator: 'Decimal(76, 9)',
  denominator: 'Decimal(76, 9)',
  increase: 'Decimal(76, 9)',
  resets: 'UInt32',
} as const satisfies ReadShape;

export interface RollupsWanted {
  readonly workspace: string;
  readonly metric: string;
  readonly grain: string;
  /** Position of the metric's last structural change: rollups of another shape are of other buckets. */
  readonly shape: Position;
  /** Bucket starts from, inclusive, and to, exclusive. */
  readonly from: Instant;
  readonly to: Instant;
  readonly position: Position;
}

/** The standing rollup of each (series, bucket), ascending by both; emptied buckets have count 0. */
export function rollupsAt(wanted: RollupsWanted): Query<typeof ROLLUP> {
  const { workspace, metric, grain, shape, from, to, position } = wanted;
  return {
    sql: `SELECT ${Object.keys(ROLLUP).join(', ')} FROM rollup
WHERE ${where(
      'metric = {metric:String}',
      'grain = {grain:String}',
      'shape = {shape:UInt64}',
      'bucket_from >= {from:Instant}',
      'bucket_from < {to:Instant}',
      'position < {bound:UInt64}',
    )}
ORDER BY series, bucket_from, position DESC LIMIT 1 BY series, bucket_from`,
    params: { workspace, metric, grain, shape, from, to, bound: upTo(position) },
    shape: ROLLUP,
  };
}

const OBSERVATION = {
  metric: 'LowCardinality(String)',
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

export interface ObservationsWanted {
  readonly workspace: string;
  readonly position: Position;
  readonly metric: string;
  readonly series?: string;
  /** Of time points their time; of period points what the label says as UTC. */
  readonly from?: Instant;
  readonly to?: Instant;
  readonly period?: string;
}

/** Every statement of a metric's points, retractions too, newest first: where a number comes from. */
export function observationStatements(wanted: ObservationsWanted, page: Page): Query<typeof OBSERVATION> {
  const { workspace, position, metric, series, from, to, period } = wanted;
  return {
    sql: `SELECT metric, series, period, at, id, pos, recorded_at, read_at, revision, feeder, value, numerator, denominator
FROM observation WHERE ${where(
      'metric = {metric:String}',
      series !== undefined && 'series = {series:String}',
      from !== undefined && 'at >= {from:Instant}',
      to !== undefined && 'at < {to:Instant}',
      period !== undefined && 'period = {period:String}',
      'pos < {bound:UInt64}',
    )} ORDER BY pos DESC LIMIT 1 BY pos LIMIT {limit:UInt32}`,
    params: given({
      workspace,
      metric,
      series,
      from,
      to,
      period,
      bound: Math.min(page.after ?? NO_BOUND, upTo(position)),
      limit: limitOf(page),
    }),
    shape: OBSERVATION,
  };
}

const ALERT = {
  alert: 'String',
  episode: 'DateTime64(6)',
  position: 'UInt64',
  transition: 'String',
  kind: 'LowCardinality(String)',
  rule: 'LowCardinality(String)',
  subject: 'LowCardinality(String)',
  period_label: 'String',
  severity: 'LowCardinality(String)',
  at: 'DateTime64(6)',
  recorded_at: 'DateTime64(6)',
  body: 'String',
} as const satisfies ReadShape;
const ALERT_COLUMNS = Object.keys(ALERT).join(', ');

export interface AlertsWanted {
  readonly workspace: string;
  readonly edition: number;
  readonly position: Position;
  readonly alerts?: readonly string[];
  readonly rule?: string;
  readonly subject?: string;
}

function alertConditions(wanted: AlertsWanted): readonly (string | false)[] {
  return [
    wanted.alerts !== undefined && 'alert IN {alerts:Array(String)}',
    'edition = {edition:UInt32}',
    wanted.rule !== undefined && 'rule = {rule:String}',
    wanted.subject !== undefined && 'subject = {subject:String}',
  ];
}

/** Transitions and what people did about them, newest first. */
export function alertEvents(wanted: AlertsWanted, page: Page): Query<typeof ALERT> {
  const { workspace, edition, alerts, rule, subject } = wanted;
  return {
    sql: `SELECT DISTINCT ${ALERT_COLUMNS} FROM alert WHERE ${where(...alertConditions(wanted), 'position < {bound:UInt64}')}
ORDER BY position DESC, alert, episode DESC, transition LIMIT {limit:UInt32}`,
    params: given({
      workspace,
      edition,
      alerts,
      rule,
      subject,
      bound: Math.min(page.after ?? NO_BOUND, upTo(wanted.position)),
      limit: limitOf(page),
    }),
    shape: ALERT,
  };
}

const DEAD_LETTER = {
  position: 'UInt64',
  recorded_at: 'DateTime64(6)',
  code: 'LowCardinality(String)',
  message: 'String',
  payload: 'String',
} as const satisfies ReadShape;

/** Newest first; one with `only`. */
export function deadLetters(workspace: string, page: Page, only?: Position): Query<typeof DEAD_LETTER> {
  return {
    sql: `SELECT DISTINCT position, recorded_at, code, message, payload FROM dead_letter
WHERE ${where(only === undefined ? 'position < {bound:UInt64}' : 'position = {only:UInt64}')} ORDER BY position DESC, code LIMIT {limit:UInt32}`,
    params: given({
      workspace,
      bound: only === undefined ? (page.after ?? NO_BOUND) : undefined,
      only,
      limit: limitOf(page),
    }),
    shape: DEAD_LETTER,
  };
}

const SNAPSHOT = {
  position: 'UInt64',
  version: 'UInt32',
  recorded_at: 'DateTime64(6)',
  state: 'String',
} as const satisfies ReadShape;

/** The latest snapshot at or below a position whose version the code can read. */
export function latestSnapshot(
  workspace: string,
  version: number,
  position: Position = NO_BOUND - 1024,
): Query<typeof SNAPSHOT> {
  return {
    sql: `SELECT position, version, recorded_at, state FROM snapshot
WHERE ${where('version = {version:UInt32}', 'position < {bound:UInt64}')} ORDER BY position DESC LIMIT 1`,
    params: { workspace, version, bound: upTo(position) },
    shape: SNAPSHOT,
  };
}

const PROGRESS = {
  workspace: 'LowCardinality(String)',
  position: 'UInt64',
  recorded_at: 'DateTime64(6)',
} as const satisfies ReadShape;

/** How far the store has come, per workspace; of one with a name. */
export function progressOf(workspace?: string): Query<typeof PROGRESS> {
  return {
    sql: `SELECT workspace, max(position), argMax(recorded_at, position) FROM progress
${workspace === undefined ? '' : `WHERE ${where()} `}GROUP BY workspace ORDER BY workspace`,
    params: given({ workspace }),
    shape: PROGRESS,
  };
}

const TIMELINE = { position: 'UInt64', recorded_at: 'DateTime64(6)' } as const satisfies ReadShape;

/**
 * The last record recorded at or before an instant: `known_at` as a position. Runs are at most a millisecond long and
 * may have been cut twice, so the last few are looked at and the furthest counts. No row: nothing was recorded by then.
 */
export function positionAt(workspace: string, knownAt: Instant): Query<typeof TIMELINE> {
  return {
    sql: `SELECT p, fromUnixTimestamp64Micro(r, 'UTC') FROM (
  SELECT toInt64(toUnixTimestamp64Micro(recorded_at)) AS start,
    least(toInt64(records) - 1, toUnixTimestamp64Micro({knownAt:Instant}) - start) AS steps,
    toUInt64(position + 1024 * steps) AS p, toInt64(start + steps) AS r
  FROM timeline WHERE ${where('recorded_at <= {knownAt:Instant}')} ORDER BY recorded_at DESC, position DESC LIMIT 2000
) ORDER BY p DESC LIMIT 1`,
    params: { workspace, knownAt },
    shape: TIMELINE,
  };
}

/** The first recordedAt above a position's: when the next thing became known. Used to say until when an answer stood. */
export function recordedAtOf(workspace: string, position: Position): Query<typeof TIMELINE> {
  return {
    sql: `SELECT p, fromUnixTimestamp64Micro(r, 'UTC') FROM (
  SELECT toInt64(toUnixTimestamp64Micro(recorded_at)) AS start,
    least(toInt64(records) - 1, intDiv(toInt64({at:UInt64}) - toInt64(position), 1024)) AS steps,
    toUInt64(position + 1024 * steps) AS p, toInt64(start + steps) AS r
  FROM timeline WHERE ${where('position <= {at:UInt64}')} ORDER BY position DESC LIMIT 2000
) ORDER BY p DESC LIMIT 1`,
    params: { workspace, at: before(position) },
    shape: TIMELINE,
  };
}
