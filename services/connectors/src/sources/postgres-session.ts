import type { Socket } from 'node:net';
import { type ConnectorContext, ConnectorFault, codeOf, faultFrom, isTransientCode } from '@paceline/connector-sdk';
import pg from 'pg';
import Cursor from 'pg-cursor';
import type { BoundQuery } from './postgres-query.ts';

export interface PostgresSettings {
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly user: string;
  readonly password?: string | undefined;
  readonly tls: 'verify' | 'encrypt' | 'off';
  readonly ca?: string | undefined;
  readonly statementTimeoutMs: number;
}

/** A column value is the server's own text: no float, no `Date`, so microseconds and 20-digit numbers survive. */
export type TextRow = Readonly<Record<string, string | null>>;

export interface PostgresSession {
  /** Rows in batches, through a server-side cursor inside one read-only transaction. */
  rows(query: BoundQuery, limit?: number): AsyncIterable<readonly TextRow[]>;
  close(): Promise<void>;
}

const BATCH_ROWS = 1_000;
const rawTexts = { getTypeParser: () => (text: string) => text };

/** Opens a session over a guarded socket, in a read-only transaction with UTC and ISO texts. Aborting the run's signal cancels what the server does. */
export async function openPostgres(ctx: ConnectorContext, settings: PostgresSettings): Promise<PostgresSession> {
  const socket = await ctx.dial({ host: settings.host, port: settings.port, signal: ctx.signal });
  const client = new pg.Client({
    host: settings.host,
    port: settings.port,
    database: settings.database,
    user: settings.user,
    password: settings.password ?? '',
    application_name: 'paceline',
    ssl: sslOf(settings),
    types: rawTexts,
    stream: () => alreadyConnected(socket),
  });
  const broken: { error: Error | null } = { error: null };
  client.on('error', (error) => {
    broken.error ??= error;
  });
  const cancel = (): void => {
    void cancelOnServer(ctx, settings, client);
    socket.destroy();
  };
  ctx.signal.addEventListener('abort', cancel, { once: true });
  const close = async (): Promise<void> => {
    ctx.signal.removeEventListener('abort', cancel);
    if (socket.destroyed) return;
    await client.end().catch((error: unknown) => ctx.logger.debug({ err: error }, 'a session did not end cleanly'));
  };
  try {
    await within(client.connect(), settings.statementTimeoutMs, socket);
    await client.query(
      `BEGIN TRANSACTION READ ONLY ISOLATION LEVEL REPEATABLE READ; SET LOCAL statement_timeout = ${Math.round(settings.statementTimeoutMs)}; SET LOCAL TIME ZONE 'UTC'; SET LOCAL datestyle = 'ISO, YMD'; SET LOCAL intervalstyle = 'iso_8601'; SET LOCAL extra_float_digits = 3`,
    );
  } catch (error) {
    await close();
    throw ctx.signal.aborted ? error : faultOfPostgres(error, settings);
  }
  return {
    async *rows(query, limit) {
      const cursor = client.query(new Cursor<TextRow>(query.text, [...query.values], { types: rawTexts }));
      let left = limit ?? Number.POSITIVE_INFINITY;
      try {
        while (left > 0) {
          const batch = await cursor.read(Math.min(BATCH_ROWS, left));
          if (batch.length === 0) return;
          left -= batch.length;
          yield batch;
        }
      } catch (error) {
        throw ctx.signal.aborted ? error : faultOfPostgres(broken.error ?? error, settings, query.text);
      } finally {
        if (!socket.destroyed) {
          await cursor
            .close()
            .catch((error: unknown) => ctx.logger.debug({ err: error }, 'a cursor did not close cleanly'));
        }
      }
    },
    close,
  };
}

/** pg wants to connect the socket itself; this one already is, to the address that the guard checked. */
function alreadyConnected(socket: Socket): Socket {
  socket.connect = () => {
    setImmediate(() => socket.emit('connect'));
    return socket;
  };
  return socket;
}

function sslOf(settings: PostgresSettings): false | { rejectUnauthorized: boolean; ca?: string } {
  if (settings.tls === 'off') return false;
  return { rejectUnauthorized: settings.tls === 'verify', ...(settings.ca === undefined ? {} : { ca: settings.ca }) };
}

/** The login as a whole is bounded too: a server that accepts and then says nothing must not hold a run. */
async function within(work: Promise<unknown>, timeoutMs: number, socket: Socket): Promise<void> {
  const timer = setTimeout(() => {
    socket.destroy(Object.assign(new Error(`no login within ${timeoutMs} ms`), { code: 'ETIMEDOUT' }));
  }, timeoutMs);
  try {
    await work;
  } finally {
    clearTimeout(timer);
  }
}

const CANCEL_REQUEST = 80_877_102;

/** Asks the server to stop what the session does: closing the socket alone is noticed only when it next writes. */
async function cancelOnServer(ctx: ConnectorContext, settings: PostgresSettings, client: pg.Client): Promise<void> {
  const processId: unknown = Reflect.get(client, 'processID');
  const secretKey: unknown = Reflect.get(client, 'secretKey');
  if (typeof processId !== 'number' || typeof secretKey !== 'number') return;
  try {
    const socket = await ctx.egress.dial({ host: settings.host, port: settings.port, timeoutMs: 2_000 });
    socket.on('error', () => socket.destroy());
    const request = Buffer.alloc(16);
    request.writeInt32BE(16, 0);
    request.writeInt32BE(CANCEL_REQUEST, 4);
    request.writeInt32BE(processId, 8);
    request.writeInt32BE(secretKey, 12);
    socket.end(request);
  } catch (error) {
    ctx.logger.debug({ err: error }, 'the server could not be asked to cancel; it stops at its statement time-out');
  }
}

const SQL_STATE = /^[0-9A-Z]{5}$/;

/** A server's error in our terms: who must act, and how. Classes of codes as in appendix A of PostgreSQL's manual. */
export function faultOfPostgres(error: unknown, settings: PostgresSettings, query?: string): ConnectorFault {
  if (error instanceof ConnectorFault) return error;
  const code = codeOf(error) ?? '';
  const text = error instanceof Error ? error.message : String(error);
  const where = `PostgreSQL at ${settings.host}:${settings.port}`;
  const fault = (kind: 'config' | 'transient', name: string, remedy: string): ConnectorFault =>
    new ConnectorFault(
      kind,
      name,
      `${where}: ${text}${SQL_STATE.test(code) ? ` (${code})` : ''}${lineOf(error, query)}`,
      {
        cause: error,
        remedy,
      },
    );
  if (/^28/.test(code)) return fault('config', 'not_authorized', 'Check user and password of the source.');
  if (code === '3D000') return fault('config', 'unknown_database', 'Check the name of the database.');
  if (code === '42501')
    return fault('config', 'not_permitted', `Grant ${settings.user} the right to read what the query names.`);
  if (code === '25006') return fault('config', 'write_refused', 'A source only reads: write a SELECT.');
  if (code === '42P18') return fault('config', 'invalid_query', 'Give the parameter a type, as in :from::date.');
  if (code === '57014') {
    return fault(
      'transient',
      'statement_timeout',
      'Make the query quicker (an index, shorter windows) or raise statementTimeout.',
    );
  }
  if (/^(08|53|57|40|58|XX)/.test(code)) return fault('transient', 'unavailable', 'It is tried again by itself.');
  if (/^(42|22|0A|2[0-7]|3|P0)/.test(code)) return fault('config', 'invalid_query', 'Correct the query of the source.');
  if (/SSL|TLS|certificate|self.signed/i.test(text) && !isTransientCode(code)) {
    return fault('config', 'tls_failed', 'Check the tls setting of the source and the authority in ca.');
  }
  if (/terminated unexpectedly|Connection terminated|not queryable/i.test(text)) {
    return fault('transient', 'unavailable', 'It is tried again by itself.');
  }
  return faultFrom(error, where);
}

function lineOf(error: unknown, query: string | undefined): string {
  const position: unknown = error instanceof Error ? Reflect.get(error, 'position') : undefined;
  if (query === undefined || typeof position !== 'string') return '';
  const before = query.slice(0, Number(position) - 1).split('\n');
  return `, line ${before.length} column ${(before.at(-1)?.length ?? 0) + 1} of the query`;
}
