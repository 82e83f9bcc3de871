import { createEgress } from '@paceline/connector-sdk';
import type { Jobs } from '@paceline/jobs';
import type { EventLog } from '@paceline/log';
import type { Clock, Logger, Metrics, Routes, Service } from '@paceline/runtime';
import { createDeliveries, type Deliveries, type DeliveryOptions } from './deliveries.ts';
import { alertRoutes } from './routes.ts';
import { FollowedWorkspaces } from './workspaces.ts';

export { DeliveryBook } from './book.ts';
export { DELIVERY_QUEUE, type Deliveries, type DeliveryOptions } from './deliveries.ts';
export { alertMessage, idempotencyKey } from './message.ts';

export interface AlertsDeps {
  readonly log: EventLog;
  readonly jobs: Jobs;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly workspace: string;
  /** Hosts in private networks that webhooks may call. */
  readonly egressAllow: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly projectDir?: string;
  readonly options?: DeliveryOptions;
}

export interface Alerts extends Service {
  readonly routes: Routes;
  readonly deliveries: Deliveries;
}

/** The alerts service: reads transitions, hands them to channels, takes acknowledgements and snoozes. */
export function createAlerts(deps: AlertsDeps): Alerts {
  const channels = new FollowedWorkspaces(deps.log, deps.logger);
  const deliveries = createDeliveries({
    log: deps.log,
    jobs: deps.jobs,
    clock: deps.clock,
    logger: deps.logger,
    metrics: deps.metrics,
    channels,
    webhook: {
      egress: createEgress({ allow: deps.egressAllow }),
      env: deps.env,
      ...(deps.projectDir === undefined ? {} : { projectDir: deps.projectDir }),
    },
    ...(deps.options === undefined ? {} : { options: deps.options }),
  });
  return {
    deliveries,
    routes: alertRoutes({ log: deps.log, clock: deps.clock, book: deliveries.book, workspace: deps.workspace }),
    async start() {
      await channels.start();
      await deliveries.start();
    },
    async stop() {
      await deliveries.stop();
      await channels.stop();
    },
    health: () => deliveries.health(),
  };
}
