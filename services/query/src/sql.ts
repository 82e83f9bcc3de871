import type { Query, ReadShape } from '@paceline/store';

const STATUS_POSITION = { position: 'UInt64', subjects: 'UInt64' } as const satisfies ReadShape;

/** How far the status has followed the facts. */
export function statusPosition(workspace: string, edition: number): Query<typeof STATUS_POSITION> {
  return {
    sql: 'SELECT max(position), count() FROM status WHERE workspace = {workspace:String} AND edition = {edition:UInt32}',
    params: { workspace, edition },
    shape: STATUS_POSITION,
  };
}
