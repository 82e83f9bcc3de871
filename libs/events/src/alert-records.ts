import type { Instant, Transition } from '@paceline/domain';
import { z } from 'zod';
import {
  type Envelope,
  encodeMessage,
  openMessage,
  type Undecoded,
  type WireMessage,
  type WireRecord,
} from './codec.ts';
import { evaluationSchema } from './evaluation-schema.ts';
import { type Dropped, faultsOf, type Nothing, wireInstant, wirePosition } from './wire.ts';

/** One try, or one decision not to try, to hand a transition to a channel. Its state is a fold of these alone. */
export interface DeliveryAttempt {
  /** The transition's id; with the channel it is the idempotency key. */
  readonly transition: string;
  readonly channel: string;
  /** 1 for the first; 0 when nothing was sent (`expired`, `suppressed`). */
  readonly attempt: number;
  readonly at: Instant;
  /**
   * `delivered`; `retry`, with `nextAt`; `failed`, final; `disabled`, final, and the endpoint said it is gone; `expired`, first
   * seen too late; `suppressed`, somebody said not now.
   */
  readonly outcome: 'delivered' | 'retry' | 'failed' | 'disabled' | 'expired' | 'suppressed';
  /** HTTP status, when there was an answer. */
  readonly status?: number;
  readonly message?: string;
  readonly nextAt?: Instant;
}

export type AlertRecord =
  | { readonly type: 'transition'; readonly workspace: string; readonly transition: Transition }
  | { readonly type: 'delivery'; readonly workspace: string; readonly delivery: DeliveryAttempt };

const transition = z.object({
  id: z.string().min(1),
  alert: z.string().min(1),
  rule: z.string(),
  subject: z.string(),
  period: z.string(),
  episode: wireInstant,
  kind: z.enum(['opened', 'escalated', 'recovered', 'retracted', 'closed', 'reminder']),
  severity: z.enum(['info', 'warn', 'page']),
  at: wireInstant,
  position: wirePosition,
  recordedAt: wireInstant,
  channels: z.array(z.string()),
  evaluation: evaluationSchema,
  previous: z.object({ value: z.string().nullable(), verdict: z.string() }).nullable(),
}) satisfies z.ZodType<Transition>;

const delivery = z.object({
  transition: z.string().min(1),
  channel: z.string().min(1),
  attempt: z.int().min(0),
  at: wireInstant,
  outcome: z.enum(['delivered', 'retry', 'failed', 'disabled', 'expired', 'suppressed']),
  status: z.int().exactOptional(),
  message: z.string().exactOptional(),
  nextAt: wireInstant.exactOptional(),
}) satisfies z.ZodType<DeliveryAttempt>;

/** A record of topic `alerts`, keyed by workspace. Throws `RangeError` on what is none. */
export function encodeAlertRecord(record: AlertRecord, envelope: Envelope): WireMessage {
  const encoded =
    record.type === 'transition'
      ? transition.safeEncode({ ...record.transition, channels: [...record.transition.channels] })
      : delivery.safeEncode(record.delivery);
  if (!encoded.success) throw new RangeError(`this is no ${record.type}: ${faultsOf(encoded.error)}`);
  const body = JSON.stringify(encoded.data);
  return encodeMessage(record.workspace, `paceline.${record.type}.v1`, body, record.workspace, envelope);
}

export type DecodedAlert =
  | { readonly ok: true; readonly id: string; readonly record: AlertRecord; readonly recordedAt: Instant }
  | Undecoded;

/** Reads a record of topic `alerts`. Never throws on what it holds. */
export function decodeAlertRecord(message: WireRecord): DecodedAlert {
  const opened = openMessage(message);
  if (!opened.ok) return opened;
  const { id, name, version, body, recordedAt } = opened;
  if (name !== 'transition' && name !== 'delivery') {
    return { ok: false, code: 'unknown_type', message: `"${name}" is no type of alert record` };
  }
  if (version !== 1)
    return { ok: false, code: 'unknown_version', message: `version ${version} of ${name} is not known` };
  if (message.key === null) return { ok: false, code: 'missing_header', message: 'the key, a workspace, is missing' };
  const workspace = new TextDecoder().decode(message.key);
  if (name === 'transition') {
    const read = transition.safeParse(body);
    if (!read.success) return { ok: false, code: 'invalid_fact', message: `${name}: ${faultsOf(read.error)}` };
    return { ok: true, id, recordedAt, record: { type: name, workspace, transition: read.data } };
  }
  const read = delivery.safeParse(body);
  if (!read.success) return { ok: false, code: 'invalid_fact', message: `${name}: ${faultsOf(read.error)}` };
  return { ok: true, id, recordedAt, record: { type: name, workspace, delivery: read.data } };
}

export { transition as transitionSchema };
/** A key that one gains in the domain must be written here too. */
export type NoKeyIsDropped = Nothing<
  Dropped<Transition, typeof transition> | Dropped<DeliveryAttempt, typeof delivery>
>;
