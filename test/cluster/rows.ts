import type { Store, TableName } from '@paceline/store';

/** Everything that a reader can be told, by table. What is left out: `snapshot` and `timeline` are cut where batches were cut. */
export const COMPARED = [
  'observation',
  'rollup',
  'judgement',
  'status',
  'alert',
  'definition',
  'command',
  'check_in',
  'covered',
  'dead_letter',
] as const satisfies readonly TableName[];
export type Compared = (typeof COMPARED)[number];

/** All rows of a workspace, each with all its columns as text, without what is named. A row that a redone span wrote twice is one. */
export async function rowsOf(
  store: Store,
  table: Compared,
  workspace: string,
  without: readonly string[] = [],
): Promise<string[]> {
  const columns = ['workspace', ...without].join(', ');
  // Of a replacing table the latest row of each key counts, whether the engine has merged or not.
  const final = table === 'status' ? 'FINAL' : '';
  // That a subject was listed once and is not any more depends on when one looked.
  const listed = table === 'status' ? 'AND NOT removed' : '';
  const sql = `SELECT DISTINCT * EXCEPT (${columns}) FROM ${table} ${final} WHERE workspace = {workspace:String} ${listed}`;
  const rows = await store.query<Record<string, unknown>>({ sql, params: { workspace } });
  return rows.map((row) => JSON.stringify(row)).sort();
}
