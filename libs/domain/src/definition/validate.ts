import {
  type CalendarDocument,
  type CycleDocument,
  type Document,
  documentId,
  type UnitDocument,
} from '../document.ts';
import { suggest } from '../metric/suggest.ts';
import { compileCalendar } from '../time/calendar.ts';
import { parseDate } from '../time/date.ts';
import { zoneNames, zoneOf } from '../time/zone.ts';
import { checkDates } from './check-dates.ts';
import { checkAlertRule, checkSource } from './check-delivery.ts';
import { checkKpi, checkObjective } from './check-goals.ts';
import { checkMetric } from './check-metric.ts';
import { checkPolicy } from './check-policy.ts';
import { DEFINITION_CODES, type DefinitionCode, type DefinitionFault, type Reporter, reporter } from './fault.ts';
import { checkFocus, FOCUS_LIMITS, type FocusLimits } from './focus.ts';
import { type KnownNames, knownNames, loopFrom } from './known.ts';
import { NAME_PATTERN } from './names.ts';
import { checkReference } from './references.ts';
import { hasShape } from './shape.ts';

export interface ValidateOptions {
  readonly limits?: Partial<FocusLimits>;
}

/**
 * Everything wrong with a whole set of definitions, all at once: names, references, loops, combinations that have no
 * meaning. Shapes are the parser's business; a document of a wrong shape is told of here only where a check stumbles on it.
 */
export function validateDocuments(documents: readonly Document[], options: ValidateOptions = {}): DefinitionFault[] {
  const faults: DefinitionFault[] = [];
  const first = new Map<string, number>();
  const sound: (readonly [Document, Reporter])[] = [];
  for (const [index, document] of documents.entries()) {
    const id = documentId(document);
    const report = reporter(faults, index, id);
    const earlier = first.get(id);
    if (earlier !== undefined)
      report('duplicate_name', ['metadata', 'name'], `another document is ${id} already`, { earlier });
    first.set(id, earlier ?? index);
    checkName(document.metadata.name, report);
    if (hasShape(document, report)) sound.push([document, report]);
  }
  const known = knownNames(sound.map(([document]) => document));
  for (const [document, report] of sound) checkDocument(document, known, report);
  const isSound = new Set(sound.map(([document]) => document));
  checkFocus(documents, (document) => isSound.has(document), { ...FOCUS_LIMITS, ...options.limits }, faults);
  return faults.sort((left, right) => left.document - right.document);
}

function checkName(name: string, report: Reporter): void {
  if (NAME_PATTERN.test(name)) return;
  report('invalid_name', ['metadata', 'name'], `"${name}" is no name`, { suggestion: asName(name) });
}

function checkDocument(document: Document, known: KnownNames, report: Reporter): void {
  checkDates(document, report);
  switch (document.kind) {
    case 'Unit':
      checkUnit(document, known, report);
      return;
    case 'Cycle':
      checkCycle(document, report);
      return;
    case 'Calendar':
      checkCalendarTable(document, report);
      return;
    case 'Metric':
      checkZone(document.spec.timezone, report);
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

function checkZone(timezone: string | undefined, report: Reporter): void {
  if (timezone === undefined || zoneOf(String(timezone)) !== undefined) return;
  report('invalid_timezone', ['spec', 'timezone'], `there is no time zone "${timezone}"`, {
    suggestion: suggest(String(timezone), zoneNames()),
  });
}

/** The table of a calendar is checked where it is compiled; its pointers become paths here. */
function checkCalendarTable(calendar: CalendarDocument, report: Reporter): void {
  checkZone(calendar.spec.timezone, report);
  const compiled = compileCalendar(calendar);
  for (const fault of compiled.ok ? [] : compiled.faults) {
    if (!isCode(fault.code)) continue;
    const path = fault.pointer.split('/').slice(1);
    report(
      fault.code,
      path.map((step) => (/^\d+$/.test(step) ? Number(step) : step)),
      fault.message,
    );
  }
}

function isCode(code: string): code is DefinitionCode {
  return Object.hasOwn(DEFINITION_CODES, code);
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
  const { firstDay, lastDay, timezone } = cycle.spec;
  checkZone(timezone, report);
  for (const key of ['firstDay', 'lastDay'] as const) {
    const day = cycle.spec[key];
    if (parseDate(String(day)) === undefined)
      report('invalid_date', ['spec', key], `"${day}" is no day of the calendar`);
  }
  if (lastDay < firstDay) {
    report('unreachable_cycle', ['spec', 'lastDay'], `the cycle ends on ${lastDay}, before it begins on ${firstDay}`);
  }
}
