import { type CoveredFact, type Instant, offsetOf, parseSubject, type Recorded } from '@paceline/domain';
import type { ExpectedJudgement } from './oracle.ts';

/**
 * No bucket is judged complete before every feeder covered it: told from the statements alone, with nothing of the fold's. Looked
 * at are judgements of single days; a day of `sales` is complete only when each source that was defined then had stated it.
 */
export function coverageFaults(facts: readonly Recorded[], judgements: readonly ExpectedJudgement[]): string[] {
  const faults: string[] = [];
  for (const { position, subject, evaluation } of judgements) {
    if (evaluation.value === null || evaluation.period === null) continue;
    if (parseSubject(subject)?.kind !== 'kpi' || !isSoldByDay(facts, position)) continue;
    if (!subject.startsWith('kpi/sold')) continue;
    const { from, to, label } = evaluation.period;
    if (!/^\d{4}-\d\d-\d\d$/.test(label)) continue;
    for (const feeder of feedersAt(facts, position)) {
      if (isCovered(facts, position, feeder, from, to) || isCoveredAtFirst(facts, position, feeder, label)) continue;
      faults.push(
        `${subject} judges ${label} at ${position} with ${evaluation.value}, and ${feeder} had not covered it`,
      );
    }
  }
  return faults.slice(0, 3);
}

function isSoldByDay(facts: readonly Recorded[], before: number): boolean {
  return accepted(facts, before).some(({ kind, name, each }) => kind === 'Kpi' && name === 'sold' && each);
}

interface Known {
  readonly kind: string;
  readonly name: string;
  readonly each: boolean;
}

/** The documents that stand at a position, commands taken in their order as the log's rule says. */
function accepted(facts: readonly Recorded[], before: number): Known[] {
  const known = new Map<string, Known>();
  const commands = new Set<string>();
  let last: number | null = null;
  for (const { fact, position } of facts) {
    if (position >= before) break;
    if (fact.type !== 'definitions' || fact.expects !== last || commands.has(fact.command)) continue;
    commands.add(fact.command);
    last = position;
    for (const document of fact.put) {
      const { kind, metadata } = document;
      const period = document.kind === 'Kpi' ? document.spec.period : undefined;
      const each = typeof period === 'object' && 'each' in period;
      known.set(`${kind.toLowerCase()}/${metadata.name}`, { kind, name: metadata.name, each });
    }
    for (const id of fact.remove) known.delete(id);
  }
  return [...known.values()];
}

function feedersAt(facts: readonly Recorded[], before: number): string[] {
  return accepted(facts, before).flatMap(({ kind, name }) => (kind === 'Source' ? [`source/${name}`] : []));
}

/** Whether the statements of a feeder before a position together reach over [from, to). */
function isCovered(facts: readonly Recorded[], before: number, feeder: string, from: Instant, to: Instant): boolean {
  const spans = facts
    .filter((record): record is Recorded<CoveredFact> => record.fact.type === 'covered')
    .filter(
      ({ position, fact }) =>
        offsetOf(position) < offsetOf(before) && fact.feeder === feeder && fact.metric === 'sales',
    )
    .map(({ fact }) => ({ from: fact.from ?? Number.NEGATIVE_INFINITY, to: fact.to }))
    .sort((left, right) => left.from - right.from);
  let reached = from;
  for (const span of spans) if (span.from <= reached) reached = Math.max(reached, span.to);
  return reached >= to;
}

/** What a feeder stated before its first word on coverage covers through its latest period, in whatever zone that is read. */
function isCoveredAtFirst(facts: readonly Recorded[], before: number, feeder: string, label: string): boolean {
  for (const { fact, position } of facts) {
    if (position >= before) return false;
    if (fact.type === 'covered' && fact.feeder === feeder && fact.metric === 'sales') return false;
    if (fact.type !== 'observations' || fact.feeder !== feeder || fact.metric !== 'sales') continue;
    if (fact.points.some(({ period, value }) => value !== null && (period ?? '') >= label)) return true;
  }
  return false;
}
