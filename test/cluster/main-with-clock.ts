import { readFileSync } from 'node:fs';
import { runAlerts } from '@paceline/alerts/process';
import { runCatalog } from '@paceline/catalog/process';
import { runConnectors } from '@paceline/connectors/process';
import { runProcessor } from '@paceline/processor/process';
import { runQuery } from '@paceline/query/process';
import { type Clock, systemClock } from '@paceline/runtime';

/** A service as its `main.ts` runs it, but on the clock of a story: the file holds its now, epoch milliseconds. */
const [name = '', file = ''] = process.argv.slice(2);
const clock: Clock = { ...systemClock, now: () => Number(readFileSync(file, 'utf8')) };
const RUN = {
  alerts: runAlerts,
  catalog: runCatalog,
  connectors: runConnectors,
  processor: runProcessor,
  query: runQuery,
};

if (!Object.hasOwn(RUN, name)) throw new Error(`there is no service ${name}`);
await RUN[name as keyof typeof RUN]({ clock });
