import { rmSync } from 'node:fs';
import { freePort, type LocalServer, startClickHouse } from '@paceline/local-servers';
import { type Kafka, type KafkaOptions, startKafka } from '@paceline/local-servers/kafka';
import { startRedis } from '@paceline/local-servers/redis';
import { serverFolder } from '@paceline/local-servers/server';

/** A server that comes and goes at one address, with its data. */
export interface Restartable {
  readonly url: string;
  readonly port: number;
  start(): Promise<void>;
  /** Ends it at once, as a crash would. */
  kill(): Promise<void>;
  /** Stops it and removes its data. */
  stop(): Promise<void>;
}

/** The servers that separate services run on. */
export interface Servers {
  readonly kafka: Kafka;
  readonly clickhouse: Restartable;
  readonly redis: Restartable;
  /** How services find them. */
  readonly env: Readonly<Record<string, string>>;
  stop(): Promise<void>;
}

export const CLICKHOUSE = { user: 'paceline', password: 'of the tests' } as const;

async function restartable(
  name: string,
  protocol: string,
  start: (at: { port: number; dir: string; keepFolder: boolean }) => Promise<LocalServer>,
): Promise<Restartable> {
  const at = { port: await freePort(), dir: serverFolder(name), keepFolder: true };
  let server: LocalServer | undefined;
  const end = async (): Promise<void> => {
    await server?.stop();
    server = undefined;
  };
  return {
    url: `${protocol}://127.0.0.1:${at.port}`,
    port: at.port,
    async start() {
      server = await start(at);
    },
    async kill() {
      await server?.kill();
      await end();
    },
    async stop() {
      await end();
      rmSync(at.dir, { recursive: true, force: true });
    },
  };
}

/** An address of ClickHouse's engine; `start` makes it answer. */
export function clickhouseAt(): Promise<Restartable> {
  return restartable('clickhouse', 'http', (at) => startClickHouse({ ...at, password: CLICKHOUSE.password }));
}

export function redisAt(): Promise<Restartable> {
  return restartable('redis', 'redis', startRedis);
}

export function environment(kafka: string, clickhouse: Restartable, redis: Restartable): Record<string, string> {
  return {
    PACELINE_KAFKA_BROKERS: kafka,
    // A test does not wait half a minute for the place of a process that it killed.
    PACELINE_KAFKA_SESSION_MS: '6000',
    PACELINE_CLICKHOUSE_URL: clickhouse.url,
    PACELINE_CLICKHOUSE_USER: CLICKHOUSE.user,
    PACELINE_CLICKHOUSE_PASSWORD: CLICKHOUSE.password,
    PACELINE_REDIS_URL: redis.url,
  };
}

export async function startServers(options: KafkaOptions = {}): Promise<Servers> {
  const [clickhouse, redis] = await Promise.all([clickhouseAt(), redisAt()]);
  const [kafka] = await Promise.all([startKafka(options), clickhouse.start(), redis.start()]);
  return {
    kafka,
    clickhouse,
    redis,
    env: environment(kafka.brokers, clickhouse, redis),
    async stop() {
      await Promise.all([kafka.stop(), clickhouse.stop(), redis.stop()]);
    },
  };
}
