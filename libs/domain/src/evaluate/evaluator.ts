import { closeOf } from '../definition/compile-cycle.ts';
import type { CompiledSubject } from '../definition/compiled.ts';
import type { Evaluation } from '../evaluation.ts';
import type { Instant } from '../instant.ts';
import type { Bucket } from '../time/bucket.ts';
import type { View } from '../view.ts';
import { Context, type FoundSubject } from './context.ts';
import type { Draft } from './draft.ts';
import { evaluateKeyResult } from './key-result.ts';
import { evaluateKpi } from './kpi.ts';
import { type EvaluateMember, evaluateObjective, evaluateUnit } from './rollup.ts';
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
  const traced = new Context(view, trace);
  const found = traced.subject(subject);
  return found && make(traced, found, subject, asOf, (member, at) => evaluateIn(silent, member, at));
}

function evaluateIn(context: Context, subject: string, asOf: Instant): Evaluation | undefined {
  const found = context.subject(subject);
  if (found === undefined) return undefined;
  if (found.at !== asOf) {
    // A loop of objectives cannot be compiled; if one were, it would end here as a member that is not there.
    found.at = asOf;
    found.evaluation = undefined;
    context.evaluate ??= (member, at) => evaluateIn(context, member, at);
    found.evaluation = make(context, found, subject, asOf, context.evaluate);
  }
  return found.evaluation;
}

function make(
  context: Context,
  { compiled, closed }: FoundSubject,
  subject: string,
  asOf: Instant,
  member: EvaluateMember,
): Evaluation | undefined {
  // A period that is not closed has no second subject yet.
  if (compiled.kind === 'kpi' && closed !== undefined && closeOf(closed, compiled.source, null) > asOf)
    return undefined;
  const draft = draftOf(context, compiled, closed, subject, asOf, member);
  draft.sentence = sentenceOf(compiled, draft);
  return draft;
}

function draftOf(
  context: Context,
  compiled: CompiledSubject,
  closed: Bucket | undefined,
  subject: string,
  asOf: Instant,
  member: EvaluateMember,
): Draft {
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
}
