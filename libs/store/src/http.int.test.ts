import { startClickHouse } from '@paceline/local-servers/clickhouse';
import { openStore } from './connect.ts';
import { describeStore } from './contract.ts';

describeStore('over HTTP', async () => {
  const { url, user, password, stop } = await startClickHouse();
  return { open: (options) => openStore({ url, user, password }, options), stop };
});
