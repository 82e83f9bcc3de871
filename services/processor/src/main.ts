import { openKafkaLog } from '@paceline/log/kafka';
import {
  createHttp,
  createLifecycle,
  createLogger,
  createMetrics,
  describeError,
  httpOptionsOf,
  httpService,
  type KafkaAddress,
  PacelineError,
  requireConfig,
  stopOnSignals,
  systemClock,
  type UrlAddress,
} from '@paceline/runtime';
import { openStore } from '@paceline/store';
import { EDITION } from './edition.ts';
import { createProcessor } from './index.ts';

/** The processor as a process of its own, on Kafka and ClickHouse. Several share the workspaces. */
async function main(): Promise<void> {
  const config = requireConfig({ dir: process.cwd(), env: process.env });
  const logger = createLogger({
    level: config.log.level,
    ...(config.log.format === undefined ? {} : { format: config.log.format }),
    bindings: { service: 'processor' },
  });
  if (config.kafka === null || config.clickhouse === null) {
    throw new PacelineError(
      'incomplete_addresses',
      'the processor alone needs PACELINE_KAFKA_BROKERS and PACELINE_CLICKHOUSE_URL; without, run paceline serve',
    );
  }
  const metrics = createMetrics();
  const lifecycle = createLifecycle({ logger, clock: systemClock, stopDeadlineMs: config.limits.stopMs });
  const log = await openKafkaLog({ ...brokersOf(config.kafka), clientId: 'paceline-processor' });
  const store = openStore(engineOf(config.clickhouse));
  const processor = createProcessor({
    log,
    store,
    clock: systemClock,
    logger,
    metrics,
    edition: EDITION,
    defaults: { policy: config.policy, pace: config.pace },
    options: { ticks: config.ticks === 'manual' ? 'manual' : 'scheduled' },
  });
  const app = await createHttp({
    ...httpOptionsOf(config, false),
    logger,
    metrics,
    health: () => lifecycle.health(),
    title: 'Paceline processor',
    version: '1',
  });
  const http = httpService(app, { host: config.http.host, port: config.http.port, clock: systemClock });
  lifecycle.add('log', { stop: () => log.close() });
  lifecycle.add('store', { stop: () => store.close() });
  // Health is answered while the processor still waits for broker and engine.
  lifecycle.add('http', http);
  lifecycle.add('processor', processor);
  stopOnSignals(lifecycle);
  await lifecycle.start();
  logger.info({ url: http.url }, 'the processor runs');
}

/** A password goes over TLS as it is and is never sent in the clear. */
function brokersOf({ brokers, tls, user, password }: KafkaAddress): Parameters<typeof openKafkaLog>[0] {
  if (user === null || password === null) return { brokers, tls };
  return { brokers, tls, sasl: { mechanism: tls ? 'plain' : 'scram-sha-512', username: user, password } };
}

function engineOf({ url, user, password }: UrlAddress): Parameters<typeof openStore>[0] {
  return { url, ...(user === null ? {} : { user }), ...(password === null ? {} : { password }) };
}

try {
  await main();
} catch (error) {
  process.stderr.write(`processor: ${describeError(error)}\n`);
  process.exitCode = 1;
}
