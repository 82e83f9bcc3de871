import { closeOf } from '../definition/compile-cycle.ts';
import type { Evaluation } from '../evaluation.ts';
import type { Instant } from '../instant.ts';
import { subjectOf } from '../subjects.ts';
import type { View } from '../view.ts';
import { Context } from './context.ts';
import type { Draft } from './draft.ts';
import { evaluateKeyResult } from './key-result.ts';
import { evaluateKpi } from './kpi.ts';
import { evaluateObjective, evaluateUnit } from './rollup.ts';
import { sentenceOf } from './sentence.ts';
import type { Trace } from './trace.ts';

/** Evaluates subjects of one view. Members of one instant are evaluated once, whichever asks for them first. */
export interface Evaluator {
  /** `undefined` when the view's definitions have no such subject. */
  evaluate(subject: string, asOf: Instant): Evaluation | undefined;
}

export function evaluator(view: View): Evaluator {
  const context = new Context(view);
  return { evaluate: (subject, asOf) => evaluateIn(context, subject, asOf) };
}

/** A function of the view and the instant alone; see `evaluator` for many at once. */
export function evaluate(view: View, subject: string, asOf: Instant): Evaluation | undefined {
  return evaluator(view).evaluate(subject, asOf);
}

/** Every subject at every instant, in that order; subjects the definitions do not have are left out. */
export function evaluateMany(view: View, subjects: readonly string[], instants: readonly Instant[]): Evaluation[] {
  const { evaluate: at } = evaluator(view);
  return instants.flatMap((asOf) => subjects.flatMap((subject) => at(subject, asOf) ?? []));
}

/** The same with everything it did written into `trace`; members of a roll-up leave only their own line. */
export function evaluateTraced(view: View, subject: string, asOf: Instant, trace: Trace): Evaluation | undefined {
  const silent = new Context(view);
  const draft = draftOf(new Context(view, trace), subject, asOf, (member, at) => evaluateIn(silent, member, at));
  return draft;
}

function evaluateIn(context: Context, subject: string, asOf: Instant): Evaluation | undefined {
  if (context.memoAt !== asOf) {
    context.memo.clear();
    context.memoAt = asOf;
  }
  if (context.memo.has(subject)) return context.memo.get(subject);
  // A loop of objectives cannot be compiled; if one were, it would end here as a member that is not there.
  context.memo.set(subject, undefined);
  const evaluation = draftOf(context, subject, asOf, (member, at) => evaluateIn(context, member, at));
  context.memo.set(subject, evaluation);
  return evaluation;
}

function draftOf(
  context: Context,
  subject: string,
  asOf: Instant,
  member: (subject: string, asOf: Instant) => Evaluation | undefined,
): Evaluation | undefined {
  const found = subjectOf(context.catalog, subject);
  if (found === undefined) return undefined;
  const { compiled, closed } = found;
  // A period that is not closed has no second subject yet.
  if (compiled.kind === 'kpi' && closed !== undefined && closeOf(closed, compiled.source, null) > asOf)
    return undefined;
  const draft = ((): Draft => {
    switch (compiled.kind) {
      case 'key_result':
        return evaluateKeyResult(context, compiled, asOf);
      case 'kpi':
        return evaluateKpi(context, compiled, asOf, subject, closed);
      case 'objective':
        return evaluateObjective(context, compiled, asOf, member);
      case 'unit':
        return evaluateUnit(context, compiled, asOf, member);
    }
  })();
  draft.sentence = sentenceOf(compiled, draft);
  return draft;
}
