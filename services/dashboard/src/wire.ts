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
}

export interface StatusAnswer {
  readonly data: readonly Evaluation[];
  readonly meta: Meta & {
    /** The server's clock: freshness is derived from it. */
    readonly now: string;
    readonly subjects: Readonly<Record<string, SubjectAbout>>;
  };
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
