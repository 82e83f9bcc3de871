import { offsetOf, position } from '@paceline/domain';
import { LogRefused } from '@paceline/log';
import type { WorkspaceDeps } from './options.ts';

/**
 * Where to go on: at the commit, unless the tables hold less, because they were emptied, or put back from before it. They are then made again
 * from there. Tables that hold more than the log has are of another log, and would mix with it.
 */
export async function placeOf(deps: WorkspaceDeps, committed: number): Promise<number> {
  const { log, logger, store, topic, workspace } = deps;
  const [row] = await store.read(
    {
      // A row is a run of records; spans that were redone may have cut their runs otherwise.
      sql: 'SELECT count(), toUInt64(max(position + (records - 1) * {step:UInt64})) FROM timeline WHERE workspace = {workspace:String}',
      params: { workspace, step: position(1) },
    },
    { rows: 'UInt64', last: 'UInt64' },
    { lane: 'judge' },
  );
  const held = row === undefined || row.rows === 0 ? 0 : offsetOf(row.last) + 1;
  const end = await log.end(topic);
  if (held > end) {
    throw new LogRefused(
      'offset_out_of_range',
      `"${topic}" ends at ${end}, and the tables hold its records up to ${held}: the log lost records or was made anew; restore it, or remove the tables of ${workspace}, which are made again from the log`,
    );
  }
  if (held >= committed) return committed;
  logger.warn({ workspace, committed, held }, 'the tables end before the commit; they are made again from there');
  return held;
}
