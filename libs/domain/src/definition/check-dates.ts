import { isDated } from '../dating.ts';
import type { Dated, Document } from '../document.ts';
import type { Path, Reporter } from './fault.ts';

/** Effective-dated lists: one entry a day, and a reason for what changes the past. */
export function checkDates(document: Document, report: Reporter): void {
  for (const [path, value] of datedValues(document)) checkEntries(value, path, report);
}

function checkEntries(value: Dated<unknown> | undefined, path: Path, report: Reporter): void {
  if (value === undefined || !isDated(value)) return;
  const seen = new Map<string, number>();
  for (const [index, entry] of value.entries()) {
    const first = seen.get(entry.effectiveFrom);
    if (first !== undefined) {
      report(
        'overlapping_dates',
        [...path, index, 'effectiveFrom'],
        `entries ${first} and ${index} both begin on ${entry.effectiveFrom}`,
      );
    }
    seen.set(entry.effectiveFrom, index);
    if (entry.mode === 'retroactive' && (entry.reason ?? '').trim() === '') {
      report('missing_reason', [...path, index], `the retroactive entry of ${entry.effectiveFrom} gives no reason`);
    }
  }
}

/** Every place of a document that may hold a dated list. */
function* datedValues(document: Document): Generator<readonly [Path, Dated<unknown> | undefined]> {
  yield [['metadata', 'owner'], document.metadata.owner];
  if (document.kind === 'Kpi') {
    yield [['spec', 'targets'], document.spec.targets];
    yield [['spec', 'policy'], document.spec.policy];
    yield [['spec', 'bands'], document.spec.bands];
  }
  if (document.kind === 'Objective') {
    yield [['spec', 'weight'], document.spec.weight];
    yield [['spec', 'policy'], document.spec.policy];
    for (const [index, result] of (document.spec.keyResults ?? []).entries()) {
      const path = ['spec', 'keyResults', index] as const;
      yield [[...path, 'baseline'], result.baseline];
      yield [[...path, 'target'], result.target];
      yield [[...path, 'weight'], result.weight];
      yield [[...path, 'policy'], result.policy];
      yield [[...path, 'owner'], result.owner];
    }
  }
}

/** The values a dated list takes, each with its path. */
export function datedEntries<Value>(value: Dated<Value> | undefined, path: Path): (readonly [Path, Value])[] {
  if (value === undefined) return [];
  if (!isDated(value)) return [[path, value]];
  return value.map((entry, index) => [[...path, index, 'value'], entry.value] as const);
}
