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
} from '@paceline/runtime';
import { createCatalog } from './index.ts';

/** The catalog as a process of its own, on Kafka. With embedded parts `paceline serve` runs it: a data folder has one owner. */
async function main(): Promise<void> {
  const config = requireConfig({ dir: process.cwd(), env: process.env });
  const logger = createLogger({
    level: config.log.level,
    ...(config.log.format === undefined ? {} : { format: config.log.format }),
    bindings: { service: 'catalog' },
  });
  if (config.kafka === null) {
    throw new PacelineError(
      'incomplete_addresses',
      'the catalog alone needs PACELINE_KAFKA_BROKERS; without, run paceline serve',
    );
  }
  const lifecycle = createLifecycle({ logger, clock: systemClock, stopDeadlineMs: config.limits.stopMs });
  const log = await openKafkaLog({ ...connection(config.kafka), clientId: 'paceline-catalog' });
  const catalog = createCatalog({
    log,
    clock: systemClock,
    logger,
    workspace: config.workspace,
    waitMs: config.limits.waitMs,
    documentsMax: config.limits.documents,
  });
  const app = await createHttp({
    ...httpOptionsOf(config, false),
    logger,
    metrics: createMetrics(),
    health: () => lifecycle.health(),
    title: 'Paceline catalog',
    version: '1',
  });
  await app.register(catalog.routes);
  const http = httpService(app, { host: config.http.host, port: config.http.port, clock: systemClock });
  lifecycle.add('log', { stop: () => log.close() });
  lifecycle.add('catalog', catalog);
  lifecycle.add('http', http);
  stopOnSignals(lifecycle);
  await lifecycle.start();
  logger.info({ url: http.url }, 'the catalog listens');
}

/** A password goes over TLS as it is and is never sent in the clear. */
function connection({ brokers, tls, user, password }: KafkaAddress): Parameters<typeof openKafkaLog>[0] {
  if (user === null || password === null) return { brokers, tls };
  return { brokers, tls, sasl: { mechanism: tls ? 'plain' : 'scram-sha-512', username: user, password } };
}

try {
  await main();
} catch (error) {
  process.stderr.write(`catalog: ${describeError(error)}\n`);
  process.exitCode = 1;
}
