import {
  type Catalog,
  compareText,
  type Evaluation,
  type EvaluationDocument,
  evaluateMany,
  evaluationToJson,
  freshnessAt,
  type Instant,
  subjectsOf,
  type View,
} from '@paceline/domain';
import { readStoredEvaluation } from '@paceline/events';
import { PacelineError } from '@paceline/runtime';
import { loadView, statusList } from '@paceline/store';
import type { QueryDeps } from './deps.ts';
import { type Knowledge, type Moment, requireSubject } from './knowledge.ts';
import type { Watermarks } from './watermarks.ts';

/** Rows of the table, earlier versions that were not yet merged away among them: larger ones are read by the subjects asked for. */
const STATUS_ROWS_MAX = 100_000;
const WORKSPACES_KEPT_MAX = 20;

interface Kept {
  readonly version: string;
  readonly evaluations: Promise<ReadonlyMap<string, Evaluation> | null>;
}

/** Evaluations for readers: the stored latest ones, or recomputed by the same function over the history before a position. */
export class Evaluations {
  readonly #deps: QueryDeps;
  readonly #knowledge: Knowledge;
  readonly #watermarks: Watermarks;
  /** By workspace, the whole status as last read. */
  readonly #kept = new Map<string, Kept>();

  constructor(deps: QueryDeps, knowledge: Knowledge, watermarks: Watermarks) {
    this.#deps = deps;
    this.#knowledge = knowledge;
    this.#watermarks = watermarks;
  }

  /** The tables of the workspace are others now. */
  moved(workspace: string): void {
    this.#kept.delete(workspace);
  }

  /** Of some subjects, or of all that exist then. Subjects without an evaluation are left out. */
  async at(moment: Moment, subjects?: readonly string[]): Promise<EvaluationDocument[]> {
    const stored = await this.#isStored(moment);
    const found = stored ? await this.#stored(moment.workspace, subjects) : await this.#computed(moment, subjects);
    return this.#shown(moment, found);
  }

  /** Refuses what is not defined with `unknown_subject`, and a period that has not closed yet. */
  async one(moment: Moment, subject: string): Promise<EvaluationDocument> {
    requireSubject(await this.#knowledge.catalog(moment), subject, moment.asOf);
    const [stored] = await this.at(moment, [subject]);
    if (stored !== undefined) return stored;
    // Of closed periods only the last one is kept in the status.
    const [computed] = this.#shown(moment, await this.#computed(moment, [subject]));
    if (computed !== undefined) return computed;
    throw new PacelineError('unknown_subject', `${subject} is not evaluated before its period has closed`);
  }

  /** As the status has them. */
  async latest(workspace: string, subjects: readonly string[]): Promise<EvaluationDocument[]> {
    return this.#shownAt(this.#deps.clock.now(), await this.#stored(workspace, subjects));
  }

  /** Everything that evaluating the subjects at the moment reads. */
  async view(moment: Moment, catalog: Catalog, subjects: readonly string[]): Promise<View> {
    const { workspace, position, knownAt, asOf } = moment;
    const wanted = { position, knownAt, edition: this.#deps.edition, catalog, subjects, instants: [asOf] };
    return loadView(this.#deps.store, workspace, wanted, this.#knowledge.options);
  }

  /** As documents, fresh or not by the reader's clock or by the instant asked about: a dead pipeline must not look fresh. */
  #shown(moment: Moment, evaluations: readonly Evaluation[]): EvaluationDocument[] {
    return this.#shownAt(moment.latest ? this.#deps.clock.now() : moment.asOf, evaluations);
  }

  #shownAt(now: Instant, evaluations: readonly Evaluation[]): EvaluationDocument[] {
    return evaluations.map((each) => evaluationToJson({ ...each, freshness: freshnessAt(each, now) }));
  }

  /** The status follows the facts within a second; who waits for a position gets it computed until then. */
  async #isStored({ latest, least, workspace }: Moment): Promise<boolean> {
    if (!latest || least === undefined) return latest;
    let { status } = await this.#watermarks.at(workspace);
    if (status.position < least) ({ status } = await this.#watermarks.now(workspace));
    return status.rows > 0 && status.position >= least;
  }

  async #stored(workspace: string, subjects: readonly string[] | undefined): Promise<Evaluation[]> {
    const whole = await this.#whole(workspace);
    if (whole === null) return this.#read(workspace, subjects);
    if (subjects === undefined) return [...whole.values()];
    // As the engine orders them.
    return [...subjects].sort(compareText).flatMap((subject) => whole.get(subject) ?? []);
  }

  /** Kept as long as its rows are the same; `null` where it is too large to be kept. */
  async #whole(workspace: string): Promise<ReadonlyMap<string, Evaluation> | null> {
    const { position, rows } = (await this.#watermarks.at(workspace)).status;
    const version = `${position}/${rows}`;
    let kept = this.#kept.get(workspace);
    if (kept?.version !== version) {
      const read = rows > STATUS_ROWS_MAX ? Promise.resolve(null) : this.#read(workspace, undefined);
      const evaluations = read.then((all) => all && new Map(all.map((each) => [each.subject, each])));
      kept = { version, evaluations };
      this.#kept.set(workspace, kept);
      if (this.#kept.size > WORKSPACES_KEPT_MAX) this.#kept.delete(this.#kept.keys().next().value ?? '');
      evaluations.catch(() => this.#kept.delete(workspace));
    }
    return kept.evaluations;
  }

  async #read(workspace: string, subjects: readonly string[] | undefined): Promise<Evaluation[]> {
    const query = statusList(workspace, this.#deps.edition, subjects);
    const rows = await this.#deps.store.read(query, query.shape, this.#knowledge.options);
    return rows.map(({ evaluation }) => readStoredEvaluation(evaluation));
  }

  async #computed(moment: Moment, subjects: readonly string[] | undefined): Promise<Evaluation[]> {
    if (moment.position < 0) return [];
    const catalog = await this.#knowledge.catalog(moment);
    const wanted = subjects ?? subjectsOf(catalog, moment.asOf).sort(compareText);
    const view = await this.view(moment, catalog, wanted);
    return evaluateMany(view, wanted, [moment.asOf]);
  }
}
