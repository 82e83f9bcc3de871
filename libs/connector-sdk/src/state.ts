import type { Instant, JsonValue } from '@paceline/domain';
import { z } from 'zod';
import type { Connector } from './connector.ts';
import { ConnectorFault } from './fault.ts';

/** One point that later runs will read again: its name and a hash of what was last said of it. */
export interface OpenPoint {
  /** Start of its bucket, or its time. */
  readonly at: Instant;
  readonly period?: string;
  readonly time?: string;
  readonly id?: string;
  readonly dimensions?: Readonly<Record<string, string>>;
  readonly hash: string;
}

/** What a source remembers between runs. Bounded: one hash for each point inside the lookback, and above the bound none at all. */
export interface RunState {
  readonly connector: string;
  /** Version of the connector's own part. */
  readonly version: number;
  /** Connector's cursor, in cursor mode. */
  readonly cursor: JsonValue;
  /** End of what was read and covered; in cursor mode of the last watermark. */
  readonly coveredTo: Instant | null;
  /** Start of the earliest window with refused rows, which is read again until it is clean. */
  readonly gapFrom: Instant | null;
  /** When a run last stated its whole window, changed or not. */
  readonly wholeAt: Instant | null;
  /** Of a source read whole: what the last clean run saw of it, and up to where it took its rows. */
  readonly seen: { readonly fingerprint: string; readonly to: Instant } | null;
  /** By metric, then by point key. `null`: too many to keep, every run states everything. */
  readonly open: ReadonlyMap<string, ReadonlyMap<string, OpenPoint>> | null;
  /** The override that was used up; each is good for one run. */
  readonly usedOverride: string | null;
}

/** Version of this shape; a newer one found in the log is left alone and the run begins anew. */
export const RUN_STATE_VERSION = 1;
/** Bytes of open points, so that the state is a small part of a record. */
export const OPEN_BYTES_MAX = 1024 * 1024;

export function emptyState(connector: Connector['spec']): RunState {
  return {
    connector: connector.id,
    version: connector.stateVersion,
    cursor: null,
    coveredTo: null,
    gapFrom: null,
    wholeAt: null,
    seen: null,
    open: new Map(),
    usedOverride: null,
  };
}

const instant = z.number().nullable();
const wire = z.object({
  connector: z.string(),
  version: z.number(),
  cursor: z.json(),
  coveredTo: instant,
  gapFrom: instant,
  wholeAt: instant,
  seen: z.object({ fingerprint: z.string(), to: z.number() }).nullable(),
  open: z
    .record(
      z.string(),
      z.array(
        z.object({
          at: z.number(),
          period: z.string().optional(),
          time: z.string().optional(),
          id: z.string().optional(),
          dimensions: z.record(z.string(), z.string()).optional(),
          hash: z.string(),
          key: z.string(),
        }),
      ),
    )
    .nullable(),
  usedOverride: z.string().nullable(),
});

/** The state as a fact holds it. Open points above the bound are dropped as a whole: half of them would look like deletions. */
export function encodeState(state: RunState): { readonly json: JsonValue; readonly openDropped: boolean } {
  const { open, ...rest } = state;
  const rows =
    open === null
      ? null
      : Object.fromEntries(
          [...open].map(([metric, points]) => [metric, [...points].map(([key, point]) => ({ ...point, key }))]),
        );
  const tooLarge = rows !== null && JSON.stringify(rows).length > OPEN_BYTES_MAX;
  const json: unknown = { ...rest, open: tooLarge ? null : rows };
  return { json: z.json().parse(json), openDropped: tooLarge };
}

/**
 * The state that a run begins with. What is unreadable, of another connector, or newer than this program begins anew:
 * reading again is safe, guessing is not.
 */
export function decodeState(
  found: { readonly stateVersion: number; readonly state: JsonValue } | undefined,
  spec: Connector['spec'],
): { readonly state: RunState; readonly note: string | null } {
  const fresh = emptyState(spec);
  if (found === undefined) return { state: fresh, note: null };
  if (found.stateVersion > RUN_STATE_VERSION)
    return { state: fresh, note: 'the state is of a newer Paceline; the source is read anew' };
  const parsed = wire.safeParse(found.state);
  if (!parsed.success) return { state: fresh, note: 'the state cannot be read; the source is read anew' };
  const { open: rows, ...rest } = parsed.data;
  if (rest.connector !== spec.id)
    return { state: fresh, note: `the state is of the connector ${rest.connector}; the source is read anew` };
  const cursor = migrated(rest.cursor, rest.version, spec);
  if (!cursor.ok) return { state: fresh, note: cursor.note };
  const open =
    rows === null
      ? null
      : new Map(
          Object.entries(rows).map(([metric, points]) => [
            metric,
            new Map(points.map(({ key, ...point }) => [key, clean(point)] as const)),
          ]),
        );
  return { state: { ...rest, version: spec.stateVersion, cursor: cursor.value, open }, note: null };
}

type Migrated = { readonly ok: true; readonly value: JsonValue } | { readonly ok: false; readonly note: string };

function migrated(cursor: JsonValue, version: number, spec: Connector['spec']): Migrated {
  if (cursor === null || version === spec.stateVersion) return { ok: true, value: cursor };
  if (version > spec.stateVersion)
    return { ok: false, note: 'the cursor is of a newer connector; the source is read anew' };
  if (spec.migrate === undefined)
    return { ok: false, note: 'the cursor is of an older connector; the source is read anew' };
  return { ok: true, value: z.json().parse(spec.migrate(cursor, version)) };
}

function clean(point: {
  at: number;
  hash: string;
  period?: string | undefined;
  time?: string | undefined;
  id?: string | undefined;
  dimensions?: Record<string, string> | undefined;
}): OpenPoint {
  const { at, hash, period, time, id, dimensions } = point;
  return {
    at,
    hash,
    ...(period === undefined ? {} : { period }),
    ...(time === undefined ? {} : { time }),
    ...(id === undefined ? {} : { id }),
    ...(dimensions === undefined ? {} : { dimensions }),
  };
}

/** How far a backfill came; one for each source. */
export interface BackfillState {
  readonly run: string;
  readonly from: Instant;
  readonly to: Instant;
  /** Everything before it is done. */
  readonly next: Instant;
  readonly done: boolean;
}

const backfillWire = z.object({
  run: z.string(),
  from: z.number(),
  to: z.number(),
  next: z.number(),
  done: z.boolean(),
});

/** Key of a source's backfill state; no source can have it as its name. */
export function backfillKey(source: string): string {
  return `${source}/backfill`;
}

export function decodeBackfill(state: JsonValue | undefined): BackfillState | null {
  const parsed = backfillWire.safeParse(state);
  return parsed.success ? parsed.data : null;
}

export function encodeBackfill(state: BackfillState): JsonValue {
  return { ...state };
}

/** The connector's own cursor, checked by its schema. */
export function cursorOf<State>(spec: Connector<unknown, State>['spec'], cursor: JsonValue): State | undefined {
  if (cursor === null) return undefined;
  const parsed = spec.state.safeParse(cursor);
  if (parsed.success) return parsed.data;
  throw new ConnectorFault('system', 'invalid_state', `the cursor of connector ${spec.id} does not fit its schema`, {
    cause: parsed.error,
    remedy: 'Reset the state of the source; reading again is safe.',
  });
}
