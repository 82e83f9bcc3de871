import type { Scaled } from '../cell.ts';
import type { ObservationsFact, PointStatement, Recorded } from '../fact.ts';
import type { Instant, Span } from '../instant.ts';
import { scaledOf } from '../number/decimal.ts';
import type { Position } from '../position.ts';
import { compareText } from '../text-order.ts';
import { readInstant } from '../time/instant-text.ts';
import type { Metric } from './metric.ts';

/** What a statement is told from others by: the order of (revision, readAt, position) decides which one stands. */
export interface Precedence {
  readonly revision: number;
  /** When the read of the source began, never later than recordedAt. */
  readonly readAt: Instant;
  readonly position: Position;
}

/** A statement of a point in its place in the log. */
export interface Statement {
  readonly position: Position;
  readonly recordedAt: Instant;
  readonly readAt: Instant;
  readonly feeder: string;
  readonly point: PointStatement;
}

/** What a statement says: all `null` retracts. A ratio point says two parts, any other a value. */
export interface Said {
  readonly value: Scaled | null;
  readonly numerator: Scaled | null;
  readonly denominator: Scaled | null;
}

/** When the read of the source began that a record's statements stem from: never later than the record. */
export function readAtOf({ fact, recordedAt }: Recorded<ObservationsFact>): Instant {
  return Math.min(fact.readAt ?? recordedAt, recordedAt);
}

export function statementsOf(recorded: Recorded<ObservationsFact>): Statement[] {
  const { fact, position, recordedAt } = recorded;
  const readAt = readAtOf(recorded);
  return fact.points.map((point, index) => ({
    position: position + index,
    recordedAt,
    readAt,
    feeder: fact.feeder,
    point,
  }));
}

/** Positive when `left` stands against `right`. Positions differ, so two statements never tie. */
export function comparePrecedence(left: Precedence, right: Precedence): number {
  return left.revision - right.revision || left.readAt - right.readAt || left.position - right.position;
}

/** Revision counts only where the metric says `revisions: source`. */
export function revisionOf(metric: Pick<Metric, 'revisions'>, point: PointStatement): number {
  return metric.revisions ? (point.revision ?? 0) : 0;
}

/**
 * From when an as-of sees a statement about a period: min(end, max(start, recordedAt)). A time point's is its time.
 */
export function periodValidFrom(bucket: Span, recordedAt: Instant): Instant {
  return Math.min(bucket.to, Math.max(bucket.from, recordedAt));
}

export type WrittenDimensions = Readonly<Record<string, string | null | undefined>>;

/** The dimensions that count, by name: absent, null and "" are one. */
export function canonicalDimensions(dimensions: WrittenDimensions): Readonly<Record<string, string>> {
  // `fromEntries` makes own properties even of names like "__proto__".
  return Object.fromEntries(namesOf(dimensions).map((name) => [name, dimensions[name] ?? '']));
}

/** `{"channel":"web","region":"emea"}`, `{}` without: a series' name in the domain and in the engine. */
export function seriesKey(dimensions: WrittenDimensions | undefined): string {
  if (dimensions === undefined) return '{}';
  // Written by hand: an object would put names like "10" first.
  let key = '{';
  for (const name of namesOf(dimensions)) {
    if (key.length > 1) key += ',';
    key += `${quoted(name)}:${quoted(dimensions[name] ?? '')}`;
  }
  return `${key}}`;
}

/** Names with a value, in the order of their bytes. */
function namesOf(dimensions: WrittenDimensions): readonly string[] {
  const names = Object.keys(dimensions);
  let count = 0;
  let ascending = true;
  for (let index = 0; index < names.length; index++) {
    const name = names[index]!;
    const value = dimensions[name];
    if (value === undefined || value === null || value === '') continue;
    if (count > 0 && ascending && compareText(names[count - 1]!, name) > 0) ascending = false;
    names[count++] = name;
  }
  names.length = count;
  return ascending ? names : names.sort(compareText);
}

const PLAIN = /^[ !#-[\]-~]*$/;

/** As JSON; most names and values need no escape, which is quicker to see than to escape. */
function quoted(text: string): string {
  return PLAIN.test(text) ? `"${text}"` : JSON.stringify(text);
}

const PAIR = /"((?:[^"\\]|\\.)*)":"((?:[^"\\]|\\.)*)"[,}]/y;
const ESCAPE = /\\(?:u([0-9a-f]{4})|(.))/g;
const ESCAPED: Readonly<Record<string, string>> = { b: '\b', f: '\f', n: '\n', r: '\r', t: '\t' };

/** The dimensions of a series' name as `seriesKey` writes it; throws on other text. */
export function dimensionsOfKey(key: string): Readonly<Record<string, string>> {
  if (!key.startsWith('{') || !key.endsWith('}')) throw new RangeError(`${key} is no series`);
  const entries: [string, string][] = [];
  PAIR.lastIndex = 1;
  while (PAIR.lastIndex < key.length && key !== '{}') {
    const pair = PAIR.exec(key);
    if (pair === null) throw new RangeError(`${key} is no series`);
    entries.push([plainText(pair[1]!), plainText(pair[2]!)]);
  }
  // `fromEntries` makes own properties even of names like "__proto__".
  return Object.fromEntries(entries);
}

function plainText(text: string): string {
  if (!text.includes('\\')) return text;
  return text.replace(ESCAPE, (_, hex: string | undefined, letter: string) =>
    hex === undefined ? (ESCAPED[letter] ?? letter) : String.fromCharCode(Number.parseInt(hex, 16)),
  );
}

/** Names a point within its metric: series, period or time, id. */
export function pointKey(point: PointStatement): string {
  const when = point.period ?? String(point.time === undefined ? undefined : readInstant(point.time));
  return `${seriesKey(point.dimensions)}\n${when}\n${point.id ?? ''}`;
}

export function saidOf(metric: Pick<Metric, 'aggregation'>, point: PointStatement): Said {
  if (metric.aggregation === 'ratio') {
    if (point.numerator === undefined || point.denominator === undefined) return RETRACTED;
    return { value: null, numerator: scaledOf(point.numerator), denominator: scaledOf(point.denominator) };
  }
  if (point.value === undefined || point.value === null) return RETRACTED;
  return { value: scaledOf(point.value), numerator: null, denominator: null };
}

export const RETRACTED: Said = { value: null, numerator: null, denominator: null };

export function isRetracted(said: Said): boolean {
  return said.value === null && said.numerator === null;
}
