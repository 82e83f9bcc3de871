import { type LogMessage, LogRefused } from './port.ts';

/**
 * The largest message any adapter takes, key and headers included: a record of 4 MiB, or its dead letter. Topics are
 * created with a `max.message.bytes` that holds it.
 */
export const MESSAGE_BYTES_MAX = 6 * 1024 * 1024;
/** A broker's own limit of a topic's name. */
const TOPIC_NAME = /^[A-Za-z0-9._-]{1,249}$/;
const LINE_BREAK = /[\n\r\0]/;

const encoder = new TextEncoder();

/** Bytes a message takes on the way: value, key and headers. */
export function messageBytes(message: LogMessage): number {
  let bytes = message.value.byteLength + (message.key?.byteLength ?? 0);
  for (const [name, text] of Object.entries(message.headers)) bytes += name.length + utf8Length(text);
  return bytes;
}

/** Most headers are ASCII, whose length needs no encoding. */
function utf8Length(text: string): number {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 0x7f) return encoder.encode(text).byteLength;
  return text.length;
}

/** Every adapter refuses the same appends, so that what works embedded works on a broker. Answers the bytes. */
export function checkMessages(topic: string, messages: readonly LogMessage[]): number {
  if (messages.length === 0) {
    throw new LogRefused('empty_append', `nothing to append to "${topic}": give at least one message`);
  }
  let bytes = 0;
  for (const message of messages) {
    checkHeaders(topic, message);
    const size = messageBytes(message);
    if (size > MESSAGE_BYTES_MAX) {
      throw new LogRefused(
        'message_too_large',
        `a message of ${size} bytes for "${topic}" is over the limit of ${MESSAGE_BYTES_MAX}: split it into several facts`,
      );
    }
    bytes += size;
  }
  return bytes;
}

function checkHeaders(topic: string, message: LogMessage): void {
  for (const [name, value] of Object.entries(message.headers)) {
    if (name !== '' && !LINE_BREAK.test(name) && !LINE_BREAK.test(value)) continue;
    throw new LogRefused(
      'header_invalid',
      `header "${name}" of a message for "${topic}" is empty or has a line break: a header is one line of text`,
    );
  }
}

export function checkTopicName(topic: string): void {
  if (!TOPIC_NAME.test(topic) || topic === '.' || topic === '..') {
    throw new LogRefused(
      'topic_name_invalid',
      `"${topic}" cannot name a topic: use 1 to 249 of the characters A-Z a-z 0-9 . _ -`,
    );
  }
}

export function topicUnknown(topic: string): LogRefused {
  return new LogRefused('topic_unknown', `the log has no topic "${topic}": create it with ensureTopic first`);
}

export function logClosed(): LogRefused {
  return new LogRefused('log_closed', 'the log has been closed: open it again');
}

export function topicRevoked(group: string, topic: string): LogRefused {
  return new LogRefused(
    'topic_revoked',
    `"${topic}" was taken from this member of group "${group}": another member goes on from the last commit`,
  );
}
