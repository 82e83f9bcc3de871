import type { LogRecord } from '@paceline/log';
import { isDivisible, type Row, RowsRejectedError, timelineRows } from '@paceline/store';
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
      return;
    } catch (error) {
      if (!isDivisible(error)) throw error;
    }
  }
  const { rows, records } = span.observationRows();
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
  if (span.definition.length > 0) await store.insert('definition', span.definition);
  if (span.checkIn.length > 0) await store.insert('check_in', span.checkIn);
  if (span.covered.length > 0) await store.insert('covered', span.covered);
  if (span.deadLetter.length > 0) await store.insert('dead_letter', span.deadLetter);
  if (span.records.length > 0) await store.insert('timeline', timelineRows(span.workspace, span.records));
  // Last: who waits for the outcome of a command may read what it did at once.
  if (span.command.length > 0) await store.insert('command', span.command);
}

async function refused(
  row: Row<'observation'>,
  record: LogRecord,
  message: string,
  deps: WorkspaceDeps,
): Promise<Row<'dead_letter'>> {
  const { workspace, metrics } = deps;
  const log = deps.mode === 'live' ? deps.log : null;
  const position = Number(row.pos);
  const poison = {
    record,
    position,
    recordedAt: row.recorded_at,
    code: 'not_storable',
    message,
    index: position % 1024,
  };
  return bury(poison, { log, metrics, workspace });
}
