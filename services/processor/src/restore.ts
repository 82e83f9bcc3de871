import {
  type ExtentQuestion,
  FOLD_SNAPSHOT_VERSION,
  type Instant,
  offsetOf,
  type Position,
  position,
  readInstant,
  type WorkspaceFold,
  type WorkspaceFoldSnapshot,
} from '@paceline/domain';
import { decodeRecord, RECORDED_AT_HEADER } from '@paceline/events';
import type { LogRecord } from '@paceline/log';
import { readExtents } from '@paceline/store';
import type { WorkspaceDeps } from './options.ts';

/** Time of a record whose body cannot be read: as every reader of its header alone sees it. */
export function recordedAtOf(record: Pick<LogRecord, 'headers' | 'appendedAt'>): Instant {
  return readInstant(record.headers[RECORDED_AT_HEADER] ?? '') ?? record.appendedAt;
}

/**
 * Brings an empty fold to the state before the record at `next`: the newest snapshot that is not ahead of it, then the
 * log, folded without effects. Answers the offset after the snapshot, 0 without one.
 */
export async function restoreFold(fold: WorkspaceFold, next: number, deps: WorkspaceDeps): Promise<number> {
  const from = deps.mode === 'replay' ? 0 : await loadSnapshot(fold, next, deps);
  if (from >= next) return from;
  for await (const records of deps.log.read(deps.topic, { from, to: next })) {
    for (const record of records) {
      const at = position(record.offset);
      const decoded = decodeRecord(record);
      if (!decoded.ok) {
        fold.stamp(at, recordedAtOf(record));
        continue;
      }
      const { fact, id } = decoded;
      // What a tick judged is answered as it was then, before the tick itself is folded.
      if (fact.type === 'tick') await answerQuestions(fold, record.offset, true, deps);
      fold.apply({ position: at, recordedAt: decoded.recordedAt, id, fact });
      if (fact.type === 'tick') fold.judged();
    }
  }
  await answerQuestions(fold, next, true, deps);
  fold.takeResolved();
  return from;
}

async function loadSnapshot(fold: WorkspaceFold, next: number, deps: WorkspaceDeps): Promise<number> {
  const rows = await deps.store.read(
    {
      sql: 'SELECT position, state FROM snapshot WHERE workspace = {workspace:String} AND version = {version:UInt32} AND position < {before:UInt64} ORDER BY position DESC LIMIT 1',
      params: { workspace: deps.workspace, version: FOLD_SNAPSHOT_VERSION, before: position(next) },
    },
    { position: 'UInt64', state: 'String' },
    { lane: 'judge' },
  );
  const row = rows[0];
  if (row === undefined) return 0;
  const state: WorkspaceFoldSnapshot = JSON.parse(row.state);
  fold.restore(state);
  return offsetOf(Number(row.position)) + 1;
}

export async function saveSnapshot(fold: WorkspaceFold, deps: WorkspaceDeps): Promise<void> {
  if (fold.position < 0) return;
  await deps.store.insert('snapshot', [
    {
      workspace: deps.workspace,
      position: fold.position,
      version: FOLD_SNAPSHOT_VERSION,
      recorded_at: fold.recordedAt,
      state: JSON.stringify(fold.snapshot()),
    },
  ]);
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
