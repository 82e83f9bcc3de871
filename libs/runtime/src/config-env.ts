import type { Fault } from './errors.ts';
import { didYouMean } from './suggest.ts';

type Shape = 'text' | 'number' | 'flag' | 'list';

/** Every variable, where it goes in the file's shape, and how its text is read. */
export const ENVIRONMENT: readonly {
  readonly variable: string;
  readonly path: readonly string[];
  readonly shape: Shape;
}[] = [
  { variable: 'PACELINE_WORKSPACE', path: ['workspace'], shape: 'text' },
  { variable: 'PACELINE_MODE', path: ['mode'], shape: 'text' },
  { variable: 'PACELINE_POLICY', path: ['policy'], shape: 'text' },
  { variable: 'PACELINE_PACE', path: ['pace'], shape: 'text' },
  { variable: 'PACELINE_TICKS', path: ['ticks'], shape: 'text' },
  { variable: 'PACELINE_HOST', path: ['http', 'host'], shape: 'text' },
  { variable: 'PACELINE_PORT', path: ['http', 'port'], shape: 'number' },
  { variable: 'PACELINE_CLICKHOUSE_PORT', path: ['http', 'clickhousePort'], shape: 'number' },
  { variable: 'PACELINE_CLICKHOUSE_GATEWAY', path: ['http', 'clickhouseGateway'], shape: 'flag' },
  { variable: 'PACELINE_ORIGINS', path: ['http', 'origins'], shape: 'list' },
  { variable: 'PACELINE_KEYS_FILE', path: ['http', 'keysFile'], shape: 'text' },
  { variable: 'PACELINE_SESSION_SECRET', path: ['http', 'sessionSecret'], shape: 'text' },
  { variable: 'PACELINE_TRUST_PROXY', path: ['http', 'trustProxy'], shape: 'flag' },
  { variable: 'PACELINE_LIMIT_BODY_BYTES', path: ['limits', 'bodyBytes'], shape: 'number' },
  { variable: 'PACELINE_LIMIT_REQUESTS_PER_MINUTE', path: ['limits', 'requestsPerMinute'], shape: 'number' },
  { variable: 'PACELINE_LIMIT_ROWS', path: ['limits', 'rows'], shape: 'number' },
  { variable: 'PACELINE_LIMIT_QUERY_MS', path: ['limits', 'queryMs'], shape: 'number' },
  { variable: 'PACELINE_LIMIT_WAIT_MS', path: ['limits', 'waitMs'], shape: 'number' },
  { variable: 'PACELINE_LIMIT_DOCUMENTS', path: ['limits', 'documents'], shape: 'number' },
  { variable: 'PACELINE_LIMIT_BACKLOG_POINTS', path: ['limits', 'backlogPoints'], shape: 'number' },
  { variable: 'PACELINE_LIMIT_BACKFILL_BACKLOG_POINTS', path: ['limits', 'backfillBacklogPoints'], shape: 'number' },
  { variable: 'PACELINE_LIMIT_STOP_MS', path: ['limits', 'stopMs'], shape: 'number' },
  { variable: 'PACELINE_EGRESS_ALLOW', path: ['egress', 'allow'], shape: 'list' },
  { variable: 'PACELINE_LOG_LEVEL', path: ['log', 'level'], shape: 'text' },
  { variable: 'PACELINE_LOG_FORMAT', path: ['log', 'format'], shape: 'text' },
  { variable: 'PACELINE_KAFKA_BROKERS', path: ['kafka', 'brokers'], shape: 'list' },
  { variable: 'PACELINE_KAFKA_USER', path: ['kafka', 'user'], shape: 'text' },
  { variable: 'PACELINE_KAFKA_PASSWORD', path: ['kafka', 'password'], shape: 'text' },
  { variable: 'PACELINE_KAFKA_TLS', path: ['kafka', 'tls'], shape: 'flag' },
  { variable: 'PACELINE_KAFKA_MECHANISM', path: ['kafka', 'mechanism'], shape: 'text' },
  { variable: 'PACELINE_KAFKA_REPLICATION_FACTOR', path: ['kafka', 'replicationFactor'], shape: 'number' },
  { variable: 'PACELINE_KAFKA_RECORDED_AT', path: ['kafka', 'recordedAt'], shape: 'text' },
  { variable: 'PACELINE_KAFKA_SESSION_MS', path: ['kafka', 'sessionMs'], shape: 'number' },
  { variable: 'PACELINE_CLICKHOUSE_URL', path: ['clickhouse', 'url'], shape: 'text' },
  { variable: 'PACELINE_CLICKHOUSE_USER', path: ['clickhouse', 'user'], shape: 'text' },
  { variable: 'PACELINE_CLICKHOUSE_PASSWORD', path: ['clickhouse', 'password'], shape: 'text' },
  { variable: 'PACELINE_CLICKHOUSE_TLS', path: ['clickhouse', 'tls'], shape: 'flag' },
  { variable: 'PACELINE_CLICKHOUSE_DATABASE', path: ['clickhouse', 'database'], shape: 'text' },
  { variable: 'PACELINE_REDIS_URL', path: ['redis', 'url'], shape: 'text' },
  { variable: 'PACELINE_REDIS_USER', path: ['redis', 'user'], shape: 'text' },
  { variable: 'PACELINE_REDIS_PASSWORD', path: ['redis', 'password'], shape: 'text' },
  { variable: 'PACELINE_REDIS_TLS', path: ['redis', 'tls'], shape: 'flag' },
];

/** Variables that others read: the command line's own, secrets, and those of tests. */
const ELSEWHERE = /^PACELINE_(DIR|URL|OUTPUT|API_KEY|SECRET_.+|TEST_.+)$/;

export interface FromEnvironment {
  readonly value: Record<string, unknown>;
  readonly faults: readonly Fault[];
  /** The variable that set the value at a path, so that a fault names it rather than the file. */
  variableOf(path: readonly PropertyKey[]): string | undefined;
}

/** An empty variable counts as absent: that is how compose files and shells say "not set". */
export function fromEnvironment(env: Readonly<Record<string, string | undefined>>): FromEnvironment {
  const value: Record<string, unknown> = {};
  const faults: Fault[] = [];
  const set = new Map<string, string>();
  for (const { variable, path, shape } of ENVIRONMENT) {
    const text = env[variable]?.trim();
    if (text === undefined || text === '') continue;
    put(value, path, read(text, shape));
    set.set(path.join('.'), variable);
  }
  const known = ENVIRONMENT.map(({ variable }) => variable);
  for (const variable of Object.keys(env)) {
    if (!variable.startsWith('PACELINE_') || known.includes(variable) || ELSEWHERE.test(variable)) continue;
    faults.push({
      code: 'unknown_key',
      message: `is no variable of Paceline${didYouMean(variable, known)}`,
      parameter: variable,
    });
  }
  return {
    value,
    faults,
    variableOf(path) {
      for (let depth = path.length; depth > 0; depth--) {
        const variable = set.get(path.slice(0, depth).join('.'));
        if (variable !== undefined) return variable;
      }
      return undefined;
    },
  };
}

/** What cannot be read stays text, so that the schema refuses it with its own words. */
function read(text: string, shape: Shape): unknown {
  if (shape === 'list')
    return text
      .split(',')
      .map((part) => part.trim())
      .filter((part) => part !== '');
  if (shape === 'number') return /^\d+$/.test(text) ? Number(text) : text;
  if (shape === 'flag') return text === 'true' || text === '1' ? true : text === 'false' || text === '0' ? false : text;
  return text;
}

function put(target: Record<string, unknown>, path: readonly string[], value: unknown): void {
  const [first, ...rest] = path;
  if (first === undefined) return;
  if (rest.length === 0) {
    target[first] = value;
    return;
  }
  const below: Record<string, unknown> = Object.hasOwn(target, first) ? { ...Object(target[first]) } : {};
  put(below, rest, value);
  target[first] = below;
}
