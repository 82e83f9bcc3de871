import {
  type Definitions,
  type DefinitionsFact,
  Definitions as DefinitionsFold,
  type Document,
  documentId,
  type SourceDocument,
  type SourceMap,
} from '@paceline/domain';
import type { Diff } from './diff.ts';

/** What an apply does beyond the text: to values that are there already and to sources that are being read. */
export interface Consequence {
  readonly document: string;
  readonly code:
    | 'buckets_move'
    | 'points_unread'
    | 'source_starts'
    | 'source_stops'
    | 'source_continues'
    | 'source_connector_changes'
    | 'feeders_change';
  readonly message: string;
}

/** Found by folding the change into a copy of the definitions, so that plan and processor cannot disagree about buckets. */
export function consequencesOf(definitions: Definitions, diff: Diff): Consequence[] {
  if (diff.changes.length === 0) return [];
  const before = new Map([...definitions.documents].map(([id, { document }]) => [id, document]));
  const copy = new DefinitionsFold();
  copy.restore({ ...definitions.snapshot(), commands: [] });
  const fact: DefinitionsFact = {
    type: 'definitions',
    command: 'plan',
    expects: copy.position,
    put: diff.put,
    remove: diff.remove,
  };
  const at = { position: (copy.position ?? 0) + 1, recordedAt: 0, id: 'plan' };
  const change = copy.apply({ ...at, fact })?.change;
  const after = new Map([...copy.documents].map(([id, { document }]) => [id, document]));
  const moved = (change?.reshaped ?? []).filter((metric) => before.has(`metric/${metric}`));
  return [
    ...moved.map(
      (metric): Consequence => ({
        document: `metric/${metric}`,
        code: 'buckets_move',
        message: movedBy(metric, before, after),
      }),
    ),
    ...diff.remove.filter((id) => id.startsWith('metric/')).map(unread),
    ...sources(before, after),
    ...feeders(before, after),
  ];
}

function movedBy(metric: string, before: ReadonlyMap<string, Document>, after: ReadonlyMap<string, Document>): string {
  const left = before.get(`metric/${metric}`);
  const right = after.get(`metric/${metric}`);
  const changed: string[] = [];
  if (left?.kind === 'Metric' && right?.kind === 'Metric') {
    for (const key of ['aggregation', 'derived', 'points', 'grain', 'timezone', 'calendar'] as const) {
      if (left.spec[key] !== right.spec[key])
        changed.push(`${key} ${left.spec[key] ?? 'unset'} → ${right.spec[key] ?? 'unset'}`);
    }
  }
  const why = changed.length === 0 ? 'its calendar changes' : changed.join(', ');
  return `${why}: every bucket is counted anew from the points, and what it judged is judged again`;
}

function unread(id: string): Consequence {
  const message = 'its points stay in the log and count again once a metric of that name is defined';
  return { document: id, code: 'points_unread', message };
}

function* sources(before: ReadonlyMap<string, Document>, after: ReadonlyMap<string, Document>): Generator<Consequence> {
  for (const [id, source] of sourcesIn(after)) {
    const old = before.get(id);
    if (old === source) continue;
    if (old?.kind !== 'Source') {
      const start = source.spec.window?.start;
      const from = start === undefined ? 'from what its connector reads first' : `from ${start}`;
      yield { document: id, code: 'source_starts', message: `is read ${from}; its name is the key of its state` };
    } else if (old.spec.connector !== source.spec.connector) {
      const message = `the state it left belongs to ${old.spec.connector}; ${source.spec.connector} begins without one`;
      yield { document: id, code: 'source_connector_changes', message };
    } else if (readsOtherwise(old, source)) {
      const message = `goes on where it is; \`paceline backfill ${source.metadata.name}\` restates what was read before`;
      yield { document: id, code: 'source_continues', message };
    }
  }
  for (const [id] of sourcesIn(before)) {
    if (after.has(id)) continue;
    yield { document: id, code: 'source_stops', message: 'is read no more; its points and its state stay' };
  }
}

function readsOtherwise(left: SourceDocument, right: SourceDocument): boolean {
  const parts = ({ spec }: SourceDocument) => JSON.stringify([spec.config, spec.query, spec.window, spec.map]);
  return parts(left) !== parts(right);
}

function* feeders(before: ReadonlyMap<string, Document>, after: ReadonlyMap<string, Document>): Generator<Consequence> {
  const left = feedersOf(before);
  for (const [metric, now] of feedersOf(after)) {
    const then = left.get(metric);
    if (then === undefined || !after.has(`metric/${metric}`) || then.join() === now.join()) continue;
    const message = `is fed by ${now.join(', ')} instead of ${then.join(', ')}: complete is what every one of them covers`;
    yield { document: `metric/${metric}`, code: 'feeders_change', message };
  }
}

function feedersOf(documents: ReadonlyMap<string, Document>): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const [, source] of sourcesIn(documents)) {
    for (const { metric } of mapsOf(source)) {
      const names = found.get(metric) ?? [];
      if (!names.includes(source.metadata.name)) found.set(metric, [...names, source.metadata.name].sort());
    }
  }
  return found;
}

function mapsOf({ spec: { map } }: SourceDocument): readonly SourceMap[] {
  return Array.isArray(map) ? map : [map as SourceMap];
}

function* sourcesIn(documents: ReadonlyMap<string, Document>): Generator<readonly [string, SourceDocument]> {
  for (const document of documents.values()) {
    if (document.kind === 'Source') yield [documentId(document), document];
  }
}
