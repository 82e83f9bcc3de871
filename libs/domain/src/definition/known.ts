import type {
  CalendarDocument,
  CycleDocument,
  Document,
  Kind,
  KpiDocument,
  MetricDocument,
  ObjectiveDocument,
  UnitDocument,
} from '../document.ts';

/** The documents of one set by kind and name; of two with one name the later. */
export interface KnownNames {
  readonly units: ReadonlyMap<string, UnitDocument>;
  readonly cycles: ReadonlyMap<string, CycleDocument>;
  readonly calendars: ReadonlyMap<string, CalendarDocument>;
  readonly metrics: ReadonlyMap<string, MetricDocument>;
  readonly kpis: ReadonlyMap<string, KpiDocument>;
  readonly objectives: ReadonlyMap<string, ObjectiveDocument>;
  readonly policies: ReadonlyMap<string, Document>;
  readonly channels: ReadonlyMap<string, Document>;
}

export function knownNames(documents: Iterable<Document>): KnownNames {
  const all = [...documents];
  const of = <K extends Kind>(kind: K): Map<string, Extract<Document, { kind: K }>> => {
    const isKind = (document: Document): document is Extract<Document, { kind: K }> => document.kind === kind;
    return new Map(all.filter(isKind).map((document) => [document.metadata.name, document]));
  };
  return {
    units: of('Unit'),
    cycles: of('Cycle'),
    calendars: of('Calendar'),
    metrics: of('Metric'),
    kpis: of('Kpi'),
    objectives: of('Objective'),
    policies: of('Policy'),
    channels: of('Channel'),
  };
}

/**
 * Names on the way from `start` upwards when it comes back to `start`; `undefined` when it does not. Chains that run into a
 * loop further up are that loop's fault, not this one's.
 */
export function loopFrom(start: string, next: (name: string) => readonly string[]): string[] | undefined {
  const seen = new Set<string>();
  const walk = (name: string, path: string[]): string[] | undefined => {
    for (const step of next(name)) {
      if (step === start) return [...path, step];
      if (seen.has(step)) continue;
      seen.add(step);
      const found = walk(step, [...path, step]);
      if (found !== undefined) return found;
    }
    return undefined;
  };
  return walk(start, [start]);
}
