import { existsSync, readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { join, resolve } from 'node:path';
import { LineCounter, parseDocument } from 'yaml';
import { z } from 'zod';
import { ENVIRONMENT, fromEnvironment } from './config-env.ts';
import { bareSchema, fileSchema } from './config-schema.ts';
import { type Fault, PacelineError } from './errors.ts';
import { readKeys } from './keys/file.ts';
import { didYouMean } from './suggest.ts';

export { ENVIRONMENT } from './config-env.ts';
export { configurationPage } from './config-page.ts';

export type KafkaAddress = NonNullable<z.infer<typeof fileSchema>['kafka']>;
export type ClickHouseAddress = NonNullable<z.infer<typeof fileSchema>['clickhouse']>;
export type RedisAddress = NonNullable<z.infer<typeof fileSchema>['redis']>;

export type Config = Omit<z.infer<typeof fileSchema>, 'kafka' | 'clickhouse' | 'redis' | 'mode'> & {
  /** Absolute path of the project folder. */
  readonly dir: string;
  /** `DIR/.paceline`: log, tables, jobs and secrets of the embedded form. */
  readonly dataDir: string;
  /** Absolute path of the file of keys, which need not exist. */
  readonly keysFile: string;
  readonly mode: 'embedded' | 'cluster';
  /** `null` in embedded mode. */
  readonly kafka: KafkaAddress | null;
  readonly clickhouse: ClickHouseAddress | null;
  readonly redis: RedisAddress | null;
};

export interface LoadOptions {
  /** Project folder; `paceline.yaml` in it is optional. */
  readonly dir: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** What the command line says, strongest: the same shape as the file, as deep as needed. */
  readonly overrides?: Readonly<Record<string, unknown>>;
}

export type Loaded =
  | { readonly ok: true; readonly config: Config }
  | { readonly ok: false; readonly faults: readonly Fault[] };

/** Reads file, environment and overrides, in rising strength, and finds every fault in one go. */
export function loadConfig(options: LoadOptions): Loaded {
  const dir = resolve(options.dir);
  const file = readFile(join(dir, 'paceline.yaml'));
  const environment = fromEnvironment(options.env);
  const faults: Fault[] = [...file.faults, ...environment.faults];
  const merged = merge(merge(file.value, environment.value), options.overrides ?? {});
  const parsed = fileSchema.safeParse(merged);
  if (!parsed.success) {
    faults.push(...parsed.error.issues.flatMap((issue) => faultsOfIssue(issue, environment.variableOf, file.lineOf)));
  }
  faults.push(...addressFaults(merged), ...keyFaults(merged, dir));
  if (!parsed.success || faults.length > 0) return { ok: false, faults };
  const { kafka, clickhouse, redis, mode: _derived, ...rest } = parsed.data;
  const config: Config = {
    ...rest,
    dir,
    dataDir: dataDirOf(dir),
    keysFile: keysFileOf(dir, rest.http.keysFile),
    mode: kafka === undefined ? 'embedded' : 'cluster',
    kafka: kafka ?? null,
    clickhouse: clickhouse ?? null,
    redis: redis ?? null,
  };
  return { ok: true, config };
}

/** As `loadConfig`, but throws `invalid_configuration` with all faults: for commands, which then exit 1. */
export function requireConfig(options: LoadOptions): Config {
  const loaded = loadConfig(options);
  if (loaded.ok) return loaded.config;
  const [first] = loaded.faults;
  const code = loaded.faults.length === 1 && first !== undefined ? first.code : 'invalid_configuration';
  const lines = loaded.faults.map((fault) => `  ${placeOf(fault)}${fault.message}`);
  const message = `the configuration has ${loaded.faults.length === 1 ? 'a fault' : `${loaded.faults.length} faults`}:\n${lines.join('\n')}`;
  throw new PacelineError(code, message, { faults: loaded.faults });
}

/** True for addresses that only this machine can reach. */
export function isLoopback(host: string): boolean {
  if (host === 'localhost' || host === '::1') return true;
  return isIP(host) === 4 && host.startsWith('127.');
}

function placeOf(fault: Fault): string {
  if (fault.parameter !== undefined) return `${fault.parameter}: `;
  if (fault.file === undefined) return '';
  const line = fault.line === undefined ? '' : `:${fault.line}${fault.column === undefined ? '' : `:${fault.column}`}`;
  return `${fault.file}${line}: `;
}

interface ReadFile {
  readonly value: Record<string, unknown>;
  readonly faults: readonly Fault[];
  /** Where a key stands, or as much of the way to it as exists. */
  lineOf(path: readonly PropertyKey[]): Pick<Fault, 'file' | 'line' | 'column'>;
}

const CONFIG_BYTES_MAX = 1024 * 1024;

function readFile(path: string): ReadFile {
  const nowhere = () => ({ file: 'paceline.yaml' });
  if (!existsSync(path)) return { value: {}, faults: [], lineOf: nowhere };
  const text = readFileSync(path, 'utf8');
  const refused = (message: string, place: Partial<Fault> = {}): ReadFile => ({
    value: {},
    faults: [{ code: 'invalid_yaml', message, file: 'paceline.yaml', ...place }],
    lineOf: nowhere,
  });
  if (text.length > CONFIG_BYTES_MAX) return refused(`the file is larger than ${CONFIG_BYTES_MAX} bytes`);
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, uniqueKeys: true });
  const [error] = document.errors;
  if (error !== undefined) {
    const { line, col } = lines.linePos(error.pos[0]);
    return refused(error.message.split('\n')[0] ?? 'invalid YAML', { line, column: col });
  }
  const value: unknown = document.toJS({ maxAliasCount: 100 }) ?? {};
  if (!isRecord(value)) return refused('the file holds no keys; write for instance workspace: main');
  return {
    value,
    faults: [],
    lineOf(keys) {
      for (let depth = keys.length; depth > 0; depth--) {
        const node = document.getIn(keys.slice(0, depth).map(String), true);
        const start = isRecord(node) && Array.isArray(node.range) ? node.range[0] : undefined;
        if (typeof start !== 'number') continue;
        const { line, col } = lines.linePos(start);
        return { file: 'paceline.yaml', line, column: col };
      }
      return { file: 'paceline.yaml' };
    },
  };
}

function faultsOfIssue(
  issue: z.core.$ZodIssue,
  variableOf: (path: readonly PropertyKey[]) => string | undefined,
  lineOf: ReadFile['lineOf'],
): Fault[] {
  const place = (path: readonly PropertyKey[]): Partial<Fault> => {
    const variable = variableOf(path);
    return variable === undefined ? lineOf(path) : { parameter: variable };
  };
  if (issue.code === 'unrecognized_keys') {
    const known = knownKeys(issue.path);
    return issue.keys.map((key) => ({
      code: 'unknown_key' as const,
      message: `${[...issue.path, key].join('.')} is no key${didYouMean(key, known)}`,
      ...place([...issue.path, key]),
    }));
  }
  const code = issue.code === 'invalid_type' ? ('invalid_type' as const) : ('invalid_value' as const);
  return [{ code, message: `${issue.path.join('.')}: ${issue.message}`, ...place(issue.path) }];
}

/** Keys the schema knows at a path, for suggestions. */
function knownKeys(path: readonly PropertyKey[]): string[] {
  let schema: unknown = fileSchema;
  for (const key of path) {
    const inner = bareSchema(schema);
    schema = inner instanceof z.ZodObject ? inner.shape[String(key)] : undefined;
  }
  const inner = bareSchema(schema);
  return inner instanceof z.ZodObject ? Object.keys(inner.shape) : [];
}

const ADDRESSES = {
  kafka: 'PACELINE_KAFKA_BROKERS',
  clickhouse: 'PACELINE_CLICKHOUSE_URL',
  redis: 'PACELINE_REDIS_URL',
} as const;

/** Works on what was written, so that these faults come together with those of the shape. */
function addressFaults(written: Readonly<Record<string, unknown>>): Fault[] {
  const parts = Object.entries(ADDRESSES);
  const given = parts.filter(([part]) => written[part] !== undefined).map(([part]) => part);
  const absent = parts.filter(([part]) => written[part] === undefined);
  const having = `${given.join(' and ')} ${given.length === 1 ? 'has' : 'have'}`;
  if (written.mode === 'embedded' && given.length > 0) {
    return [{ code: 'invalid_value', message: `mode is embedded, but ${having} an address; remove one of the two` }];
  }
  if (absent.length === 0 || (given.length === 0 && written.mode !== 'cluster')) return [];
  return absent.map(([part, variable]) => ({
    code: 'incomplete_addresses' as const,
    message: `${part} has no address, although ${given.length > 0 ? `${having} one` : 'mode is cluster'}; set ${variable}`,
  }));
}

function dataDirOf(dir: string): string {
  return join(dir, '.paceline');
}

function keysFileOf(dir: string, given: string | null): string {
  return given === null ? join(dataDirOf(dir), 'keys.json') : resolve(dir, given);
}

/** Others may reach the server only when there is a key that they have to show. */
function keyFaults(written: Readonly<Record<string, unknown>>, dir: string): Fault[] {
  const http = isRecord(written.http) ? written.http : {};
  const { host, keysFile } = http;
  const file = keysFileOf(dir, typeof keysFile === 'string' ? keysFile : null);
  let keys: ReturnType<typeof readKeys>;
  try {
    keys = readKeys(file);
  } catch (error) {
    if (!(error instanceof PacelineError)) throw error;
    return [{ code: error.code, message: error.message }];
  }
  if (typeof host !== 'string' || isLoopback(host) || (keys !== null && keys.length > 0)) return [];
  const message = `http.host is ${host}, which others can reach, but ${file} has no key; use 127.0.0.1 or create a key first`;
  return [{ code: 'not_loopback', message, remedy: 'paceline keys create' }];
}

function merge(
  base: Readonly<Record<string, unknown>>,
  over: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const merged: Record<string, unknown> = { ...base };
  for (const [key, value] of Object.entries(over)) {
    if (value === undefined) continue;
    const below = merged[key];
    merged[key] = isRecord(below) && isRecord(value) ? merge(below, value) : value;
  }
  return merged;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Names of all variables, for `--help` and the docs. */
export const VARIABLES: readonly string[] = ENVIRONMENT.map(({ variable }) => variable);
