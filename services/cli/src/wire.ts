import type { Verdict } from '@paceline/domain';

/** An evaluation as the API prints it; see SURFACE "Evaluation" in docs/api.md. */
export interface EvaluationView {
  readonly subject: string;
  readonly asOf: string;
  readonly knownAt: string;
  readonly measuredAt: string | null;
  readonly period: { readonly from: string; readonly to: string; readonly label: string } | null;
  readonly position: string;
  readonly value: string | null;
  readonly target: string | null;
  readonly targetLow: string | null;
  readonly targetHigh: string | null;
  readonly progress: number | null;
  readonly expected: number | null;
  readonly expectedValue: string | null;
  readonly pace: number | null;
  readonly verdict: Verdict;
  readonly reason: string;
  readonly lateAt: string | null;
  readonly staleAt: string | null;
  readonly provisional: boolean;
  readonly coverage: number | null;
  readonly worstChild: Verdict | null;
  readonly sentence: string;
}

export interface SubjectAbout {
  readonly title: string | null;
  readonly owner: string | null;
  readonly unit: string | null;
}

export interface StatusAnswer {
  readonly data: readonly EvaluationView[];
  readonly meta: {
    /** The server's own now: freshness is derived from it. */
    readonly now: string;
    readonly subjects: Readonly<Record<string, SubjectAbout>>;
  };
}

/** Of an explanation what a roll-up shows. */
export interface MembersAnswer {
  readonly data: {
    readonly formulas: readonly { readonly name: string; readonly formula: string }[];
    readonly members: readonly {
      readonly subject: string;
      readonly weight: number;
      readonly progress: number | null;
      readonly expected: number | null;
      readonly coverage: number | null;
      readonly verdict: Verdict;
    }[];
  };
}

export interface TrendRow {
  readonly bucket: string;
  readonly from: string;
  readonly to: string;
  readonly value: string | null;
  readonly count: number;
  readonly final: boolean;
  readonly dimensions?: Readonly<Record<string, string>>;
  readonly target?: string | null;
  readonly expectedValue?: string | null;
  readonly targetLow?: string | null;
  readonly targetHigh?: string | null;
  readonly progress?: number | null;
  readonly expected?: number | null;
  readonly verdict?: Verdict | null;
}

export interface TrendAnswer {
  readonly data: readonly TrendRow[];
  readonly meta: { readonly unit: string | null; readonly truncated: boolean };
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
