import { redisNeed } from '@paceline/jobs/need';
import { kafkaNeed } from '@paceline/log/need';
import { type ProcessOptions, runProcess } from '@paceline/runtime';
import { createAlerts } from './index.ts';

/** Alerts as a process of its own, on Kafka and Redis: deliveries, acknowledgements and snoozes. */
export function runAlerts(options?: ProcessOptions): Promise<void> {
  return runProcess(
    'alerts',
    async (open, { config, clock, logger, metrics, env }) => {
      const kafka = kafkaNeed(config.kafka, { clientId: 'paceline-alerts', now: () => clock.now(), logger });
      const log = await open('kafka', kafka);
      const jobs = await open('redis', redisNeed(config.redis, { random: Math.random, logger }));
      const alerts = createAlerts({
        log,
        jobs,
        clock,
        logger,
        metrics,
        workspace: config.workspace,
        egressAllow: config.egress.allow,
        env,
        projectDir: config.dir,
      });
      return { service: alerts, routes: [alerts.routes] };
    },
    options,
  );
}
