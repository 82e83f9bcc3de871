import { factsTopic } from '@paceline/events';
import type { EventLog, LogMessage, LogRecord } from '@paceline/log';
import { requireConfig, silentLogger } from '@paceline/runtime';
import { openPaceline } from '@paceline/standalone';
import type { Store } from '@paceline/store';
import { StoryClock } from './clock.ts';

export interface Answer {
  readonly status: number;
  readonly text: string;
  /** Of a JSON body. */
  json<T>(): T;
}

export interface Call {
  readonly body?: unknown;
  readonly type?: string;
  readonly key?: string;
}

/**
 * Where a story is played: one running Paceline, whatever its parts are. Everything a story does goes through HTTP but what
 * only a log can do; what it left is read from the log and the tables.
 */
export interface Stage {
  readonly workspace: string;
  readonly store: Store;
  readonly edition: number;
  go(now: string): void;
  call(method: 'GET' | 'POST', path: string, call?: Call): Promise<Answer>;
  /** Puts bytes into the workspace's topic that no writer of ours would write. */
  appendRaw(messages: readonly LogMessage[]): Promise<void>;
  /** One tick over everything so far; resolves when it is judged and every message about it was tried once. */
  tick(): Promise<void>;
  /** Resolves when everything so far is in the tables, status among them. */
  settle(): Promise<void>;
  /** The records of a topic; `facts` are the workspace's own. */
  records(topic: string): Promise<LogRecord[]>;
  stop(): Promise<void>;
}

export interface StageOptions {
  readonly dir: string;
  readonly env: Readonly<Record<string, string>>;
  readonly now: string;
}

const DELIVERIES_MS = 20_000;

/** Everything in this process, on the embedded parts. */
export async function embeddedStage({ dir, env, now }: StageOptions): Promise<Stage> {
  const clock = new StoryClock(now);
  const config = requireConfig({ dir, env });
  const { workspace } = config;
  const paceline = await openPaceline({
    config,
    logger: silentLogger,
    env,
    clock,
    background: false,
    ticks: 'manual',
    tickAtStop: false,
  });
  await paceline.start();
  return {
    workspace,
    store: paceline.store,
    edition: 1,
    go: (at) => clock.go(at),
    async call(method, path, { body, type, key } = {}) {
      const payload = typeof body === 'string' || body === undefined ? body : JSON.stringify(body);
      const headers = {
        host: '127.0.0.1',
        ...(payload === undefined ? {} : { 'content-type': type ?? 'application/json' }),
        ...(key === undefined ? {} : { 'idempotency-key': key }),
      };
      const answer = await paceline.app.inject({
        method,
        url: path,
        headers,
        ...(payload === undefined ? {} : { payload }),
      });
      return { status: answer.statusCode, text: answer.body, json: () => JSON.parse(answer.body) };
    },
    async appendRaw(messages) {
      await paceline.log.append(factsTopic(workspace), messages);
    },
    async tick() {
      await paceline.processor.tick(workspace);
      await paceline.settle();
      if (!(await paceline.alerts.deliveries.settled(DELIVERIES_MS)))
        throw new Error('a message was not even tried in 20 s');
    },
    settle: () => paceline.settle(),
    records: (topic) => recordsOf(paceline.log, topic === 'facts' ? factsTopic(workspace) : topic),
    async stop() {
      await paceline.stop('the story has ended');
    },
  };
}

export async function recordsOf(log: EventLog, topic: string): Promise<LogRecord[]> {
  const records: LogRecord[] = [];
  for await (const batch of log.read(topic, { from: 0 })) records.push(...batch);
  return records;
}
