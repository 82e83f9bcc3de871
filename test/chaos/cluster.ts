import { setTimeout as sleep } from 'node:timers/promises';
import { EDITION, position } from '@paceline/domain';
import { ALERTS_TOPIC, encodeFact, factsTopic } from '@paceline/events';
import { startKafkaProxy } from '@paceline/local-servers/kafka-proxy';
import type { EventLog } from '@paceline/log';
import { openKafkaLog } from '@paceline/log/kafka';
import { SERVICES, type ServiceName, type ServiceProcess, startService } from '../cluster/processes.ts';
import { serviceOf } from '../cluster/routes.ts';
import { type Servers, startServers } from '../cluster/servers.ts';
import { delivered, settled, storeAt } from '../cluster/stage.ts';
import { askRedis } from '../support/ask-redis.ts';
import { recordsOf } from '../support/stage.ts';
import { bagOf, chosen } from './bag.ts';
import { type Form, type FormOptions, type Struck, WORKSPACE } from './form.ts';
import { networkStrikes } from './network.ts';

/** What can be killed: every service, and every server below them; and two longer troubles. */
const SERVERS = ['kafka', 'clickhouse', 'redis', 'clickhouse for a minute', 'redis emptied'] as const;
type ServerStrike = (typeof SERVERS)[number];
const STRUCK = [...SERVICES, ...SERVERS];

/** Every service as its `main.ts` starts it, on a real broker, a real Redis and the real engine behind HTTP. */
export async function cluster(options: FormOptions): Promise<Form> {
  const servers = await startServers();
  return services(options, servers, (running) => {
    const draw = bagOf(chosen(STRUCK, options.strikes), options.random);
    return async () => {
      const what = draw();
      return isServerStrike(what) ? strikeServer(what, servers, options) : running.kill(what);
    };
  });
}

/** The same behind a network to the broker that does not keep its promises. */
export async function network(options: FormOptions): Promise<Form> {
  const at: { servers?: Servers } = {};
  const proxy = await startKafkaProxy(() => at.servers?.kafka.port ?? 0);
  const servers = await startServers({ advertisedPort: proxy.port });
  at.servers = servers;
  const form = await services(options, servers, (running) =>
    networkStrikes({ proxy, servers, ...options, killProcessor: () => running.kill('processor') }),
  );
  return {
    ...form,
    async end() {
      await form.end();
      await proxy.stop();
    },
  };
}

interface Running {
  /** `kill -9` of a service. */
  kill(name: ServiceName): Promise<Struck>;
}

async function services(
  options: FormOptions,
  servers: Servers,
  strikes: (running: Running) => () => Promise<Struck>,
): Promise<Form> {
  const env = { ...servers.env, ...options.env, PACELINE_DIR: options.dir };
  const processes = new Map<ServiceName, ServiceProcess>();
  const urls = new Map<ServiceName, string>();
  const start = async (name: ServiceName, more: Readonly<Record<string, string>> = {}): Promise<void> => {
    const started = await startService(name, { env: { ...env, ...more } });
    processes.set(name, started);
    urls.set(name, started.url);
  };
  const stop = async (name: ServiceName): Promise<void> => {
    await processes.get(name)?.stop();
    processes.delete(name);
  };
  const end = async (): Promise<void> => {
    await Promise.all([...processes.keys()].map(stop));
    await servers.stop();
  };
  try {
    await Promise.all(SERVICES.filter((name) => name !== 'processor').map((name) => start(name)));
    await processes.get('connectors')?.ready();
    await processes.get('catalog')?.ready();
  } catch (error) {
    await end();
    throw error;
  }
  const strike = strikes({
    async kill(what) {
      await processes.get(what)?.kill();
      processes.delete(what);
      return { what, back: () => start(what) };
    },
  });
  return {
    url: (method, path) => urls.get(serviceOf(method, path)) ?? '',
    begin: () => start('processor'),
    strike,
    async close() {
      for (const name of ['connectors', 'catalog', 'query', 'processor'] as const) await stop(name);
      await start('processor', { PACELINE_TICKS: 'manual' });
      const log = await openKafkaLog({ brokers: [servers.kafka.brokers] });
      const store = storeAt(servers.clickhouse);
      try {
        await judgeLast(log, () => atEnd(log, store));
        await delivered(log);
        await stop('alerts');
        const facts = await recordsOf(log, factsTopic(WORKSPACE));
        const alerts = await recordsOf(log, ALERTS_TOPIC);
        return { store, facts, alerts, close: () => store.close() };
      } catch (error) {
        await store.close();
        throw error;
      } finally {
        await log.close();
      }
    },
    describe: () =>
      Promise.all(
        [...processes.values()].map(async (each) => {
          const health = await each.health().catch((error: unknown) => String(error));
          return `${each.name}: ${JSON.stringify(health)}\n${each.said().split('\n').slice(-SAID_LINES).join('\n')}`;
        }),
      ),
    end,
  };
}

/** Of what each service said last. */
const SAID_LINES = 12;

function isServerStrike(what: string): what is ServerStrike {
  return SERVERS.some((name) => name === what);
}

async function strikeServer(what: ServerStrike, servers: Servers, { comeAndGoMs }: FormOptions): Promise<Struck> {
  const { kafka, clickhouse, redis } = servers;
  switch (what) {
    case 'kafka':
      await kafka.kill();
      return { what, back: () => kafka.restart() };
    case 'clickhouse':
      await clickhouse.kill();
      return { what, back: () => clickhouse.start() };
    case 'clickhouse for a minute':
      await clickhouse.kill();
      return { what, back: () => sleep(comeAndGoMs).then(() => clickhouse.start()) };
    case 'redis':
      await redis.kill();
      return { what, back: () => redis.start() };
    case 'redis emptied':
      await askRedis(redis.port, 'FLUSHALL');
      return { what, back: async () => undefined };
  }
}

async function atEnd(log: EventLog, store: ReturnType<typeof storeAt>): Promise<void> {
  await settled(store, WORKSPACE, position(await log.end(factsTopic(WORKSPACE))) - 1);
}

async function judgeLast(log: EventLog, settle: () => Promise<void>): Promise<void> {
  await settle();
  const fact = { type: 'tick', edition: EDITION } as const;
  await log.append(factsTopic(WORKSPACE), [encodeFact(WORKSPACE, fact, { id: 'tick-last', source: 'processor' })]);
  await settle();
}
