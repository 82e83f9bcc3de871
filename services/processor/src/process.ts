import { EDITION } from '@paceline/domain';
import { kafkaNeed } from '@paceline/log/need';
import { type ProcessOptions, runProcess } from '@paceline/runtime';
import { clickhouseNeed } from '@paceline/store/need';
import { createProcessor } from './index.ts';

/** The processor as a process of its own, on Kafka and ClickHouse. Several share the workspaces; it makes the tables. */
export function runProcessor(options?: ProcessOptions): Promise<void> {
  return runProcess(
    'processor',
    async (open, { config, clock, logger, metrics }) => {
      const kafka = kafkaNeed(config.kafka, { clientId: 'paceline-processor', now: () => clock.now(), logger });
      const log = await open('kafka', kafka);
      const store = await open('clickhouse', clickhouseNeed(config.clickhouse, { migrates: true }));
      const processor = createProcessor({
        log,
        store,
        clock,
        logger,
        metrics,
        edition: EDITION,
        options: { ticks: config.ticks === 'manual' ? 'manual' : 'scheduled' },
      });
      return { service: processor, routes: [] };
    },
    options,
  );
}
