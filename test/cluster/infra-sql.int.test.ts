import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { openStore, type Store } from '@paceline/store';
import { afterAll, beforeAll, expect, it } from 'vitest';

/** The engine here knows no users and no replicas, but it reads the language: every statement is at least one of ClickHouse's. */
const ROOT = dirname(dirname(import.meta.dirname));
let dir: string;
let store: Store;
beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'paceline-infra-'));
  store = openStore({ path: join(dir, 'data') });
  await store.migrate();
});
afterAll(async () => {
  await store?.close();
  rmSync(dir, { recursive: true, force: true });
});

it.each(['infra/clickhouse/users/users.sql', 'infra/clickhouse/replicated.sql'])('%s can be read', async (path) => {
  const text = readFileSync(join(ROOT, path), 'utf8').replace(/^--.*$/gm, '');
  const statements = text
    .split(/;\s*$/m)
    .map((each) => each.trim())
    .filter((each) => each !== '');
  expect(statements.length).toBeGreaterThan(5);
  for (const statement of statements)
    expect((await store.query({ sql: `EXPLAIN AST ${statement}` })).length, statement).toBeGreaterThan(0);
  await expect(store.query({ sql: 'EXPLAIN AST CREATE ROLL x' })).rejects.toThrow();
});
