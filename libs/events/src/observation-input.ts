import type { RawObservation } from '@paceline/domain/metric/accept';
import { suggest } from '@paceline/domain/metric/suggest';

/** One line of a push: whose it is, and what the domain's `acceptStatement` then judges by that metric. */
export type ReadObservation =
  | { readonly ok: true; readonly metric: string; readonly raw: RawObservation }
  | { readonly ok: false; readonly code: string; readonly message: string; readonly pointer: string };

const KEYS = ['metric', 'time', 'period', 'value', 'dimensions', 'id', 'revision', 'numerator', 'denominator'];

/** The lines of a body: one observation, a list, or `{"observations": […]}`; `undefined` for anything else. */
export function observationsOf(body: unknown): readonly unknown[] | undefined {
  if (Array.isArray(body)) return body;
  if (!isObject(body)) return undefined;
  if (!Object.hasOwn(body, 'observations')) return [body];
  return Array.isArray(body.observations) && Object.keys(body).length === 1 ? body.observations : undefined;
}

/**
 * One observation as JSON (`parseExactJson`) or CSV gave it. Keys it does not know are refused: a misspelt `dimensions` would
 * silently count another series. A caller that passes `keys` allows these beside the observation's own.
 */
export function readObservation(line: unknown, keys: readonly string[] = []): ReadObservation {
  if (!isObject(line)) return refuse('invalid_line', 'an observation is an object', '');
  for (const key in line) {
    if (!KEYS.includes(key) && !keys.includes(key)) return unknownKey(key);
  }
  const { metric, ...raw } = line;
  if (metric === undefined || metric === null || metric === '') {
    return refuse('missing_metric', 'the observation names no metric', '/metric');
  }
  if (typeof metric !== 'string') return refuse('unknown_metric', 'a metric is named by text', '/metric');
  return { ok: true, metric, raw };
}

function unknownKey(key: string): ReadObservation {
  const near = suggest(key, KEYS);
  const hint = near === undefined ? `; an observation has ${KEYS.join(', ')}` : `; did you mean "${near}"?`;
  const pointer = `/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`;
  return refuse('unknown_key', `unknown key ${JSON.stringify(key.slice(0, 60))}${hint}`, pointer);
}

function refuse(code: string, message: string, pointer: string): ReadObservation {
  return { ok: false, code, message, pointer };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
