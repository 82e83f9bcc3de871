import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openStore, type Store } from './index.ts';
import { columnsOf, engineType, TABLES, type TableName } from './tables.ts';

let folder: string;
let store: Store;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'paceline-store-'));
  store = openStore({ path: folder });
});
afterAll(async () => {
  await store.close();
  rmSync(folder, { recursive: true, force: true });
});

test('the migrations make exactly the tables and columns that the types describe', async () => {
  await expect(store.migrate()).resolves.toEqual({ from: 0, to: 3 });
  await expect(store.migrate()).resolves.toEqual({ from: 3, to: 3 });
  const rows = await store.read(
    {
      sql: 'SELECT table, name, type FROM system.columns WHERE database = currentDatabase() AND table != {x:String} ORDER BY table, position',
      params: { x: 'schema_migration' },
    },
    { table: 'String', name: 'String', type: 'String' },
  );
  const described = Object.keys(TABLES)
    .sort()
    .flatMap((table) => columnsOf(table as TableName).map(([name, type]) => ({ table, name, type: engineType(type) })));
  expect(rows).toEqual(described);
});
