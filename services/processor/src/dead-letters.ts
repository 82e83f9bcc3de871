import type { Instant, Position } from '@paceline/domain';
import { DEADLETTER_TOPIC, encodeDeadLetter } from '@paceline/events';
import type { EventLog, LogRecord } from '@paceline/log';
import type { Metrics } from '@paceline/runtime';
import type { Row } from '@paceline/store';

/** The table shows what a person can read; the topic keeps the bytes. */
const PAYLOAD_CHARACTERS_MAX = 65_536;
const text = new TextDecoder();

export interface Poison {
  readonly record: LogRecord;
  readonly position: Position;
  readonly recordedAt: Instant;
  readonly code: string;
  readonly message: string;
  /** Only this point of the record; absent: all of it. */
  readonly index?: number;
}

/**
 * Puts aside what cannot be taken, and resolves when that is durable: only then may the record be committed. Done again
 * it is in the topic twice and in the table once.
 */
export async function bury(
  poison: Poison,
  deps: { readonly log: EventLog | null; readonly metrics: Metrics; readonly workspace: string },
): Promise<Row<'dead_letter'>> {
  const { record, position, recordedAt, code, message, index } = poison;
  const { key, value, headers, topic, offset, appendedAt } = record;
  const where = index === undefined ? {} : { index };
  const letter = encodeDeadLetter({ key, value, headers, topic, offset, appendedAt, code, message, ...where });
  await deps.log?.append(DEADLETTER_TOPIC, [letter]);
  deps.metrics.deadLetters.inc({ code });
  const payload = text.decode(value.subarray(0, PAYLOAD_CHARACTERS_MAX * 2)).slice(0, PAYLOAD_CHARACTERS_MAX);
  const recorded_at = Number.isFinite(recordedAt) ? recordedAt : appendedAt;
  return { workspace: deps.workspace, position, recorded_at, code, message, payload };
}
