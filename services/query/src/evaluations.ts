import {
  type Catalog,
  type Evaluation,
  type EvaluationDocument,
  evaluateMany,
  evaluationToJson,
  type Freshness,
  type Instant,
  parseSubject,
  readInstant,
  subjectOf,
  subjectsOf,
} from '@paceline/domain';
import { PacelineError } from '@paceline/runtime';
import { loadView, statusList } from '@paceline/store';
import type { QueryDeps } from './deps.ts';
import type { Knowledge, Moment } from './knowledge.ts';

/** Evaluations for readers: the stored latest ones, or recomputed by the same function over the history before a position. */
export class Evaluations {
  readonly #deps: QueryDeps;
  readonly #knowledge: Knowledge;

  constructor(deps: QueryDeps, knowledge: Knowledge) {
    this.#deps = deps;
    this.#knowledge = knowledge;
  }

  /** Of some subjects, or of all that exist then. Subjects that do not exist are left out. */
  async at(moment: Moment, subjects?: readonly string[]): Promise<EvaluationDocument[]> {
    const documents = moment.latest
      ? await this.#stored(moment.workspace, subjects)
      : await this.#computed(moment, subjects);
    const now = moment.latest ? this.#deps.clock.now() : moment.asOf;
    return documents.map((document) => ({ ...document, freshness: freshnessAt(document, now) }));
  }

  async one(moment: Moment, subject: string): Promise<EvaluationDocument> {
    const [document] = await this.at(moment, [subject]);
    if (document !== undefined) return document;
    throw await this.unknown(moment, subject);
  }

  async unknown(moment: Moment, subject: string): Promise<PacelineError> {
    const catalog = await this.#knowledge.catalog(moment.workspace, moment.position);
    const defined = subjectOf(catalog, subject) !== undefined;
    const message = defined
      ? `${subject} is defined, and there is no evaluation of it at this moment`
      : `there is no subject ${subject} in workspace ${moment.workspace}`;
    return new PacelineError('unknown_subject', message);
  }

  async #stored(workspace: string, subjects: readonly string[] | undefined): Promise<EvaluationDocument[]> {
    const { sql, params, shape } = statusList(workspace, this.#deps.edition, subjects);
    const rows = await this.#deps.store.read({ sql, params }, shape);
    // The processor wrote them with `evaluationToJson`.
    return rows.map(({ evaluation }) => JSON.parse(evaluation) as EvaluationDocument);
  }

  async #computed(moment: Moment, subjects: readonly string[] | undefined): Promise<EvaluationDocument[]> {
    const { workspace, position, knownAt, asOf } = moment;
    if (position < 0) return [];
    const catalog = await this.#knowledge.catalog(workspace, position);
    const wanted = subjects ?? subjectsOf(catalog, asOf);
    const view = await loadView(this.#deps.store, workspace, {
      position,
      knownAt,
      edition: this.#deps.edition,
      catalog,
      subjects: wanted,
      instants: [asOf],
    });
    return evaluateMany(view, wanted, [asOf]).map((evaluation: Evaluation) => evaluationToJson(evaluation));
  }
}

/** Freshness belongs to whoever shows it: a pipeline that died long ago must not look fresh. */
export function freshnessAt(document: Pick<EvaluationDocument, 'lateAt' | 'staleAt'>, now: Instant): Freshness | null {
  const lateAt = document.lateAt === null ? undefined : readInstant(document.lateAt);
  const staleAt = document.staleAt === null ? undefined : readInstant(document.staleAt);
  if (lateAt === undefined || staleAt === undefined) return null;
  // EVALUATION §9: fresh ≤ lateAt < late ≤ staleAt < stale.
  if (now > staleAt) return 'stale';
  return now > lateAt ? 'late' : 'fresh';
}

export interface SubjectAbout {
  readonly title: string | null;
  readonly owner: string | null;
  readonly unit: string | null;
  readonly cycle: string | null;
  readonly metric: string | null;
  /** Unit of measure of the value. */
  readonly measure: string | null;
}

/** What definitions say about a subject, for showing and filtering. Owners may be dated: the one in force at `at` counts. */
export function aboutSubject(catalog: Catalog, subject: string, at: Instant): SubjectAbout {
  const found = subjectOf(catalog, subject);
  const none: SubjectAbout = { title: null, owner: null, unit: null, cycle: null, metric: null, measure: null };
  if (found === undefined) return none;
  const { compiled } = found;
  switch (compiled.kind) {
    case 'kpi': {
      const document = catalog.documents.get(`kpi/${parseSubject(subject)?.name ?? ''}`)?.document;
      const spec = document?.kind === 'Kpi' ? document.spec : undefined;
      return {
        title: document?.metadata.title ?? null,
        owner: ownerOf(document?.metadata.owner, at),
        unit: spec?.unit ?? null,
        cycle: spec?.cycle ?? null,
        metric: compiled.source.metric.name,
        measure: compiled.source.metric.unit ?? null,
      };
    }
    case 'key_result': {
      const document = catalog.documents.get(`objective/${compiled.objective}`)?.document;
      const own =
        document?.kind === 'Objective'
          ? document.spec.keyResults?.find(({ name }) => name === compiled.name)
          : undefined;
      return {
        title: own?.title ?? null,
        owner: ownerOf(own?.owner ?? document?.metadata.owner, at),
        unit: compiled.unit,
        cycle: compiled.cycle.name,
        metric: compiled.source?.metric.name ?? null,
        measure: compiled.source?.metric.unit ?? null,
      };
    }
    case 'objective': {
      const document = catalog.documents.get(`objective/${compiled.name}`)?.document;
      return {
        ...none,
        title: document?.metadata.title ?? null,
        owner: ownerOf(document?.metadata.owner, at),
        unit: compiled.unit,
        cycle: compiled.cycle.name,
      };
    }
    case 'unit': {
      const document = catalog.documents.get(`unit/${compiled.name}`)?.document;
      return {
        ...none,
        title: document?.metadata.title ?? null,
        owner: ownerOf(document?.metadata.owner, at),
        unit: compiled.name,
        cycle: compiled.cycle.name,
      };
    }
  }
}

type Owner = string | readonly { readonly effectiveFrom: string; readonly value: string }[] | undefined;

function ownerOf(owner: Owner, at: Instant): string | null {
  if (owner === undefined || typeof owner === 'string') return owner ?? null;
  const begun = owner.filter(({ effectiveFrom }) => Date.parse(`${effectiveFrom}T00:00:00Z`) <= at);
  return begun.at(-1)?.value ?? null;
}
