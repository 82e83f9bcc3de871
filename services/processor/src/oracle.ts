import {
  type Evaluation,
  evaluator,
  gridPoints,
  memoryView,
  nextRecordedAt,
  type Recorded,
  subjectsOf,
  TICK,
} from '@paceline/domain';
import { decodeRecord } from '@paceline/events';
import type { LogRecord } from '@paceline/log';
import { judgedSubjects } from './candidates.ts';
import { print } from './evaluation-rows.ts';

/** One judgement as the oracle makes it: text names everything that must be equal. */
export interface OracleJudgement {
  readonly subject: string;
  readonly at: number;
  readonly position: number;
  readonly hash: string;
  readonly evaluation: Evaluation;
}

/** The facts of a log in order, with the recordedAt every reader gives them; what cannot be read is left out. */
export function factsOf(records: readonly LogRecord[]): Recorded[] {
  const facts: Recorded[] = [];
  let recordedAt = Number.NEGATIVE_INFINITY;
  for (const record of records) {
    const decoded = decodeRecord(record);
    recordedAt = nextRecordedAt(recordedAt, decoded.ok ? decoded.recordedAt : record.appendedAt);
    if (!decoded.ok) continue;
    facts.push({ position: record.offset * 1024, recordedAt, id: decoded.id, fact: decoded.fact });
  }
  return facts;
}

/**
 * What must be in the tables, found the slow way: at every tick everything is evaluated at every grid point since `from`,
 * from the statements themselves, and what differs from the last word is a new judgement.
 */
export function judgementsOf(facts: readonly Recorded[], from: number): OracleJudgement[] {
  const judgements: OracleJudgement[] = [];
  const last = new Map<string, string>();
  for (const [index, tick] of facts.entries()) {
    if (tick.fact.type !== 'tick') continue;
    const view = memoryView(facts.slice(0, index + 1), tick.recordedAt);
    const { evaluate } = evaluator(view);
    const span = { after: from - TICK, upTo: tick.recordedAt };
    for (const { subject, at } of gridPoints(view.catalog, span, judgedSubjects(view.catalog))) {
      const evaluation = evaluate(subject, at);
      if (evaluation === undefined) continue;
      const hash = print(evaluation).hash.toString('hex');
      const key = `${subject} ${at}`;
      if (last.get(key) === hash) continue;
      last.set(key, hash);
      judgements.push({ subject, at, position: tick.position, hash, evaluation });
    }
  }
  return judgements;
}

/** The status of every subject at the last fact. */
export function statusOf(facts: readonly Recorded[]): Evaluation[] {
  const tail = facts.at(-1);
  if (tail === undefined) return [];
  const view = memoryView(facts, tail.recordedAt);
  const { evaluate } = evaluator(view);
  return subjectsOf(view.catalog, tail.recordedAt).flatMap((subject) => evaluate(subject, tail.recordedAt) ?? []);
}
