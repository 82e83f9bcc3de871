import type { Evaluation, GridPoint, Position } from '@paceline/domain';
import { readStoredEvaluation } from '@paceline/events';
import type { Tick } from './evaluation-rows.ts';
import type { WorkspaceDeps } from './options.ts';

const NONE: ReadonlyMap<string, Evaluation> = new Map();

/**
 * What a tick that was cut off had judged already. Its rows are durable and the same prefix says the same again, so the
 * redo reads them back instead: a tick that takes longer than the time between two kills is judged all the same, a
 * part at a time.
 */
export class CutOff {
  readonly #deps: WorkspaceDeps;
  #found = false;

  constructor(deps: WorkspaceDeps) {
    this.#deps = deps;
  }

  /** Looks whether there are judgements or rollups behind what was committed. */
  async load(before: Position): Promise<void> {
    const { store, workspace, edition } = this.#deps;
    const rows = await store.read(
      {
        // Which of the rows is found is the engine's affair, so nothing is asked that tells them apart.
        sql: `SELECT workspace FROM judgement
WHERE workspace = {workspace:String} AND edition = {edition:UInt32} AND position >= {before:UInt64} LIMIT 1
UNION ALL SELECT workspace FROM rollup WHERE workspace = {workspace:String} AND position >= {before:UInt64} LIMIT 1`,
        params: { workspace, edition, before },
      },
      { workspace: 'LowCardinality(String)' },
      { lane: 'judge' },
    );
    this.#found = rows.length > 0;
  }

  /** By subject and grid point, as `pointText` names them. */
  async judged(points: readonly GridPoint[], tick: Tick): Promise<ReadonlyMap<string, Evaluation>> {
    if (!this.#found) return NONE;
    const { store, workspace, edition } = this.#deps;
    const subjects = [...new Set(points.map(({ subject }) => subject))];
    const rows = await store.read(
      {
        sql: `SELECT DISTINCT evaluation FROM judgement
WHERE workspace = {workspace:String} AND subject IN {subjects:Array(String)} AND edition = {edition:UInt32} AND position = {at:UInt64}`,
        params: { workspace, edition, subjects, at: tick.position },
      },
      { evaluation: 'String' },
      { lane: 'judge' },
    );
    const asked = new Set(points.map(({ subject, at }) => pointText(subject, at)));
    const judged = new Map<string, Evaluation>();
    for (const row of rows) {
      const evaluation = readStoredEvaluation(row.evaluation);
      const text = pointText(evaluation.subject, evaluation.asOf);
      if (asked.has(text)) judged.set(text, evaluation);
    }
    return judged;
  }

  /** Metrics of which it had written rollups. */
  async rolledUp(tick: Tick): Promise<ReadonlySet<string>> {
    if (!this.#found) return new Set();
    const { store, workspace } = this.#deps;
    const rows = await store.read(
      {
        sql: 'SELECT DISTINCT metric FROM rollup WHERE workspace = {workspace:String} AND position = {at:UInt64}',
        params: { workspace, at: tick.position },
      },
      { metric: 'LowCardinality(String)' },
      { lane: 'judge' },
    );
    return new Set(rows.map(({ metric }) => metric));
  }

  /** The first tick after the start is judged: no other was begun. */
  done(): void {
    this.#found = false;
  }
}

export function pointText(subject: string, at: number): string {
  return `${subject}\n${at}`;
}
