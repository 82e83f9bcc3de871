import {
  FOLD_SNAPSHOT_VERSION,
  type Instant,
  offsetOf,
  type Position,
  position,
  type WorkspaceFold,
  type WorkspaceFoldSnapshot,
} from '@paceline/domain';
import type { WorkspaceDeps } from './options.ts';

/** A fold that makes a longer text is not kept: reading its log again is the lesser evil. */
const CHARACTERS_MAX = 64 * 1024 * 1024;
/** Keeping the fold takes at most this share of the time. */
const TIME_SHARE_MAX = 0.05;

/** The fold as it was after a record. */
interface Kept {
  readonly position: Position;
  readonly recordedAt: Instant;
  readonly state: string;
}

/** The newest snapshot of the fold before the record at `next` brings it there; answers the offset after it, 0 without one. */
export async function loadSnapshot(fold: WorkspaceFold, next: number, deps: WorkspaceDeps): Promise<number> {
  const rows = await deps.store.read(
    {
      sql: 'SELECT position, state FROM snapshot WHERE workspace = {workspace:String} AND version = {version:UInt32} AND position < {before:UInt64} ORDER BY position DESC LIMIT 1',
      params: { workspace: deps.workspace, version: FOLD_SNAPSHOT_VERSION, before: position(next) },
    },
    { position: 'UInt64', state: 'String' },
    { lane: 'judge' },
  );
  const row = rows[0];
  if (row === undefined) return 0;
  const state: WorkspaceFoldSnapshot = JSON.parse(row.state);
  fold.restore(state);
  return offsetOf(Number(row.position)) + 1;
}

/**
 * Keeps the fold of one workspace now and then, so that a start, after a kill too, reads back a bounded part of the log:
 * by points, because reading them is what takes long, by records, and by time.
 */
export class Snapshots {
  readonly #deps: WorkspaceDeps;
  /** Offset after the last one kept. */
  #next = 0;
  /** Points folded since. */
  #points = 0;
  #at: number;
  #notBefore = Number.NEGATIVE_INFINITY;

  constructor(deps: WorkspaceDeps, next: number) {
    this.#deps = deps;
    this.#next = next;
    this.#at = deps.clock.monotonic();
  }

  /** More points were folded. */
  count(points: number): void {
    this.#points += points;
  }

  /** Takes the fold as it is after the record before `next`, when that is due, or `asked` for. Whoever takes it saves it once that much is committed. */
  take(fold: WorkspaceFold, next: number, asked = false): Kept | null {
    const { options, clock, mode, logger, workspace } = this.#deps;
    const now = clock.monotonic();
    const records = next - this.#next;
    if (records <= 0 || fold.position < 0) return null;
    const due =
      this.#points >= options.snapshotPoints ||
      records >= options.snapshotRecords ||
      now - this.#at >= options.snapshotMs;
    if (!asked && (mode === 'replay' || !due || now < this.#notBefore)) return null;
    const state = JSON.stringify(fold.snapshot());
    this.#next = next;
    this.#points = 0;
    this.#at = now;
    this.#wait(clock.monotonic() - now);
    if (state.length <= CHARACTERS_MAX) return { position: fold.position, recordedAt: fold.recordedAt, state };
    logger.warn(
      { workspace, characters: state.length, charactersMax: CHARACTERS_MAX },
      'the state of a workspace is too large to be kept; its next start reads more of the log',
    );
    return null;
  }

  /** Without one the next start reads more of the log, so a failure is no reason to stop. */
  async save(kept: Kept): Promise<void> {
    const { store, clock, logger, workspace } = this.#deps;
    const began = clock.monotonic();
    const { position, recordedAt, state } = kept;
    try {
      await store.insert('snapshot', [
        { workspace, position, version: FOLD_SNAPSHOT_VERSION, recorded_at: recordedAt, state },
      ]);
    } catch (error) {
      logger.warn({ workspace, err: error }, 'the state could not be kept; the next start reads more of the log');
    }
    this.#wait(clock.monotonic() - began);
  }

  #wait(tookMs: number): void {
    this.#notBefore = Math.max(this.#notBefore, this.#deps.clock.monotonic() + tookMs / TIME_SHARE_MAX);
  }
}
