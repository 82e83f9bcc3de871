import { createHash } from 'node:crypto';
import { type Position, parsePosition } from '@paceline/domain';
import { refused } from './knowledge.ts';

/** Where a page ends: rows follow `after`, and nothing that was recorded behind `bound` joins while one leafs through. */
export interface Place {
  readonly after: Position;
  readonly bound: Position;
}

/**
 * Opaque to callers. It carries a check over itself and the question it belongs to, so that a cursor that was cut, changed
 * or moved to another query is refused instead of answering with the wrong rows. Every query process makes the same.
 */
export function cursorOf({ after, bound }: Place, question: readonly unknown[]): string {
  const place = `${after.toString(36)}.${bound.toString(36)}`;
  return Buffer.from(`${place}.${checkOf(place, question)}`).toString('base64url');
}

/** Throws `invalid_cursor`. */
export function placeOf(cursor: string, question: readonly unknown[]): Place {
  const [after = '', bound = ''] = Buffer.from(cursor, 'base64url').toString('latin1').split('.');
  const place = { after: Number.parseInt(after, 36), bound: Number.parseInt(bound, 36) };
  const isWhole = Number.isSafeInteger(place.after) && Number.isSafeInteger(place.bound);
  if (isWhole && cursorOf(place, question) === cursor) return place;
  throw refused('invalid_cursor', 'cursor', 'the cursor is not one of this query');
}

function checkOf(place: string, question: readonly unknown[]): string {
  const text = JSON.stringify(['paceline cursor', place, ...question]);
  return createHash('sha256').update(text).digest('base64url').slice(0, 16);
}

/** A position in a path, or `invalid_position`. */
export function positionInPath(written: string): Position {
  const at = parsePosition(written);
  if (at !== undefined) return at;
  throw refused('invalid_position', 'position', `"${written.slice(0, 40)}" is no position such as 1841:0`);
}
