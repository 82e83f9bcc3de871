import type { Instant } from '@paceline/domain';
import type { Query, ReadShape, Store } from '@paceline/store';

const STANDING = {
  id: 'String',
  version: 'UInt64',
  removed: 'Bool',
  kind: 'LowCardinality(String)',
  name: 'String',
  title: 'String',
  description: 'String',
  owner: 'String',
  unit: 'String',
  measure: 'String',
  metric: 'String',
  cycle: 'String',
  parent: 'String',
  aggregation: 'LowCardinality(String)',
  across: 'LowCardinality(String)',
  points: 'LowCardinality(String)',
  revisions: 'Bool',
  grid: 'LowCardinality(String)',
  position: 'UInt64',
  recorded_at: 'DateTime64(6)',
} as const satisfies ReadShape;

/** What stands of the definitions of a workspace, removed ones too. */
export function standingRows(workspace: string): Query<typeof STANDING> {
  return {
    sql: `SELECT ${Object.keys(STANDING).join(', ')} FROM bi_definition FINAL WHERE workspace = {workspace:String}`,
    params: { workspace },
    shape: STANDING,
  };
}

export interface Reach {
  readonly from: Instant;
  readonly to: Instant;
}

const REACH = { rows: 'UInt64', from: 'DateTime64(6)', to: 'DateTime64(6)' } as const satisfies ReadShape;

/** When facts and judgements of a workspace begin and end. */
export async function readReaches(store: Store, workspace: string, edition: number): Promise<readonly Reach[]> {
  const parts = [
    // Labels that say nothing of time stand at the beginning of the epoch.
    {
      sql: `SELECT count(), min(at), max(at) FROM observation WHERE workspace = {workspace:String} AND at > toDateTime64(86400, 6, 'UTC')`,
      params: { workspace },
    },
    {
      sql: 'SELECT count(), min(as_of), max(as_of) FROM judgement WHERE workspace = {workspace:String} AND edition = {edition:UInt32}',
      params: { workspace, edition },
    },
  ];
  const found = await Promise.all(parts.map((statement) => store.read(statement, REACH)));
  return found.flat().filter(({ rows }) => rows > 0);
}

/** A label says its day as if it were UTC, and fiscal labels their year: a year more at the beginning holds them all. */
const BEFORE_MS = 370 * 86_400_000;
const EARLIEST = Date.UTC(1900, 0, 2);
const LATEST = Date.UTC(2299, 11, 30);
/** Of hours there are many: a fact from long ago must not make millions of rows. */
const BACK_MS_MAX = 60 * 366 * 86_400_000;

export function reachOf(reaches: readonly Reach[], now: Instant, aheadMs: number): Reach {
  const from = Math.min(now, ...reaches.map((reach) => reach.from)) - BEFORE_MS;
  const to = Math.max(now, ...reaches.map((reach) => reach.to)) + aheadMs;
  const end = Math.min(LATEST, to);
  return { from: Math.max(EARLIEST, from, end - BACK_MS_MAX), to: end };
}
