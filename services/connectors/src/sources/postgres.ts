import {
  type CheckStage,
  type Connector,
  type ConnectorContext,
  ConnectorFault,
  defineConnector,
  type ReadItem,
  type ReadRequest,
  type StreamQuery,
  secret,
} from '@paceline/connector-sdk';
import { z } from 'zod';
import { stage } from './check.ts';
import { bindQuery, faultOfQuery, keysetQuery, quoteIdentifier } from './postgres-query.ts';
import { openPostgres, type PostgresSettings, type TextRow } from './postgres-session.ts';

const config = z.strictObject({
  host: z.string().min(1).describe('Host name or address of the server'),
  port: z.coerce.number().int().min(1).max(65_535).default(5432),
  database: z.string().min(1),
  user: z.string().min(1).describe('A user that may only read'),
  password: secret('Password of the user').optional(),
  tls: z
    .enum(['verify', 'encrypt', 'off'])
    .default('verify')
    .describe('verify: certificate checked; encrypt: any certificate; off: plain, for this machine or a tunnel'),
  ca: z.string().optional().describe('PEM of the authority that signed the server'),
  statementTimeout: z.coerce
    .number()
    .int()
    .min(100)
    .max(3_600_000)
    .default(60_000)
    .describe('Milliseconds a query may take'),
  cursor: z
    .strictObject({
      column: z.string().min(1).describe('Column that only grows: a time of change, or a number'),
      key: z.string().min(1).optional().describe('Primary key that orders rows of equal cursor; required for times'),
      kind: z.enum(['time', 'number']).default('time'),
    })
    .refine((cursor) => cursor.kind === 'number' || cursor.key !== undefined, {
      message: 'a cursor of times needs key, because many rows can share one time',
      path: ['key'],
    })
    .optional()
    .describe('Reads rows after a cursor instead of windows'),
});
type Config = z.infer<typeof config>;

const state = z.strictObject({ after: z.array(z.string()).min(1).max(2) });
type State = z.infer<typeof state>;

const PAGE_ROWS = 5_000;
const TABLES_MAX = 500;

/** Any server that speaks PostgreSQL's protocol: PostgreSQL itself, its gateways, and warehouses that imitate it. */
export const postgres: Connector<Config, State> = defineConnector({
  spec: {
    id: 'postgres',
    version: '1.0.0',
    title: 'PostgreSQL and whatever speaks its protocol',
    config,
    state,
    stateVersion: 1,
    modes: ['window', 'cursor'],
    mode: (settings) => (settings.cursor === undefined ? 'window' : 'cursor'),
    validateStream: (settings, stream) =>
      stream.query === undefined
        ? 'a postgres source needs a query'
        : faultOfQuery(stream.query, settings.cursor === undefined),
    egress: ({ host, port }) => [{ host, port }],
  },
  check,
  discover,
  read: (ctx, settings, request) =>
    settings.cursor === undefined ? readWindow(ctx, settings, request) : readAfter(ctx, settings, request),
});

function settingsOf(parsed: Config): PostgresSettings {
  return { ...parsed, statementTimeoutMs: parsed.statementTimeout };
}

function queryOf(stream: StreamQuery): string {
  if (stream.query !== undefined) return stream.query;
  throw new ConnectorFault('config', 'missing_query', 'a postgres source needs a query', {
    remedy: 'Add query to the source.',
  });
}

async function* readWindow(
  ctx: ConnectorContext,
  parsed: Config,
  request: ReadRequest<State>,
): AsyncIterable<ReadItem<State>> {
  const { from, to } = request;
  if (from === undefined || to === undefined) throw new Error('a window read needs from and to');
  const session = await openPostgres(ctx, settingsOf(parsed));
  try {
    let number = 0;
    for await (const batch of session.rows(bindQuery(queryOf(request.stream), from, to), request.limit)) {
      for (const row of batch) yield { row, at: `row ${++number}` };
    }
  } finally {
    await session.close();
  }
}

async function* readAfter(
  ctx: ConnectorContext,
  parsed: Config,
  request: ReadRequest<State>,
): AsyncIterable<ReadItem<State>> {
  const { cursor } = parsed;
  if (cursor === undefined) return;
  const timed = cursor.kind === 'time';
  const watermark = timed && request.to !== undefined ? { watermark: request.to.utc } : {};
  let after = request.state?.after ?? null;
  let left = request.limit ?? Number.POSITIVE_INFINITY;
  while (left > 0) {
    const limit = Math.min(PAGE_ROWS, left);
    const page = keysetQuery(queryOf(request.stream), cursor, {
      after,
      before: timed ? (request.to?.utc ?? null) : null,
      start: timed ? (request.from?.utc ?? null) : null,
      limit,
    });
    let count = 0;
    const session = await openPostgres(ctx, settingsOf(parsed));
    try {
      for await (const batch of session.rows(page)) {
        for (const row of batch) {
          count++;
          after = cursorOf(row, cursor);
          yield { row, at: `${cursor.column} ${after.join(', ')}` };
        }
      }
    } finally {
      await session.close();
    }
    left -= count;
    const done = count < limit;
    // An empty page keeps the cursor: there is nothing newer to remember.
    if (after !== null) yield { checkpoint: { after: [...after] }, ...(done ? watermark : {}) };
    if (done) return;
  }
}

function cursorOf(row: TextRow, cursor: NonNullable<Config['cursor']>): string[] {
  return [cursor.column, ...(cursor.key === undefined ? [] : [cursor.key])].map((name) => {
    const value = row[name];
    if (value !== undefined && value !== null) return value;
    throw new ConnectorFault(
      'config',
      'invalid_cursor',
      `column ${name} of the cursor is ${value === null ? 'NULL in a row' : 'not in the query'}`,
      {
        remedy: 'Select the column, and leave out rows where it is NULL.',
      },
    );
  });
}

async function* check(ctx: ConnectorContext, parsed: Config, stream?: StreamQuery): AsyncIterable<CheckStage> {
  const settings = settingsOf(parsed);
  const target = { host: settings.host, port: settings.port };
  const dns = await stage('dns', ctx, async () => {
    const found = await ctx.egress.resolve(target);
    return `${settings.host} is ${found.map((one) => one.address).join(', ')}`;
  });
  yield dns;
  if (!dns.ok) return;
  const tcp = await stage('tcp', ctx, async () => {
    (await ctx.dial({ ...target, signal: ctx.signal })).destroy();
    return `port ${settings.port} answers`;
  });
  yield tcp;
  if (!tcp.ok) return;
  const login = await stage('auth', ctx, async () => {
    await (await openPostgres(ctx, settings)).close();
    return `logged in as ${settings.user} to ${settings.database}`;
  });
  if (!login.ok && login.code === 'tls_failed') {
    yield { ...login, stage: 'tls' };
    return;
  }
  yield { stage: 'tls', ok: true, message: TLS_MESSAGES[settings.tls] };
  yield login;
  if (!login.ok || stream?.query === undefined) return;
  yield* checkQuery(ctx, parsed, stream.query);
}

const TLS_MESSAGES = {
  verify: 'encrypted, certificate checked',
  encrypt: 'encrypted, any certificate',
  off: 'plain, as configured',
} as const;
const EPOCH_EDGE = {
  local: '1970-01-01T00:00:00.000+00:00',
  utc: '1970-01-01T00:00:00.000Z',
  date: '1970-01-01',
  epochMs: 0,
};

async function* checkQuery(ctx: ConnectorContext, parsed: Config, query: string): AsyncIterable<CheckStage> {
  const bound =
    parsed.cursor === undefined
      ? bindQuery(query, EPOCH_EDGE, EPOCH_EDGE)
      : keysetQuery(query, parsed.cursor, { after: null, before: null, start: null, limit: 1 });
  const permission = await stage('permission', ctx, async () => {
    await drain(ctx, parsed, { ...bound, text: `EXPLAIN ${bound.text}` });
    return 'the query may be run';
  });
  yield permission;
  if (!permission.ok) return;
  yield await stage('sample', ctx, async () => {
    const to = edgeAt(ctx.clock.now());
    const wide = parsed.cursor === undefined ? bindQuery(query, EPOCH_EDGE, to) : bound;
    const row = await drain(ctx, parsed, wide, 1);
    return row === undefined ? 'the query gives no row' : `the query gives columns ${Object.keys(row).join(', ')}`;
  });
}

function edgeAt(epochMs: number) {
  const utc = new Date(epochMs).toISOString();
  return { local: utc.replace('Z', '+00:00'), utc, date: utc.slice(0, 10), epochMs };
}

async function drain(
  ctx: ConnectorContext,
  parsed: Config,
  query: Parameters<Awaited<ReturnType<typeof openPostgres>>['rows']>[0],
  limit?: number,
): Promise<TextRow | undefined> {
  const session = await openPostgres(ctx, settingsOf(parsed));
  try {
    let first: TextRow | undefined;
    for await (const batch of session.rows(query, limit)) first ??= batch[0];
    return first;
  } finally {
    await session.close();
  }
}

async function discover(ctx: ConnectorContext, parsed: Config) {
  const session = await openPostgres(ctx, settingsOf(parsed));
  try {
    const tables = new Map<string, { name: string; type: string }[]>();
    const sql = `SELECT table_schema, table_name, column_name, data_type FROM information_schema.columns
      WHERE table_schema NOT IN ('pg_catalog', 'information_schema') ORDER BY table_schema, table_name, ordinal_position`;
    for await (const batch of session.rows({ text: sql, values: [] })) {
      for (const row of batch) {
        const name = `${row.table_schema}.${row.table_name}`;
        if (!tables.has(name) && tables.size >= TABLES_MAX) return streamsOf(tables);
        const columns = tables.get(name) ?? [];
        columns.push({ name: row.column_name ?? '', type: row.data_type ?? '' });
        tables.set(name, columns);
      }
    }
    return streamsOf(tables);
  } finally {
    await session.close();
  }
}

function streamsOf(tables: ReadonlyMap<string, readonly { readonly name: string; readonly type: string }[]>) {
  return [...tables].map(([name, columns]) => {
    const time = columns.find((column) => /^(date|timestamp)/.test(column.type))?.name;
    const [schema = '', table = ''] = name.split('.');
    const from = `${quoteIdentifier(schema)}.${quoteIdentifier(table)}`;
    if (time === undefined) return { name, columns };
    const at = quoteIdentifier(time);
    return { name, columns, query: `SELECT * FROM ${from} WHERE ${at} >= :from AND ${at} < :to` };
  });
}
