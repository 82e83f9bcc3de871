import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { DeliveryBook } from '@paceline/alerts';
import { EDITION, type Position, position } from '@paceline/domain';
import { ALERTS_TOPIC, decodeAlertRecord, encodeFact, factsTopic } from '@paceline/events';
import type { EventLog } from '@paceline/log';
import { openKafkaLog } from '@paceline/log/kafka';
import { openStore, type Store } from '@paceline/store';
import { recordsOf, type Stage } from '../support/stage.ts';
import { SERVICES, type ServiceName, type ServiceProcess, startService } from './processes.ts';
import { serviceOf } from './routes.ts';
import { CLICKHOUSE, type Restartable, type Servers } from './servers.ts';

export interface ClusterStage extends Stage {
  readonly log: EventLog;
  process(name: ServiceName): ServiceProcess;
  /** `kill -9` of a service while the story goes on; another process of it takes over. */
  replace(name: ServiceName): Promise<void>;
}

export interface ClusterStageOptions {
  readonly servers: Servers;
  readonly dir: string;
  readonly env: Readonly<Record<string, string>>;
  readonly now: string;
}

/** Long, because the machine may be busy with other tests. */
const WAIT_MS = 180_000;
/** Who asks again at once takes the time from those who are waited for. */
const PAUSE_MS_MAX = 160;

/** Every service in a process of its own, on the clock of the story. */
export async function clusterStage({ servers, dir, env, now }: ClusterStageOptions): Promise<ClusterStage> {
  const clockDir = mkdtempSync(join(tmpdir(), 'paceline-clock-'));
  const file = join(clockDir, 'now');
  const clock = { now: Date.parse(now) };
  const go = (at: string): void => {
    clock.now = Date.parse(at);
    writeFileSync(`${file}.new`, String(clock.now));
    renameSync(`${file}.new`, file);
  };
  go(now);
  const program = join(import.meta.dirname, 'main-with-clock.ts');
  const start = (name: ServiceName): Promise<ServiceProcess> =>
    startService(name, {
      program: [program, name, file],
      env: {
        ...servers.env,
        ...env,
        PACELINE_DIR: dir,
        PACELINE_TICKS: 'manual',
        PACELINE_KAFKA_RECORDED_AT: 'writer',
        PACELINE_CLICKHOUSE_GATEWAY: 'true',
        PACELINE_CLICKHOUSE_PORT: '0',
      },
    });
  const processes = new Map<ServiceName, ServiceProcess>();
  await Promise.all(SERVICES.map(async (name) => processes.set(name, await start(name))));
  const process = (name: ServiceName): ServiceProcess => processes.get(name)!;
  await Promise.all(SERVICES.map((name) => process(name).ready()));
  const workspace = 'story';
  const topic = factsTopic(workspace);
  const log = await openKafkaLog({ brokers: [servers.kafka.brokers], now: () => clock.now });
  const store = storeAt(servers.clickhouse);

  const settle = async (): Promise<void> => settled(store, workspace, position(await log.end(topic)) - 1);
  return {
    workspace,
    store,
    edition: EDITION,
    log,
    process,
    go,
    async call(method, path, { body, type, key } = {}) {
      const payload = typeof body === 'string' || body === undefined ? body : JSON.stringify(body);
      const answer = await fetch(`${process(serviceOf(method, path)).url}${path}`, {
        method,
        headers: {
          ...(payload === undefined ? {} : { 'content-type': type ?? 'application/json' }),
          ...(key === undefined ? {} : { 'idempotency-key': key }),
        },
        ...(payload === undefined ? {} : { body: payload }),
      });
      const text = await answer.text();
      return { status: answer.status, text, json: () => JSON.parse(text) };
    },
    async appendRaw(messages) {
      await log.append(topic, messages);
    },
    async tick() {
      await settle();
      const fact = { type: 'tick', edition: EDITION } as const;
      await log.append(topic, [encodeFact(workspace, fact, { id: `tick-${clock.now}`, source: 'processor' })]);
      await settle();
      await delivered(log);
    },
    settle,
    records: (name) => recordsOf(log, name === 'facts' ? topic : name),
    async replace(name) {
      await process(name).kill();
      processes.set(name, await start(name));
    },
    async stop() {
      await log.close();
      await store.close();
      await Promise.all([...processes.values()].map((one) => one.stop()));
      rmSync(clockDir, { recursive: true, force: true });
    },
  };
}

export function storeAt({ url }: Restartable, database = 'paceline'): Store {
  return openStore({ url, ...CLICKHOUSE }, { database });
}

/** Resolves once everything at or below the position is in every table, status among them. */
export async function settled(store: Store, workspace: string, at: Position): Promise<void> {
  const deadline = performance.now() + WAIT_MS;
  for (let pauseMs = 10; ; pauseMs = Math.min(PAUSE_MS_MAX, 2 * pauseMs)) {
    const [row] = await store.read(
      {
        sql: 'SELECT max(position) FROM progress WHERE workspace = {workspace:String}',
        params: { workspace },
      },
      { position: 'UInt64' },
    );
    if (Number(row?.position ?? 0) >= at) return;
    if (performance.now() > deadline)
      throw new Error(`the tables of ${workspace} are at ${row?.position} of ${at} after ${WAIT_MS} ms`);
    await sleep(pauseMs);
  }
}

/** Resolves once each message that is owed was tried. */
export async function delivered(log: EventLog): Promise<void> {
  const deadline = performance.now() + WAIT_MS;
  for (let pauseMs = 10; ; pauseMs = Math.min(PAUSE_MS_MAX, 2 * pauseMs)) {
    const book = new DeliveryBook();
    for (const record of await recordsOf(log, ALERTS_TOPIC)) {
      const decoded = decodeAlertRecord(record);
      if (decoded.ok) book.apply(decoded.record, decoded.recordedAt);
    }
    if ([...book.pending()].every(({ attempts }) => attempts > 0)) return;
    if (performance.now() > deadline) throw new Error(`a message was not even tried in ${WAIT_MS} ms`);
    await sleep(pauseMs);
  }
}
