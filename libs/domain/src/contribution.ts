import type { Catalog } from './catalog.ts';
import { nearestInForce } from './dating.ts';
import { ancestorsOf } from './definition/compile-unit.ts';
import type { CompiledKeyResult, CompiledObjective } from './definition/compiled.ts';
import { weightAt } from './definition/weights.ts';
import { evaluator } from './evaluate/evaluator.ts';
import type { Evaluation } from './evaluation.ts';
import type { Instant } from './instant.ts';
import type { View } from './view.ts';

/** How much one key result moves one objective above it (EVALUATION §8). */
export interface Contribution {
  readonly keyResult: string;
  readonly owner: string | null;
  /** `objective/NAME`: the key result's own, and every one that it is aligned to. */
  readonly objective: string;
  /** The unit whose objective it is. */
  readonly unit: string | null;
  /** Part of the objective's progress that is this key result's: the product of the weights' shares on the way up. */
  readonly share: number;
  /** Share · clamped P: the progress it brings; `null` without progress. */
  readonly moves: number | null;
}

/** Whose key results: of a person, or of a unit and all below it; without either, all. */
export interface Contributor {
  readonly owner?: string;
  readonly unit?: string;
}

/**
 * Which objectives a person's or a unit's key results move, and by how much. Members without progress take no part, as in
 * the roll-up; under `min` only the member that decides it moves anything.
 */
export function contributions(view: View, who: Contributor, asOf: Instant): Contribution[] {
  const { catalog } = view;
  const { evaluate } = evaluator(view);
  const found: Contribution[] = [];
  for (const result of catalog.keyResults.values()) {
    const owner = nearestInForce(result.owner, asOf, result.cycle.span.to) ?? null;
    if (!belongsTo(catalog, result, owner, who)) continue;
    const progress = evaluate(result.subject, asOf)?.progress ?? null;
    let share = 1;
    let member = result.subject;
    for (const objective of upwards(catalog, result)) {
      share *= shareIn(objective, member, asOf, evaluate);
      const moves = progress === null ? null : share * progress;
      found.push({
        keyResult: result.subject,
        owner,
        objective: objective.subject,
        unit: objective.unit,
        share,
        moves,
      });
      member = objective.subject;
    }
  }
  return found;
}

function belongsTo(catalog: Catalog, result: CompiledKeyResult, owner: string | null, who: Contributor): boolean {
  if (who.owner !== undefined && who.owner !== owner) return false;
  return who.unit === undefined || ancestorsOf(result.unit, catalog.units).includes(who.unit);
}

/** The key result's own objective and those above it, nearest first. */
function* upwards(catalog: Catalog, result: CompiledKeyResult): Generator<CompiledObjective> {
  const seen = new Set<string>();
  for (let name: string | null = result.objective; name !== null && !seen.has(name); ) {
    const objective: CompiledObjective | undefined = catalog.objectives.get(name);
    if (objective === undefined) return;
    seen.add(name);
    yield objective;
    name = objective.parent;
  }
}

function shareIn(
  objective: CompiledObjective,
  member: string,
  asOf: Instant,
  evaluate: (subject: string, asOf: Instant) => Evaluation | undefined,
): number {
  const members = [...objective.keyResults, ...objective.children].map((each) => {
    const evaluation = evaluate(each.subject, asOf);
    const started = evaluation?.verdict !== 'not_started';
    const counts = evaluation !== undefined && (!started || evaluation.progress !== null);
    const weight = counts ? weightAt(each.weight, asOf, objective.cycle.span) : 0;
    const difference = (evaluation?.progress ?? 0) - (evaluation?.expected ?? 0);
    return { subject: each.subject, weight, difference, progress: evaluation?.progress ?? 0 };
  });
  const counted = members.filter(({ weight }) => weight > 0);
  const own = counted.find(({ subject }) => subject === member);
  if (own === undefined) return 0;
  if (objective.rollup === 'mean') return own.weight / counted.reduce((sum, { weight }) => sum + weight, 0);
  const lowest = counted.reduce((least, next) =>
    next.difference < least.difference || (next.difference === least.difference && next.progress < least.progress)
      ? next
      : least,
  );
  return lowest === own ? 1 : 0;
}
