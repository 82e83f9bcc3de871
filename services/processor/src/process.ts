import { EDITION } from '@paceline/domain';
import { kafkaNeed } from '@paceline/log/need';
import { type ProcessOptions, runProcess } from '@paceline/runtime';
import { clickhouseNeed } from '@paceline/store/need';
import { createProcessor } from './index.ts';
import { replayRoutes } from './replay/routes.ts';

/** The processor as a process of its own, on Kafka and ClickHouse. Several share the workspaces; it makes the tables. */
export function runProcessor(options?: ProcessOptions): Promise<void> {
  return runProcess(
    'processor',
    async (open, { config, clock, logger, metrics }) => {
      const kafka = kafkaNeed(config.kafka, { clientId: 'paceline-processor', now: () => clock.now(), logger });
      const log = await open('kafka', kafka);
      const store = await open('clickhouse', clickhouseNeed(config.clickhouse, { migrates: true }));
      const deps = { log, store, clock, logger, metrics, edition: EDITION };
      const processor = createProcessor({
        ...deps,
        options: { ticks: config.ticks === 'manual' ? 'manual' : 'scheduled' },
      });
      const replay = replayRoutes({ ...deps, processor, beside: (database) => store.beside(database) });
      return { service: processor, routes: [replay] };
    },
    options,
  );
}
