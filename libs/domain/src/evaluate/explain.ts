import type { Catalog } from '../catalog.ts';
import { nearestInForce } from '../dating.ts';
import type { CompiledSubject, Source } from '../definition/compiled.ts';
import type { Threshold } from '../document.ts';
import type { Instant, Span } from '../instant.ts';
import { type EvaluationDocument, evaluationToJson } from '../json.ts';
import { sourcesOf } from '../metric/metric.ts';
import { barsOf } from '../policy/judge.ts';
import { formatPosition } from '../position.ts';
import { isReason, REASONS } from '../reasons.ts';
import { subjectOf } from '../subjects.ts';
import { instantText } from '../time/instant-text.ts';
import type { View } from '../view.ts';
import { evaluateTraced } from './evaluator.ts';
import { formulasOf } from './formulas.ts';
import { emptyTrace, type TraceFormula, type TraceMember } from './trace.ts';

/** An evaluation expanded until it can be recomputed by hand from what is listed (EVALUATION §10). */
export interface Explanation {
  readonly evaluation: EvaluationDocument;
  /** What the reason means, and what to do. */
  readonly reason: { readonly code: string; readonly meaning: string; readonly remedy: string };
  /** The documents that had a say, with the position at which each became known. */
  readonly definitions: readonly { readonly id: string; readonly position: string }[];
  readonly policy: ExplainedPolicy | null;
  readonly calendar: {
    readonly timezone: string;
    readonly from: string | null;
    readonly to: string | null;
    /** From here on the period is closed; `null` where it never closes. */
    readonly close: string | null;
  };
  readonly windows: readonly ExplainedWindow[];
  readonly formulas: readonly TraceFormula[];
  readonly thresholds: readonly {
    readonly verdict: string;
    readonly measure: number;
    readonly bar: Threshold;
    readonly passed: boolean;
  }[];
  readonly members: readonly TraceMember[];
  readonly sentence: string;
}

export interface ExplainedPolicy {
  readonly label: string;
  readonly kind: string;
  readonly onTrack: Threshold;
  readonly atRisk: Threshold;
  readonly minElapsed: number;
  readonly deadBand: number;
}

export interface ExplainedWindow {
  /** `value`, `baseline` or `grain`. */
  readonly what: string;
  readonly metric: string;
  readonly where: Readonly<Record<string, string>>;
  readonly aggregation: string;
  readonly spans: readonly { readonly from: string; readonly to: string }[];
  readonly value: string | null;
  /** Points used, and the time of the latest. */
  readonly count: number;
  readonly series: number;
  readonly lastAt: string | null;
  readonly carried: boolean;
}

/** `undefined` when the view's definitions have no such subject. */
export function explain(view: View, subject: string, asOf: Instant): Explanation | undefined {
  const trace = emptyTrace();
  const evaluation = evaluateTraced(view, subject, asOf, trace);
  const compiled = subjectOf(view.catalog, subject)?.compiled;
  if (evaluation === undefined || compiled === undefined) return undefined;
  const { reason } = evaluation;
  const [meaning, remedy] = isReason(reason) ? REASONS[reason] : [reason, ''];
  return {
    evaluation: evaluationToJson(evaluation),
    reason: { code: reason, meaning, remedy },
    definitions: definitionsOf(view.catalog, compiled),
    policy: evaluation.policy === null ? null : policyOf(compiled, asOf, evaluation.period?.to),
    calendar: {
      timezone: zoneNameOf(compiled),
      from: evaluation.period === null ? null : instantText(evaluation.period.from),
      to: evaluation.period === null ? null : instantText(evaluation.period.to),
      close: compiled.kind === 'kpi' ? null : instantText(compiled.close),
    },
    windows: trace.windows.map(({ spans, lastAt, asOf: _, ...window }) => ({
      ...window,
      spans: spans.map(spanText),
      lastAt: lastAt === null ? null : instantText(lastAt),
    })),
    formulas: formulasOf(compiled, evaluation, trace.formulas),
    thresholds: trace.thresholds,
    members: trace.members,
    sentence: evaluation.sentence,
  };
}

function spanText({ from, to }: Span): { readonly from: string; readonly to: string } {
  return { from: instantText(from), to: instantText(to) };
}

function zoneNameOf(compiled: CompiledSubject): string {
  if (compiled.kind !== 'kpi') return compiled.cycle.zone.name;
  return compiled.period.kind === 'cycle' ? compiled.period.cycle.zone.name : compiled.source.metric.zone.name;
}

function policyOf(compiled: CompiledSubject, asOf: Instant, end = Number.POSITIVE_INFINITY): ExplainedPolicy | null {
  const policy = nearestInForce(compiled.policy, asOf, end);
  if (policy === undefined) return null;
  const { label, kind, minElapsed, deadBand } = policy;
  const { onTrack, atRisk } = barsOf(policy);
  return { label, kind, onTrack, atRisk, minElapsed, deadBand };
}

function definitionsOf(catalog: Catalog, compiled: CompiledSubject): { id: string; position: string }[] {
  const ids = new Set<string>(idsOf(catalog, compiled));
  return [...ids].flatMap((id) => {
    const known = catalog.documents.get(id);
    return known === undefined ? [] : [{ id, position: formatPosition(known.position) }];
  });
}

function* idsOf(catalog: Catalog, compiled: CompiledSubject): Generator<string> {
  switch (compiled.kind) {
    case 'kpi':
      yield compiled.subject;
      yield* sourceIds(compiled.source);
      if (compiled.period.kind === 'cycle') yield `cycle/${compiled.period.cycle.name}`;
      break;
    case 'key_result':
      yield `objective/${compiled.objective}`;
      yield `cycle/${compiled.cycle.name}`;
      if (compiled.source !== null) yield* sourceIds(compiled.source);
      break;
    case 'objective':
      yield compiled.subject;
      yield `cycle/${compiled.cycle.name}`;
      for (const child of compiled.children) yield child.subject;
      break;
    case 'unit':
      yield `unit/${compiled.name}`;
      yield `cycle/${compiled.cycle.name}`;
      for (const member of compiled.members) yield member.subject;
  }
  for (const layer of compiled.policy) {
    for (const { value } of layer) if (catalog.documents.has(`policy/${value.name}`)) yield `policy/${value.name}`;
  }
}

function* sourceIds({ metric }: Source): Generator<string> {
  yield `metric/${metric.name}`;
  if (metric.calendar.name !== null) yield `calendar/${metric.calendar.name}`;
  for (const source of sourcesOf(metric)) yield `metric/${source.name}`;
}
