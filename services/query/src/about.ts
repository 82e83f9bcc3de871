import {
  type Catalog,
  type Dated,
  type Instant,
  isDated,
  parseDate,
  parseSubject,
  subjectOf,
  type Zone,
} from '@paceline/domain';

/** What definitions say about a subject, for showing and filtering. */
export interface SubjectAbout {
  readonly title: string | null;
  readonly owner: string | null;
  readonly unit: string | null;
  readonly cycle: string | null;
  readonly metric: string | null;
  /** Unit of measure of the value. */
  readonly measure: string | null;
}

const NOTHING: SubjectAbout = { title: null, owner: null, unit: null, cycle: null, metric: null, measure: null };

/** Owners may be dated: the one in force at `at` counts. */
export function aboutSubject(catalog: Catalog, subject: string, at: Instant): SubjectAbout {
  const compiled = subjectOf(catalog, subject)?.compiled;
  switch (compiled?.kind) {
    case undefined:
      return NOTHING;
    case 'kpi': {
      const { metric } = compiled.source;
      const document = catalog.documents.get(`kpi/${parseSubject(subject)?.name}`)?.document;
      const spec = document?.kind === 'Kpi' ? document.spec : undefined;
      return {
        title: document?.metadata.title ?? null,
        owner: ownerAt(document?.metadata.owner, metric.zone, at),
        unit: compiled.unit,
        cycle: spec?.cycle ?? null,
        metric: metric.name,
        measure: metric.unit,
      };
    }
    case 'key_result': {
      const document = catalog.documents.get(`objective/${compiled.objective}`)?.document;
      const results = document?.kind === 'Objective' ? (document.spec.keyResults ?? []) : [];
      const own = results.find(({ name }) => name === compiled.name);
      return {
        title: own?.title ?? null,
        owner: ownerAt(own?.owner ?? document?.metadata.owner, compiled.cycle.zone, at),
        unit: compiled.unit,
        cycle: compiled.cycle.name,
        metric: compiled.source?.metric.name ?? null,
        measure: compiled.source?.metric.unit ?? null,
      };
    }
    case 'objective':
    case 'unit': {
      const metadata = catalog.documents.get(`${compiled.kind}/${compiled.name}`)?.document.metadata;
      return {
        ...NOTHING,
        title: metadata?.title ?? null,
        owner: ownerAt(metadata?.owner, compiled.cycle.zone, at),
        unit: compiled.kind === 'unit' ? compiled.name : compiled.unit,
        cycle: compiled.cycle.name,
      };
    }
  }
}

/** The owner in force; dates begin at 00:00 in the subject's zone. */
export function ownerAt(owner: Dated<string> | undefined, zone: Zone, at: Instant): string | null {
  if (owner === undefined) return null;
  if (!isDated(owner)) return owner;
  let found: string | null = null;
  let latest = Number.NEGATIVE_INFINITY;
  for (const { effectiveFrom, value } of owner) {
    const day = parseDate(effectiveFrom);
    const from = day === undefined ? Number.POSITIVE_INFINITY : zone.dayStart(day);
    if (from > at || from < latest) continue;
    found = value;
    latest = from;
  }
  return found;
}
