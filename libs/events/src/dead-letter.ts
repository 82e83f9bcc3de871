import type { Instant } from '@paceline/domain';
import type { WireMessage, WireRecord } from './codec.ts';
import { instantText, readInstant } from './instant-text.ts';

/** A record that could not be taken, with the reason; key, value and headers are the record's own, byte for byte. */
export interface DeadLetter extends WireMessage {
  readonly topic: string;
  readonly offset: number;
  readonly appendedAt: Instant;
  /** Only this point of the record was refused; absent: the whole record. */
  readonly index?: number;
  readonly code: string;
  readonly message: string;
}

const PREFIX = 'dead-';
const MESSAGE_MAX = 2000;

/**
 * The message for topic `deadletter`. Its body is the poison itself and the reason stands in headers, because a body that is no
 * JSON must survive unchanged for `deadletter retry`. Headers of the original keep their names.
 */
export function encodeDeadLetter(letter: DeadLetter): WireMessage {
  return {
    key: letter.key,
    value: letter.value,
    headers: {
      ...letter.headers,
      [`${PREFIX}topic`]: letter.topic,
      [`${PREFIX}offset`]: String(letter.offset),
      [`${PREFIX}appended-at`]: instantText(letter.appendedAt),
      ...(letter.index === undefined ? {} : { [`${PREFIX}index`]: String(letter.index) }),
      [`${PREFIX}code`]: letter.code,
      [`${PREFIX}message`]: letter.message.slice(0, MESSAGE_MAX),
    },
  };
}

export type DecodedDeadLetter =
  | { readonly ok: true; readonly letter: DeadLetter }
  | { readonly ok: false; readonly message: string };

export function decodeDeadLetter(record: WireRecord): DecodedDeadLetter {
  const own: Record<string, string> = {};
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(record.headers)) {
    if (name.startsWith(PREFIX)) own[name.slice(PREFIX.length)] = value;
    else headers[name] = value;
  }
  const { topic, code, message } = own;
  const offset = Number(own.offset);
  const appendedAt = readInstant(own['appended-at'] ?? '');
  const index = own.index === undefined ? undefined : Number(own.index);
  if (topic === undefined || code === undefined || message === undefined || appendedAt === undefined) {
    return { ok: false, message: 'headers dead-topic, dead-code, dead-message or dead-appended-at are missing' };
  }
  if (!Number.isSafeInteger(offset) || (index !== undefined && !Number.isSafeInteger(index))) {
    return { ok: false, message: 'dead-offset or dead-index is no whole number' };
  }
  const { key, value } = record;
  const where = { topic, offset, appendedAt, ...(index === undefined ? {} : { index }) };
  return { ok: true, letter: { ...where, code, message, key, value, headers } };
}
