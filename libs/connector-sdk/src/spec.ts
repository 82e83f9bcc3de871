import { z } from 'zod';
import type { Connector } from './connector.ts';
import { referencesIn } from './secrets.ts';

/** A text that must be written as a reference; wherever a configuration is shown, its value is not. */
export function secret(description?: string) {
  return z
    .string()
    .min(1)
    .meta({ secret: true, ...(description === undefined ? {} : { description }) });
}

/** Checks what every connector must keep and gives it back with its types. */
export function defineConnector<Config, State>(connector: Connector<Config, State>): Connector<Config, State> {
  const { spec } = connector;
  if (!/^[a-z][a-z0-9-]{0,30}$/.test(spec.id))
    throw new Error(`connector id "${spec.id}" does not fit [a-z][a-z0-9-]*`);
  if (spec.modes.length === 0) throw new Error(`connector ${spec.id} has no mode`);
  if (!Number.isInteger(spec.stateVersion) || spec.stateVersion < 1) {
    throw new Error(`connector ${spec.id} needs a stateVersion of 1 or more`);
  }
  return connector;
}

/** JSON Schema of the configuration, for editors and `paceline schema`. Secrets carry `"secret": true`. */
export function configSchema(spec: Pick<Connector['spec'], 'config'>): Record<string, unknown> {
  return { ...z.toJSONSchema(spec.config, { io: 'input', unrepresentable: 'any' }) };
}

/** JSON Pointers of the secret settings of a configuration schema; `*` stands for any key or index. */
export function secretPointers(schema: unknown, at = ''): string[] {
  if (typeof schema !== 'object' || schema === null) return [];
  const found: string[] = 'secret' in schema && schema.secret === true ? [at] : [];
  const inner = (value: unknown, place: string): void => void found.push(...secretPointers(value, place));
  if ('properties' in schema && typeof schema.properties === 'object' && schema.properties !== null) {
    for (const [key, value] of Object.entries(schema.properties)) inner(value, `${at}/${key}`);
  }
  if ('additionalProperties' in schema) inner(schema.additionalProperties, `${at}/*`);
  if ('items' in schema) inner(schema.items, `${at}/*`);
  for (const key of ['anyOf', 'oneOf', 'allOf'] as const) {
    const options: unknown = Object.entries(schema).find(([name]) => name === key)?.[1];
    if (Array.isArray(options)) for (const option of options) inner(option, at);
  }
  return [...new Set(found)];
}

export interface ConfigFault {
  /** JSON Pointer into the configuration. */
  readonly pointer: string;
  readonly message: string;
}

/** Every fault of a configuration as written, references unresolved: wrong keys and types, and secrets written in the open. */
export function validateConfig(spec: Pick<Connector['spec'], 'config'>, config: unknown): ConfigFault[] {
  const parsed = spec.config.safeParse(config);
  const faults: ConfigFault[] = parsed.success
    ? []
    : parsed.error.issues
        .filter((issue) => !concernsReference(config, issue.path))
        .map((issue) => ({
          pointer: pointerOf(issue.path),
          message: issue.message,
        }));
  for (const pointer of secretPointers(configSchema(spec))) {
    for (const { place, value } of valuesAt(config, pointer.split('/').slice(1))) {
      if (typeof value === 'string' && referencesIn(value).length === 0) {
        faults.push({
          pointer: place,
          message: 'a secret must be a reference such as ${secret:NAME#key}, never the value itself',
        });
      }
    }
  }
  return faults;
}

/** A number or a choice given by `${env:…}` is text until it is resolved: its type cannot be judged before. */
function concernsReference(config: unknown, path: readonly PropertyKey[]): boolean {
  let at: unknown = config;
  for (const key of path) {
    if (typeof at !== 'object' || at === null) return false;
    at = Object.entries(at).find(([name]) => name === String(key))?.[1];
  }
  return typeof at === 'string' && referencesIn(at).length > 0;
}

function valuesAt(value: unknown, parts: readonly string[], place = ''): { place: string; value: unknown }[] {
  const [part, ...rest] = parts;
  if (part === undefined) return [{ place, value }];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value)
    .filter(([key]) => part === '*' || key === part)
    .flatMap(([key, inner]) => valuesAt(inner, rest, `${place}/${key}`));
}

export function pointerOf(path: readonly PropertyKey[]): string {
  return path.map((part) => `/${String(part).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
}
