/**
 * Definition documents after parsing: the shapes of `paceline/v1`. Values keep the text that was written (numbers by
 * their shortest decimal text), so nothing is lost between a file and the log. Parsing and unknown keys are the
 * business of `@paceline/events`; meaning is that of `validate` and `compile` here.
 */
export type DecimalText = string;
export type DateText = string;
export type DurationText = string;

export interface Metadata {
  readonly name: string;
  readonly title?: string;
  readonly description?: string;
  readonly owner?: string | readonly DatedEntry<string>[];
  readonly labels?: Readonly<Record<string, string>>;
}

export interface DatedEntry<Value> {
  readonly effectiveFrom: DateText;
  readonly value: Value;
  readonly mode?: 'prospective' | 'retroactive';
  readonly reason?: string;
}
export type Dated<Value> = Value | readonly DatedEntry<Value>[];

export interface Bounds {
  readonly low: DecimalText;
  readonly high: DecimalText;
}

export type Aggregation =
  | 'sum'
  | 'avg'
  | 'min'
  | 'max'
  | 'first'
  | 'last'
  | 'count'
  | 'distinct'
  | 'median'
  | 'p90'
  | 'p95'
  | 'p99'
  | 'ratio'
  | 'counter';
export type Across = 'sum' | 'avg' | 'min' | 'max' | 'pool' | 'none';
/** `fiscal_quarter` and `fiscal_year` by the calendar's fiscalYearStart, `period` by the calendar's own table. */
export type Grain =
  | 'hour'
  | 'day'
  | 'week'
  | 'month'
  | 'quarter'
  | 'year'
  | 'fiscal_quarter'
  | 'fiscal_year'
  | 'period';

interface Base<Kind extends string, Spec> {
  readonly apiVersion: 'paceline/v1';
  readonly kind: Kind;
  readonly metadata: Metadata;
  readonly spec: Spec;
}

export type UnitDocument = Base<
  'Unit',
  {
    readonly type: 'company' | 'department' | 'team' | 'person';
    readonly parent?: string;
  }
>;

export type CycleDocument = Base<
  'Cycle',
  {
    readonly firstDay: DateText;
    readonly lastDay: DateText;
    readonly timezone: string;
    readonly closeAfter?: DurationText;
  }
>;

export type CalendarDocument = Base<
  'Calendar',
  {
    readonly timezone: string;
    readonly weekStart?: 'monday' | 'tuesday' | 'wednesday' | 'thursday' | 'friday' | 'saturday' | 'sunday';
    /** Month 1..12 in which the fiscal year starts. */
    readonly fiscalYearStart?: number;
    readonly periods?: readonly { readonly label: string; readonly firstDay: DateText; readonly lastDay: DateText }[];
  }
>;

export type MetricDocument = Base<
  'Metric',
  {
    readonly aggregation?: Aggregation;
    readonly derived?: string;
    readonly across?: Across;
    readonly points?: 'period' | 'time';
    readonly unit?: string;
    readonly grain: Grain;
    readonly timezone?: string;
    readonly calendar?: string;
    readonly settle?: DurationText;
    readonly cadence?: DurationText;
    readonly dimensions?: readonly string[];
    readonly revisions?: 'source';
    readonly future?: boolean;
    readonly personal?: readonly string[];
    /** `false` refuses pushes to this metric. */
    readonly push?: boolean;
  }
>;

export type PacePoint = { readonly elapsed: number; readonly expected: number };
export type Pace =
  | 'linear'
  | 'seasonal'
  | { readonly seasonal: { readonly season: 'year' } }
  | {
      readonly phased: {
        readonly mode: 'interpolated' | 'stepped';
        readonly targets: readonly { readonly date: DateText; readonly value: DecimalText }[];
      };
    }
  | { readonly points: readonly PacePoint[] };

export type ToDate = 'week' | 'month' | 'quarter' | 'year' | 'fiscal_quarter' | 'fiscal_year' | 'period' | 'cycle';
export type KpiPeriod =
  | 'latest'
  | { readonly toDate: ToDate }
  | { readonly each: Grain }
  | { readonly rolling: { readonly bucket: Grain; readonly count: number } };

export interface Bands {
  /** A decimal, or a share of the expected value: `"95%"`. */
  readonly onTrack?: DecimalText;
  readonly atRisk?: DecimalText | Bounds;
}

export type KpiDocument = Base<
  'Kpi',
  {
    readonly metric: string;
    readonly unit?: string;
    readonly where?: Readonly<Record<string, string>>;
    readonly direction: 'higher' | 'lower' | 'within';
    readonly period: KpiPeriod;
    readonly cycle?: string;
    readonly calendar?: string;
    readonly targets?: readonly DatedEntry<DecimalText | Bounds>[];
    readonly pace?: Pace;
    readonly policy?: Dated<string>;
    readonly bands?: Dated<Bands>;
  }
>;

export interface Milestone {
  readonly name: string;
  readonly weight?: number;
  readonly due?: DateText;
}

export interface KeyResultSpec {
  readonly name: string;
  readonly title?: string;
  readonly type: 'reach' | 'at_least' | 'at_most' | 'between' | 'milestones' | 'done';
  readonly metric?: string;
  readonly where?: Readonly<Record<string, string>>;
  /** `start`: the aggregate of the last bucket with data before the cycle. */
  readonly baseline?: Dated<DecimalText>;
  readonly target?: Dated<DecimalText | Bounds>;
  readonly direction?: 'higher' | 'lower';
  readonly exclusive?: boolean;
  readonly mode?: 'compliance' | 'latest' | 'worst';
  readonly grain?: Grain;
  readonly complianceTarget?: number;
  readonly weight?: Dated<number>;
  readonly milestones?: readonly Milestone[];
  readonly pace?: Pace;
  readonly policy?: Dated<string>;
  readonly owner?: Dated<string>;
}

export type ObjectiveDocument = Base<
  'Objective',
  {
    readonly cycle: string;
    readonly unit?: string;
    readonly parent?: string;
    readonly weight?: Dated<number>;
    readonly ambition?: 'committed' | 'aspirational';
    readonly rollup?: 'mean' | 'min';
    readonly minCoverage?: number;
    readonly policy?: Dated<string>;
    readonly pace?: Pace;
    readonly keyResults?: readonly KeyResultSpec[];
  }
>;

export interface Threshold {
  readonly atLeast?: number;
  readonly above?: number;
  readonly atMost?: number;
  readonly below?: number;
}

export type PolicyDocument = Base<
  'Policy',
  {
    readonly kind: 'gap' | 'ratio' | 'final' | 'probability';
    readonly onTrack: Threshold;
    readonly atRisk: Threshold;
    readonly minElapsed?: number;
    readonly deadBand?: number;
    readonly recoverMargin?: number;
  }
>;

export type JsonValue = null | boolean | number | string | readonly JsonValue[] | { readonly [key: string]: JsonValue };

export type SourceDocument = Base<
  'Source',
  {
    readonly connector: string;
    /** Secrets stay references: `${secret:NAME#key}`. */
    readonly config?: Readonly<Record<string, JsonValue>>;
    readonly schedule?: { readonly every?: DurationText; readonly settle?: DurationText };
    /** What the connector reads: SQL with :from and :to, or the connector's own stream name. */
    readonly query?: string;
    readonly window?: { readonly period?: DurationText; readonly lookback?: DurationText; readonly start?: DateText };
    /** One mapping or several: columns (or JSON Pointers) of a row to points of metrics. */
    readonly map: SourceMap | readonly SourceMap[];
  }
>;

export interface SourceMap {
  readonly metric: string;
  /** Column holding the period (by the metric's grain) or the instant. */
  readonly time: string;
  readonly value?: string;
  readonly numerator?: string;
  readonly denominator?: string;
  readonly id?: string;
  readonly revision?: string;
  /** Columns that are dimensions of the same name, or `{dimension: column}`. */
  readonly dimensions?: readonly string[] | Readonly<Record<string, string>>;
}

export type AlertRuleDocument = Base<
  'AlertRule',
  {
    /** Subject ids; `kpi/*` and the like are globs. */
    readonly watch: readonly string[];
    readonly when: 'at_risk' | 'off_track' | 'missed';
    /** Complete points that must be bad before it fires. Default 1. */
    readonly for?: number;
    /** Complete points that must be good before it recovers. Default 1. */
    readonly recover?: number;
    readonly severity?: 'info' | 'warn' | 'page';
    readonly channels?: readonly string[];
    readonly remind?: DurationText;
  }
>;

export type ChannelDocument = Base<
  'Channel',
  {
    readonly type: 'webhook';
    readonly url: string;
    readonly secret?: string;
  }
>;

export type Document =
  | UnitDocument
  | CycleDocument
  | CalendarDocument
  | MetricDocument
  | KpiDocument
  | ObjectiveDocument
  | PolicyDocument
  | SourceDocument
  | AlertRuleDocument
  | ChannelDocument;
export type Kind = Document['kind'];

const ID_KINDS: Readonly<Record<Kind, string>> = {
  Unit: 'unit',
  Cycle: 'cycle',
  Calendar: 'calendar',
  Metric: 'metric',
  Kpi: 'kpi',
  Objective: 'objective',
  Policy: 'policy',
  Source: 'source',
  AlertRule: 'alert_rule',
  Channel: 'channel',
};

/** `kpi/new-revenue`, `alert_rule/mrr-off-track`. */
export function documentId(
  document: Pick<Document, 'kind'> & { readonly metadata: { readonly name: string } },
): string {
  return `${ID_KINDS[document.kind]}/${document.metadata.name}`;
}
