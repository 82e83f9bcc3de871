import type { Fact, Instant } from '@paceline/domain';
import type { z } from 'zod';
import { BODIES } from './fact-schema.ts';
import { instantText, readInstant } from './instant-text.ts';
import { readColumns } from './observation-columns.ts';
import { encodeObservations, readObservations } from './observations.ts';
import { faultsOf } from './wire.ts';

/** What goes into a log: structurally `LogMessage` of `@paceline/log`. */
export interface WireMessage {
  readonly key: Uint8Array | null;
  readonly value: Uint8Array;
  readonly headers: Readonly<Record<string, string>>;
}
/** What comes out of one. `appendedAt` is epoch ms. */
export interface WireRecord extends WireMessage {
  readonly offset: number;
  readonly appendedAt: number;
}

/** No record is longer, in bytes of its body; topics allow it (`max.message.bytes`). */
export const RECORD_BYTES_MAX = 4 * 1024 * 1024;
export const RECORDED_AT_HEADER = 'paceline-recorded-at';
const TYPE = /^paceline\.([a-z_]{1,40})\.v(\d{1,4})$/;

/** Why a record cannot be taken; it belongs in the dead letters. */
export type DecodeCode =
  | 'unknown_type'
  | 'unknown_version'
  | 'missing_header'
  | 'invalid_recorded_at'
  | 'record_too_large'
  | 'invalid_json'
  | 'invalid_fact';
export type Undecoded = { readonly ok: false; readonly code: DecodeCode; readonly message: string };
export type Decoded =
  | { readonly ok: true; readonly id: string; readonly fact: Fact; readonly recordedAt: Instant }
  | Undecoded;

type FactType = Fact['type'];
type Upcaster = (body: unknown) => unknown;

/**
 * The current version of each body, and how each older one becomes the next: `upcasters[n]` makes version n+1 of
 * version n. History is never rewritten, so an entry stays for ever.
 */
interface Versions {
  readonly current: number;
  readonly upcasters: Readonly<Record<number, Upcaster>>;
}
const first: Versions = { current: 1, upcasters: {} };
const VERSIONS: Readonly<Record<FactType, Versions>> = {
  observations: first,
  covered: first,
  source_state: first,
  definitions: first,
  check_in: first,
  override: first,
  acknowledgement: first,
  snooze: first,
  // 1 named who spoke `author`, as no other fact does.
  silence: { current: 2, upcasters: { 1: (body) => renamed(body, 'author', 'actor') } },
  tick: first,
};

/** A body with one key under another name; what is no object is left to the schema, which says so. */
function renamed(body: unknown, from: string, to: string): unknown {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) return body;
  return Object.fromEntries(Object.entries(body).map(([key, value]) => [key === from ? to : key, value]));
}

/** `paceline.observations.v1`: what a writer puts into `ce_type`. */
export function ceType(type: FactType): string {
  return `paceline.${type}.v${VERSIONS[type].current}`;
}

/** The type of fact a record says it holds, in whatever version, without reading its body: how a reader skips what it does not fold. */
export function factTypeOf(headers: Readonly<Record<string, string>>): FactType | undefined {
  const named = TYPE.exec(headers.ce_type ?? '')?.[1];
  return named !== undefined && isFactType(named) ? named : undefined;
}

export interface Envelope {
  /** CloudEvents id: the producer's own, for tracing. */
  readonly id: string;
  /** Who wrote it, a URI reference such as `connectors` or `cli`. */
  readonly source: string;
  /** Only for a log that has a clock of its own: tests, the demo, copies. */
  readonly recordedAt?: Instant;
}

const utf8 = new TextEncoder();
const text = new TextDecoder('utf-8', { fatal: true });

/** A fact as a CloudEvents 1.0 message in binary mode. Throws `RangeError` when it does not fit a record or is none: that is the caller's bug. */
export function encodeFact(workspace: string, fact: Fact, envelope: Envelope): WireMessage {
  return encodeMessage(keyOf(fact), ceType(fact.type), bodyOf(fact), workspace, envelope);
}

/** The envelope alone, for the other topics' records too. */
export function encodeMessage(
  key: string,
  type: string,
  body: string,
  workspace: string,
  envelope: Envelope,
): WireMessage {
  const value = utf8.encode(body);
  if (value.length > RECORD_BYTES_MAX) {
    throw new RangeError(`a record of ${type} holds at most ${RECORD_BYTES_MAX} bytes, this one has ${value.length}`);
  }
  const headers: Record<string, string> = {
    ce_specversion: '1.0',
    ce_id: envelope.id,
    ce_type: type,
    ce_source: `/workspaces/${workspace}/${envelope.source}`,
    'content-type': 'application/json',
  };
  if (envelope.recordedAt !== undefined) headers[RECORDED_AT_HEADER] = instantText(envelope.recordedAt);
  return { key: utf8.encode(key), value, headers };
}

/** Reads a record of a facts topic. Never throws on what it holds. */
export function decodeRecord(record: WireRecord): Decoded {
  const opened = openMessage(record);
  return opened.ok ? decodeOpened(opened, record) : opened;
}

/** The same, with the points of plain observations as columns: for who takes millions of them. */
export function decodeInColumns(record: WireRecord): Decoded {
  const envelope = openEnvelope(record);
  if (!envelope.ok) return envelope;
  if (envelope.name === 'observations' && envelope.version === VERSIONS.observations.current) {
    const fact = readColumns(record.value);
    if (fact !== undefined) return { ok: true, id: envelope.id, fact, recordedAt: envelope.recordedAt };
  }
  const opened = openBody(envelope, record);
  return opened.ok ? decodeOpened(opened, record) : opened;
}

function decodeOpened({ id, name, version, body, recordedAt }: Opened, record: WireRecord): Decoded {
  if (!isFactType(name)) return refuse('unknown_type', `"${record.headers.ce_type}" is no type of fact`);
  const versions = VERSIONS[name];
  const current = upcast(versions, version, body);
  if (!current.ok) {
    return refuse('unknown_version', `version ${version} of ${name} is not known here, up to ${versions.current} is`);
  }
  const read = readBody(name, current.body);
  return read.ok ? { ok: true, id, fact: read.fact, recordedAt } : refuse('invalid_fact', `${name}: ${read.message}`);
}

interface WrittenType {
  readonly name: string;
  readonly version: number;
}

/** There are a dozen, in every record; a log full of nonsense must not fill the memory. */
const TYPES_MAX = 100;
const types = new Map<string, WrittenType | null>();

function typeOf(written: string): WrittenType | null {
  let type = types.get(written);
  if (type === undefined) {
    const match = TYPE.exec(written);
    type = match === null ? null : { name: match[1]!, version: Number(match[2]) };
    if (types.size < TYPES_MAX) types.set(written, type);
  }
  return type;
}

interface Enveloped {
  readonly ok: true;
  readonly id: string;
  readonly name: string;
  readonly version: number;
  readonly recordedAt: Instant;
}

interface Opened extends Enveloped {
  readonly body: unknown;
}

/** Envelope and JSON of a record of any of our topics. */
export function openMessage(record: WireRecord): Opened | Undecoded {
  const envelope = openEnvelope(record);
  return envelope.ok ? openBody(envelope, record) : envelope;
}

function openEnvelope(record: WireRecord): Enveloped | Undecoded {
  const { headers, value } = record;
  const type = typeOf(headers.ce_type ?? '');
  if (type === null) return refuse('unknown_type', `ce_type is "${headers.ce_type ?? ''}", not paceline.NAME.vN`);
  const id = headers.ce_id;
  if (id === undefined || id === '') return refuse('missing_header', 'ce_id is missing');
  const stamped = headers[RECORDED_AT_HEADER];
  const recordedAt = stamped === undefined ? record.appendedAt : readInstant(stamped);
  if (recordedAt === undefined) {
    return refuse('invalid_recorded_at', `${RECORDED_AT_HEADER} "${stamped}" is no UTC instant`);
  }
  if (value.length > RECORD_BYTES_MAX) {
    return refuse('record_too_large', `${value.length} bytes, at most ${RECORD_BYTES_MAX} are read`);
  }
  return { ok: true, id, name: type.name, version: type.version, recordedAt };
}

function openBody({ id, name, version, recordedAt }: Enveloped, { value }: WireRecord): Opened | Undecoded {
  try {
    const body: unknown = JSON.parse(text.decode(value));
    return { ok: true, id, name, version, body, recordedAt };
  } catch (cause) {
    return refuse('invalid_json', cause instanceof Error ? cause.message : String(cause));
  }
}

function upcast(versions: Versions, version: number, body: unknown): { ok: true; body: unknown } | { ok: false } {
  let current = body;
  for (let at = version; at < versions.current; at++) {
    const upcaster = versions.upcasters[at];
    if (upcaster === undefined) return { ok: false };
    current = upcaster(current);
  }
  return version > versions.current || version < 1 ? { ok: false } : { ok: true, body: current };
}

/** Nothing of ours comes near it; what reads, copies and prints bodies goes down once per level, and the stack ends. */
const DEPTH_MAX = 100;

function isDeeper(body: unknown, levels: number): boolean {
  if (typeof body !== 'object' || body === null) return false;
  return levels === 0 || Object.values(body).some((value) => isDeeper(value, levels - 1));
}

type Read = { readonly ok: true; readonly fact: Fact } | { readonly ok: false; readonly message: string };

function readBody(type: FactType, body: unknown): Read {
  if (type === 'observations') return readObservations(body);
  if (isDeeper(body, DEPTH_MAX)) return { ok: false, message: `nested deeper than ${DEPTH_MAX}` };
  const parsed = (BODIES[type] as z.ZodType<Omit<Fact, 'type'>>).safeParse(body);
  if (!parsed.success) return { ok: false, message: faultsOf(parsed.error) };
  // Each body's schema is compared with its fact by the compiler in fact-schema.ts; only the pairing is lost here.
  return { ok: true, fact: { type, ...parsed.data } as Fact };
}

function bodyOf(fact: Fact): string {
  if (fact.type === 'observations') return encodeObservations(fact);
  const { type, ...body } = fact;
  if (isDeeper(body, DEPTH_MAX)) throw new RangeError(`this ${type} fact is nested deeper than ${DEPTH_MAX}`);
  const encoded = (BODIES[type] as z.ZodType<unknown, unknown>).safeEncode(body);
  if (!encoded.success) throw new RangeError(`this is no ${type} fact: ${faultsOf(encoded.error)}`);
  return JSON.stringify(encoded.data);
}

function keyOf(fact: Fact): string {
  switch (fact.type) {
    case 'observations':
    case 'covered':
      return fact.metric;
    case 'source_state':
    case 'override':
      return fact.source;
    case 'check_in':
      return fact.subject;
    case 'acknowledgement':
    case 'snooze':
      return fact.alert;
    case 'silence':
      return fact.id;
    case 'definitions':
    case 'tick':
      return fact.type;
  }
}

function isFactType(name: string): name is FactType {
  return Object.hasOwn(VERSIONS, name);
}

function refuse(code: DecodeCode, message: string): Undecoded {
  return { ok: false, code, message: message.slice(0, 2000) };
}
