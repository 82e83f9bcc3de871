import {
  type Evaluation,
  evaluator,
  gridPoints,
  type Instant,
  memoryView,
  nextRecordedAt,
  type Position,
  type Recorded,
  subjectsOf,
  TICK,
} from '@paceline/domain';
import { decodeRecord } from '@paceline/events';
import type { LogRecord } from '@paceline/log';
import { judgedSubjects } from '../candidates.ts';
import { print } from '../evaluation-rows.ts';
import { recordedAtOf } from '../restore.ts';

/** A judgement as a table or the oracle holds it. */
export interface Judged {
  readonly subject: string;
  readonly at: Instant;
  readonly position: Position;
  /** Hex. */
  readonly hash: string;
}

/** The facts of a log in order, with the recordedAt every reader gives them; what cannot be read is left out. */
export function factsOf(records: readonly LogRecord[]): Recorded[] {
  const facts: Recorded[] = [];
  let recordedAt = Number.NEGATIVE_INFINITY;
  for (const record of records) {
    const decoded = decodeRecord(record);
    recordedAt = nextRecordedAt(recordedAt, decoded.ok ? decoded.recordedAt : recordedAtOf(record));
    if (!decoded.ok) continue;
    facts.push({ position: record.offset * 1024, recordedAt, id: decoded.id, fact: decoded.fact });
  }
  return facts;
}

/** What the evaluator says at a tick of every subject at every grid point since `from`, read from the statements themselves. */
function* saidAt(facts: readonly Recorded[], tick: Recorded, from: Instant): Generator<Judged> {
  const known = facts.filter(({ position }) => position <= tick.position);
  const view = memoryView(known, tick.recordedAt);
  const { evaluate } = evaluator(view);
  const span = { after: from - TICK, upTo: tick.recordedAt };
  for (const { subject, at } of gridPoints(view.catalog, span, judgedSubjects(view.catalog))) {
    const evaluation = evaluate(subject, at);
    if (evaluation === undefined) continue;
    yield { subject, at, position: tick.position, hash: print(evaluation).hash.toString('hex') };
  }
}

/** What must be in the tables: at every tick everything is evaluated, and what differs from the last word is a judgement. */
export function judgementsOf(facts: readonly Recorded[], from: Instant): Judged[] {
  const judgements: Judged[] = [];
  const last = new Map<string, string>();
  for (const tick of facts.filter(({ fact }) => fact.type === 'tick')) {
    for (const said of saidAt(facts, tick, from)) {
      const key = `${said.subject} ${said.at}`;
      if (last.get(key) === said.hash) continue;
      last.set(key, said.hash);
      judgements.push(said);
    }
  }
  return judgements;
}

/**
 * Compares what was judged with the evaluator, tick by tick, for logs whose evidence begins anywhere: of each subject from
 * the first grid point that was ever judged. Answers what is wrong, in words.
 */
export function faultsOf(judged: readonly Judged[], facts: readonly Recorded[], from: Instant): string[] {
  const faults: string[] = [];
  const last = new Map<string, string>();
  const first = new Map<string, Instant>();
  for (const tick of facts.filter(({ fact }) => fact.type === 'tick')) {
    for (const { subject, at, hash } of judged.filter(({ position }) => position === tick.position)) {
      const key = `${subject} ${at}`;
      if (last.get(key) === hash) faults.push(`${key} was said twice, again at ${tick.position}`);
      last.set(key, hash);
      first.set(subject, Math.min(at, first.get(subject) ?? at));
    }
    for (const { subject, at, hash } of saidAt(facts, tick, from)) {
      const begins = first.get(subject.startsWith('kpi/') ? (subject.split('@')[0] ?? subject) : subject);
      if (begins === undefined || at < begins) continue;
      if (last.get(`${subject} ${at}`) !== hash)
        faults.push(`${subject} ${at} is wrong or missing at ${tick.position}`);
    }
  }
  return faults;
}

/** The status of every subject at the last fact. */
export function statusOf(facts: readonly Recorded[]): Evaluation[] {
  const tail = facts.at(-1);
  if (tail === undefined) return [];
  const view = memoryView(facts, tail.recordedAt);
  const { evaluate } = evaluator(view);
  return subjectsOf(view.catalog, tail.recordedAt).flatMap((subject) => evaluate(subject, tail.recordedAt) ?? []);
}
