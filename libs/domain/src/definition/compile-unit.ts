import type { UnitDocument } from '../document.ts';
import type { Compilation } from './compile.ts';
import { closeOfMembers } from './compile-objective.ts';
import type { CompiledObjective, CompiledUnitCycle } from './compiled.ts';

/**
 * Every unit's roll-up over every cycle in which its subtree has objectives: those whose parent is not itself an objective
 * of the subtree in that cycle (EVALUATION §8). A unit without members in a cycle has no roll-up there.
 */
export function compileUnits(
  units: ReadonlyMap<string, UnitDocument>,
  objectives: ReadonlyMap<string, CompiledObjective>,
  compilation: Compilation,
): ReadonlyMap<string, CompiledUnitCycle> {
  const compiled = new Map<string, CompiledUnitCycle>();
  const ofUnit = new Map<string, CompiledObjective[]>();
  for (const objective of objectives.values()) {
    for (const unit of ancestorsOf(objective.unit, units)) ofUnit.set(unit, [...(ofUnit.get(unit) ?? []), objective]);
  }
  for (const name of units.keys()) {
    const subtree = ofUnit.get(name) ?? [];
    for (const cycle of new Set(subtree.map((objective) => objective.cycle))) {
      const inCycle = new Map(
        subtree.filter((objective) => objective.cycle === cycle).map((objective) => [objective.name, objective]),
      );
      const members = [...inCycle.values()].filter(({ parent }) => parent === null || !inCycle.has(parent));
      const subject = `unit/${name}@${cycle.name}`;
      const close = closeOfMembers(cycle, [], members);
      compiled.set(subject, {
        kind: 'unit',
        subject,
        name,
        cycle,
        policy: [compilation.workspacePolicy],
        members,
        close,
      });
    }
  }
  return compiled;
}

/** A unit and all above it; a chain that comes back to itself ends there. */
export function ancestorsOf(unit: string | null, units: ReadonlyMap<string, UnitDocument>): readonly string[] {
  const path: string[] = [];
  for (let name = unit ?? undefined; name !== undefined && units.has(name) && !path.includes(name); ) {
    path.push(name);
    name = units.get(name)?.spec.parent;
  }
  return path;
}
