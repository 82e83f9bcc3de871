import { createEgress } from '@paceline/connector-sdk';
import { redisNeed } from '@paceline/jobs/need';
import { kafkaNeed } from '@paceline/log/need';
import { type ProcessOptions, runProcess } from '@paceline/runtime';
import { createConnectors } from './index.ts';
import { sourceRoutes } from './source-routes.ts';

/** Connectors as a process of its own, on Kafka and Redis: pulls by schedule, pushes, and runs on demand. */
export function runConnectors(options?: ProcessOptions): Promise<void> {
  return runProcess(
    'connectors',
    async (open, { config, clock, logger, metrics, env }) => {
      const kafka = kafkaNeed(config.kafka, { clientId: 'paceline-connectors', now: () => clock.now(), logger });
      const log = await open('kafka', kafka);
      const jobs = await open('redis', redisNeed(config.redis, { random: Math.random, logger }));
      const connectors = createConnectors({
        log,
        jobs,
        clock,
        logger,
        metrics,
        workspace: config.workspace,
        projectDir: config.dir,
        egress: createEgress({ allow: config.egress.allow }),
        env,
      });
      return { service: connectors, routes: [connectors.routes, sourceRoutes(connectors)] };
    },
    options,
  );
}
