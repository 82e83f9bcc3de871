import { type Document, documentId } from '../document.ts';
import { type DefinitionFault, reporter } from './fault.ts';

/** How many goals are still a focus (EVALUATION §8). Above them is a warning, never a refusal. */
export interface FocusLimits {
  readonly keyResultsPerObjective: number;
  readonly objectivesPerUnitAndCycle: number;
  readonly kpisPerUnit: number;
}

export const FOCUS_LIMITS: FocusLimits = { keyResultsPerObjective: 5, objectivesPerUnitAndCycle: 5, kpisPerUnit: 10 };

export function checkFocus(
  documents: readonly Document[],
  isSound: (document: Document) => boolean,
  limits: FocusLimits,
  faults: DefinitionFault[],
): void {
  const objectives = new Map<string, number>();
  const kpis = new Map<string, number>();
  for (const [index, document] of documents.entries()) {
    if (!isSound(document)) continue;
    const warn = (path: readonly string[], message: string): void =>
      reporter(faults, index, documentId(document))('focus', path, message, { warning: true });
    if (document.kind === 'Objective') {
      const { unit, cycle, keyResults = [] } = document.spec;
      if (keyResults.length > limits.keyResultsPerObjective) {
        warn(
          ['spec', 'keyResults'],
          `${keyResults.length} key results on one objective; ${limits.keyResultsPerObjective} are a focus`,
        );
      }
      const count = countUp(objectives, unit === undefined ? undefined : `${unit}@${cycle}`);
      if (count === limits.objectivesPerUnitAndCycle + 1) {
        warn(
          ['spec', 'unit'],
          `more than ${limits.objectivesPerUnitAndCycle} objectives on unit "${unit}" in cycle "${cycle}"`,
        );
      }
    }
    if (document.kind === 'Kpi' && countUp(kpis, document.spec.unit) === limits.kpisPerUnit + 1) {
      warn(['spec', 'unit'], `more than ${limits.kpisPerUnit} KPIs on unit "${document.spec.unit}"`);
    }
  }
}

function countUp(counts: Map<string, number>, key: string | undefined): number {
  if (key === undefined) return 0;
  const count = (counts.get(key) ?? 0) + 1;
  counts.set(key, count);
  return count;
}
