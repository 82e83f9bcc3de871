import { position } from '@paceline/domain';
import { decodeRecord } from '@paceline/events';
import type { LogRecord } from '@paceline/log';
import { isDivisible, observationRows, type Row, RowsRejectedError, timelineRows } from '@paceline/store';
import { bury } from './dead-letters.ts';
import type { WorkspaceDeps } from './options.ts';
import type { Span } from './span.ts';

/**
 * Makes the rows of a span durable, raw points first: everything else is read on top of them. Points that no column can
 * hold are put aside one by one, the others stay.
 */
export async function writePoints(span: Span, deps: WorkspaceDeps): Promise<void> {
  if (!span.observation.odd) {
    try {
      await deps.store.insertObservations(span.observation);
      span.observation.free();
      return;
    } catch (error) {
      if (!isDivisible(error)) throw error;
    }
  }
  const { rows, records } = await rowsAgain(span, deps);
  try {
    await deps.store.insert('observation', rows);
  } catch (error) {
    if (!(error instanceof RowsRejectedError)) throw error;
    for (const { index, message } of error.rejected) {
      const [row, record] = [rows[index], records[index]];
      if (row === undefined || record === undefined)
        throw new RangeError(`the store refused row ${index}, which it was not given`);
      span.deadLetter.push(await refused(row, record, message, deps));
    }
  }
}

/** Everything of a span but its points. */
export async function writeRest(span: Span, deps: WorkspaceDeps): Promise<void> {
  const { store } = deps;
  const inserts: Promise<void>[] = [];
  if (span.definition.length > 0) inserts.push(store.insert('definition', span.definition));
  if (span.checkIn.length > 0) inserts.push(store.insert('check_in', span.checkIn));
  if (span.covered.length > 0) inserts.push(store.insert('covered', span.covered));
  if (span.deadLetter.length > 0) inserts.push(store.insert('dead_letter', span.deadLetter));
  if (span.records > 0) inserts.push(store.insert('timeline', timelineRows(span.workspace, span.timeline())));
  await all(inserts);
  // Last: who waits for the outcome of a command may read what it did at once.
  if (span.command.length > 0) await store.insert('command', span.command);
}

/** Nothing is under way any more when it rejects: what failed is begun anew. */
async function all(inserts: readonly Promise<void>[]): Promise<void> {
  for (const done of await Promise.allSettled(inserts)) if (done.status === 'rejected') throw done.reason;
}

/** The points as rows, each with the record that stated it: read again from the log, since a span that is refused is rare. */
async function rowsAgain(
  span: Span,
  { log, topic }: WorkspaceDeps,
): Promise<{ readonly rows: Row<'observation'>[]; readonly records: LogRecord[] }> {
  const recordedAts = new Map<number, number>();
  for (const { position: at, recordedAt } of span.timeline()) recordedAts.set(at, recordedAt);
  const rows: Row<'observation'>[] = [];
  const records: LogRecord[] = [];
  for await (const batch of log.read(topic, { from: span.first, to: span.next })) {
    for (const record of batch) {
      const at = position(record.offset);
      const [decoded, recordedAt] = [decodeRecord(record), recordedAts.get(at)];
      if (!decoded.ok || decoded.fact.type !== 'observations' || recordedAt === undefined) continue;
      for (const row of observationRows(span.workspace, { ...decoded, position: at, recordedAt, fact: decoded.fact })) {
        rows.push(row);
        records.push(record);
      }
    }
  }
  return { rows, records };
}

async function refused(
  row: Row<'observation'>,
  record: LogRecord,
  message: string,
  deps: WorkspaceDeps,
): Promise<Row<'dead_letter'>> {
  const { workspace, metrics } = deps;
  const log = deps.mode === 'live' ? deps.log : null;
  const at = Number(row.pos);
  const poison = {
    record,
    position: at,
    recordedAt: row.recorded_at,
    code: 'not_storable',
    message,
    index: at % 1024,
  };
  return bury(poison, { log, metrics, workspace });
}
