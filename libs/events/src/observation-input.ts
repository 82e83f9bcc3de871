import { suggest } from '@paceline/domain/metric/suggest';

/** What a person or a program sent as one observation, its types settled and its meaning not yet checked. Numbers are text. */
export interface RawObservation {
  readonly metric: string;
  readonly period?: string;
  readonly time?: string;
  /** `null` retracts. */
  readonly value?: string | null;
  readonly numerator?: string;
  readonly denominator?: string;
  /** Without absent, null and empty ones. */
  readonly dimensions?: Readonly<Record<string, string>>;
  readonly id?: string;
  readonly revision?: number;
}

/** Why a line is refused; the pointer leads into the observation. */
export interface Refusal {
  readonly code: string;
  readonly message: string;
  readonly pointer: string;
}
export type ReadObservation =
  | { readonly ok: true; readonly observation: RawObservation }
  | { readonly ok: false; readonly refusal: Refusal };

const KEYS = ['metric', 'time', 'period', 'value', 'dimensions', 'id', 'revision', 'numerator', 'denominator'];
const TEXT_MAX = 512;

/** The lines of a body: one observation, a list, or `{"observations": […]}`; `undefined` for anything else. */
export function observationsOf(body: unknown): readonly unknown[] | undefined {
  if (Array.isArray(body)) return body;
  if (!isObject(body)) return undefined;
  if (!Object.hasOwn(body, 'observations')) return [body];
  return Array.isArray(body.observations) && Object.keys(body).length === 1 ? body.observations : undefined;
}

/**
 * One observation as JSON gave it (see `parseExactJson`) or as CSV did. Keys it does not know are refused: a misspelt
 * `dimensions` would silently count another series.
 */
export function readObservation(raw: unknown): ReadObservation {
  if (!isObject(raw)) return refuse('invalid_line', 'an observation is an object', '');
  for (const key in raw) {
    if (!KEYS.includes(key)) return unknownKey(key);
  }
  const { metric, period, time, revision } = raw;
  if (typeof metric !== 'string' || metric === '') return refuse('missing_metric', 'metric is missing', '/metric');
  const made: { -readonly [Key in keyof RawObservation]: RawObservation[Key] } = { metric };
  for (const key of ['value', 'numerator', 'denominator'] as const) {
    const value = raw[key];
    if (value === undefined || (value === null && key !== 'value')) continue;
    if (value === null) made.value = null;
    else if (typeof value === 'string' || typeof value === 'number') made[key] = String(value).trim();
    else return refuse('not_a_number', `${key} is ${typeof value}, not a decimal`, `/${key}`);
  }
  if (period !== undefined && period !== null) {
    if (!isWord(period)) return refuse('wrong_grain', 'period is no text', '/period');
    made.period = String(period);
  }
  if (time !== undefined && time !== null) {
    if (typeof time !== 'string') return refuse('invalid_time', 'time is no text like 2026-11-22T06:00:00Z', '/time');
    made.time = time;
  }
  if (raw.id !== undefined && raw.id !== null) {
    if (!isWord(raw.id)) return refuse('invalid_id', 'id is no text', '/id');
    made.id = String(raw.id);
  }
  if (revision !== undefined && revision !== null) {
    if (!Number.isSafeInteger(revision) || Number(revision) < 0) {
      return refuse('invalid_revision', `revision ${shown(revision)} is no whole number from 0 on`, '/revision');
    }
    made.revision = Number(revision);
  }
  return withDimensions(made, raw.dimensions);
}

function withDimensions(made: RawObservation, dimensions: unknown): ReadObservation {
  if (dimensions === undefined || dimensions === null) return { ok: true, observation: made };
  if (!isObject(dimensions)) return refuse('invalid_dimension', 'dimensions is no object', '/dimensions');
  const kept: [string, string][] = [];
  for (const [name, value] of Object.entries(dimensions)) {
    if (value === null || value === undefined || value === '') continue;
    if (!isWord(value) && typeof value !== 'boolean') {
      return refuse('invalid_dimension', `dimension ${shown(name)} is no text`, `/dimensions/${escapePointer(name)}`);
    }
    kept.push([name, String(value)]);
  }
  return { ok: true, observation: kept.length === 0 ? made : { ...made, dimensions: Object.fromEntries(kept) } };
}

function unknownKey(key: string): ReadObservation {
  const near = suggest(key, KEYS);
  const hint = near === undefined ? `; an observation has ${KEYS.join(', ')}` : `; did you mean "${near}"?`;
  return refuse('unknown_key', `unknown key ${shown(key)}${hint}`, `/${escapePointer(key)}`);
}

function refuse(code: string, message: string, pointer: string): ReadObservation {
  return { ok: false, refusal: { code, message, pointer } };
}

/** Text, or a number that stands for its shortest text, such as the year 2026 or an order's number. */
function isWord(value: unknown): value is string | number {
  return typeof value === 'number' ? Number.isFinite(value) : typeof value === 'string' && value.length <= TEXT_MAX;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function shown(value: unknown): string {
  return JSON.stringify(typeof value === 'string' ? value.slice(0, 60) : value) ?? String(value);
}

function escapePointer(key: string): string {
  return key.replaceAll('~', '~0').replaceAll('/', '~1');
}
