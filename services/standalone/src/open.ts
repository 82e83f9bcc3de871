import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type Alerts, createAlerts } from '@paceline/alerts';
import { type Catalog, createCatalog } from '@paceline/catalog';
import { createEgress } from '@paceline/connector-sdk';
import { type Connectors, createConnectors } from '@paceline/connectors';
import { sourceRoutes } from '@paceline/connectors/source-routes';
import { EDITION, position } from '@paceline/domain';
import { factsTopic } from '@paceline/events';
import type { Jobs } from '@paceline/jobs';
import { openSqliteJobs } from '@paceline/jobs/sqlite';
import type { EventLog } from '@paceline/log';
import { openSqliteLog } from '@paceline/log/sqlite';
import { createProcessor, type Processor } from '@paceline/processor';
import { replayRoutes } from '@paceline/processor/replay/routes';
import { createQuery, type Query } from '@paceline/query';
import { dashboardRoutes } from '@paceline/query/dashboard-routes';
import { configuredGateway } from '@paceline/query/gateway/configured';
import type { Gateway } from '@paceline/query/gateway/index';
import {
  type Clock,
  type Config,
  createHttp,
  createLifecycle,
  createMetrics,
  type HttpServer,
  httpOptionsOf,
  httpService,
  KeyRing,
  type Logger,
  PacelineError,
  systemClock,
} from '@paceline/runtime';
import { type OpenedStore, openStore, type Store } from '@paceline/store';

export const VERSION = '0.1.0';

export interface OpenOptions {
  readonly config: Config;
  readonly logger: Logger;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Time of the log, of windows and of due dates; the demo plays years on it. Default: the machine's. */
  readonly clock?: Clock;
  /** Whether sources run by their schedules. Default true; one-shot commands run only what they are told. */
  readonly background?: boolean;
  readonly ticks?: 'scheduled' | 'manual';
  /** Whether an orderly stop judges a last time what is due or touched. Default true, unless ticks are manual. */
  readonly tickAtStop?: boolean;
  /** How long the status waits for silence before it is refreshed; default 100 ms. The demo, which waits for it each month, asks for less. */
  readonly statusIdleMs?: number;
  /** Requests come from this process alone, through `app`: whoever may open the folder needs no key. Such a server cannot listen. */
  readonly inProcess?: boolean;
}

/** Everything in one process, on a log and jobs in SQLite and ClickHouse's engine inside. */
export interface Paceline {
  readonly app: HttpServer;
  readonly log: EventLog;
  readonly store: Store;
  readonly processor: Processor;
  readonly connectors: Connectors;
  readonly catalog: Catalog;
  readonly alerts: Alerts;
  /** `null` in-process. */
  readonly keys: KeyRing | null;
  /** Where ClickHouse's protocol is answered; `null` where it is not asked for. */
  readonly gateway: Gateway | null;
  /** Starts every part but the port. */
  start(): Promise<void>;
  /** Answers on the configured port; the address as text. */
  listen(): Promise<string>;
  /** Waits until everything appended so far is in the tables. */
  settle(): Promise<void>;
  stop(reason: string): Promise<readonly string[]>;
  readonly stopped: Promise<void>;
}

/** Opens a project folder. Throws a `PacelineError` that names what is locked, broken or missing. */
export async function openPaceline(options: OpenOptions): Promise<Paceline> {
  const { config, logger, env } = options;
  const clock = options.clock ?? systemClock;
  if (config.mode === 'cluster') {
    throw new PacelineError(
      'invalid_configuration',
      'addresses of Kafka, ClickHouse or Redis are given, and this form runs on embedded parts',
      {
        details: { remedy: 'Start the services one by one with their own main.ts, or leave the addresses out.' },
      },
    );
  }
  await mkdir(config.dataDir, { recursive: true });
  const opened: { close(): Promise<void> }[] = [];
  const keep = <Part extends { close(): Promise<void> }>(part: Part): Part => {
    opened.push(part);
    return part;
  };
  const tables = new Tables();
  try {
    const log = keep(await openSqliteLog({ folder: config.dataDir, now: () => clock.now() }));
    const store = keep(
      openStore(
        { path: join(config.dataDir, 'clickhouse') },
        {
          rowsMax: config.limits.rows,
          queryTimeoutMs: config.limits.queryMs,
          inserted: (table, rows) => tables.inserted(table, rows),
        },
      ),
    );
    const jobs: Jobs = keep(
      await openSqliteJobs({ folder: config.dataDir, now: () => clock.now(), random: Math.random }),
    );
    await store.migrate();
    return await compose({ options, clock, log, store, tables, jobs, config, logger, env });
  } catch (error) {
    for (const part of opened.reverse()) {
      await part
        .close()
        .catch((reason: unknown) => logger.warn({ err: reason }, 'a part could not be closed after a failed start'));
    }
    throw error;
  }
}

/** Between the processor, which writes, and the query service, which then knows. */
class Tables {
  inserted: Query['written'] = () => undefined;
}

interface Parts {
  readonly options: OpenOptions;
  readonly clock: Clock;
  readonly log: EventLog;
  readonly store: OpenedStore;
  readonly tables: Tables;
  readonly jobs: Jobs;
  readonly config: Config;
  readonly logger: Logger;
  readonly env: Readonly<Record<string, string | undefined>>;
}

async function compose({ options, clock, log, store, tables, jobs, config, logger, env }: Parts): Promise<Paceline> {
  const metrics = createMetrics();
  const { workspace } = config;
  const background = options.background ?? true;
  const ticks = options.ticks ?? (config.ticks === 'manual' ? 'manual' : 'scheduled');
  const shared = { log, clock, logger, metrics, workspace };
  const processing = { ...shared, store, edition: EDITION };
  const processor = createProcessor({
    ...processing,
    options: {
      ticks,
      tickAtStop: options.tickAtStop ?? ticks === 'scheduled',
      ...(options.statusIdleMs === undefined ? {} : { statusIdleMs: options.statusIdleMs }),
    },
  });
  const catalog = createCatalog({
    ...shared,
    defaults: { policy: config.policy, pace: config.pace },
    waitMs: config.limits.waitMs,
  });
  const connectors = createConnectors({
    ...shared,
    jobs: background ? jobs : null,
    projectDir: config.dir,
    egress: createEgress({ allow: config.egress.allow }),
    env,
  });
  const alerts = createAlerts({ ...shared, jobs, egressAllow: config.egress.allow, env, projectDir: config.dir });
  const query = createQuery({
    ...shared,
    store,
    edition: EDITION,
    refresh: 'told',
    limits: { rows: config.limits.rows, waitMs: config.limits.waitMs, queryMs: config.limits.queryMs },
  });
  tables.inserted = query.written;
  const lifecycle = createLifecycle({ logger, clock: systemClock, stopDeadlineMs: config.limits.stopMs });
  lifecycle.add('log', { stop: () => log.close() });
  lifecycle.add('store', { stop: () => store.close() });
  lifecycle.add('jobs', { stop: () => jobs.close() });
  lifecycle.add('alerts', alerts);
  lifecycle.add('processor', processor);
  lifecycle.add('catalog', catalog);
  lifecycle.add('query', query);
  lifecycle.add('connectors', connectors);
  const keys =
    options.inProcess === true
      ? null
      : new KeyRing({ file: config.keysFile, usedFile: join(config.dataDir, 'keys-used.json'), logger });
  const app = await createHttp({
    logger,
    metrics,
    title: 'Paceline',
    version: VERSION,
    health: () => lifecycle.health(),
    ...httpOptionsOf(config, keys),
  });
  for (const routes of [
    dashboardRoutes(),
    query.routes,
    catalog.routes,
    connectors.routes,
    sourceRoutes(connectors),
    alerts.routes,
    replayRoutes({
      ...processing,
      processor,
      beside: (database) => store.beside(database),
      swapped: (workspace) => query.moved(workspace),
    }),
  ]) {
    await app.register(routes);
  }
  const gateway =
    keys === null || !config.http.clickhouseGateway
      ? null
      : configuredGateway({ config, keys, store, logger, metrics, edition: EDITION });
  // Before HTTP, which says that everything answers.
  if (gateway !== null) lifecycle.add('gateway', gateway);
  const http = httpService(app, { host: config.http.host, port: config.http.port, clock: systemClock });
  let listens = false;
  lifecycle.add('http', {
    stop: async () => {
      await (listens ? http.stop() : app.close());
      keys?.close();
    },
    health: () => ({ live: true, ready: true }),
  });
  return {
    app,
    log,
    store,
    processor,
    connectors,
    catalog,
    alerts,
    keys,
    gateway,
    stopped: lifecycle.stopped,
    async start() {
      await lifecycle.start();
      await app.ready();
    },
    async listen() {
      if (keys === null) throw new Error('a server that asks for no keys must not listen');
      await http.start();
      listens = true;
      return http.url;
    },
    async settle() {
      const end = await log.end(factsTopic(workspace));
      if (end > 0) await processor.settle(workspace, position(end) - 1);
    },
    stop: (reason) => lifecycle.stop(reason),
  };
}
