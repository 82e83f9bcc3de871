import { type CycleDocument, type Document, documentId, type UnitDocument } from '../document.ts';
import { checkDates } from './check-dates.ts';
import { checkAlertRule, checkSource } from './check-delivery.ts';
import { checkKpi, checkObjective } from './check-goals.ts';
import { checkMetric } from './check-metric.ts';
import { checkPolicy } from './check-policy.ts';
import { type DefinitionFault, type Reporter, reporter } from './fault.ts';
import { checkFocus, FOCUS_LIMITS, type FocusLimits } from './focus.ts';
import { type KnownNames, knownNames, loopFrom } from './known.ts';
import { NAME_PATTERN } from './names.ts';
import { checkReference } from './references.ts';

export interface ValidateOptions {
  readonly limits?: Partial<FocusLimits>;
}

/**
 * Everything wrong with a whole set of definitions, all at once: names, references, loops, combinations that have no
 * meaning. Shapes are the parser's business; a document of a wrong shape is told of here only where a check stumbles on it.
 */
export function validateDocuments(documents: readonly Document[], options: ValidateOptions = {}): DefinitionFault[] {
  const faults: DefinitionFault[] = [];
  const known = knownNames(documents);
  const first = new Map<string, number>();
  for (const [index, document] of documents.entries()) {
    const id = documentId(document);
    const report = reporter(faults, index, id);
    const earlier = first.get(id);
    if (earlier !== undefined) {
      report('duplicate_name', ['metadata', 'name'], `document ${earlier} is ${id} already`);
    }
    first.set(id, earlier ?? index);
    checkDocument(document, known, report);
  }
  checkFocus(documents, { ...FOCUS_LIMITS, ...options.limits }, faults);
  return faults;
}

function checkDocument(document: Document, known: KnownNames, report: Reporter): void {
  const { name } = document.metadata;
  if (!NAME_PATTERN.test(name)) {
    report('invalid_name', ['metadata', 'name'], `"${name}" is no name`, { suggestion: asName(name) });
  }
  if (typeof document.spec !== 'object' || document.spec === null) {
    report('missing_key', ['spec'], 'the document has no `spec`');
    return;
  }
  checkDates(document, report);
  switch (document.kind) {
    case 'Unit':
      checkUnit(document, known, report);
      return;
    case 'Cycle':
      checkCycle(document, report);
      return;
    case 'Metric':
      checkMetric(document, known, report);
      return;
    case 'Kpi':
      checkKpi(document, known, report);
      return;
    case 'Objective':
      checkObjective(document, known, report);
      return;
    case 'Policy':
      checkPolicy(document, report);
      return;
    case 'Source':
      checkSource(document, known, report);
      return;
    case 'AlertRule':
      checkAlertRule(document, known, report);
      return;
    default:
      return;
  }
}

/** The nearest text that is a name, when there is one. */
function asName(written: string): string | undefined {
  const name = String(written)
    .toLowerCase()
    .replaceAll(/[^a-z0-9_-]+/g, '-')
    .replace(/^[-_]+/, '')
    .slice(0, 63);
  return NAME_PATTERN.test(name) ? name : undefined;
}

function checkUnit(unit: UnitDocument, known: KnownNames, report: Reporter): void {
  checkReference('unit', unit.spec.parent, known.units, ['spec', 'parent'], report);
  const loop = loopFrom(unit.metadata.name, (name) => {
    const parent = known.units.get(name)?.spec.parent;
    return parent === undefined ? [] : [parent];
  });
  if (loop !== undefined) report('loop', ['spec', 'parent'], `the unit is its own ancestor: ${loop.join(' → ')}`);
}

function checkCycle(cycle: CycleDocument, report: Reporter): void {
  const { firstDay, lastDay } = cycle.spec;
  if (lastDay < firstDay) {
    report('unreachable_cycle', ['spec', 'lastDay'], `the cycle ends on ${lastDay}, before it begins on ${firstDay}`);
  }
}
