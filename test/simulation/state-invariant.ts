import type { JsonValue, Recorded } from '@paceline/domain';
import { pointKey } from '@paceline/domain/metric/statement';

/**
 * No source's state is ahead of its values: every point that a state says to have stated was stated by that source before it,
 * and what it says to have covered was covered before it.
 */
export function stateFaults(facts: readonly Recorded[]): string[] {
  const stated = new Map<string, Set<string>>();
  const covered = new Map<string, number>();
  const faults: string[] = [];
  for (const { fact, position } of facts) {
    if (fact.type === 'observations') {
      const keys = stated.get(fact.feeder) ?? new Set();
      stated.set(fact.feeder, keys);
      for (const point of fact.points) keys.add(`${fact.metric} ${pointKey(point)}`);
    }
    if (fact.type === 'covered') covered.set(fact.feeder, Math.max(fact.to, covered.get(fact.feeder) ?? fact.to));
    if (fact.type !== 'source_state') continue;
    const feeder = `source/${fact.source}`;
    for (const key of openKeys(fact.state)) {
      if (stated.get(feeder)?.has(key) !== true)
        faults.push(`the state of ${feeder} at ${position} knows ${key}, which it never stated`);
    }
    const to = coveredTo(fact.state);
    if (to !== null && to > (covered.get(feeder) ?? Number.NEGATIVE_INFINITY))
      faults.push(`the state of ${feeder} at ${position} says covered to ${to}, its statements say less`);
  }
  return faults.slice(0, 3);
}

function openKeys(state: JsonValue): string[] {
  if (!isObject(state) || !isObject(state.open)) return [];
  return Object.entries(state.open).flatMap(([metric, points]) =>
    Array.isArray(points) ? points.flatMap((point) => (isObject(point) ? [`${metric} ${String(point.key)}`] : [])) : [],
  );
}

function coveredTo(state: JsonValue): number | null {
  return isObject(state) && typeof state.coveredTo === 'number' ? state.coveredTo : null;
}

function isObject(value: JsonValue | undefined): value is { readonly [key: string]: JsonValue } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
