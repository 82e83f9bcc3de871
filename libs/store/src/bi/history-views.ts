import {
  type BiScope,
  type BiView,
  column,
  decimalColumns,
  decimalItems,
  definitionRows,
  INSTANT,
  NAME,
  positionItem,
  RATIO,
} from './view.ts';

const WORKSPACE = column('workspace', NAME, 'Workspace');

/** The standing judgements of all grid points: `j` by position, as a tuple in the order of its list. */
function standing({ database, edition }: BiScope, columns: readonly string[], where: string): string {
  return `SELECT workspace, subject, as_of, count() AS versions, max(position) AS at, argMax(tuple(${columns.join(', ')}), judgement.position) AS j
    FROM \`${database}\`.judgement WHERE edition = ${edition}${where} GROUP BY workspace, subject, as_of`;
}

/** What was said of KPIs, one row a bucket of the KPI's own grain: the last grid point whose measured bucket lies in it. */
export function kpiTrend(scope: BiScope): BiView {
  const tables = `\`${scope.database}\``;
  const fields = [
    'toString(verdict)',
    'value',
    'target',
    'target_low',
    'target_high',
    'expected_value',
    'progress',
    'expected',
    'pace',
    'provisional',
    'period_label',
    'evaluation',
  ];
  return {
    name: 'kpi_trend',
    comment: 'What was judged of every KPI over time, one row a KPI and bucket of its grain.',
    columns: [
      WORKSPACE,
      column('kpi', 'String', 'Name of the KPI'),
      column('subject', NAME, 'kpi/NAME'),
      column('title', 'String', 'Title; the name where there is none'),
      column('owner', 'String', 'Owner now, empty without'),
      column('unit', 'String', 'Organisational unit, empty without'),
      column('measure', 'String', 'Unit of measure of the values'),
      column('bucket', 'String', 'Label of the bucket: 2026-11-22, 2026-W47, 2026-11, …'),
      column('bucket_from', INSTANT, 'Start of the bucket'),
      column('bucket_to', INSTANT, 'End of the bucket, exclusive'),
      column('period', 'String', 'Label of the judged period'),
      ...decimalColumns('actual', 'Measured value'),
      ...decimalColumns('target', 'Target'),
      ...decimalColumns('target_low', 'Lower end of a target range'),
      ...decimalColumns('target_high', 'Upper end of a target range'),
      ...decimalColumns('expected', 'What the pace expected by then'),
      column('progress', RATIO, 'Share of the way to the target'),
      column('expected_progress', RATIO, 'Progress that the pace expected by then'),
      column('pace', RATIO, 'Progress divided by expected progress'),
      column('verdict', NAME, 'Verdict at the grid point'),
      column('final', 'Bool', 'The bucket is over and complete; later changes are corrections'),
      column('as_of', INSTANT, 'The grid point that is shown'),
      column('position', 'String', 'Place in the log of the tick that judged'),
    ],
    select: `SELECT t.workspace AS workspace, t.name AS kpi, t.subject AS subject, t.title AS title, t.owner AS owner, t.unit AS unit, t.measure AS measure,
  t.bucket AS bucket, t.bucket_from AS bucket_from, t.bucket_to AS bucket_to, t.k.11 AS period,
  ${decimalItems('actual', 't.k.2')}, ${decimalItems('target', 't.k.3')}, ${decimalItems('target_low', 't.k.4')}, ${decimalItems('target_high', 't.k.5')},
  ${decimalItems('expected', 't.k.6')}, t.k.7 AS progress, t.k.8 AS expected_progress, t.k.9 AS pace, toLowCardinality(t.k.1) AS verdict,
  CAST(t.bucket_to <= now64(6, 'UTC') AND t.until >= t.bucket_to AND NOT t.k.10 AS Bool) AS final, t.last_as_of AS as_of, ${positionItem('t.last_at')} AS position
FROM (
  SELECT p.workspace AS workspace, p.subject AS subject, any(p.name) AS name, any(p.title) AS title, any(p.owner) AS owner, any(p.unit) AS unit,
    any(p.measure) AS measure, b.label AS bucket, b.bucket_from AS bucket_from, b.bucket_to AS bucket_to, any(p.until) AS until,
    argMax(p.j, p.as_of) AS k, max(p.as_of) AS last_as_of, argMax(p.at, p.as_of) AS last_at
  FROM (
    SELECT *, argMax(place, as_of) OVER (PARTITION BY workspace, subject) AS until FROM (
      SELECT g.workspace AS workspace, g.subject AS subject, g.as_of AS as_of, g.at AS at, g.j AS j, d.grid AS grid, d.name AS name,
        if(d.title = '', d.name, d.title) AS title, d.owner AS owner, d.unit AS unit, d.measure AS measure,
        coalesce(parseDateTime64BestEffortOrNull(coalesce(JSONExtract(g.j.12, 'measuredAt', 'Nullable(String)'), ''), 6, 'UTC'), g.as_of) AS place
      FROM (
    ${standing(scope, fields, " AND startsWith(subject, 'kpi/') AND position(subject, '@') = 0")}
      ) AS g
      INNER JOIN ${definitionRows(scope)} AS d ON d.workspace = g.workspace AND d.id = g.subject
    )
  ) AS p
  ASOF INNER JOIN (SELECT * FROM ${tables}.bi_bucket FINAL) AS b ON b.workspace = p.workspace AND b.grid = p.grid AND p.place > b.bucket_from
  WHERE p.place <= b.bucket_to
  GROUP BY p.workspace, p.subject, b.label, b.bucket_from, b.bucket_to
) AS t`,
  };
}

/** Every judged grid point of every subject as it stands, closed periods too. */
export function statusHistory(scope: BiScope): BiView {
  const fields = [
    'toString(verdict)',
    'toString(reason)',
    'period_label',
    'period_from',
    'period_to',
    'value',
    'target',
    'expected_value',
    'progress',
    'elapsed',
    'expected',
    'pace',
    'gap',
    'score',
    'coverage',
    'provisional',
    'restatement',
    'recorded_at',
  ];
  return {
    name: 'status_history',
    comment:
      'What was said of KPIs, key results, objectives and units at each of their grid points, as it stands today; closed periods of KPIs are kpi/NAME@PERIOD.',
    columns: [
      WORKSPACE,
      column('subject', NAME, 'kind/name; a closed period of a KPI is kpi/NAME@PERIOD'),
      column('kind', NAME, 'kpi, key_result, objective or unit'),
      column('title', 'String', 'Title; the name where there is none'),
      column('owner', 'String', 'Owner now, empty without'),
      column('as_of', INSTANT, 'The grid point'),
      column('period', 'String', 'Label of the judged period'),
      column('period_from', `Nullable(${INSTANT})`, 'Start of the judged period'),
      column('period_to', `Nullable(${INSTANT})`, 'End of the judged period, exclusive'),
      ...decimalColumns('actual', 'Measured value'),
      ...decimalColumns('target', 'Target'),
      ...decimalColumns('expected', 'What the pace expected by then'),
      column('progress', RATIO, 'Share of the way to the target'),
      column('elapsed', RATIO, 'Share of the period that had passed'),
      column('expected_progress', RATIO, 'Progress that the pace expected by then'),
      column('pace', RATIO, 'Progress divided by expected progress'),
      column('gap', RATIO, 'Expected progress less progress'),
      column('score', RATIO, 'Closing score'),
      column('coverage', RATIO, 'Share of the weight below that had a verdict'),
      column('verdict', NAME, 'Verdict'),
      column('reason', NAME, 'Why this verdict'),
      column('provisional', 'Bool', 'A bucket that was not complete was used'),
      column('restated', 'Bool', 'A closed verdict or score was changed by this judgement'),
      column('versions', 'UInt64', 'How often this grid point was judged'),
      column('position', 'String', 'Place in the log of the tick that judged last'),
      column('recorded_at', INSTANT, 'When that tick was recorded'),
    ],
    select: `SELECT g.workspace AS workspace, g.subject AS subject, toLowCardinality(splitByChar('/', toString(g.subject))[1]) AS kind,
  multiIf(d.title != '', d.title, d.name != '', d.name, toString(g.subject)) AS title, d.owner AS owner, g.as_of AS as_of,
  g.j.3 AS period, g.j.4 AS period_from, g.j.5 AS period_to,
  ${decimalItems('actual', 'g.j.6')}, ${decimalItems('target', 'g.j.7')}, ${decimalItems('expected', 'g.j.8')},
  g.j.9 AS progress, g.j.10 AS elapsed, g.j.11 AS expected_progress, g.j.12 AS pace, g.j.13 AS gap, g.j.14 AS score, g.j.15 AS coverage,
  toLowCardinality(g.j.1) AS verdict, toLowCardinality(g.j.2) AS reason, g.j.16 AS provisional, g.j.17 AS restated, g.versions AS versions,
  ${positionItem('g.at')} AS position, g.j.18 AS recorded_at
FROM (
    ${standing(scope, fields, '')}
) AS g
LEFT JOIN ${definitionRows(scope)} AS d ON d.workspace = g.workspace AND d.id = splitByChar('@', toString(g.subject))[1]`,
  };
}

/** Everything that happened to alerts. */
export function alertHistory({ database, edition }: BiScope): BiView {
  return {
    name: 'alert_history',
    comment: 'Every transition of every alert: opened, escalated, reminder, recovered, retracted, closed.',
    columns: [
      WORKSPACE,
      column('alert', 'String', 'Id of the alert: one a rule, subject and period'),
      column('episode', INSTANT, 'Grid point at which it opened; an alert that comes back has another'),
      column('rule', NAME, 'Name of the alert rule'),
      column('subject', NAME, 'Subject that is watched'),
      column('period', 'String', 'Label of the judged period'),
      column('kind', NAME, 'What happened'),
      column('severity', NAME, 'info, warn or page'),
      column('at', INSTANT, 'Grid point at which it happened'),
      column('verdict', 'String', 'Verdict then'),
      ...decimalColumns('actual', 'Measured value then'),
      column('sentence', 'String', 'The evaluation then, in words'),
      column('position', 'String', 'Place in the log of the tick that found it'),
      column('recorded_at', INSTANT, 'When that tick was recorded'),
    ],
    select: `SELECT workspace, alert, episode, rule, subject, period_label AS period, kind, severity, at,
  JSONExtractString(body, 'evaluation', 'verdict') AS verdict,
  ${decimalItems('actual', "accurateCastOrNull(JSONExtract(body, 'evaluation', 'value', 'Nullable(String)'), 'Decimal(38, 9)')")},
  JSONExtractString(body, 'evaluation', 'sentence') AS sentence, ${positionItem('place')} AS position, recorded_at
FROM (
  SELECT DISTINCT workspace, alert, episode, rule, subject, period_label, kind, severity, at, body, alert.position AS place, recorded_at
  FROM \`${database}\`.alert WHERE edition = ${edition}
)`,
  };
}

/** What is defined, for names, owners and units in reports. */
export function definitions(scope: BiScope): BiView {
  return {
    name: 'definitions',
    comment: 'The documents in force, and the key results of the objectives among them: titles, owners, units.',
    columns: [
      WORKSPACE,
      column('id', 'String', 'kind/name; of a key result key_result/OBJECTIVE/NAME'),
      column(
        'kind',
        NAME,
        'metric, kpi, objective, key_result, unit, cycle, calendar, policy, source, alert_rule, channel',
      ),
      column('name', 'String', 'Name'),
      column('title', 'String', 'Title; the name where there is none'),
      column('description', 'String', 'Description, empty without'),
      column('owner', 'String', 'Owner in force today, empty without'),
      column('unit', 'String', 'Organisational unit, empty without'),
      column('measure', 'String', 'Unit of measure of a metric, and of what reads it'),
      column('metric', 'String', 'Metric that a KPI or key result reads'),
      column('cycle', 'String', 'Cycle of an objective or key result'),
      column('parent', 'String', 'Parent objective, unit, or the objective of a key result'),
      column('aggregation', NAME, 'Of a metric: how points become one value over time; empty when derived'),
      column('across', NAME, 'Of a metric: how series become one value'),
      column('position', 'String', 'Place in the log of the command that made it what it is'),
      column('recorded_at', INSTANT, 'When that command was recorded'),
    ],
    select: `SELECT workspace, id, kind, name, if(title = '', name, title) AS title, description, owner, unit, measure, metric, cycle, parent, aggregation, across,
  ${positionItem('place')} AS position, recorded_at
FROM (SELECT * EXCEPT position, position AS place FROM ${definitionRows(scope)} WHERE NOT removed)`,
  };
}
