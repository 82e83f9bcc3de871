import { type EntryCalendar, effective } from '../dating.ts';
import type { KeyResultSpec, ObjectiveDocument } from '../document.ts';
import type { Instant } from '../instant.ts';
import { fromNumber, ONE, type Rational } from '../number/rational.ts';
import { compilePace } from '../pace/line.ts';
import { gridOf } from '../time/bucket.ts';
import { plainCalendar } from '../time/calendar.ts';
import type { Compilation } from './compile.ts';
import { closeOf, dayEndIn, dayStartIn } from './compile-cycle.ts';
import type { CompiledCycle, CompiledKeyResult, CompiledMilestone, CompiledObjective, Source } from './compiled.ts';
import { readBaseline, readDecimal, readOwner, readRange, readWeight } from './values.ts';
import { weightAtEnd } from './weights.ts';

/** All objectives with their children; those without a cycle, and those caught in a loop of parents, are left out. */
export function compileObjectives(
  documents: readonly ObjectiveDocument[],
  compilation: Compilation,
): ReadonlyMap<string, CompiledObjective> {
  const children = new Map<string, ObjectiveDocument[]>();
  for (const document of documents) {
    const { parent } = document.spec;
    if (parent !== undefined) children.set(parent, [...(children.get(parent) ?? []), document]);
  }
  const compiled = new Map<string, CompiledObjective>();
  const open = new Set<string>();
  const visit = (document: ObjectiveDocument): CompiledObjective | undefined => {
    const { name } = document.metadata;
    const done = compiled.get(name);
    if (done !== undefined || open.has(name)) return done;
    open.add(name);
    const below = (children.get(name) ?? []).map(visit).filter((child) => child !== undefined);
    open.delete(name);
    const objective = compileObjective(document, below, compilation);
    if (objective !== undefined) compiled.set(name, objective);
    return objective;
  };
  for (const document of documents) visit(document);
  return compiled;
}

function compileObjective(
  document: ObjectiveDocument,
  children: readonly CompiledObjective[],
  compilation: Compilation,
): CompiledObjective | undefined {
  const { spec, metadata } = document;
  const cycle = compilation.cycles.get(spec.cycle);
  if (cycle === undefined) return undefined;
  const calendar = entryCalendar(cycle);
  const policy = effective(spec.policy, (name) => compilation.policies.get(name), calendar);
  const context: ObjectiveContext = {
    document,
    cycle,
    calendar,
    policy: [policy, compilation.workspacePolicy],
    owner: [effective(metadata.owner, readOwner, calendar)],
    bar: spec.ambition === 'aspirational' ? 0.7 : 1,
    compilation,
  };
  const keyResults = (spec.keyResults ?? [])
    .map((result) => compileKeyResult(result, context))
    .filter((result) => result !== undefined);
  return {
    kind: 'objective',
    subject: `objective/${metadata.name}`,
    name: metadata.name,
    cycle,
    unit: spec.unit ?? null,
    parent: spec.parent ?? null,
    weight: effective(spec.weight, readWeight, calendar),
    bar: context.bar,
    rollup: spec.rollup ?? 'mean',
    minCoverage: Number(spec.minCoverage ?? 0.5),
    policy: context.policy,
    keyResults,
    owner: context.owner,
    children,
    close: closeOfMembers(cycle, keyResults, children),
  };
}

/** The close of the slowest that is read by a member with weight, over the roll-up's own period. */
export function closeOfMembers(
  cycle: CompiledCycle,
  keyResults: readonly CompiledKeyResult[],
  objectives: readonly CompiledObjective[],
): Instant {
  let close = cycle.span.to;
  for (const result of keyResults) {
    if (weightAtEnd(result.weight, cycle.span) === 0) continue;
    close = Math.max(close, closeOf(cycle.span, result.source, cycle));
  }
  for (const objective of objectives) {
    if (weightAtEnd(objective.weight, cycle.span) === 0) continue;
    close = Math.max(close, closeOfMembers(cycle, objective.keyResults, objective.children));
  }
  return close;
}

interface ObjectiveContext {
  readonly document: ObjectiveDocument;
  readonly cycle: CompiledCycle;
  readonly calendar: EntryCalendar;
  readonly policy: CompiledObjective['policy'];
  readonly owner: CompiledObjective['owner'];
  readonly bar: number;
  readonly compilation: Compilation;
}

function entryCalendar({ zone, span }: CompiledCycle): EntryCalendar {
  return {
    dayStart: dayStartIn(zone),
    periodStart: (at) => (at >= span.from && at < span.to ? span.from : at),
  };
}

/** `undefined` when its metric is missing. */
function compileKeyResult(spec: KeyResultSpec, context: ObjectiveContext): CompiledKeyResult | undefined {
  const { document, cycle, calendar, compilation } = context;
  const metric = spec.metric === undefined ? undefined : compilation.metrics.get(spec.metric);
  if (spec.metric !== undefined && metric === undefined) return undefined;
  const byPeople = spec.type === 'milestones' || spec.type === 'done';
  const source: Source | null = metric === undefined || byPeople ? null : { metric, where: spec.where ?? {} };
  const endOfDay = dayEndIn(cycle.zone);
  const periods = metric?.calendar ?? plainCalendar(cycle.zone);
  const perGrain = spec.type === 'at_least' || spec.type === 'at_most' || spec.type === 'between';
  return {
    kind: 'key_result',
    subject: `key_result/${document.metadata.name}/${spec.name}`,
    name: spec.name,
    objective: document.metadata.name,
    cycle,
    type: spec.type,
    source,
    cumulative: source?.metric.cumulative ?? false,
    baseline: effective(spec.baseline, readBaseline, calendar),
    target: effective(spec.target, readDecimal, calendar),
    range: effective(spec.target, readRange, calendar),
    direction: spec.direction ?? 'higher',
    exclusive: spec.exclusive ?? false,
    mode: spec.mode ?? 'compliance',
    grid: gridOf(periods, spec.grain ?? metric?.grain ?? 'week'),
    bar: perGrain && spec.complianceTarget !== undefined ? Number(spec.complianceTarget) : context.bar,
    weight: effective(spec.weight, readWeight, calendar),
    milestones: (spec.milestones ?? []).map((milestone) => ({
      name: milestone.name,
      weight: readMilestoneWeight(milestone.weight),
      due: milestone.due === undefined ? null : (endOfDay(milestone.due) ?? null),
    })) satisfies CompiledMilestone[],
    pace: compilePace(spec.pace ?? document.spec.pace ?? compilation.defaults.pace, endOfDay),
    policy: [effective(spec.policy, (name) => compilation.policies.get(name), calendar), ...context.policy],
    close: closeOf(cycle.span, source, cycle),
    unit: document.spec.unit ?? null,
    owner: [effective(spec.owner, readOwner, calendar), ...context.owner],
  };
}

function readMilestoneWeight(written: unknown): Rational {
  if (written === undefined) return ONE;
  const exact = readDecimal(written);
  if (exact !== undefined) return exact;
  const number = Number(written);
  return Number.isFinite(number) ? fromNumber(number) : ONE;
}
