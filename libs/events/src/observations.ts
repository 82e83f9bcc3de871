import {
  type Feeder,
  type Instant,
  type ObservationsFact,
  POINTS_PER_RECORD_MAX,
  type PointStatement,
} from '@paceline/domain';
import { instantText, isInstantText, readInstant } from './instant-text.ts';

/** Above this a record of observations is split. A soft bound: it is held by estimate. */
export const OBSERVATION_BYTES_TARGET = 256 * 1024;
const ID_LENGTH_MAX = 512;
const DIMENSIONS_MAX = 64;

const DECIMAL = /^-?\d{1,29}(?:\.\d{1,9})?$/;

export interface ObservationsHead {
  readonly metric: string;
  readonly feeder: Feeder;
  readonly readAt?: Instant;
  readonly run?: string;
}

/** Splits points, order kept, into facts of at most 1,000 points or about 256 KiB. No points, no facts. */
export function observationFacts(head: ObservationsHead, points: readonly PointStatement[]): ObservationsFact[] {
  const facts: ObservationsFact[] = [];
  let start = 0;
  let bytes = 0;
  const cut = (end: number) => {
    if (end > start) facts.push({ type: 'observations', ...head, points: points.slice(start, end) });
    start = end;
    bytes = 0;
  };
  for (let index = 0; index < points.length; index++) {
    const size = sizeOf(points[index]!);
    if (index - start >= POINTS_PER_RECORD_MAX || (bytes + size > OBSERVATION_BYTES_TARGET && index > start))
      cut(index);
    bytes += size;
  }
  cut(points.length);
  return facts;
}

/** An estimate from above of a point's JSON bytes, for text without control characters. */
function sizeOf(point: PointStatement): number {
  let bytes = 64;
  bytes += (point.period?.length ?? 0) + (point.time?.length ?? 0) + (point.value?.length ?? 4);
  bytes += (point.numerator?.length ?? -16) + 16 + (point.denominator?.length ?? -18) + 18;
  if (point.id !== undefined) bytes += point.id.length * 3 + 8;
  if (point.revision !== undefined) bytes += 28;
  for (const key in point.dimensions) bytes += (key.length + point.dimensions[key]!.length) * 3 + 6;
  return bytes;
}

export function encodeObservations(fact: ObservationsFact): string {
  if (fact.points.length === 0 || fact.points.length > POINTS_PER_RECORD_MAX) {
    throw new RangeError(
      `a record holds 1 to ${POINTS_PER_RECORD_MAX} points, not ${fact.points.length}: split them with observationFacts`,
    );
  }
  const { metric, feeder, readAt, run, points } = fact;
  return JSON.stringify({
    metric,
    feeder,
    readAt: readAt === undefined ? undefined : instantText(readAt),
    run,
    points,
  });
}

type Read = { readonly ok: true; readonly fact: ObservationsFact } | { readonly ok: false; readonly message: string };

/** Reads the parsed body of an observations record. Points are the parsed objects themselves, checked and not copied. */
export function readObservations(body: unknown): Read {
  if (!isObject(body)) return { ok: false, message: 'the body is no object' };
  const { metric, feeder, readAt, run, points } = body;
  if (!isName(metric)) return { ok: false, message: 'metric: is no text' };
  if (!isName(feeder)) return { ok: false, message: 'feeder: is no text' };
  if (run !== undefined && !isName(run)) return { ok: false, message: 'run: is no text' };
  const began = readAt === undefined ? undefined : typeof readAt === 'string' ? readInstant(readAt) : undefined;
  if (readAt !== undefined && began === undefined) return { ok: false, message: 'readAt: is no UTC instant' };
  if (!Array.isArray(points) || points.length === 0 || points.length > POINTS_PER_RECORD_MAX) {
    return { ok: false, message: `points: is no list of 1 to ${POINTS_PER_RECORD_MAX}` };
  }
  const statements: unknown[] = points;
  for (let index = 0; index < statements.length; index++) {
    const fault = faultOfPoint(statements[index]);
    if (fault !== undefined) return { ok: false, message: `points.${index}.${fault}` };
  }
  return {
    ok: true,
    fact: {
      type: 'observations',
      metric,
      feeder,
      ...(began === undefined ? {} : { readAt: began }),
      ...(run === undefined ? {} : { run }),
      points: statements as PointStatement[],
    },
  };
}

/** What is wrong with a point, or `undefined`. Keys that are not the point's own are left alone: a later writer may add some. */
function faultOfPoint(point: unknown): string | undefined {
  if (!isObject(point)) return ' is no object';
  const { period, time, value, numerator, denominator, dimensions, id, revision } = point;
  if ((period === undefined) === (time === undefined)) return 'period: exactly one of period and time is needed';
  if (period !== undefined && !isName(period)) return 'period: is no text';
  if (time !== undefined && (typeof time !== 'string' || !isInstantText(time))) return 'time: is no UTC instant';
  if (numerator === undefined && denominator === undefined) {
    if (value !== null && !isDecimal(value)) return 'value: is no decimal and no null';
  } else {
    if (!isDecimal(numerator)) return 'numerator: is no decimal';
    if (!isDecimal(denominator)) return 'denominator: is no decimal';
    if (value !== undefined && value !== null && !isDecimal(value)) return 'value: is no decimal';
  }
  if (id !== undefined && (typeof id !== 'string' || id === '' || id.length > ID_LENGTH_MAX))
    return 'id: is no text of 1 to 512';
  if (revision !== undefined && !(Number.isSafeInteger(revision) && (revision as number) >= 0))
    return 'revision: is no whole number';
  return dimensions === undefined ? undefined : faultOfDimensions(dimensions);
}

export function faultOfDimensions(dimensions: unknown): string | undefined {
  if (!isObject(dimensions)) return 'dimensions: is no object';
  let count = 0;
  for (const key in dimensions) {
    const value = dimensions[key];
    if (typeof value !== 'string' || value === '') return `dimensions.${key}: is no text`;
    if (++count > DIMENSIONS_MAX) return `dimensions: more than ${DIMENSIONS_MAX}`;
  }
  return undefined;
}

function isDecimal(value: unknown): boolean {
  return typeof value === 'string' && DECIMAL.test(value);
}

/** Text of 1 to 512 characters. */
export function isName(value: unknown): value is string {
  return typeof value === 'string' && value !== '' && value.length <= ID_LENGTH_MAX;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
