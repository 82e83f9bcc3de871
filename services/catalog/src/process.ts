import { kafkaNeed } from '@paceline/log/need';
import { type ProcessOptions, runProcess } from '@paceline/runtime';
import { createCatalog } from './index.ts';

/** The catalog as a process of its own, on Kafka. */
export function runCatalog(options?: ProcessOptions): Promise<void> {
  return runProcess(
    'catalog',
    async (open, { config, clock, logger }) => {
      const log = await open(
        'kafka',
        kafkaNeed(config.kafka, { clientId: 'paceline-catalog', now: () => clock.now(), logger }),
      );
      const catalog = createCatalog({
        log,
        clock,
        logger,
        workspace: config.workspace,
        defaults: { policy: config.policy, pace: config.pace },
        waitMs: config.limits.waitMs,
        documentsMax: config.limits.documents,
      });
      return { service: catalog, routes: [catalog.routes] };
    },
    options,
  );
}
