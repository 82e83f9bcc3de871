import { EDITION } from '@paceline/domain';
import { kafkaNeed } from '@paceline/log/need';
import { type ProcessOptions, runProcess, type Service } from '@paceline/runtime';
import { clickhouseNeed } from '@paceline/store/need';
import { dashboardRoutes } from './dashboard-routes.ts';
import { createBi, startedWhenPossible } from './gateway/bi.ts';
import { configuredGateway } from './gateway/configured.ts';
import { createQuery } from './index.ts';

/** How far the tables are is asked this often while people read; what they see is no older. */
const REFRESH_MS = 250;

/** The query service as a process of its own, on ClickHouse and Kafka. Any number of them answer alike, as none has a state. */
export function runQuery(options?: ProcessOptions): Promise<void> {
  return runProcess(
    'query',
    async (open, { config, clock, logger, metrics, keys }) => {
      const { limits } = config;
      const bounds = { rowsMax: limits.rows, queryTimeoutMs: limits.queryMs };
      const kafka = kafkaNeed(config.kafka, { clientId: 'paceline-query', now: () => clock.now(), logger });
      const log = await open('kafka', kafka);
      const store = await open('clickhouse', clickhouseNeed(config.clickhouse, { migrates: false, ...bounds }));
      const query = createQuery({
        log,
        store,
        clock,
        logger,
        metrics,
        edition: EDITION,
        workspace: config.workspace,
        refresh: { everyMs: REFRESH_MS },
        limits: { rows: limits.rows, waitMs: limits.waitMs, queryMs: limits.queryMs },
      });
      const bi = config.http.clickhouseGateway
        ? startedWhenPossible(configuredGateway({ config, keys, store, logger, metrics, edition: EDITION }), logger)
        : createBi({ store, clock, logger, edition: EDITION });
      return { service: together(query, bi), routes: [dashboardRoutes(), query.routes] };
    },
    options,
  );
}

/** Two parts that live and end together; what the first says of itself is said. */
function together(first: Service, second: Service): Service {
  return {
    async start() {
      await first.start();
      await second.start();
    },
    async stop() {
      await second.stop();
      await first.stop();
    },
    health: () => {
      const { detail } = second.health();
      return { ...first.health(), ...(detail === undefined ? {} : { detail }) };
    },
  };
}
