import type { AlertRuleDocument, SourceDocument } from '../document.ts';
import { suggest } from '../metric/suggest.ts';
import { parseSubject, type SubjectId } from '../subject-id.ts';
import type { Reporter } from './fault.ts';
import type { KnownNames } from './known.ts';
import { checkReference } from './references.ts';

export function checkSource(source: SourceDocument, known: KnownNames, report: Reporter): void {
  const { map } = source.spec;
  const maps = Array.isArray(map) ? map : [map];
  for (const [index, entry] of maps.entries()) {
    const path = Array.isArray(map) ? ['spec', 'map', index] : ['spec', 'map'];
    checkReference('metric', entry?.metric, known.metrics, [...path, 'metric'], report);
    const metric = known.metrics.get(entry?.metric);
    if (metric === undefined) continue;
    const { dimensions: mapped } = entry;
    const named: readonly string[] = mapped === undefined ? [] : Array.isArray(mapped) ? mapped : Object.keys(mapped);
    for (const dimension of named) {
      if ((metric.spec.dimensions ?? []).includes(dimension)) continue;
      report(
        'unknown_dimension',
        [...path, 'dimensions'],
        `"${metric.metadata.name}" has no dimension "${dimension}"`,
        {
          suggestion: suggest(dimension, metric.spec.dimensions ?? []),
        },
      );
    }
  }
}

export function checkAlertRule(rule: AlertRuleDocument, known: KnownNames, report: Reporter): void {
  for (const [index, channel] of (rule.spec.channels ?? []).entries()) {
    checkReference('channel', channel, known.channels, ['spec', 'channels', index], report);
  }
  for (const [index, subject] of (rule.spec.watch ?? []).entries()) {
    if (/[*?]/.test(subject)) continue;
    const path = ['spec', 'watch', index] as const;
    const id = parseSubject(subject);
    if (id === undefined || !exists(id, known)) {
      report('unknown_reference', path, `there is no subject "${subject}"`, {
        suggestion: suggest(subject, subjectNames(known)),
      });
    }
  }
}

function exists(id: SubjectId, known: KnownNames): boolean {
  switch (id.kind) {
    case 'kpi':
      return known.kpis.has(id.name);
    case 'objective':
      return known.objectives.has(id.name);
    case 'key_result':
      return (known.objectives.get(id.objective)?.spec.keyResults ?? []).some((result) => result.name === id.name);
    case 'unit':
      return known.units.has(id.name) && known.cycles.has(id.cycle);
  }
}

function* subjectNames(known: KnownNames): Generator<string> {
  for (const name of known.kpis.keys()) yield `kpi/${name}`;
  for (const [name, objective] of known.objectives) {
    yield `objective/${name}`;
    for (const result of objective.spec.keyResults ?? []) yield `key_result/${name}/${result.name}`;
  }
}
