import { Readable } from 'node:stream';
import { ClickHouseLogLevel, createClient } from '@clickhouse/client';
import { toStoreError } from './errors.ts';
import { columnsOf } from './tables.ts';
import { engineSettings, type Wire, type WireLimits } from './wire.ts';

export interface HttpOptions {
  /** `https://host:8443`. */
  readonly url: string;
  readonly user?: string;
  readonly password?: string;
  readonly database: string;
  readonly memoryBytesMax: number;
  /** Sockets open at once; further calls wait for one. */
  readonly connections: number;
}

/** Beyond the engine's own time limit the network and the answer's way need some. */
const NETWORK_MS = 10_000;

/** ClickHouse behind its HTTP interface; lanes are separate requests, which the server runs side by side. */
export function openHttp(options: HttpOptions): Wire {
  const shared = {
    url: options.url,
    username: options.user ?? 'default',
    password: options.password ?? '',
    application: 'paceline',
    max_open_connections: options.connections,
    request_timeout: 2 ** 31 - 1,
    compression: { response: true, request: true },
    clickhouse_settings: engineSettings(options.memoryBytesMax),
    // Failures are thrown with all that is known; the caller logs them once.
    log: { level: ClickHouseLogLevel.OFF },
  };
  const client = createClient({ ...shared, database: options.database });
  const outside = createClient(shared);
  return {
    async run(_lane, sql, format, limits) {
      const text = format === null ? sql : `${sql}\nFORMAT ${format}`;
      const scope = timeLimit(limits);
      try {
        // A database cannot be made from inside itself.
        const from = sql.startsWith('CREATE DATABASE') ? outside : client;
        const { stream } = await from.exec({ query: text, ...scope.whole });
        return await collect(stream);
      } finally {
        scope.end();
      }
    },
    async insert(table, body, limits) {
      const names = columnsOf(table).map(([name]) => name);
      const scope = timeLimit(limits);
      try {
        const { stream } = await client.exec({
          query: `INSERT INTO ${table} (${names.join(', ')}) FORMAT RowBinary`,
          values: Readable.from([body], { objectMode: false }),
          ...scope.whole,
        });
        await collect(stream);
      } finally {
        scope.end();
      }
    },
    async *stream(sql, format, limits) {
      const scope = timeLimit(limits);
      try {
        const { stream } = await client.exec({ query: `${sql}\nFORMAT ${format}`, ...scope.parts });
        for await (const chunk of stream) yield asBytes(chunk);
      } finally {
        scope.end();
      }
    },
    async guest(scope, work) {
      const params = Object.entries(scope.params).map(([name, value]) => [`param_${name}`, value]);
      const asked = { ...scope.settings, ...Object.fromEntries(params), wait_end_of_query: 1, readonly: '1' };
      const visitor = createClient({ ...shared, database: scope.database });
      try {
        return await work(async (sql, format) => {
          // Not as a clause: behind EXPLAIN it would be part of what is explained.
          const { stream, summary } = await visitor.exec({
            query: sql,
            clickhouse_settings: { ...asked, default_format: format },
          });
          return { bytes: await collect(stream), rows: Number(summary?.result_rows ?? 0) };
        });
      } finally {
        await visitor.close();
      }
    },
    async close() {
      await client.close();
      await outside.close();
    },
  };
}

/** The engine stops at `timeoutMs`; the socket is given up somewhat later, for a server that is gone says nothing. */
function timeLimit(limits: WireLimits) {
  const giveUp = new AbortController();
  const timer = setTimeout(
    () => giveUp.abort(toStoreError({ code: 'ETIMEDOUT' }, `No answer within ${limits.timeoutMs + NETWORK_MS} ms`)),
    limits.timeoutMs + NETWORK_MS,
  );
  const signal = limits.signal === undefined ? giveUp.signal : AbortSignal.any([giveUp.signal, limits.signal]);
  const max_execution_time = Math.max(0.001, limits.timeoutMs / 1000);
  return {
    // The server keeps the answer until it is whole: otherwise an error after the first byte would hide in it.
    whole: { abort_signal: signal, clickhouse_settings: { max_execution_time, wait_end_of_query: 1 as const } },
    parts: { abort_signal: signal, clickhouse_settings: { max_execution_time } },
    end: () => clearTimeout(timer),
  };
}

async function collect(stream: AsyncIterable<unknown>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of stream) chunks.push(asBytes(chunk));
  return chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks);
}

function asBytes(chunk: unknown): Uint8Array {
  if (chunk instanceof Uint8Array) return chunk;
  return Buffer.from(String(chunk), 'utf8');
}
