import { offsetOf, type Position, position } from '@paceline/domain';

/**
 * A reader **at** a position sees every row of that record and of all before it, whichever index the position names: a
 * record is taken or not taken as a whole. So `1841:0` of a push, of a tick and of its last point read alike, and a
 * tick's own judgements are seen at the tick's position. In SQL this is `pos < upTo(position)`, everywhere.
 */
export function upTo(at: Position): Position {
  return position(offsetOf(at) + 1);
}

/** The bound of a reader that stands just before a record: nothing of it is seen. */
export function before(at: Position): Position {
  return position(offsetOf(at));
}
