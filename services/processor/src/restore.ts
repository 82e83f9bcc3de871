import {
  type ExtentQuestion,
  type Instant,
  type Position,
  pointCount,
  position,
  readInstant,
  type WorkspaceFold,
} from '@paceline/domain';
import { decodeInColumns, RECORDED_AT_HEADER } from '@paceline/events';
import type { LogRecord } from '@paceline/log';
import { readExtents } from '@paceline/store';
import type { WorkspaceDeps } from './options.ts';
import { loadSnapshot, Snapshots } from './snapshots.ts';

/** Time of a record whose body cannot be read: as every reader of its header alone sees it. */
export function recordedAtOf(record: Pick<LogRecord, 'headers' | 'appendedAt'>): Instant {
  return readInstant(record.headers[RECORDED_AT_HEADER] ?? '') ?? record.appendedAt;
}

/**
 * Brings an empty fold to the state before the record at `next`: the newest snapshot that is not ahead of it, then the
 * log, folded without effects. On the way the fold is kept again where that is due, so that a start that is cut off too
 * is not made anew from its beginning.
 */
export async function restoreFold(fold: WorkspaceFold, next: number, deps: WorkspaceDeps): Promise<Restored> {
  const from = deps.mode === 'replay' || next === 0 ? 0 : await loadSnapshot(fold, next, deps);
  const snapshots = new Snapshots(deps, from);
  if (from >= next) return { from, snapshots };
  for await (const records of deps.log.read(deps.topic, { from, to: next })) {
    for (const record of records) snapshots.count(await foldAgain(fold, record, deps));
    const last = records.at(-1);
    const kept = last === undefined ? null : snapshots.take(fold, last.offset + 1);
    if (kept !== null) await snapshots.save(kept);
  }
  await answerQuestions(fold, next, true, deps);
  fold.takeResolved();
  return { from, snapshots };
}

export interface Restored {
  /** Offset after the snapshot it began with, 0 without one. */
  readonly from: number;
  readonly snapshots: Snapshots;
}

/** Folds a record that was committed before; answers its points. */
async function foldAgain(fold: WorkspaceFold, record: LogRecord, deps: WorkspaceDeps): Promise<number> {
  const at = position(record.offset);
  const decoded = decodeInColumns(record);
  if (!decoded.ok) {
    fold.stamp(at, recordedAtOf(record));
    return 0;
  }
  const { fact, id } = decoded;
  // What a tick judged is answered as it was then, before the tick itself is folded; what waits, before definitions are.
  const asks = fact.type === 'tick' || (fact.type === 'definitions' && fold.isAsking);
  if (asks) await answerQuestions(fold, record.offset, true, deps);
  fold.apply({ position: at, recordedAt: decoded.recordedAt, id, fact });
  if (fact.type === 'tick') fold.judged();
  return fact.type === 'observations' ? pointCount(fact) : 0;
}

/**
 * Reads back the extents the fold lost sight of. `next` is the offset after the last record whose rows are durable. While
 * more is folded than that, only questions about the part before it can be answered (`settled` false).
 */
export async function answerQuestions(
  fold: WorkspaceFold,
  next: number,
  settled: boolean,
  deps: WorkspaceDeps,
): Promise<void> {
  const byBound = new Map<Position, ExtentQuestion[]>();
  for (const question of fold.questions()) {
    const before = question.before ?? (settled ? position(next) : null);
    if (before === null || before > position(next)) continue;
    byBound.set(before, [...(byBound.get(before) ?? []), question]);
  }
  for (const [before, questions] of byBound) {
    const names = new Set(questions.map(({ metric }) => metric));
    const metrics = [...names].flatMap((name) => fold.catalog.metrics.get(name) ?? []);
    const extents = await readExtents(deps.store, deps.workspace, metrics, before, { lane: 'judge' });
    for (const question of questions) {
      fold.answer(question, extents.get(question.metric)?.get(question.feeder) ?? null);
    }
  }
}
