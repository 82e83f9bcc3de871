import type { Explanation } from '@paceline/domain/evaluate/explain';
import type { Verdict } from '@paceline/domain/evaluation';
import type { EvaluationDocument } from '@paceline/domain/json';

/** The answers of the API that this page reads (docs/api.md). */
export type Evaluation = EvaluationDocument;
export type { Explanation, Verdict };

export interface SubjectAbout {
  readonly title: string | null;
  readonly owner: string | null;
  /** Node of the organisation tree. */
  readonly unit: string | null;
  readonly cycle: string | null;
  readonly metric: string | null;
  /** Unit of measure of the value. */
  readonly measure: string | null;
}

export interface Meta {
  readonly workspace: string;
  readonly asOf: string;
  readonly knownAt: string;
  readonly position: string | null;
  readonly definitionVersion: string | null;
}

export interface TreeMember {
  readonly subject: string;
  readonly weight: number;
}

interface TreeSubject extends SubjectAbout {
  readonly subject: string;
  readonly name: string;
  readonly evaluation: Evaluation | null;
}

export interface TreeKeyResult extends TreeSubject {
  readonly type: string;
  readonly weight: number;
}

export interface TreeKpi extends TreeSubject {
  readonly direction: string;
}

export interface TreeObjective extends TreeSubject {
  readonly rollup: { readonly rule: 'mean' | 'min'; readonly minCoverage: number };
  /** Key results and child objectives, of other units too. */
  readonly members: readonly TreeMember[];
  readonly keyResults: readonly TreeKeyResult[];
  readonly objectives: readonly TreeObjective[];
}

export interface TreeUnit {
  readonly name: string;
  readonly title: string | null;
  readonly owner: string | null;
  readonly type: string;
  /** Its roll-up in the cycle, where it has objectives there. */
  readonly subject: string | null;
  readonly evaluation: Evaluation | null;
  readonly members: readonly TreeMember[];
  readonly objectives: readonly TreeObjective[];
  readonly kpis: readonly TreeKpi[];
  readonly units: readonly TreeUnit[];
}

export interface Cycle {
  readonly name: string;
  readonly from: string;
  readonly to: string;
  readonly timezone: string;
}

export interface TreeData {
  readonly cycle: Cycle | null;
  readonly units: readonly TreeUnit[];
  /** Of no unit, as are the KPIs. */
  readonly objectives: readonly TreeObjective[];
  readonly kpis: readonly TreeKpi[];
}

export interface TreeAnswer {
  readonly data: TreeData;
  readonly meta: Meta & {
    /** The server's clock: freshness is derived from it. */
    readonly now: string;
    readonly cycles: readonly Cycle[];
  };
}

/** One event of `/v1/status/stream`. */
export interface StatusNews {
  readonly position: string;
  readonly data: readonly Evaluation[];
  /** Subjects that are no longer evaluated. */
  readonly removed: readonly string[];
}

export interface TrendRow {
  readonly bucket: string;
  readonly from: string;
  readonly to: string;
  readonly value: string | null;
  readonly final: boolean;
  readonly target?: string | null;
  readonly targetLow?: string | null;
  readonly targetHigh?: string | null;
  readonly expectedValue?: string | null;
  readonly verdict?: Verdict | null;
  readonly progress?: number | null;
  readonly expected?: number | null;
  readonly measuredAt?: string | null;
  readonly definitions?: string | null;
}

export interface TrendAnswer {
  readonly data: readonly TrendRow[];
  readonly meta: Meta & {
    readonly window: string;
    readonly timezone: string;
    readonly granularity: string;
    readonly unit: string | null;
    readonly truncated: boolean;
  };
}

export interface AlertView {
  readonly id: string;
  readonly rule: string;
  readonly subject: string;
  readonly period: string;
  readonly state: string;
  readonly severity: string;
  readonly openedAt: string;
  readonly lastAt: string;
  readonly suppression: string | null;
  readonly sentence: string;
}

export interface AlertsAnswer {
  readonly data: readonly AlertView[];
}

export interface ExplainAnswer {
  readonly data: Explanation;
}
