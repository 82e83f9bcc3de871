import type { Instant } from '@paceline/domain';
import { instantText, RECORDED_AT_HEADER, readInstant } from '@paceline/events';
import type { LogMessage } from './port.ts';

/**
 * A log with a clock of its own keeps its times in a header, as its medium's append time is another. Where a log's time is its
 * medium's, a stamp means nothing: whoever writes to the topic could set the time at which a fact was known.
 */
export function stamped(message: LogMessage, now: Instant): LogMessage {
  if (message.headers[RECORDED_AT_HEADER] !== undefined) return message;
  const { key, value, headers } = message;
  return { key, value, headers: { ...headers, [RECORDED_AT_HEADER]: instantText(now) } };
}

/** `undefined` without a stamp, and for one that is no instant: its record belongs in the dead letters. */
export function stampOf(headers: LogMessage['headers']): Instant | undefined {
  const text = headers[RECORDED_AT_HEADER];
  return text === undefined ? undefined : readInstant(text);
}
