import {
  type Announced,
  alertPoint,
  announce,
  type Catalog,
  type Evaluation,
  evaluationToJson,
  evaluator,
  foldAlert,
  gridPoints,
  type Instant,
  type Position,
  type Recorded,
  rankOf,
  ruleOf,
  subjectsOf,
  TICK,
} from '@paceline/domain';
import { isContinuous, type SeriesKey, seriesOf } from '@paceline/domain/alert/series';
import { seriesText } from '@paceline/processor/alert-series';
import { judgedSubjects } from '@paceline/processor/candidates';
import { type ReplayedTick, replay } from '../support/replay.ts';

export interface ExpectedJudgement {
  readonly position: Position;
  readonly subject: string;
  readonly at: Instant;
  readonly restatement: boolean;
  readonly text: string;
  readonly evaluation: Evaluation;
}

export interface ExpectedTransition {
  readonly position: Position;
  readonly kind: string;
  readonly rule: string;
  readonly subject: string;
  readonly period: string;
  readonly episode: Instant;
  readonly at: Instant;
}

export interface Expected {
  readonly judgements: readonly ExpectedJudgement[];
  readonly transitions: readonly ExpectedTransition[];
  /** By position of a tick, then subject. */
  readonly statuses: ReadonlyMap<Position, ReadonlyMap<string, string>>;
}

/** A judgement that was found, as far as it says where judging begins. */
export interface Begun {
  readonly position: Position;
  readonly subject: string;
  readonly at: Instant;
}

/**
 * What a reader of the whole log finds, in one go and without an engine. What is due must be judged; of what was due before a tick,
 * and before the subject was ever judged, the processor chooses by evidence, so `found` says where that begins.
 */
export function expectedOf(facts: readonly Recorded[], from: Instant, found: readonly Begun[]): Expected {
  const judgements: ExpectedJudgement[] = [];
  const transitions: ExpectedTransition[] = [];
  const statuses = new Map<Position, ReadonlyMap<string, string>>();
  const last = new Map<string, ExpectedJudgement>();
  const alerts = new Alerts();
  const begun = Map.groupBy(found, ({ position }) => position);
  const first = new Map<string, Instant>();
  let dueAfter = facts.find(({ fact }) => fact.type === 'definitions')?.recordedAt ?? Number.POSITIVE_INFINITY;
  for (const replayed of replay(facts)) {
    const { tick, view } = replayed;
    for (const { subject, at } of begun.get(tick.position) ?? []) {
      const name = withoutLabel(subject);
      first.set(name, Math.min(at, first.get(name) ?? at));
    }
    const { evaluate } = evaluator(view);
    const news: ExpectedJudgement[] = [];
    const span = { after: from - TICK, upTo: tick.recordedAt };
    for (const { subject, at } of gridPoints(view.catalog, span, judgedSubjects(view.catalog))) {
      if (at <= dueAfter && at < (first.get(withoutLabel(subject)) ?? Number.POSITIVE_INFINITY)) continue;
      const evaluation = evaluate(subject, at);
      if (evaluation === undefined) continue;
      const key = `${subject} ${at}`;
      const before = last.get(key);
      if (before !== undefined && saysTheSame(before.evaluation, evaluation)) continue;
      const restatement = isRestated(before?.evaluation, evaluation);
      const text = JSON.stringify(evaluationToJson(evaluation));
      const judgement = { position: tick.position, subject, at, restatement, text, evaluation };
      last.set(key, judgement);
      news.push(judgement);
    }
    judgements.push(...news);
    transitions.push(...alerts.step(replayed, last, news));
    dueAfter = tick.recordedAt;
    statuses.set(tick.position, statusesAt(view.catalog, evaluate, tick.recordedAt));
  }
  return { judgements, transitions, statuses };
}

function withoutLabel(subject: string): string {
  return subject.startsWith('kpi/') ? (subject.split('@')[0] ?? subject) : subject;
}

function statusesAt(
  catalog: Catalog,
  evaluate: (subject: string, at: Instant) => Evaluation | undefined,
  at: Instant,
): ReadonlyMap<string, string> {
  const texts = new Map<string, string>();
  for (const subject of subjectsOf(catalog, at)) {
    const evaluation = evaluate(subject, at);
    if (evaluation !== undefined) texts.set(subject, JSON.stringify(evaluationToJson(evaluation)));
  }
  return texts;
}

/** What was known when is no part of what is said; the period is an object of its own. */
const BESIDES: ReadonlySet<string> = new Set<keyof Evaluation>(['position', 'knownAt', 'definitions', 'period']);
const NOTHING: ReadonlySet<string> = new Set();

/** Asked of everything at every tick, where text would be made of both. */
function saysTheSame(before: Evaluation, now: Evaluation): boolean {
  const isPeriod =
    before.period === null || now.period === null
      ? before.period === now.period
      : isEqual(before.period, now.period, NOTHING);
  return isPeriod && isEqual(before, now, BESIDES);
}

function isEqual<Fields extends object>(before: Fields, now: Fields, besides: ReadonlySet<string>): boolean {
  for (const key in now) if (before[key] !== now[key] && !besides.has(key)) return false;
  return true;
}

function isRestated(before: Evaluation | undefined, now: Evaluation): boolean {
  if (before === undefined || before.score === null) return false;
  return before.verdict !== now.verdict || before.score !== now.score;
}

interface OpenAlert extends Announced {
  readonly key: SeriesKey;
  readonly latest: Evaluation;
}

/** Every rule folded anew at each tick over all that stands then, and compared with what was said before. */
class Alerts {
  readonly #open = new Map<string, OpenAlert>();
  readonly #keys = new Keys();
  #definitions: Position | null | undefined;

  step(
    { tick, view }: ReplayedTick,
    standing: ReadonlyMap<string, ExpectedJudgement>,
    news: readonly ExpectedJudgement[],
  ): ExpectedTransition[] {
    const { catalog } = view;
    const keys = this.#keys.under(catalog);
    const series = seriesAmong(keys, standing.values());
    // What no judgement belongs to any more, since definitions changed, is taken back.
    for (const { key } of this.#open.values())
      if (!series.has(seriesText(key))) series.set(seriesText(key), { key, evaluations: [] });
    const looked = new Set(news.flatMap(({ evaluation }) => keys.of(evaluation)?.text ?? []));
    // A new rule, or a new target, looks at what every subject says now.
    if (this.#definitions !== catalog.position)
      for (const text of currentSeries(catalog, keys, standing.values())) looked.add(text);
    this.#definitions = catalog.position;
    const policies = new Map([...catalog.policies.values()].map((policy) => [policy.label, policy]));
    const lines: ExpectedTransition[] = [];
    for (const { metadata, spec } of catalog.alertRules.values()) {
      const rule = ruleOf(spec, (label) => (label === null ? undefined : policies.get(label)));
      for (const [text, { key, evaluations }] of series) {
        const id = `${metadata.name}\n${text}`;
        const announced = this.#open.get(id) ?? null;
        if (!watches(spec.watch, key.subject) || (!looked.has(text) && announced === null)) continue;
        if (spec.when !== 'missed' && key.period !== '' && isContinuous(catalog, key.subject)) continue;
        const state = foldAlert(evaluations.map(alertPoint), rule);
        const said = announce(state, announced);
        const latest = evaluations.at(-1) ?? announced?.latest;
        if (said === null || latest === undefined) continue;
        if (said.kind === 'opened' && !state.closed && isOver(catalog, key, latest, tick.recordedAt)) continue;
        const evaluation = evaluations.findLast(({ asOf }) => asOf === said.at) ?? latest;
        const { kind, episode } = said;
        const at = said.at ?? evaluation.asOf;
        lines.push({ position: tick.position, kind, rule: metadata.name, ...key, episode, at });
        this.#note(id, key, { kind, episode }, evaluation, tick.recordedAt);
      }
    }
    return lines;
  }

  #note(
    id: string,
    key: SeriesKey,
    { kind, episode }: { readonly kind: string; readonly episode: Instant },
    latest: Evaluation,
    recordedAt: Instant,
  ): void {
    const { value, verdict } = latest;
    if (kind === 'recovered' || kind === 'retracted' || kind === 'closed') {
      this.#open.delete(id);
      return;
    }
    const before = this.#open.get(id);
    const isWorse = before === undefined || before.episode !== episode || rankOf(verdict) < rankOf(before.worst);
    this.#open.set(id, { key, episode, worst: isWorse ? verdict : before.worst, recordedAt, value, verdict, latest });
  }
}

interface Keyed {
  readonly key: SeriesKey;
  readonly text: string;
}

/** The series that evaluations belong to, found once under each catalog. */
class Keys {
  #catalog: Catalog | null = null;
  #known = new Map<Evaluation, Keyed | undefined>();

  under(catalog: Catalog): this {
    if (this.#catalog !== catalog) this.#known = new Map();
    this.#catalog = catalog;
    return this;
  }

  of(evaluation: Evaluation): Keyed | undefined {
    if (this.#catalog === null || this.#known.has(evaluation)) return this.#known.get(evaluation);
    const key = seriesOf(this.#catalog, evaluation);
    const keyed = key === undefined ? undefined : { key, text: seriesText(key) };
    this.#known.set(evaluation, keyed);
    return keyed;
  }
}

/** The series that each subject's latest judgement belongs to. */
function currentSeries(catalog: Catalog, keys: Keys, standing: Iterable<ExpectedJudgement>): string[] {
  const latest = new Map<string, ExpectedJudgement>();
  for (const judgement of standing) {
    const known = latest.get(judgement.subject);
    if (known === undefined || known.at < judgement.at) latest.set(judgement.subject, judgement);
  }
  const subjects = new Set(judgedSubjects(catalog));
  return [...latest.values()]
    .filter(({ subject }) => subjects.has(subject))
    .flatMap(({ evaluation }) => keys.of(evaluation)?.text ?? []);
}

function seriesAmong(
  keys: Keys,
  standing: Iterable<ExpectedJudgement>,
): Map<string, { readonly key: SeriesKey; readonly evaluations: Evaluation[] }> {
  const found = new Map<string, { readonly key: SeriesKey; readonly evaluations: Evaluation[] }>();
  for (const { evaluation } of standing) {
    const keyed = keys.of(evaluation);
    if (keyed === undefined) continue;
    const known = found.get(keyed.text);
    if (known === undefined) found.set(keyed.text, { key: keyed.key, evaluations: [evaluation] });
    else known.evaluations.push(evaluation);
  }
  for (const { evaluations } of found.values()) {
    evaluations.sort(
      (left, right) => left.asOf - right.asOf || Number(left.score !== null) - Number(right.score !== null),
    );
  }
  return found;
}

/** A period that has ended and only waits for its close opens nothing. */
function isOver(catalog: Catalog, { subject }: SeriesKey, latest: Evaluation, now: Instant): boolean {
  return subject.startsWith('kpi/') && !isContinuous(catalog, subject) && (latest.period?.to ?? now + 1) <= now;
}

function watches(globs: readonly string[], subject: string): boolean {
  return globs.some((glob) => glob === subject || (glob.endsWith('*') && subject.startsWith(glob.slice(0, -1))));
}
