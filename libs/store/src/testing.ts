import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type OpenedStore, openStore, type StoreOptions } from './connect.ts';

/** A migrated store on a temporary folder, for tests of this and other packages; `stop` closes it and removes the folder. */
export async function temporaryStore(
  options: StoreOptions = {},
): Promise<{ readonly store: OpenedStore; readonly folder: string; stop(): Promise<void> }> {
  const folder = mkdtempSync(join(tmpdir(), 'paceline-store-'));
  const store = openStore({ path: folder }, options);
  await store.migrate();
  return {
    store,
    folder,
    async stop() {
      await store.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
