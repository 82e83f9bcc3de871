import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { transitionOf } from '@paceline/alerts/fixture';
import { ALERTS_TOPIC, encodeAlertRecord } from '@paceline/events';
import { freePort } from '@paceline/local-servers';
import { type Kafka, startKafka } from '@paceline/local-servers/kafka';
import { openKafkaLog } from '@paceline/log/kafka';
import { Kafka as KafkaClient, logLevel } from 'kafkajs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { askRedis } from '../support/ask-redis.ts';
import { type Receiver, startReceiver } from '../support/receiver.ts';
import { refusedStart, SERVICES, type ServiceName, type ServiceProcess, startService } from './processes.ts';
import { serviceOf } from './routes.ts';
import { clickhouseAt, environment, type Restartable, redisAt } from './servers.ts';
import { storeAt } from './stage.ts';

/** Every service as its `main.ts` starts it, on the machine's clock, while the servers below come and go. */
const HOOK_SECRET = `whsec_${Buffer.from('only the tests know').toString('base64')}`;
const PATIENCE_MS = 300_000;

let dir: string;
let receiver: Receiver;
let kafka: Kafka;
let clickhouse: Restartable;
let redis: Restartable;
let env: Readonly<Record<string, string>>;
const processes = new Map<ServiceName, ServiceProcess>();

const process = (name: ServiceName): ServiceProcess => processes.get(name)!;
const allReady = async (): Promise<void> => {
  await Promise.all(SERVICES.map((name) => process(name).ready(PATIENCE_MS)));
};

interface Answer {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
}

async function call(method: string, path: string, body?: unknown): Promise<Answer> {
  const answer = await fetch(`${process(serviceOf(method, path)).url}${path}`, {
    method,
    ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
  });
  const text = await answer.text();
  return { status: answer.status, body: text.startsWith('{') ? JSON.parse(text) : { text } };
}

/** As a good client: a refusal that may pass is tried again, under the same key of the point. */
async function push(metric: string, points: readonly (readonly [id: string, value: number])[]): Promise<string> {
  const time = new Date(Math.floor(Date.now() / 60_000) * 60_000).toISOString();
  const lines = points.map(([id, value]) => ({ metric, time, value, id }));
  for (;;) {
    const { status, body } = await call('POST', '/v1/observations', lines);
    if (status === 202) return String(body.position);
    if (status !== 503 && status !== 429) throw new Error(`a push was answered ${status}: ${JSON.stringify(body)}`);
    await sleep(200);
  }
}

async function until<Found>(what: string, look: () => Promise<Found | undefined>): Promise<Found> {
  const deadline = performance.now() + PATIENCE_MS;
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    if (performance.now() > deadline) throw new Error(`${what} did not happen`);
    await sleep(100);
  }
}

async function countOf(metric: string, position: string): Promise<number> {
  return until(`the count of ${metric} at ${position}`, async () => {
    const path = `/v1/trend?metric=${metric}&window=day&from=${new Date(Date.now() - 2 * 86_400_000).toISOString()}&min_position=${position}`;
    const { status, body } = await call('GET', path);
    if (status !== 200) return undefined;
    const rows = body.data as { value: string | null }[];
    return rows.reduce((sum, { value }) => sum + Number(value ?? 0), 0);
  });
}

const DOCUMENTS = (hook: string): readonly unknown[] => [
  { kind: 'Metric', metadata: { name: 'events' }, spec: { aggregation: 'sum', points: 'time', grain: 'day' } },
  { kind: 'Metric', metadata: { name: 'rows' }, spec: { aggregation: 'sum', grain: 'day' } },
  {
    kind: 'Source',
    metadata: { name: 'rows' },
    spec: {
      connector: 'csv',
      config: { path: 'rows.csv' },
      schedule: { every: 'PT2S' },
      window: {
        period: 'P1D',
        lookback: 'P2D',
        start: new Date(Date.now() - 3 * 86_400_000).toISOString().slice(0, 10),
      },
      map: { metric: 'rows', time: 'day', value: 'amount' },
    },
  },
  { kind: 'Channel', metadata: { name: 'hook' }, spec: { type: 'webhook', url: hook, secret: '${secret:hook#whsec}' } },
];

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'paceline-trouble-'));
  writeFileSync(join(dir, 'paceline.yaml'), 'workspace: main\negress:\n  allow: [127.0.0.1]\n');
  writeFileSync(
    join(dir, 'rows.csv'),
    `day,amount\n${new Date(Date.now() - 86_400_000).toISOString().slice(0, 10)},5\n`,
  );
  receiver = await startReceiver(HOOK_SECRET);
  const kafkaPort = await freePort();
  clickhouse = await clickhouseAt();
  redis = await redisAt();
  env = {
    PACELINE_DIR: dir,
    ...environment(`127.0.0.1:${kafkaPort}`, clickhouse, redis),
    PACELINE_SECRET_HOOK_WHSEC: HOOK_SECRET,
  };
  await Promise.all(SERVICES.map(async (name) => processes.set(name, await startService(name, { env }))));

  // Nothing is there: every service lives, is not ready, and says which server it waits for.
  for (const name of SERVICES) {
    await process(name).waitsFor(/^Kafka at 127\.0\.0\.1:\d+: .+/, PATIENCE_MS);
    expect((await process(name).health()).live, name).toBe(true);
  }
  expect(await call('POST', '/v1/observations', [])).toMatchObject({ status: 503, body: { code: 'not_ready' } });

  kafka = await startKafka({ port: kafkaPort });
  for (const name of ['processor', 'query'] as const) await process(name).waitsFor(/^ClickHouse at /, PATIENCE_MS);
  for (const name of ['connectors', 'alerts'] as const) await process(name).waitsFor(/^Redis at /, PATIENCE_MS);
  await process('catalog').ready(PATIENCE_MS);

  await Promise.all([clickhouse.start(), redis.start()]);
  await allReady();
  const applied = await call('POST', '/v1/definitions/apply', {
    documents: DOCUMENTS(receiver.url).map((document) => ({ apiVersion: 'paceline/v1', ...(document as object) })),
    command: 'first',
  });
  expect(applied, JSON.stringify(applied)).toMatchObject({ status: 200, body: { data: { outcome: 'accepted' } } });
}, 2 * PATIENCE_MS);

afterAll(async () => {
  await Promise.all([...processes.values()].map((each) => each.stop()));
  await Promise.all([kafka?.stop(), clickhouse?.stop(), redis?.stop(), receiver?.stop()]);
  rmSync(dir, { recursive: true, force: true });
});

/** Points of a metric that were acknowledged so far. */
let acknowledged = 0;
async function pushSome(): Promise<string> {
  const ids = Array.from({ length: 10 }, (_, index) => [`e-${acknowledged + index}`, 1] as const);
  const position = await push('events', ids);
  acknowledged += ids.length;
  return position;
}

describe('a server that goes and comes back', () => {
  it(
    'Kafka: everybody says so and lives, a push is told to come again, and nothing is lost',
    async () => {
      await pushSome();
      await kafka.kill();
      for (const name of SERVICES) {
        await process(name).waitsFor(/Kafka/, PATIENCE_MS);
        expect((await process(name).health()).live, name).toBe(true);
      }
      const time = new Date().toISOString();
      const refused = await call('POST', '/v1/observations', [{ metric: 'events', time, value: 0, id: 'while-away' }]);
      expect(refused).toMatchObject({ status: 503, body: { code: 'log_unavailable' } });
      await kafka.restart();
      await allReady();
      expect(await countOf('events', await pushSome())).toBe(acknowledged);
    },
    PATIENCE_MS,
  );

  it(
    'ClickHouse: pushes are taken on, reads are told to come again, and then the numbers are there',
    async () => {
      await clickhouse.kill();
      const during = await pushSome();
      await process('processor').waitsFor(/ClickHouse/, PATIENCE_MS);
      await process('query').waitsFor(/ClickHouse/, PATIENCE_MS);
      expect((await call('GET', '/v1/status')).status).toBe(503);
      await clickhouse.start();
      await allReady();
      expect(await countOf('events', during)).toBe(acknowledged);
    },
    PATIENCE_MS,
  );

  it(
    'Redis: connectors and alerts say so, pushes go on, and schedules go on when it is back',
    async () => {
      await redis.kill();
      await process('connectors').waitsFor(/Redis/, PATIENCE_MS);
      await process('alerts').waitsFor(/Redis/, PATIENCE_MS);
      expect(await countOf('events', await pushSome())).toBe(acknowledged);
      await redis.start();
      await allReady();
      await runsOn();
    },
    PATIENCE_MS,
  );
});

/** Resolves once the scheduled source has run again. */
async function runsOn(): Promise<void> {
  const last = async (): Promise<string | undefined> => {
    const { body } = await call('GET', '/v1/sources');
    const [source] = body.data as { source: string; at: string }[];
    return source?.at;
  };
  const before = await last();
  await until('a run of the source', async () => {
    const now = await last();
    return now !== undefined && now !== before ? now : undefined;
  });
}

/** A transition as the processor would announce it; when it comes to one is the concern of other tests. */
async function announce(): Promise<void> {
  const at = Date.now();
  const known = { rule: 'long', subject: 'kpi/queue', channels: ['hook'], at, episode: at, recordedAt: at };
  const log = await openKafkaLog({ brokers: [kafka.brokers] });
  const record = { type: 'transition', workspace: 'main', transition: transitionOf(known) } as const;
  await log.append(ALERTS_TOPIC, [encodeAlertRecord(record, { id: 'announced', source: 'processor' })]);
  await log.close();
}

describe('Redis emptied in flight', () => {
  it(
    'loses no schedule, no delivery and no value',
    async () => {
      await runsOn();
      receiver.answerWith(503);
      await announce();
      // The alert was tried and waits in Redis for its next turn.
      await until('a first try of the delivery', async () => receiver.turnedAway[0]);
      let emptied = false;
      const pushing = (async () => {
        while (!emptied) await pushSome();
        return pushSome();
      })();
      expect(await askRedis(redis.port, 'FLUSHALL')).toBe('+OK');
      expect(await askRedis(redis.port, 'DBSIZE')).toMatch(/^:\d+$/);
      emptied = true;
      const position = await pushing;
      receiver.answerWith(204);
      const delivered = await until('the delivery', async () => receiver.taken[0]);
      expect(delivered).toMatchObject({ type: 'alert.opened', data: { rule: 'long', subject: 'kpi/queue' } });
      expect(delivered.id).toBe(receiver.turnedAway[0]);
      await runsOn();
      expect(await countOf('events', position)).toBe(acknowledged);
      expect(receiver.refused).toEqual([]);
      expect(new Set(receiver.taken.map(({ id }) => id)).size).toBe(1);
    },
    PATIENCE_MS,
  );
});

describe('what waiting does not cure is refused', () => {
  const admin = () => new KafkaClient({ brokers: [kafka.brokers], logLevel: logLevel.NOTHING }).admin();
  const create = async (topic: string, numPartitions: number, type: string): Promise<void> => {
    const client = admin();
    await client.connect();
    const configEntries = [
      { name: 'message.timestamp.type', value: type },
      { name: 'retention.ms', value: '-1' },
      { name: 'max.message.bytes', value: String(16 * 1024 * 1024) },
    ];
    await client.createTopics({ topics: [{ topic, numPartitions, replicationFactor: 1, configEntries }] });
    await client.disconnect();
  };

  it(
    "a facts topic with several partitions, or without the broker's time",
    async () => {
      await create('facts.wide', 3, 'LogAppendTime');
      await create('facts.untimed', 1, 'CreateTime');
      const [wide, untimed] = await Promise.all([
        refusedStart('catalog', { ...env, PACELINE_WORKSPACE: 'wide' }),
        refusedStart('connectors', { ...env, PACELINE_WORKSPACE: 'untimed' }),
      ]);
      expect(wide).toMatchObject({ code: 1, said: expect.stringContaining('has 3 partitions') });
      expect(untimed).toMatchObject({ code: 1, said: expect.stringMatching(/message\.timestamp\.type=LogAppendTime/) });
      // Who reads all workspaces names the two and goes on with the rest.
      await process('processor').waitsFor(/facts\.wide.*3 partitions/, PATIENCE_MS);
      expect(await countOf('events', await pushSome())).toBe(acknowledged);
      const client = admin();
      await client.connect();
      await client.deleteTopics({ topics: ['facts.wide', 'facts.untimed'] });
      await client.disconnect();
      await allReady();
    },
    PATIENCE_MS,
  );

  it(
    'tables of a newer version',
    async () => {
      const store = storeAt(clickhouse, 'newer');
      await store.migrate();
      await store.command({ sql: "INSERT INTO schema_migration (version, name, hash) VALUES (9999, 'later', 'x')" });
      await store.close();
      const newer = { ...env, PACELINE_CLICKHOUSE_DATABASE: 'newer' };
      const [processor, query] = await Promise.all([refusedStart('processor', newer), refusedStart('query', newer)]);
      for (const refused of [processor, query]) {
        expect(refused).toMatchObject({ code: 1, said: expect.stringContaining('store_schema_newer') });
        expect(refused.said).toContain('are at version 9999');
      }
    },
    PATIENCE_MS,
  );

  it(
    'wrong credentials, by name of the server',
    async () => {
      await askRedis(redis.port, 'CONFIG SET requirepass right');
      const secured = await startKafka({
        properties: {
          'listener.security.protocol.map': 'PLAINTEXT:SASL_PLAINTEXT,CONTROLLER:PLAINTEXT',
          'sasl.enabled.mechanisms': 'PLAIN',
          'sasl.mechanism.inter.broker.protocol': 'PLAIN',
          'listener.name.plaintext.plain.sasl.jaas.config':
            'org.apache.kafka.common.security.plain.PlainLoginModule required username="paceline" password="right" user_paceline="right";',
        },
      });
      const broker = {
        ...env,
        PACELINE_KAFKA_BROKERS: secured.brokers,
        PACELINE_KAFKA_USER: 'paceline',
        PACELINE_KAFKA_PASSWORD: 'wrong',
        PACELINE_KAFKA_MECHANISM: 'plain',
      };
      const [atKafka, atEngine, atRedis] = await Promise.all([
        refusedStart('catalog', broker),
        refusedStart('processor', { ...env, PACELINE_CLICKHOUSE_PASSWORD: 'wrong' }),
        refusedStart('alerts', { ...env, PACELINE_REDIS_PASSWORD: 'wrong' }),
      ]);
      await secured.stop();
      await askRedis(redis.port, 'AUTH right\r\nCONFIG SET requirepass ""');
      expect(atKafka).toMatchObject({ code: 1, said: expect.stringMatching(/Kafka at .* refuses: .*authentication/i) });
      expect(atEngine).toMatchObject({
        code: 1,
        said: expect.stringMatching(/ClickHouse at .* refuses: .*store_refused/s),
      });
      expect(atRedis).toMatchObject({ code: 1, said: expect.stringMatching(/Redis at .* refuses: .*WRONGPASS/s) });
      for (const { said } of [atKafka, atEngine, atRedis]) expect(said).toContain('Check user, password');
    },
    PATIENCE_MS,
  );

  it('addresses that are given only in part', async () => {
    const { PACELINE_REDIS_URL: _, ...part } = env;
    const { code, said } = await refusedStart('alerts', part);
    expect([code, said]).toEqual([1, expect.stringContaining('PACELINE_REDIS_URL')]);
  });
});

describe('a stop', () => {
  it(
    'takes less than five seconds, with the broker there and without',
    async () => {
      for (const name of ['catalog', 'query', 'alerts'] as const) {
        expect(await process(name).stop(), name).toBeLessThan(5_000);
        processes.delete(name);
      }
      await kafka.kill();
      for (const name of ['connectors', 'processor'] as const) {
        expect(await process(name).stop(), name).toBeLessThan(6_000);
        processes.delete(name);
      }
    },
    PATIENCE_MS,
  );
});
