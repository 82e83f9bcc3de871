import type { Effective } from '../dating.ts';
import type { Instant, Span } from '../instant.ts';
import type { Metric } from '../metric/metric.ts';
import type { Rational } from '../number/rational.ts';
import type { PaceLine } from '../pace/line.ts';
import type { Policy } from '../policy/policy.ts';
import type { Grid } from '../time/bucket.ts';
import type { Duration } from '../time/duration.ts';
import type { Zone } from '../time/zone.ts';

/** Own, objective's, workspace's: the nearest that is in force wins. */
export type PolicyLayers = readonly Effective<Policy>[];
/** Who owns it, by id: own, else the objective's. */
export type OwnerLayers = readonly Effective<string>[];

/** What a subject reads: the points of a metric whose dimensions match. */
export interface Source {
  readonly metric: Metric;
  readonly where: Readonly<Record<string, string>>;
}

export interface CompiledCycle {
  readonly name: string;
  readonly zone: Zone;
  readonly span: Span;
  /** How long check-in fed key results stay open after the end. */
  readonly closeAfter: Duration;
  /** Where the cycle is a month, quarter or year: the grid it is a bucket of. Seasons step along it. */
  readonly periods: Grid | null;
}

export interface Range {
  readonly low: Rational;
  readonly high: Rational;
}

export interface CompiledMilestone {
  readonly name: string;
  readonly weight: Rational;
  /** 24:00 of the due day; `null`: the end of the cycle. */
  readonly due: Instant | null;
}

export type KeyResultType = 'reach' | 'at_least' | 'at_most' | 'between' | 'milestones' | 'done';

export interface CompiledKeyResult {
  readonly kind: 'key_result';
  /** `key_result/OBJECTIVE/NAME`. */
  readonly subject: string;
  readonly name: string;
  readonly objective: string;
  readonly cycle: CompiledCycle;
  readonly type: KeyResultType;
  /** `null`: fed by check-ins. */
  readonly source: Source | null;
  readonly cumulative: boolean;
  readonly baseline: Effective<Rational | 'start'>;
  readonly target: Effective<Rational>;
  readonly range: Effective<Range>;
  readonly direction: 'higher' | 'lower';
  readonly exclusive: boolean;
  readonly mode: 'compliance' | 'latest' | 'worst';
  /** The judged grains of at_least, at_most and between; of check-in fed key results weeks unless said otherwise. */
  readonly grid: Grid;
  /** What P must reach at the close: `complianceTarget`, or 1 committed, .7 aspirational. */
  readonly bar: number;
  readonly weight: Effective<number>;
  readonly milestones: readonly CompiledMilestone[];
  readonly pace: PaceLine;
  readonly policy: PolicyLayers;
  /** The instant from which the period is closed. */
  readonly close: Instant;
  readonly unit: string | null;
  readonly owner: OwnerLayers;
}

export interface CompiledObjective {
  readonly kind: 'objective';
  readonly subject: string;
  readonly name: string;
  readonly cycle: CompiledCycle;
  readonly unit: string | null;
  readonly parent: string | null;
  readonly weight: Effective<number>;
  readonly bar: number;
  readonly rollup: 'mean' | 'min';
  readonly minCoverage: number;
  readonly policy: PolicyLayers;
  readonly keyResults: readonly CompiledKeyResult[];
  readonly owner: OwnerLayers;
  /** Child objectives, in the order of their documents. */
  readonly children: readonly CompiledObjective[];
  readonly close: Instant;
}

/** A unit's roll-up over one cycle. */
export interface CompiledUnitCycle {
  readonly kind: 'unit';
  /** `unit/NAME@CYCLE`. */
  readonly subject: string;
  readonly name: string;
  readonly cycle: CompiledCycle;
  readonly policy: PolicyLayers;
  readonly members: readonly CompiledObjective[];
  readonly close: Instant;
}

export type CompiledKpiPeriod =
  | { readonly kind: 'toDate'; readonly grid: Grid }
  | { readonly kind: 'cycle'; readonly cycle: CompiledCycle }
  | { readonly kind: 'each'; readonly grid: Grid }
  | { readonly kind: 'rolling'; readonly grid: Grid; readonly count: number }
  | { readonly kind: 'latest'; readonly grid: Grid };

/** A band's edge: a plain decimal, or a share of the expected value. */
export interface BandEdge {
  readonly value: Rational;
  readonly share: boolean;
}
export interface CompiledBands {
  readonly onTrack: BandEdge | null;
  readonly atRisk: BandEdge | null;
  /** Of `within`. */
  readonly atRiskRange: Range | null;
}

export interface CompiledKpi {
  readonly kind: 'kpi';
  /** `kpi/NAME`. */
  readonly subject: string;
  readonly name: string;
  readonly unit: string | null;
  readonly source: Source;
  readonly direction: 'higher' | 'lower' | 'within';
  readonly period: CompiledKpiPeriod;
  readonly cumulative: boolean;
  readonly target: Effective<Rational>;
  readonly range: Effective<Range>;
  readonly bands: Effective<CompiledBands>;
  readonly hasBands: boolean;
  readonly owner: OwnerLayers;
  readonly pace: PaceLine;
  readonly policy: PolicyLayers;
}

export type CompiledSubject = CompiledKeyResult | CompiledObjective | CompiledUnitCycle | CompiledKpi;
