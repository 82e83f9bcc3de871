/**
 * A fact's place in its workspace's one order: `offset * 1024 + index`. The offset is the record's in the topic, the
 * index the point's inside its record (0 for every other fact). It is the version of everything derived and it is
 * a safe integer up to offset 8.7e12.
 */
export type Position = number;

export const POINTS_PER_RECORD_MAX = 1000;
const INDEXES = 1024;

export function position(offset: number, index = 0): Position {
  return offset * INDEXES + index;
}

export function offsetOf(at: Position): number {
  return Math.floor(at / INDEXES);
}

export function indexOf(at: Position): number {
  return at % INDEXES;
}

/** `1841:0`, the form in which people and programs see it. */
export function formatPosition(at: Position): string {
  return `${offsetOf(at)}:${indexOf(at)}`;
}

/** Reads `1841:0`; `undefined` when the text is no position. */
export function parsePosition(text: string): Position | undefined {
  const match = /^(\d{1,13}):(\d{1,4})$/.exec(text);
  if (match === null) return undefined;
  const index = Number(match[2]);
  const at = position(Number(match[1]), index);
  return index < INDEXES && Number.isSafeInteger(at) ? at : undefined;
}
