import {
  type Catalog,
  compareText,
  compileCatalog,
  type Document,
  documentId,
  evaluator,
  type Instant,
  isContinuous,
  parseSubject,
  subjectsOf,
  type Verdict,
} from '@paceline/domain';
import { checkDocuments, type DocumentFault, readDocument, refuses } from '@paceline/events';
import { PacelineError } from '@paceline/runtime';
import { judgementHashesAt, loadView } from '@paceline/store';
import type { QueryDeps } from './deps.ts';
import type { Knowledge, Moment } from './knowledge.ts';

/** Subjects times grid points of one question, each judged twice. */
export const JUDGED_MAX = 100_000;
/** Of each subject; the tally counts all of them. */
const FLIPS_SHOWN_MAX = 50;
const MICROSECOND: Instant = 0.001;

export interface Flip {
  readonly asOf: Instant;
  /** `null`: not judged. */
  readonly before: Verdict | null;
  readonly after: Verdict | null;
}

export interface SubjectWhatIf {
  readonly subject: string;
  readonly now: Flip;
  /** Grid points of the range that were judged, and how many of them would have another verdict. */
  readonly judged: number;
  readonly changed: number;
  /** Ascending; the last fifty. */
  readonly flips: readonly Flip[];
}

/** The definitions as they would be. Throws `invalid_definitions` with every fault. */
export function catalogWith(current: Catalog, raw: readonly unknown[], prune: boolean): Catalog {
  const given: Document[] = [];
  const faults: DocumentFault[] = [];
  for (const each of raw) {
    const read = readDocument(each, { base: [] });
    if (read.ok) given.push(read.document);
    else faults.push(...read.faults);
  }
  const ids = new Set(given.map(documentId));
  const staying = prune ? [] : [...current.documents].filter(([id]) => !ids.has(id)).map(([, known]) => known);
  const whole = [...staying.map(({ document }) => ({ document })), ...given.map((document) => ({ document }))];
  if (faults.length === 0) faults.push(...checkDocuments(whole));
  if (refuses(faults)) {
    const refused = faults.filter(({ severity }) => severity !== 'warning');
    const [first] = refused;
    const message = `the definitions have ${refused.length === 1 ? 'a fault' : `${refused.length} faults`}; the first: ${first?.document ?? ''} ${first?.message ?? ''}`;
    throw new PacelineError('invalid_definitions', message);
  }
  // A document without a time of its own is known from the beginning, as in `plan`.
  const position = (current.position ?? 0) + 1;
  const added = given.map((document) => ({ document, position, recordedAt: Number.NEGATIVE_INFINITY }));
  return compileCatalog([...staying, ...added], { position, defaults: current.defaults });
}

/**
 * What other definitions would have said of the same history: every subject at the moment, and at the grid points from `from` on
 * at which it was judged, by both and with what is known now. What differs is the definitions' doing alone.
 */
export async function whatIf(
  deps: QueryDeps,
  knowledge: Knowledge,
  moment: Moment,
  { before, after, from }: { readonly before: Catalog; readonly after: Catalog; readonly from: Instant },
): Promise<readonly SubjectWhatIf[]> {
  if (moment.position < 0) return [];
  const points = await gridPoints(deps, knowledge, moment, from);
  const named = new Set([...subjectsOf(before, moment.asOf), ...subjectsOf(after, moment.asOf), ...points.keys()]);
  const subjects = [...named].filter((subject) => !isOneOfMany(before, after, subject)).sort(compareText);
  const [old, changed] = await Promise.all(
    [before, after].map((catalog) => judge(deps, knowledge, moment, { catalog, subjects, points })),
  );
  if (old === undefined || changed === undefined) return [];
  return subjects.map((subject): SubjectWhatIf => {
    const flip = (asOf: Instant): Flip => ({ asOf, before: old(subject, asOf), after: changed(subject, asOf) });
    const judged = (points.get(subject) ?? []).map(flip);
    const flips = judged.filter((each) => each.before !== each.after);
    const now = flip(moment.asOf);
    return { subject, now, judged: judged.length, changed: flips.length, flips: flips.slice(-FLIPS_SHOWN_MAX) };
  });
}

/** Where periods are single buckets, what one of them closed with is what the KPI itself said at its grid point. */
function isOneOfMany(before: Catalog, after: Catalog, subject: string): boolean {
  const id = parseSubject(subject);
  if (id?.kind !== 'kpi' || id.label === undefined) return false;
  return isContinuous(after.kpis.has(id.name) ? after : before, `kpi/${id.name}`);
}

async function gridPoints(
  deps: QueryDeps,
  knowledge: Knowledge,
  moment: Moment,
  from: Instant,
): Promise<ReadonlyMap<string, readonly Instant[]>> {
  const { workspace, position, asOf } = moment;
  const wanted = { workspace, edition: deps.edition, position, from, to: asOf + MICROSECOND };
  const query = judgementHashesAt(wanted);
  const rows = await deps.store.read(query, query.shape, knowledge.options);
  if (rows.length > JUDGED_MAX) {
    const message = `${rows.length} judgements would be made twice, at most ${JUDGED_MAX} are; begin later with from`;
    throw new PacelineError('too_many_rows', message);
  }
  const points = new Map<string, Instant[]>();
  for (const { subject, as_of: at } of rows) {
    const known = points.get(subject);
    if (known === undefined) points.set(subject, [at]);
    else known.push(at);
  }
  return points;
}

async function judge(
  deps: QueryDeps,
  knowledge: Knowledge,
  { workspace, position, knownAt, asOf }: Moment,
  {
    catalog,
    subjects,
    points,
  }: {
    readonly catalog: Catalog;
    readonly subjects: readonly string[];
    readonly points: ReadonlyMap<string, readonly Instant[]>;
  },
): Promise<(subject: string, at: Instant) => Verdict | null> {
  const instants = [...new Set([asOf, ...[...points.values()].flat()])].sort((left, right) => left - right);
  const wanted = { position, knownAt, edition: deps.edition, catalog, subjects, instants };
  const view = await loadView(deps.store, workspace, wanted, knowledge.options);
  const { evaluate } = evaluator(view);
  const verdicts = new Map<string, Verdict>();
  // By instants, so that members which several goals share are evaluated once.
  const bySubject = new Map(subjects.map((subject) => [subject, new Set(points.get(subject) ?? []).add(asOf)]));
  for (const at of instants) {
    for (const [subject, own] of bySubject) {
      const evaluation = own.has(at) ? evaluate(subject, at) : undefined;
      if (evaluation !== undefined) verdicts.set(`${subject}\n${at}`, evaluation.verdict);
    }
  }
  return (subject, at) => verdicts.get(`${subject}\n${at}`) ?? null;
}
