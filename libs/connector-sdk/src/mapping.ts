import { hash } from 'node:crypto';
import type { Instant, PointStatement, SourceDocument, SourceMap } from '@paceline/domain';
import { acceptStatement } from '@paceline/domain/metric/accept';
import type { Metric } from '@paceline/domain/metric/metric';
import { pointKey } from '@paceline/domain/metric/statement';
import { suggestion } from '@paceline/domain/metric/suggest';
import { bucketAt } from '@paceline/domain/time/bucket';
import { DAY_MS, dayOfParts, parseDate } from '@paceline/domain/time/date';
import { instantOfMicros, instantText, readInstant } from '@paceline/domain/time/instant-text';
import { bucketOfLabel, labelOf } from '@paceline/domain/time/label';
import type { Row } from './connector.ts';
import { ConnectorFault } from './fault.ts';
import { atPointer } from './pointer.ts';

/** One row seen through one mapping. */
export type Mapped =
  | {
      readonly kind: 'point';
      readonly point: PointStatement;
      readonly key: string;
      /** Of everything the statement says, so that an equal one is recognised. */
      readonly hash: string;
      /** Start of its bucket, or its time. */
      readonly at: Instant;
      /** End of its bucket, or its time. */
      readonly end: Instant;
    }
  /** The row has no value: the point is absent. */
  | { readonly kind: 'absent'; readonly at: Instant }
  /** The row lies outside of what was asked for. */
  | { readonly kind: 'outside'; readonly at: Instant }
  | { readonly kind: 'refused'; readonly code: string; readonly message: string };

/** A mapping of a source with its metric, ready for rows. */
export interface Mapping {
  readonly map: SourceMap;
  readonly metric: Metric;
  /** Which of its columns have been seen in some row. */
  readonly seen: Set<string>;
  /** Whether any row was read beyond its time. */
  examined: boolean;
  readonly columns: readonly string[];
  readonly dimensions: readonly (readonly [dimension: string, column: string])[];
}

/** @throws ConnectorFault `unknown_metric` or `invalid_map`, naming every bad mapping. */
export function mappingsOf(source: SourceDocument, metrics: ReadonlyMap<string, Metric>): readonly Mapping[] {
  const maps = Array.isArray(source.spec.map) ? source.spec.map : [source.spec.map];
  const faults: string[] = [];
  const mappings = maps.flatMap((map: SourceMap): Mapping[] => {
    const metric = metrics.get(map.metric);
    const why =
      metric === undefined
        ? `metric ${map.metric} is not defined${suggestion(map.metric, metrics.keys())}`
        : faultOfMap(map, metric);
    if (why !== undefined || metric === undefined) {
      faults.push(why ?? '');
      return [];
    }
    const dimensions = dimensionColumns(map);
    const columns = [
      map.time,
      map.value,
      map.numerator,
      map.denominator,
      map.id,
      map.revision,
      ...dimensions.map(([, column]) => column),
    ];
    return [
      {
        map,
        metric,
        dimensions,
        seen: new Set(),
        examined: false,
        columns: columns.filter((column) => column !== undefined),
      },
    ];
  });
  if (faults.length === 0) return mappings;
  throw new ConnectorFault('config', 'invalid_map', `source ${source.metadata.name}: ${faults.join('; ')}`, {
    remedy: 'Correct map in the source.',
  });
}

function faultOfMap(map: SourceMap, metric: Metric): string | undefined {
  if (metric.expression !== null) return `metric ${metric.name} is derived from others and takes no values`;
  const ratio = metric.aggregation === 'ratio';
  if (ratio && (map.numerator === undefined || map.denominator === undefined))
    return `ratio ${metric.name} needs numerator and denominator`;
  if (!ratio && map.value === undefined) return `metric ${metric.name} needs value`;
  if (metric.needsId && map.id === undefined) return `metric ${metric.name} needs id, the key of each event`;
  const unknown = dimensionColumns(map).find(([dimension]) => !metric.dimensions.includes(dimension));
  if (unknown !== undefined)
    return `metric ${metric.name} has no dimension ${unknown[0]}${suggestion(unknown[0], metric.dimensions)}`;
  return undefined;
}

function dimensionColumns(map: SourceMap): (readonly [string, string])[] {
  const { dimensions } = map;
  if (dimensions === undefined) return [];
  return isList(dimensions) ? dimensions.map((name) => [name, name] as const) : Object.entries(dimensions);
}

function isList(dimensions: NonNullable<SourceMap['dimensions']>): dimensions is readonly string[] {
  return Array.isArray(dimensions);
}

export interface Bounds {
  readonly from: Instant;
  readonly to: Instant;
  /** When the run began, for the rule about the future. */
  readonly now: Instant;
}

/** What one row says about the mapping's metric. */
export function mapRow(mapping: Mapping, row: Row, bounds: Bounds): Mapped {
  const { map, metric } = mapping;
  const column = (name: string | undefined): unknown => (name === undefined ? undefined : valueAt(mapping, row, name));
  const when = timeOf(metric, column(map.time), map.time);
  if (when.kind === 'refused') return when;
  if (when.at < bounds.from || when.at >= bounds.to) return { kind: 'outside', at: when.at };
  mapping.examined = true;
  const raw = rawOf(mapping, column, when);
  if (isAbsent(metric, raw)) return { kind: 'absent', at: when.at };
  const accepted = acceptStatement(metric, raw, bounds.now);
  if (!accepted.ok) return { kind: 'refused', code: accepted.code, message: accepted.message };
  const { point } = accepted;
  return { kind: 'point', point, key: pointKey(point), hash: hashOf(point), at: when.at, end: when.end };
}

function rawOf(mapping: Mapping, column: (name: string | undefined) => unknown, when: When) {
  const { map } = mapping;
  const dimensions: Record<string, unknown> = {};
  for (const [dimension, name] of mapping.dimensions) {
    const value = scalar(column(name));
    if (value !== null) dimensions[dimension] = value;
  }
  const revision = scalar(column(map.revision));
  const id = scalar(column(map.id));
  return {
    ...(when.period === undefined ? { time: when.time } : { period: when.period }),
    ...(map.value === undefined ? {} : { value: numeric(column(map.value)) }),
    ...(map.numerator === undefined ? {} : { numerator: numeric(column(map.numerator)) }),
    ...(map.denominator === undefined ? {} : { denominator: numeric(column(map.denominator)) }),
    ...(id === null ? {} : { id }),
    ...(revision === null ? {} : { revision: Number(revision) }),
    dimensions,
  };
}

function isAbsent(
  metric: Metric,
  raw: { readonly value?: unknown; readonly numerator?: unknown; readonly denominator?: unknown },
): boolean {
  if (metric.aggregation === 'ratio') return raw.numerator === null && raw.denominator === null;
  return raw.value === null;
}

/** Texts are trimmed and empty ones are none; a database's and a file's way to say nothing are one. */
function numeric(value: unknown): unknown {
  if (typeof value === 'string') return value.trim() === '' ? null : value.trim();
  return value === undefined ? null : value;
}

function scalar(value: unknown): unknown {
  if (value === undefined || value === null || value === '') return null;
  return typeof value === 'number' || typeof value === 'boolean' || typeof value === 'bigint' ? String(value) : value;
}

function valueAt(mapping: Mapping, row: Row, name: string): unknown {
  const value = name.startsWith('/') ? atPointer(row, name) : Object.hasOwn(row, name) ? row[name] : undefined;
  if (value !== undefined) mapping.seen.add(name);
  return value;
}

/** After all rows: a column that no row had is a slip in the mapping, not a thousand empty values. */
export function refuseUnseenColumns(mapping: Mapping, sample: Row): void {
  const looked = mapping.examined ? mapping.columns : [mapping.map.time];
  const unseen = looked.filter((name) => !mapping.seen.has(name));
  if (unseen.length === 0) return;
  const names = Object.keys(sample);
  const said = unseen.map((name) => `${name}${suggestion(name, names)}`).join(', ');
  throw new ConnectorFault(
    'config',
    'unknown_column',
    `no row has the column ${said}; there are ${names.slice(0, 30).join(', ')}`,
    {
      remedy: 'Correct the names in map, or the query.',
    },
  );
}

interface When {
  readonly kind: 'when';
  readonly at: Instant;
  readonly end: Instant;
  readonly period?: string;
  readonly time?: string;
}
type Refused = Extract<Mapped, { readonly kind: 'refused' }>;

/** The bucket or the instant that a text names: a label, a day, a local or absolute time, or seconds since 1970. */
function timeOf(metric: Metric, value: unknown, column: string): When | Refused {
  if (value === undefined || value === null || value === '')
    return { kind: 'refused', code: 'missing_time', message: `${column} is empty` };
  const text = String(value).trim();
  if (metric.points === 'time') {
    const at = instantOf(metric, text);
    return at === undefined ? noTime(column, text) : { kind: 'when', at, end: at, time: instantText(at) };
  }
  const labelled = bucketOfLabel(metric.grid, text);
  if (labelled !== undefined)
    return { kind: 'when', at: labelled.from, end: labelled.to, period: labelOf(metric.grid, labelled) };
  const at = instantOf(metric, text);
  if (at === undefined) return noTime(column, text);
  const bucket = bucketAt(metric.grid, at);
  if (bucket?.from === at) return { kind: 'when', at, end: bucket.to, period: labelOf(metric.grid, bucket) };
  const inside = bucket === undefined ? 'no bucket' : `the middle of ${labelOf(metric.grid, bucket)}`;
  return {
    kind: 'refused',
    code: 'wrong_grain',
    message: `${column} ${JSON.stringify(text)} lies in ${inside}; ${metric.name} takes one value a ${metric.grain}, named by its start in ${metric.zone.name}`,
  };
}

function noTime(column: string, text: string): Refused {
  return {
    kind: 'refused',
    code: 'invalid_time',
    message: `${column} ${JSON.stringify(text.slice(0, 60))} is no date, time or period`,
  };
}

const LOCAL = /^(\d{4})-(\d{2})-(\d{2})[T ](\d{2}):(\d{2})(?::(\d{2})(?:\.(\d{1,6}))?)?$/;

function instantOf(metric: Metric, text: string): Instant | undefined {
  const day = parseDate(text);
  if (day !== undefined) return metric.zone.dayStart(day);
  const absolute = readInstant(text);
  if (absolute !== undefined) return absolute;
  if (/^\d{10}$/.test(text)) return Number(text) * 1000;
  if (/^\d{13}$/.test(text)) return Number(text);
  if (/^\d{16}$/.test(text)) return instantOfMicros(Number(text));
  return localInstant(metric, text);
}

/** A time without a zone is the metric's: the earlier one where clocks were set back. A time that clocks jumped over is none. */
function localInstant(metric: Metric, text: string): Instant | undefined {
  const match = LOCAL.exec(text);
  if (match === null) return undefined;
  const day = dayOfParts(Number(match[1]), Number(match[2]), Number(match[3]));
  const [hour, minute, second] = [Number(match[4]), Number(match[5]), Number(match[6] ?? 0)];
  if (day === undefined || hour > 23 || minute > 59 || second > 59) return undefined;
  const local = day * DAY_MS + ((hour * 60 + minute) * 60 + second) * 1000;
  const at = metric.zone.instantOfLocal(local);
  if (at + metric.zone.offsetAt(at) !== local) return undefined;
  return instantOfMicros(at * 1000 + Number((match[7] ?? '').padEnd(6, '0')));
}

function hashOf(point: PointStatement): string {
  const said = `${point.value ?? ''}|${point.numerator ?? ''}|${point.denominator ?? ''}|${point.revision ?? ''}`;
  return hash('sha1', said, 'base64url').slice(0, 11);
}
