import { compileCatalog } from '../definition/compile.ts';
import { validateDocuments } from '../definition/validate.ts';
import { type Document, documentId } from '../document.ts';
import type { CheckInFact, Fact, Recorded } from '../fact.ts';
import type { Instant } from '../instant.ts';
import { acceptStatement } from '../metric/accept.ts';
import type { Metric } from '../metric/metric.ts';
import { suggestion } from '../metric/suggest.ts';
import { type Position, position } from '../position.ts';
import { readInstant } from '../time/instant-text.ts';
import { bucketOfLabel } from '../time/label.ts';
import type { Scenario, ScenarioCheckIn, ScenarioObservation, ScenarioRefusal } from './scenario.ts';

/** Definitions without `recordedAt` are known from here: the first day there is. */
export const BEGINNING: Instant = Date.UTC(-1, 0, 1);

export interface ScenarioLog {
  readonly facts: readonly Recorded[];
  readonly refusals: readonly ScenarioRefusal[];
}

interface Entry {
  readonly recordedAt: Instant;
  readonly fact: (expects: Position | null) => Fact;
  readonly definitions: boolean;
}

/**
 * The log of a scenario: all its lists sorted by recordedAt; at one instant definitions, check-ins, covered, observations in
 * that order. What the product would refuse is left out and told.
 */
export function scenarioLog(scenario: Scenario): ScenarioLog {
  const refusals: ScenarioRefusal[] = [];
  const groups = groupsOf(scenario);
  checkDefinitions(groups, refusals);
  const metrics = compileCatalog(
    groups.flatMap(({ documents }) => documents).map((document) => ({ document, position: 0, recordedAt: BEGINNING })),
  ).metrics;
  const entries: Entry[] = groups.map(({ recordedAt, documents }) => ({
    recordedAt,
    definitions: true,
    fact: (expects) => ({
      type: 'definitions',
      command: `scenario-${recordedAt}`,
      expects,
      // Values come as if pushed. A source that never runs here must not keep a metric from ever being complete.
      put: documents.filter(({ kind }) => kind !== 'Source'),
      remove: [],
    }),
  }));
  for (const [index, said] of scenario.checkIns.entries()) {
    const fact = checkInOf(said);
    if (fact !== undefined) entries.push(plain(said.recordedAt ?? fact.time, fact));
    else refusals.push({ list: 'checkins', index, code: 'invalid_time', message: 'a check-in has a `time`' });
  }
  for (const { metric, from = Number.NEGATIVE_INFINITY, to, recordedAt = to } of scenario.covered) {
    entries.push(plain(recordedAt, { type: 'covered', metric, feeder: 'push', from, to }));
  }
  for (const [index, observation] of scenario.observations.entries()) {
    const entry = observationOf(observation, index, metrics, refusals);
    if (entry !== undefined) entries.push(entry);
  }
  return { facts: recorded(entries), refusals };
}

function plain(recordedAt: Instant, fact: Fact): Entry {
  return { recordedAt, fact: () => fact, definitions: false };
}

function recorded(entries: readonly Entry[]): Recorded[] {
  let expects: Position | null = null;
  return [...entries]
    .sort((left, right) => left.recordedAt - right.recordedAt)
    .map((entry, offset) => {
      const at = position(offset);
      const fact = entry.fact(expects);
      if (entry.definitions) expects = at;
      return { position: at, recordedAt: entry.recordedAt, id: `scenario-${offset}`, fact };
    });
}

interface Group {
  readonly recordedAt: Instant;
  readonly documents: Document[];
  readonly indexes: number[];
}

function groupsOf({ definitions }: Pick<Scenario, 'definitions'>): Group[] {
  const groups = new Map<Instant, Group>();
  for (const [index, { document, recordedAt = BEGINNING }] of definitions.entries()) {
    let group = groups.get(recordedAt);
    if (group === undefined) {
      group = { recordedAt, documents: [], indexes: [] };
      groups.set(recordedAt, group);
    }
    group.documents.push(document);
    group.indexes.push(index);
  }
  return [...groups.values()].sort((left, right) => left.recordedAt - right.recordedAt);
}

/** Each group is validated with what is known before it, as an apply would be. */
function checkDefinitions(groups: readonly Group[], refusals: ScenarioRefusal[]): void {
  let known = new Map<string, Document>();
  for (const { documents, indexes } of groups) {
    const put = new Set(documents.map(documentId));
    const before = [...known].filter(([id]) => !put.has(id)).map(([, document]) => document);
    for (const fault of validateDocuments([...before, ...documents])) {
      const index = indexes[fault.document - before.length];
      if (fault.severity === 'warning' || index === undefined) continue;
      refusals.push({ list: 'definitions', index, code: fault.code, message: `${fault.id}: ${fault.message}` });
    }
    known = new Map([...known, ...documents.map((document) => [documentId(document), document] as const)]);
  }
}

function checkInOf({ recordedAt, time = recordedAt, ...said }: ScenarioCheckIn): CheckInFact | undefined {
  if (time === undefined) return undefined;
  const { subject, value, done, milestones, confidence, note } = said;
  return {
    type: 'check_in',
    subject,
    time,
    ...(value === undefined ? {} : { value: String(value) }),
    ...(done === undefined ? {} : { done }),
    ...(milestones === undefined ? {} : { milestones }),
    ...(confidence === undefined ? {} : { confidence }),
    ...(note === undefined ? {} : { note }),
  };
}

function observationOf(
  { metric: name, raw, recordedAt, readAt }: ScenarioObservation,
  index: number,
  metrics: ReadonlyMap<string, Metric>,
  refusals: ScenarioRefusal[],
): Entry | undefined {
  const metric = metrics.get(name);
  const refuse = (code: string, message: string): undefined => {
    refusals.push({ list: 'observations', index, code, message: `${name}: ${message}` });
  };
  if (metric === undefined)
    return refuse('unknown_metric', `there is no metric "${name}"${suggestion(name, metrics.keys())}`);
  const at = recordedAt ?? ownTime(metric, raw);
  const accepted = acceptStatement(metric, raw, at ?? Number.POSITIVE_INFINITY);
  if (!accepted.ok) return refuse(accepted.code, accepted.message);
  if (at === undefined) return refuse('invalid_time', 'the observation has neither period nor time');
  const fact = {
    type: 'observations',
    metric: name,
    feeder: 'push',
    points: [accepted.point],
    ...(readAt === undefined ? {} : { readAt }),
  } as const;
  return plain(at, fact);
}

/** The time of a time point, the end of a period point's period. */
function ownTime(metric: Metric, { time, period }: ScenarioObservation['raw']): Instant | undefined {
  if (typeof time === 'string') return readInstant(time);
  return period === undefined ? undefined : bucketOfLabel(metric.grid, String(period))?.to;
}
