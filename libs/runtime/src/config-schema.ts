import { z } from 'zod';

/** The shape of `paceline.yaml`. Every key has a default, so that an empty file, or none, runs. */

const name = z.string().regex(/^[a-z0-9][a-z0-9_-]{0,62}$/, 'is no name: use a-z, 0-9, - and _, at most 63');
const port = z.int().min(0).max(65535);
const whole = (least: number, most: number) => z.int().min(least).max(most);
const credentials = {
  user: z.string().min(1).nullable().default(null),
  password: z.string().min(1).nullable().default(null),
  tls: z.boolean().default(false),
};
const broker = z.string().regex(/^(\[[0-9a-f:]+\]|[^\s:/]+):\d{1,5}$/i, 'is no address of the form host:port');
const elapsed = z.number().min(0).max(1);

/** Pace as in definition documents: `linear`, `seasonal`, or points; phased paces name dates and so belong to subjects. */
const pace = z.union([
  z.enum(['linear', 'seasonal']),
  z.strictObject({
    points: z
      .array(z.strictObject({ elapsed, expected: elapsed }))
      .min(2)
      .max(1000),
  }),
]);

const MEBIBYTE = 1024 * 1024;

export const fileSchema = z.strictObject({
  workspace: name.default('main').describe('Workspace that commands and requests mean when they name none.'),
  mode: z.enum(['embedded', 'cluster']).optional().describe('Left out: embedded when no addresses are given.'),
  policy: z.string().min(1).default('paceline').describe('Policy of subjects that name none, from the next apply on.'),
  pace: pace.default('linear').describe('Pace of subjects that name none, from the next apply on.'),
  ticks: z
    .enum(['auto', 'manual'])
    .default('auto')
    .describe('manual appends ticks only when told: scenarios and simulation.'),
  http: z
    .strictObject({
      host: z.string().min(1).default('127.0.0.1').describe('Address to listen on; anything but loopback needs a key.'),
      port: port.default(8787).describe('0 picks a free one and prints it.'),
      clickhousePort: port.default(8723).describe("Port that speaks ClickHouse's protocol."),
      clickhouseGateway: z
        .boolean()
        .default(false)
        .describe(
          "Whether the query service answers ClickHouse's protocol there, read-only and by keys, for BI tools.",
        ),
      keysFile: z
        .string()
        .min(1)
        .nullable()
        .default(null)
        .describe(
          'File of keys, as paceline keys writes it: a mounted secret. Left out: keys.json in the data folder.',
        ),
      sessionSecret: z
        .string()
        .min(32, 'has fewer than 32 characters')
        .nullable()
        .default(null)
        .describe(
          'Signs sessions of browsers; the same in all processes behind one address. Left out: one of its own.',
        ),
      origins: z.array(z.url()).max(100).default([]).describe('Origins of web pages that may call the API (CORS).'),
      trustProxy: z.boolean().default(false).describe('Believe X-Forwarded-For; only behind a proxy of your own.'),
    })
    .prefault({}),
  limits: z
    .strictObject({
      bodyBytes: whole(1024, 1024 * MEBIBYTE)
        .default(16 * MEBIBYTE)
        .describe('Largest request body, expanded.'),
      requestsPerMinute: whole(1, 10_000_000)
        .default(12_000)
        .describe('Per client address; requests from this machine are not counted.'),
      rows: whole(1, 100_000_000).default(1_000_000).describe('Rows of one answer.'),
      queryMs: whole(1, 3_600_000).default(30_000).describe('Time of one query.'),
      waitMs: whole(0, 60_000)
        .default(5_000)
        .describe('How long a read waits for min_position, a command for its outcome.'),
      documents: whole(1, 1_000_000).default(20_000).describe('Definition documents of a workspace.'),
      backlogPoints: whole(1_000, 1_000_000_000)
        .default(2_000_000)
        .describe('Points waiting to be processed above which pushes are answered 429.'),
      backfillBacklogPoints: whole(1_000, 1_000_000_000)
        .default(200_000)
        .describe('The same, above which a backfill pauses.'),
      stopMs: whole(100, 600_000).default(5_000).describe('Time to stop in good order.'),
    })
    .prefault({}),
  egress: z
    .strictObject({
      allow: z
        .array(z.string().min(1))
        .max(1000)
        .default([])
        .describe('Hosts, *.hosts or CIDRs in private networks that sources and channels may call.'),
    })
    .prefault({}),
  log: z
    .strictObject({
      level: z
        .enum(['error', 'warn', 'info', 'debug', 'trace', 'silent'])
        .default('info')
        .describe('What is written to standard error.'),
      format: z.enum(['json', 'text']).optional().describe('Left out: text on a terminal, json elsewhere.'),
    })
    .prefault({}),
  kafka: z
    .strictObject({
      brokers: z.array(broker).min(1).max(100).describe('host:port of each broker.'),
      ...credentials,
      mechanism: z
        .enum(['plain', 'scram-sha-256', 'scram-sha-512'])
        .nullable()
        .default(null)
        .describe('How the password is shown. Left out: plain over TLS, else scram-sha-512.'),
      replicationFactor: whole(1, 32).default(1).describe('Of topics that Paceline creates; 3 in production.'),
      recordedAt: z
        .enum(['broker', 'writer'])
        .default('broker')
        .describe('writer: records carry the time of who wrote them, for copies of a log and for simulations.'),
      sessionMs: whole(6_000, 300_000)
        .default(30_000)
        .describe('What a process that died was reading goes to another one after this long.'),
    })
    .optional(),
  clickhouse: z
    .strictObject({
      url: z.url({ protocol: /^https?$/, error: 'is no http(s) address' }),
      ...credentials,
      database: z
        .string()
        .regex(/^[a-z][a-z0-9_]{0,62}$/, 'is no name of a database: use a-z, 0-9 and _')
        .default('paceline')
        .describe('Of the tables; one per edition.'),
    })
    .optional(),
  redis: z
    .strictObject({ url: z.url({ protocol: /^rediss?$/, error: 'is no redis(s) address' }), ...credentials })
    .optional(),
});

/** What lies under defaults and optionals. */
export function bareSchema(schema: unknown): unknown {
  let inner = schema;
  while (
    inner instanceof z.ZodDefault ||
    inner instanceof z.ZodPrefault ||
    inner instanceof z.ZodOptional ||
    inner instanceof z.ZodNullable
  ) {
    inner = inner.unwrap();
  }
  return inner;
}
