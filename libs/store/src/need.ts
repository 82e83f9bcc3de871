import { type OpenedStore, openStore, type StoreOptions } from './connect.ts';
import { StoreError } from './errors.ts';
import { missing, readMigrations } from './migrate.ts';
import type { Store } from './port.ts';

/** Where ClickHouse is, as configured. */
export interface ClickHouseAddress {
  readonly url: string;
  readonly tls: boolean;
  readonly user: string | null;
  readonly password: string | null;
  readonly database: string;
}

export interface ClickHouseNeedOptions extends Omit<StoreOptions, 'database'> {
  /** Whether this process makes the tables. One that only reads waits until another has made them. */
  readonly migrates: boolean;
}

/** The tables behind ClickHouse's address as a process needs them: how they are opened, asked for, and what an error means. */
export function clickhouseNeed(address: ClickHouseAddress, options: ClickHouseNeedOptions) {
  const { user, password, database } = address;
  const url = new URL(address.url);
  if (address.tls) url.protocol = 'https:';
  const { migrates, ...limits } = options;
  const target = {
    url: url.href,
    ...(user === null ? {} : { user }),
    ...(password === null ? {} : { password }),
  };
  return {
    what: `ClickHouse at ${url.host}`,
    async open(): Promise<OpenedStore> {
      // A process that waits says so at once, rather than after the tries of every call.
      const first = openStore(target, { ...limits, database, triesMax: 1 });
      try {
        await (migrates ? first.migrate() : requireSchema(first));
      } finally {
        await first.close();
      }
      return openStore(target, { ...limits, database });
    },
    probe: (store: OpenedStore): Promise<void> => store.ping(),
    judge(error: unknown): 'refused' | 'away' | undefined {
      if (!(error instanceof StoreError)) return undefined;
      return error.retryable || error.code === 'store_schema_missing' ? 'away' : 'refused';
    },
  };
}

/** Throws `store_schema_missing` where tables are still to be made, `store_schema_newer` where others made newer ones. */
async function requireSchema(store: Store): Promise<void> {
  const applied = await store.read(
    { sql: 'SELECT version, any(hash) FROM schema_migration GROUP BY version ORDER BY version' },
    { version: 'UInt32', hash: 'String' },
  );
  const [next] = missing(readMigrations(), applied, `database ${store.database}`);
  if (next === undefined) return;
  throw new StoreError(
    'store_schema_missing',
    `The tables of database ${store.database} lack migration ${next.version}, which the processor applies at its start`,
  );
}
