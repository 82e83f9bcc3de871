import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startClickHouse } from '@paceline/local-servers/clickhouse';
import { expect, test } from 'vitest';
import { openStore } from './connect.ts';
import { describeStore } from './contract.ts';

describeStore('over HTTP', async () => {
  const { url, user, password, stop } = await startClickHouse();
  return { open: (options) => openStore({ url, user, password }, options), stop };
});

test('a wrong password is said at once, and not tried again', async () => {
  const { url, user, stop } = await startClickHouse();
  const waits: number[] = [];
  const store = openStore(
    { url, user, password: 'wrong' },
    { sleep: async (milliseconds) => void waits.push(milliseconds) },
  );
  await expect(store.ping()).rejects.toMatchObject({ code: 'store_refused', engineCode: 516, retryable: false });
  expect(waits).toEqual([]);
  await store.close();
  await stop();
});

test('a server that is gone is waited for, and what was being inserted is stored when it returns', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'paceline-clickhouse-'));
  const first = await startClickHouse({ dir, keepFolder: true });
  const { url, user, password, port } = first;
  await openAndMigrate(url, user, password);
  await first.kill();
  await first.stop();
  const impatient = openStore({ url, user, password }, { triesMax: 2, sleep: async () => undefined });
  await expect(impatient.ping()).rejects.toMatchObject({ code: 'store_unavailable', retryable: true });
  await impatient.close();
  let second: Awaited<ReturnType<typeof startClickHouse>> | undefined;
  const patient = openStore(
    { url, user, password },
    {
      sleep: async () => {
        second ??= await startClickHouse({ dir, port, password });
      },
    },
  );
  await patient.insert('progress', [{ workspace: 'w', position: 5, recorded_at: 0 }]);
  const rows = await patient.read({ sql: 'SELECT max(position) FROM progress' }, { position: 'UInt64' });
  expect(rows).toEqual([{ position: 5 }]);
  await patient.close();
  await second?.stop();
});

async function openAndMigrate(url: string, user: string, password: string): Promise<void> {
  const store = openStore({ url, user, password });
  await store.migrate();
  await store.close();
}
