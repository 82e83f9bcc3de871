import type { Document } from '@paceline/domain';
import { EDITION } from '@paceline/domain/edition';
import type { Processor } from '@paceline/processor';
import { TestLog, testProcessor } from '@paceline/processor/testing/log';
import { createQuery, type Query } from '@paceline/query';
import type { Refresh } from '@paceline/query/watermarks';
import { createHttp, createMetrics, type HttpServer, silentLogger, systemClock } from '@paceline/runtime';
import type { Store } from '@paceline/store';

/** One workspace: its log, written by hand; the processor that fills the tables; and the query service over HTTP. */
export interface World {
  readonly log: TestLog;
  readonly processor: Processor;
  readonly app: HttpServer;
  readonly query: Query;
  /** Everything appended so far is in the tables, and the status has followed. */
  settle(): Promise<void>;
  /** Appends a tick and waits until it is judged; its position as text. */
  tick(): Promise<string>;
  get(path: string, headers?: Readonly<Record<string, string>>): Promise<Answered>;
  post(path: string, payload: object): Promise<Answered>;
  stop(): Promise<void>;
}

export interface Answered {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly text: string;
  /** The body as JSON. */
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of many shapes.
  readonly body: any;
}

let count = 0;

export async function openWorld(
  store: Store,
  options: {
    readonly now: string;
    readonly definitions: readonly Document[];
    readonly waitMs?: number;
    readonly refresh?: Refresh;
  },
): Promise<World> {
  const log = new TestLog(`query${++count}`, options.now);
  await log.define(options.definitions);
  const processor = testProcessor(log.log, store);
  await processor.start();
  const metrics = createMetrics({ defaults: false });
  const query = createQuery({
    store,
    log: log.log,
    clock: systemClock,
    logger: silentLogger,
    metrics,
    workspace: log.workspace,
    edition: EDITION,
    ...(options.refresh === undefined ? {} : { refresh: options.refresh }),
    limits: { rows: 100_000, waitMs: options.waitMs ?? 2_000, queryMs: 30_000 },
  });
  const app = await createHttp({
    logger: silentLogger,
    metrics,
    health: () => ({ live: true, ready: true, parts: [] }),
    title: 'query',
    version: '0',
    bodyBytesMax: 64 * 1024,
    requestsPerMinuteMax: null,
    docs: false,
  });
  await app.register(query.routes);
  await app.ready();
  return {
    log,
    processor,
    app,
    query,
    async settle() {
      await processor.settle(log.workspace, ((await log.log.end(log.topic)) - 1) * 1024);
    },
    async tick() {
      return positionText(await processor.tick(log.workspace));
    },
    get: async (path, headers = {}) => answeredOf(await app.inject({ method: 'GET', url: path, headers })),
    post: async (path, payload) => answeredOf(await app.inject({ method: 'POST', url: path, payload })),
    async stop() {
      await query.stop();
      await app.close();
      await processor.stop();
    },
  };
}

export function positionText(at: number): string {
  return `${Math.floor(at / 1024)}:${at % 1024}`;
}

function answeredOf({
  statusCode: status,
  headers,
  body: text,
}: {
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: string;
}): Answered {
  const isJson = /^application\/(problem\+)?json/.test(String(headers['content-type'] ?? '')) && text !== '';
  return { status, headers, text, body: isJson ? JSON.parse(text) : undefined };
}
