import type { Instant } from '@paceline/domain';
import { RECORD_BYTES_MAX, type WireMessage, type WireRecord } from './codec.ts';
import { instantText, readInstant } from './instant-text.ts';

/** A record that could not be taken, with the reason; key, value and headers are the record's own, byte for byte unless `cut`. */
export interface DeadLetter extends WireMessage {
  readonly topic: string;
  readonly offset: number;
  readonly appendedAt: Instant;
  /** Only this point of the record was refused; absent: the whole record. */
  readonly index?: number;
  readonly code: string;
  readonly message: string;
  /** It was longer than any of ours may be: this many bytes, of which `value` has the first. It cannot be tried again. */
  readonly cut?: number;
}

const PREFIX = 'dead-';
const MESSAGE_MAX = 2000;
/** Headers of other programs, all together; a log takes no more than a record of ours and some headers. */
const HEADERS_MAX = 256 * 1024;
const KEY_BYTES_MAX = 64 * 1024;

/**
 * The message for topic `deadletter`. Its body is the poison itself and the reason stands in headers, because a body that is no
 * JSON must survive unchanged for `deadletter retry`. Headers of the original keep their names.
 */
export function encodeDeadLetter(letter: DeadLetter): WireMessage {
  const { length } = letter.value;
  return {
    key: letter.key === null || letter.key.length <= KEY_BYTES_MAX ? letter.key : letter.key.subarray(0, KEY_BYTES_MAX),
    value: length > RECORD_BYTES_MAX ? letter.value.subarray(0, RECORD_BYTES_MAX) : letter.value,
    headers: {
      ...foreignHeaders(letter.headers),
      [`${PREFIX}topic`]: letter.topic,
      [`${PREFIX}offset`]: String(letter.offset),
      [`${PREFIX}appended-at`]: instantText(letter.appendedAt),
      ...(letter.index === undefined ? {} : { [`${PREFIX}index`]: String(letter.index) }),
      [`${PREFIX}code`]: letter.code,
      [`${PREFIX}message`]: oneLine(letter.message.slice(0, MESSAGE_MAX)),
      ...(length > RECORD_BYTES_MAX ? { [`${PREFIX}cut`]: String(length) } : {}),
    },
  };
}

/** What every log takes as headers: a foreign writer may have given others, and a letter that is refused would hold up the workspace. */
function foreignHeaders(headers: Readonly<Record<string, string>>): Record<string, string> {
  const kept: [string, string][] = [];
  let left = HEADERS_MAX;
  for (const [name, value] of Object.entries(headers)) {
    left -= name.length + value.length;
    if (left < 0) break;
    if (name !== '') kept.push([oneLine(name), oneLine(value)]);
  }
  return Object.fromEntries(kept);
}

/** Line breaks as they are written in JSON; a parser's message quotes what it could not read. */
function oneLine(text: string): string {
  return text.replace(/[\n\r\0]/g, (character) => BREAKS[character] ?? ' ');
}
const BREAKS: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\0': '\\0' };

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
  const cut = own.cut === undefined ? undefined : Number(own.cut);
  if (topic === undefined || code === undefined || message === undefined || appendedAt === undefined) {
    return { ok: false, message: 'headers dead-topic, dead-code, dead-message or dead-appended-at are missing' };
  }
  if (![offset, index ?? 0, cut ?? 0].every(Number.isSafeInteger)) {
    return { ok: false, message: 'dead-offset, dead-index or dead-cut is no whole number' };
  }
  const { key, value } = record;
  const where = {
    topic,
    offset,
    appendedAt,
    ...(index === undefined ? {} : { index }),
    ...(cut === undefined ? {} : { cut }),
  };
  return { ok: true, letter: { ...where, code, message, key, value, headers } };
}
