import { codeLines, linesWith } from './code.ts';
import type { Source } from './sources.ts';

export interface Ban {
  readonly name: string;
  readonly pattern: RegExp;
  readonly instead: string;
  /** Where the rule holds. */
  applies(source: Source): boolean;
  /** Files that may, each with the reason. */
  readonly allowed?: Readonly<Record<string, string>>;
}

const shipped = ({ path, isTest }: Source): boolean => !isTest && /^(libs|services)\//.test(path);
const domain = (source: Source): boolean => source.home === 'libs/domain' && !source.isTest;
const outside =
  (...places: readonly string[]) =>
  (source: Source): boolean =>
    shipped(source) && !places.some((place) => source.path.startsWith(place));

/** The domain is a function of its arguments: these would let the world in. */
const PURITY: readonly [string, RegExp][] = [
  ['Date.now', /\bDate\.now\b/],
  ['new Date()', /\bnew Date\(\s*\)|(?<!new )\bDate\(\s*\)/],
  ['Math.random', /\bMath\.random\b/],
  ['process', /\bprocess\./],
  ['performance', /\bperformance\./],
  ['timers', /\b(setTimeout|setInterval|setImmediate|queueMicrotask)\s*\(/],
  ['console', /\bconsole\./],
  ['the network', /\bfetch\s*\(|\bWebSocket\b/],
  ['crypto', /\bcrypto\./],
  ['globalThis', /\bglobalThis\b/],
  [
    'the zone of the machine',
    /\.(getFullYear|getMonth|getDate|getDay|getHours|getMinutes|getTimezoneOffset|toLocale\w*)\s*\(/,
  ],
];

export const BANS: readonly Ban[] = [
  ...PURITY.map(
    ([name, pattern]): Ban => ({
      name: `${name} in the domain`,
      pattern,
      instead: 'take it as an argument',
      applies: domain,
    }),
  ),
  {
    name: 'JSON.parse',
    pattern: /\bJSON\.parse\b/,
    instead: 'the codec of @paceline/events, which checks what it reads',
    applies: outside('libs/events/'),
    allowed: {
      'libs/runtime/src/logger.ts': 'reads the line that pino has just written',
      'libs/runtime/src/keys/file.ts': 'reads the file of keys, whose shape it checks',
      'libs/runtime/src/keys/ring.ts': 'reads the times of last use that it wrote itself',
      'libs/jobs/src/sqlite-table.ts': 'reads the small payload that it wrote itself',
      'libs/store/src/clickhouse.ts': 'reads the rows of the engine, whose shape the statement says',
      'libs/connector-sdk/src/secrets.ts': 'reads a file of secrets, and must not quote it in its error',
      'services/connectors/src/sources/json.ts': 'reads what a source answers, with all digits',
      'services/processor/src/snapshots.ts': 'reads the snapshot that the fold wrote of itself',
      'services/dashboard/src/api.ts': 'reads the answers of our own server, in the browser',
      'services/standalone/src/openapi.ts': 'reads the description that fastify has just made',
      'services/cli/src/api.ts': 'reads the answers of our own server',
      'services/cli/src/demo/play.ts': 'reads the answers of our own server',
      'services/cli/src/demo/outside.ts': 'reads the data set that the demo ships with',
    },
  },
  {
    name: 'console',
    pattern: /\bconsole\./,
    instead: 'the logger of @paceline/runtime',
    applies: outside('services/cli/', 'services/standalone/src/demo/'),
  },
  {
    name: 'Date.now',
    pattern: /\bDate\.now\b|\bnew Date\(\s*\)/,
    instead: 'the clock that is passed in',
    applies: shipped,
    allowed: {
      'libs/runtime/src/clock.ts': 'is the clock',
      'libs/jobs/src/bullmq.ts': "speaks to BullMQ, which schedules by the system's clock and takes no other",
      'services/cli/src/commands/init.ts': 'dates the example after the day on which a person makes it',
    },
  },
  {
    name: 'process.exit',
    pattern: /\bprocess\.exit\s*\(/,
    instead: 'process.exitCode, or stopOnSignals of @paceline/runtime',
    applies: outside('services/cli/', 'libs/runtime/src/lifecycle.ts'),
  },
  {
    name: 'empty catch',
    pattern: /\bcatch\s*(\(\w*\)\s*)?\{\s*\}/,
    instead: 'a handled error, or a comment that says why none is needed',
    applies: () => true,
  },
  {
    name: 'skipped or lonely tests',
    pattern: /\b(it|test|describe)\.(skip|only|todo|skipIf|runIf)\b/,
    instead: 'a file name that says what the test needs (CONTRIBUTING.md)',
    applies: ({ path }) => /\.test\.ts$/.test(path),
  },
  {
    name: 'module mocks',
    pattern: /\bvi\.(mock|doMock)\s*\(/,
    instead: 'the real thing, or an argument',
    applies: ({ path }) => /\.test\.ts$/.test(path),
  },
];

/** Vendor libraries and the only places that may know them. */
export const FENCES: readonly {
  readonly packages: readonly string[];
  readonly places: readonly RegExp[];
  readonly instead: string;
}[] = [
  { packages: ['kafkajs'], places: [/^libs\/log\/src\/kafka/], instead: 'the port of @paceline/log' },
  { packages: ['bullmq', 'ioredis'], places: [/^libs\/jobs\/src\//], instead: 'the port of @paceline/jobs' },
  { packages: ['chdb', '@clickhouse/client'], places: [/^libs\/store\/src\//], instead: 'the port of @paceline/store' },
  {
    packages: ['node:sqlite'],
    places: [/^libs\/(log|jobs)\/src\//],
    instead: 'the ports of @paceline/log and @paceline/jobs',
  },
  {
    packages: ['pg', 'csv-parse'],
    places: [/^services\/connectors\/src\//, /^services\/cli\/src\//],
    instead: 'a connector',
  },
];

export function fenceFaults(source: Source): string[] {
  if (source.isTest || !/^(libs|services)\//.test(source.path)) return [];
  return FENCES.flatMap(({ packages, places, instead }) =>
    source.imports
      .filter((specifier) => packages.some((name) => specifier === name || specifier.startsWith(`${name}/`)))
      .filter(() => !places.some((place) => place.test(source.path)))
      .map((specifier) => `${source.path} imports ${specifier}; use ${instead}`),
  );
}

export function banFaults(source: Source): string[] {
  const bans = BANS.filter((ban) => ban.applies(source) && ban.allowed?.[source.path] === undefined);
  const lines = bans.length === 0 ? [] : codeLines(source.text);
  return bans.flatMap((ban) =>
    linesWith(lines, ban.pattern).map((line) => `${source.path}:${line} uses ${ban.name}; use ${ban.instead}`),
  );
}
