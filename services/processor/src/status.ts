import {
  evaluator,
  type Instant,
  type Position,
  subjectsAbove,
  subjectsOf,
  type WorkspaceFold,
} from '@paceline/domain';
import type { Row } from '@paceline/store';
import { Breath } from './breath.ts';
import { changedSubjects, readersOf } from './candidates.ts';
import { removedStatusRow, statusRow } from './evaluation-rows.ts';
import type { Judge } from './judge.ts';
import type { WorkspaceDeps } from './options.ts';
import { listedSubjects } from './sql.ts';

const SLICE_SUBJECTS = 1_000;

export interface Moment {
  /** Of the prefix's last record. */
  readonly position: Position;
  readonly recordedAt: Instant;
  heartbeat(): Promise<void>;
}

/** The latest evaluation of each subject: of what was touched between ticks, of all at a tick. Never history, never alerted. */
export class Status {
  readonly #deps: WorkspaceDeps;
  readonly #fold: WorkspaceFold;
  readonly #judge: Judge;
  /** Subjects whose row is there; `null` until the table was asked. */
  #listed: Set<string> | null = null;

  constructor(deps: WorkspaceDeps, fold: WorkspaceFold, judge: Judge) {
    this.#deps = deps;
    this.#fold = fold;
    this.#judge = judge;
  }

  async touched(moment: Moment): Promise<void> {
    const { catalog, fresh } = this.#fold;
    if (fresh.empty) return;
    this.#judge.invalidate();
    const all = subjectsOf(catalog, moment.recordedAt);
    const touched = new Set<string>(changedSubjects(catalog, fresh.documents));
    for (const metric of fresh.metrics.keys()) for (const subject of readersOf(catalog, metric)) touched.add(subject);
    for (const checked of fresh.subjects.keys())
      for (const above of subjectsAbove(catalog, checked)) touched.add(above);
    // A closed period of a KPI is touched with it.
    const subjects = all.filter((subject) => touched.has(subject) || touched.has(withoutLabel(subject)));
    fresh.clear();
    await this.#write(subjects, moment);
    await this.#remove(all, moment);
  }

  async all(moment: Moment): Promise<void> {
    this.#judge.invalidate();
    this.#fold.fresh.clear();
    const subjects = subjectsOf(this.#fold.catalog, moment.recordedAt);
    await this.#write(subjects, moment);
    await this.#remove(subjects, moment);
  }

  /** Whether what is listed was all said at that position. */
  async isAt(at: Position): Promise<boolean> {
    const { store, workspace, edition } = this.#deps;
    const rows = await store.read(
      {
        sql: `SELECT subject FROM status WHERE workspace = {workspace:String} AND edition = {edition:UInt32}
GROUP BY subject HAVING NOT argMax(removed, status.position) AND max(status.position) != {at:UInt64} LIMIT 1`,
        params: { workspace, edition, at: Math.max(0, at) },
      },
      { subject: 'LowCardinality(String)' },
      { lane: 'judge' },
    );
    return rows.length === 0;
  }

  async #write(subjects: readonly string[], moment: Moment): Promise<void> {
    const { store, workspace, clock } = this.#deps;
    const listed = await this.#loaded();
    for (let from = 0; from < subjects.length; from += SLICE_SUBJECTS) {
      const slice = subjects.slice(from, from + SLICE_SUBJECTS);
      const view = await this.#judge.view(slice, [moment.recordedAt]);
      const { evaluate } = evaluator(view);
      const breath = new Breath(clock);
      const rows: Row<'status'>[] = [];
      for (const subject of slice) {
        if (breath.isDue) await breath.take();
        const evaluation = evaluate(subject, moment.recordedAt);
        if (evaluation !== undefined) rows.push(statusRow(workspace, evaluation));
      }
      await store.insert('status', rows);
      for (const { subject } of rows) listed.add(subject);
      await moment.heartbeat();
    }
  }

  /** A subject that is no longer defined, and a closed period that another one followed, leave the list. */
  async #remove(all: readonly string[], moment: Moment): Promise<void> {
    const listed = await this.#loaded();
    const present = new Set(all);
    const gone = [...listed].filter((subject) => !present.has(subject));
    if (gone.length === 0) return;
    const { store, workspace, edition } = this.#deps;
    await store.insert(
      'status',
      gone.map((subject) => removedStatusRow(workspace, subject, edition, moment)),
    );
    for (const subject of gone) listed.delete(subject);
  }

  async #loaded(): Promise<Set<string>> {
    if (this.#listed !== null) return this.#listed;
    const { store, workspace, edition } = this.#deps;
    const query = listedSubjects(workspace, edition);
    const rows = await store.read(query, query.shape, { lane: 'judge' });
    this.#listed = new Set(rows.map(({ subject }) => subject));
    return this.#listed;
  }
}

function withoutLabel(subject: string): string {
  return subject.startsWith('kpi/') ? (subject.split('@')[0] ?? subject) : subject;
}
