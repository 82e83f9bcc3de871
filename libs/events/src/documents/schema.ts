import type {
  AlertRuleDocument,
  CalendarDocument,
  ChannelDocument,
  CycleDocument,
  Document,
  JsonValue,
  KeyResultSpec,
  Kind,
  KpiDocument,
  MetricDocument,
  ObjectiveDocument,
  PolicyDocument,
  SourceDocument,
  UnitDocument,
} from '@paceline/domain';
import { z } from 'zod';
import * as part from './parts.ts';

/*
 * The ten kinds of `paceline/v1`, strict. What comes out is normalised and goes in again unchanged, so the same schemas read
 * files and records. `satisfies` makes the compiler compare each with the domain's interface. References, loops and
 * combinations of keys are the business of the domain's `validateDocuments`.
 */
export const API_VERSION = 'paceline/v1';

function kind<const K extends Kind, S extends z.ZodType>(name: K, spec: S) {
  return part.strict({
    apiVersion: z.literal(API_VERSION),
    kind: z.literal(name),
    metadata: part.metadata,
    spec,
  });
}

export const unit = kind(
  'Unit',
  part.strict({
    type: z.enum(['company', 'department', 'team', 'person']),
    parent: part.reference.exactOptional(),
  }),
) satisfies z.ZodType<UnitDocument>;

export const cycle = kind(
  'Cycle',
  part.strict({
    firstDay: part.date,
    lastDay: part.date,
    timezone: part.timezone,
    closeAfter: part.duration.exactOptional(),
  }),
) satisfies z.ZodType<CycleDocument>;

export const calendar = kind(
  'Calendar',
  part.strict({
    timezone: part.timezone,
    weekStart: z.enum(['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday']).exactOptional(),
    fiscalYearStart: z.int().min(1, 'is no month').max(12, 'is no month').exactOptional(),
    periods: z
      .array(part.strict({ label: part.text, firstDay: part.date, lastDay: part.date }))
      .max(10_000)
      .exactOptional(),
  }),
) satisfies z.ZodType<CalendarDocument>;

export const metric = kind(
  'Metric',
  part.strict({
    aggregation: z
      .enum([
        'sum',
        'avg',
        'min',
        'max',
        'first',
        'last',
        'count',
        'distinct',
        'median',
        'p90',
        'p95',
        'p99',
        'ratio',
        'counter',
      ])
      .exactOptional(),
    derived: part.text.exactOptional(),
    across: z.enum(['sum', 'avg', 'min', 'max', 'pool', 'none']).exactOptional(),
    points: z.enum(['period', 'time']).exactOptional(),
    unit: part.text.exactOptional(),
    grain: part.grain,
    timezone: part.timezone.exactOptional(),
    calendar: part.reference.exactOptional(),
    settle: part.duration.exactOptional(),
    cadence: part.duration.exactOptional(),
    dimensions: z.array(part.text).max(64, 'more than 64 dimensions').exactOptional(),
    revisions: z.literal('source').exactOptional(),
    future: z.boolean().exactOptional(),
    personal: z.array(part.text).max(64, 'more than 64 dimensions').exactOptional(),
    push: z.boolean().exactOptional(),
  }),
) satisfies z.ZodType<MetricDocument>;

const toDate = z.enum(['week', 'month', 'quarter', 'year', 'fiscal_quarter', 'fiscal_year', 'period', 'cycle']);

export const kpi = kind(
  'Kpi',
  part.strict({
    metric: part.reference,
    unit: part.reference.exactOptional(),
    where: part.where.exactOptional(),
    direction: z.enum(['higher', 'lower', 'within']),
    period: z.union([
      z.literal('latest'),
      part.strict({ toDate }),
      part.strict({ each: part.grain }),
      part.strict({ rolling: part.strict({ bucket: part.grain, count: part.count }) }),
    ]),
    cycle: part.reference.exactOptional(),
    calendar: part.reference.exactOptional(),
    targets: part.entries(z.union([part.decimal, part.bounds])).exactOptional(),
    pace: part.pace.exactOptional(),
    policy: part.dated(part.reference).exactOptional(),
    bands: part.dated(part.bands).exactOptional(),
  }),
) satisfies z.ZodType<KpiDocument>;

const keyResult = part.strict({
  name: part.name,
  title: part.text.exactOptional(),
  type: z.enum(['reach', 'at_least', 'at_most', 'between', 'milestones', 'done']),
  metric: part.reference.exactOptional(),
  where: part.where.exactOptional(),
  baseline: part.dated(z.union([z.literal('start'), part.decimal])).exactOptional(),
  target: part.dated(z.union([part.decimal, part.bounds])).exactOptional(),
  direction: z.enum(['higher', 'lower']).exactOptional(),
  exclusive: z.boolean().exactOptional(),
  mode: z.enum(['compliance', 'latest', 'worst']).exactOptional(),
  grain: part.grain.exactOptional(),
  complianceTarget: part.num.exactOptional(),
  weight: part.dated(part.num).exactOptional(),
  milestones: z
    .array(part.strict({ name: part.name, weight: part.num.exactOptional(), due: part.date.exactOptional() }))
    .min(1, 'is empty')
    .max(200)
    .exactOptional(),
  pace: part.pace.exactOptional(),
  policy: part.dated(part.reference).exactOptional(),
  owner: part.dated(part.text).exactOptional(),
}) satisfies z.ZodType<KeyResultSpec>;

export const objective = kind(
  'Objective',
  part.strict({
    cycle: part.reference,
    unit: part.reference.exactOptional(),
    parent: part.reference.exactOptional(),
    weight: part.dated(part.num).exactOptional(),
    ambition: z.enum(['committed', 'aspirational']).exactOptional(),
    rollup: z.enum(['mean', 'min']).exactOptional(),
    minCoverage: part.num.exactOptional(),
    policy: part.dated(part.reference).exactOptional(),
    pace: part.pace.exactOptional(),
    keyResults: z.array(keyResult).max(200, 'more than 200 key results').exactOptional(),
  }),
) satisfies z.ZodType<ObjectiveDocument>;

const threshold = part
  .strict({
    atLeast: part.num.exactOptional(),
    above: part.num.exactOptional(),
    atMost: part.num.exactOptional(),
    below: part.num.exactOptional(),
  })
  .refine((value) => Object.keys(value).length === 1, 'needs exactly one of atLeast, above, atMost, below');

export const policy = kind(
  'Policy',
  part.strict({
    kind: z.enum(['gap', 'ratio', 'final', 'probability']),
    onTrack: threshold,
    atRisk: threshold,
    minElapsed: part.num.exactOptional(),
    deadBand: part.num.exactOptional(),
    recoverMargin: part.num.exactOptional(),
  }),
) satisfies z.ZodType<PolicyDocument>;

const json: z.ZodType<JsonValue> = z.json();
const sourceMap = part.strict({
  metric: part.reference,
  time: part.text,
  value: part.text.exactOptional(),
  numerator: part.text.exactOptional(),
  denominator: part.text.exactOptional(),
  id: part.text.exactOptional(),
  revision: part.text.exactOptional(),
  dimensions: z.union([z.array(part.text).max(64), z.record(z.string(), part.text)]).exactOptional(),
});

export const source = kind(
  'Source',
  part.strict({
    connector: part.text,
    config: z.record(z.string(), json).exactOptional(),
    schedule: part
      .strict({ every: part.duration.exactOptional(), settle: part.duration.exactOptional() })
      .exactOptional(),
    query: z.string().min(1, 'is empty').max(100_000).exactOptional(),
    window: part
      .strict({
        period: part.duration.exactOptional(),
        lookback: part.duration.exactOptional(),
        start: part.date.exactOptional(),
      })
      .exactOptional(),
    map: z.union([sourceMap, z.array(sourceMap).min(1, 'is empty').max(100)]),
  }),
) satisfies z.ZodType<SourceDocument>;

export const alertRule = kind(
  'AlertRule',
  part.strict({
    watch: z.array(part.text).min(1, 'is empty').max(10_000),
    when: z.enum(['at_risk', 'off_track', 'missed']),
    for: part.count.exactOptional(),
    recover: part.count.exactOptional(),
    severity: z.enum(['info', 'warn', 'page']).exactOptional(),
    channels: z.array(part.reference).max(100).exactOptional(),
    remind: part.duration.exactOptional(),
  }),
) satisfies z.ZodType<AlertRuleDocument>;

export const channel = kind(
  'Channel',
  part.strict({
    type: z.literal('webhook'),
    url: part.text,
    secret: part.text.exactOptional(),
  }),
) satisfies z.ZodType<ChannelDocument>;

export const SCHEMAS = {
  Unit: unit,
  Cycle: cycle,
  Calendar: calendar,
  Metric: metric,
  Kpi: kpi,
  Objective: objective,
  Policy: policy,
  Source: source,
  AlertRule: alertRule,
  Channel: channel,
} as const satisfies Record<Kind, z.ZodType<Document>>;

export const documentSchema = z.discriminatedUnion('kind', [
  unit,
  cycle,
  calendar,
  metric,
  kpi,
  objective,
  policy,
  source,
  alertRule,
  channel,
]) satisfies z.ZodType<Document>;

/** JSON Schema of one document, for completion in editors (`yaml-language-server: $schema=…`). */
export function documentJsonSchema(): unknown {
  return z.toJSONSchema(documentSchema, { io: 'input', target: 'draft-7' });
}
