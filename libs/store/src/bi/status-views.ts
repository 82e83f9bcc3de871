import {
  type BiColumn,
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

const WHO: readonly BiColumn[] = [
  column('workspace', NAME, 'Workspace'),
  column('subject', NAME, 'kind/name, of a key result key_result/OBJECTIVE/NAME'),
  column('name', 'String', 'Name in the definition'),
  column('title', 'String', 'Title; the name where there is none'),
  column('owner', 'String', 'Owner, empty without'),
  column('unit', 'String', 'Organisational unit, empty without'),
];
const WHAT: readonly BiColumn[] = [
  column('metric', 'String', 'Metric that is read; empty for one fed by check-ins'),
  column('measure', 'String', 'Unit of measure of the values, such as EUR'),
];
const WHEN: readonly BiColumn[] = [
  column('period', 'String', 'Label of the judged period'),
  column('period_from', `Nullable(${INSTANT})`, 'Start of the judged period'),
  column('period_to', `Nullable(${INSTANT})`, 'End of the judged period, exclusive'),
  column('as_of', INSTANT, 'Instant the evaluation is of'),
  column('measured_at', `Nullable(${INSTANT})`, 'How far the value reaches'),
];
const VALUES: readonly BiColumn[] = [
  ...decimalColumns('actual', 'Measured value'),
  ...decimalColumns('baseline', 'Where it began'),
  ...decimalColumns('target', 'Target'),
  ...decimalColumns('target_low', 'Lower end of a target range'),
  ...decimalColumns('target_high', 'Upper end of a target range'),
  ...decimalColumns('expected', 'What the pace expects by now'),
];
const RATIOS: readonly BiColumn[] = [
  column('progress', RATIO, 'Share of the way to the target, 1 is all of it'),
  column('elapsed', RATIO, 'Share of the period that has passed'),
  column('expected_progress', RATIO, 'Progress that the pace expects by now'),
  column('pace', RATIO, 'Progress divided by expected progress'),
  column('gap', RATIO, 'Expected progress less progress'),
];
const JUDGED: readonly BiColumn[] = [
  column(
    'verdict',
    NAME,
    'missed, off_track, at_risk, no_target, no_data, insufficient_data, not_started, on_track, achieved',
  ),
  column('reason', NAME, 'Why this verdict'),
];
const FRESH: readonly BiColumn[] = [
  column(
    'freshness',
    'Nullable(String)',
    'fresh, late or stale by the engine’s clock now; NULL where nothing was ever observed',
  ),
  column('late_at', `Nullable(${INSTANT})`, 'When it turns late without news'),
  column('stale_at', `Nullable(${INSTANT})`, 'When it turns stale without news'),
  column('last_observed_at', `Nullable(${INSTANT})`, 'End of the last bucket with data'),
];
const LAST: readonly BiColumn[] = [
  column('provisional', 'Bool', 'A bucket that is not complete was used'),
  column('coverage', RATIO, 'Share of the weight below that has a verdict'),
  column('sentence', 'String', 'The evaluation in words'),
  column('policy', 'Nullable(String)', 'Policy that judged'),
  column('position', 'String', 'Place in the log up to which it knows everything'),
  column('recorded_at', INSTANT, 'When that was recorded'),
];

/** What is read from the evaluation's own JSON, once a row. */
const PRINTED = `Tuple(
    asOf String, measuredAt Nullable(String), period Tuple(from Nullable(String), to Nullable(String), label Nullable(String)),
    baseline Nullable(String), targetLow Nullable(String), targetHigh Nullable(String), expectedValue Nullable(String),
    elapsed Nullable(Float64), gap Nullable(Float64), reason String, freshness Nullable(String), provisional Bool, coverage Nullable(Float64),
    worstChild Nullable(String), score Nullable(Float64), sentence String, policy Nullable(String))`;

function instantItem(path: string): string {
  return `parseDateTime64BestEffortOrNull(coalesce(${path}, ''), 6, 'UTC')`;
}

function decimalText(path: string): string {
  return `accurateCastOrNull(${path}, 'Decimal(38, 9)')`;
}

/** Freshness from the two instants and the clock of now, as every surface derives it. */
const FRESHNESS = `multiIf(e.freshness IS NULL, NULL, s.7 IS NOT NULL AND now64(6, 'UTC') > s.7, 'stale',
    s.6 IS NOT NULL AND now64(6, 'UTC') > s.6, 'late', s.6 IS NULL, e.freshness, 'fresh')`;

interface Shape {
  readonly name: string;
  readonly kind: 'kpi' | 'key_result' | 'objective';
  readonly comment: string;
  readonly extra: readonly (readonly [BiColumn, string])[];
  readonly values: boolean;
}

const SHAPES: readonly Shape[] = [
  {
    name: 'kpi_status',
    kind: 'kpi',
    comment: 'The latest evaluation of every KPI in its current period, one row a KPI.',
    extra: [],
    values: true,
  },
  {
    name: 'key_result_status',
    kind: 'key_result',
    comment: 'The latest evaluation of every key result, one row each.',
    extra: [
      [column('objective', 'String', 'Objective it belongs to'), 'd.parent'],
      [column('cycle', 'String', 'Cycle of the objective'), 'd.cycle'],
      [column('score', RATIO, 'Closing score, once the cycle is closed'), 'e.score'],
    ],
    values: true,
  },
  {
    name: 'objective_status',
    kind: 'objective',
    comment: 'The latest evaluation of every objective, rolled up from its key results and children, one row each.',
    extra: [
      [column('parent', 'String', 'Parent objective, empty at the top'), 'd.parent'],
      [column('cycle', 'String', 'Cycle of the objective'), 'd.cycle'],
      [column('score', RATIO, 'Closing score, once the cycle is closed'), 'e.score'],
      [column('worst_child', 'Nullable(String)', 'Worst verdict below'), 'e.worstChild'],
    ],
    values: false,
  },
];

export function statusViews(scope: BiScope): readonly BiView[] {
  return SHAPES.map((shape) => ({
    name: shape.name,
    comment: shape.comment,
    columns: [
      ...WHO,
      ...shape.extra.map(([extra]) => extra),
      ...(shape.values ? WHAT : []),
      ...WHEN,
      ...(shape.values ? VALUES : []),
      ...RATIOS,
      ...JUDGED,
      ...FRESH,
      ...LAST,
    ],
    select: select(scope, shape),
  }));
}

function select(scope: BiScope, { kind, extra, values }: Shape): string {
  const numbers = [
    decimalItems('actual', 's.2'),
    decimalItems('baseline', decimalText('e.baseline')),
    decimalItems('target', 's.3'),
    decimalItems('target_low', decimalText('e.targetLow')),
    decimalItems('target_high', decimalText('e.targetHigh')),
    decimalItems('expected', decimalText('e.expectedValue')),
  ].join(', ');
  const tables = `\`${scope.database}\``;
  return `SELECT l.workspace AS workspace, l.subject AS subject, d.name AS name, if(d.title = '', d.name, d.title) AS title, d.owner AS owner, d.unit AS unit,
  ${extra.map(([{ name }, expression]) => `${expression} AS ${name}, `).join('')}${values ? 'd.metric AS metric, d.measure AS measure, ' : ''}
  coalesce(e.period.label, '') AS period, ${instantItem('e.period.from')} AS period_from, ${instantItem('e.period.to')} AS period_to,
  assumeNotNull(${instantItem('e.asOf')}) AS as_of, ${instantItem('e.measuredAt')} AS measured_at,
  ${values ? `${numbers},` : ''}
  s.4 AS progress, e.elapsed AS elapsed, s.5 AS expected_progress, s.11 AS pace, e.gap AS gap,
  toLowCardinality(s.1) AS verdict, toLowCardinality(e.reason) AS reason,
  ${FRESHNESS} AS freshness, s.6 AS late_at, s.7 AS stale_at, s.8 AS last_observed_at,
  e.provisional AS provisional, e.coverage AS coverage, e.sentence AS sentence, e.policy AS policy,
  ${positionItem('l.at')} AS position, s.9 AS recorded_at
FROM (
  SELECT workspace, subject, at, s, JSONExtract(s.10, '${PRINTED.replaceAll('\n', ' ')}') AS e FROM (
    SELECT workspace, subject, max(position) AS at,
      argMax(tuple(toString(verdict), value, target, progress, expected, late_at, stale_at, last_observed_at, recorded_at, evaluation, pace, removed), status.position) AS s
    FROM ${tables}.status WHERE edition = ${scope.edition} AND startsWith(subject, '${kind}/') AND position(subject, '@') = 0
    GROUP BY workspace, subject
  ) WHERE NOT s.12
) AS l
INNER JOIN ${definitionRows(scope)} AS d ON d.workspace = l.workspace AND d.id = l.subject`;
}
