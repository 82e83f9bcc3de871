import { rmSync } from 'node:fs';
import { type ClickHouse, freePort, type LocalServer, startClickHouse } from '@paceline/local-servers';
import { type Kafka, startKafka } from '@paceline/local-servers/kafka';
import { type Redis, startRedis } from '@paceline/local-servers/redis';
import { serverFolder } from '@paceline/local-servers/server';

/** The servers that separate services run on, each at an address that stays when it is stopped and started again. */
export interface Servers {
  readonly kafka: Kafka;
  readonly clickhouse: Restartable<ClickHouse>;
  readonly redis: Restartable<Redis>;
  /** How services find them. */
  readonly env: Readonly<Record<string, string>>;
  stop(): Promise<void>;
}

/** A server that is stopped and started again on its data. */
export interface Restartable<Server extends LocalServer> {
  readonly now: Server;
  /** Ends it at once, as a crash would. */
  kill(): Promise<void>;
  start(): Promise<void>;
  stop(): Promise<void>;
}

async function restartable<Server extends LocalServer>(
  name: string,
  start: (at: { port: number; dir: string; keepFolder: boolean }) => Promise<Server>,
): Promise<Restartable<Server>> {
  const at = { port: await freePort(), dir: serverFolder(name), keepFolder: true };
  let server = await start(at);
  return {
    get now() {
      return server;
    },
    async kill() {
      await server.kill();
      await server.stop();
    },
    async start() {
      server = await start(at);
    },
    async stop() {
      await server.stop();
      rmSync(at.dir, { recursive: true, force: true });
    },
  };
}

export async function startServers(): Promise<Servers> {
  const [kafka, clickhouse, redis] = await Promise.all([
    startKafka(),
    restartable('clickhouse', (at) => startClickHouse({ ...at, password: 'of the tests' })),
    restartable('redis', startRedis),
  ]);
  return {
    kafka,
    clickhouse,
    redis,
    env: {
      PACELINE_KAFKA_BROKERS: kafka.brokers,
      PACELINE_CLICKHOUSE_URL: clickhouse.now.url,
      PACELINE_CLICKHOUSE_USER: clickhouse.now.user,
      PACELINE_CLICKHOUSE_PASSWORD: clickhouse.now.password,
      PACELINE_REDIS_URL: redis.now.url,
    },
    async stop() {
      await Promise.all([kafka.stop(), clickhouse.stop(), redis.stop()]);
    },
  };
}
