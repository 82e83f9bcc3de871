import { createHash } from 'node:crypto';
import {
  type AlertRuleDocument,
  type AlertState,
  type Announced,
  type Announcement,
  announce,
  byInstant,
  type Evaluation,
  formatPosition,
  type Instant,
  instantText,
  isContinuous,
  isFolded,
  type Position,
  parseDuration,
  parseSubject,
  type RuleOf,
  rankOf,
  reminderDue,
  ruleOf,
  type SeriesKey,
  seriesOf,
  type Transition,
  type WorkspaceFold,
  watcherOf,
} from '@paceline/domain';
import { approximateMs } from '@paceline/domain/time/duration';
import { ALERTS_TOPIC, encodeAlertRecord, readStoredEvaluation, readStoredTransition } from '@paceline/events';
import { AlertSeries, seriesText } from './alert-series.ts';
import { judgedSubjects } from './candidates.ts';
import type { Tick } from './evaluation-rows.ts';
import type { WorkspaceDeps } from './options.ts';
import { latestEvaluations, openTransitions, standingEvaluations } from './sql.ts';

/** What was announced of one (rule, subject, period) and is still open. */
interface Open extends Announced {
  readonly alert: string;
  readonly rule: string;
  readonly series: SeriesKey;
  readonly last: Transition;
}

interface CompiledRule {
  readonly name: string;
  readonly spec: AlertRuleDocument['spec'];
  readonly rule: RuleOf;
  readonly version: string;
  watches(subject: string): boolean;
  /** Whether it folds a series: what single closed buckets say is a word of its own only for rules on missed targets. */
  folds(key: SeriesKey): boolean;
}

/** Of each subject at most this many series stay in memory after a tick: the current one, and one that may still be corrected. */
const SERIES_MAX = 2_000;

/** The alert machine of one workspace: folded over judgements, compared with what was announced, at ticks only. */
export class Alerts {
  readonly #deps: WorkspaceDeps;
  readonly #fold: WorkspaceFold;
  readonly #series = new Map<string, AlertSeries>();
  readonly #open = new Map<string, Open>();
  /** Series with news since the last tick, with the latest news of each. */
  readonly #news = new Map<string, { readonly key: SeriesKey; readonly evaluations: Evaluation[] }>();
  #rules: { readonly position: Position | null; readonly rules: readonly CompiledRule[] } = { position: -1, rules: [] };
  #announcedRules: Position | null | undefined;

  constructor(deps: WorkspaceDeps, fold: WorkspaceFold) {
    this.#deps = deps;
    this.#fold = fold;
  }

  /** Reads the open alerts as they were before a position. */
  async load(before: Position): Promise<void> {
    const { store, workspace, edition } = this.#deps;
    const query = openTransitions({ workspace, edition, before });
    for (const { body } of await store.read(query, query.shape, { lane: 'judge' })) {
      this.#announced(readStoredTransition(body));
    }
    // Definitions that came after the last tick have not been looked at yet.
    const edited = this.#fold.lastTick === null || this.#fold.touched.documents.size > 0;
    this.#announcedRules = edited ? undefined : this.#fold.catalog.position;
  }

  /** Judgements that were made or changed. */
  note(evaluations: Iterable<Evaluation>): void {
    const { catalog } = this.#fold;
    for (const evaluation of evaluations) {
      const key = seriesOf(catalog, evaluation);
      if (key === undefined || !this.#compiled().some((rule) => rule.folds(key))) continue;
      const text = seriesText(key);
      const news = this.#news.get(text);
      if (news === undefined) this.#news.set(text, { key, evaluations: [evaluation] });
      else news.evaluations.push(evaluation);
    }
  }

  /** When an open alert is due to be repeated, or a snooze or silence ends; `null` when nothing waits. */
  nextDue(after: Instant): Instant | null {
    let due = Number.POSITIVE_INFINITY;
    for (const open of this.#open.values()) due = Math.min(due, this.#reminderDue(open) ?? due);
    for (const end of this.#fold.suppression.ends(after)) due = Math.min(due, end);
    return Number.isFinite(due) ? due : null;
  }

  /** Sends what changed: at most one message of each (rule, subject, period). */
  async announce(tick: Tick): Promise<void> {
    const transitions: Transition[] = [];
    const edited = this.#announcedRules !== this.#fold.catalog.position;
    // Which series a judgement belongs to is the definitions' word: with others, what is held may belong elsewhere.
    if (edited) this.#series.clear();
    await this.#take(tick);
    const current = edited ? await this.#current(tick) : [];
    for (const rule of this.#compiled()) {
      for (const key of this.#keysFor(rule, current)) {
        const transition = await this.#step(rule, key, tick);
        if (transition !== undefined) transitions.push(transition);
      }
    }
    transitions.push(...this.#orphans(tick));
    this.#news.clear();
    this.#announcedRules = this.#fold.catalog.position;
    await this.#send(transitions);
    this.#trim();
  }

  /** Puts the news into their series; one that is not held, or too old, is read anew. */
  async #take(tick: Tick): Promise<void> {
    for (const { key, evaluations } of this.#news.values()) {
      const held = this.#series.get(seriesText(key));
      const taken = held !== undefined && evaluations.toSorted(byInstant).every((evaluation) => held.note(evaluation));
      if (!taken) await this.#read(key, tick);
    }
  }

  async #read(key: SeriesKey, tick: Tick): Promise<AlertSeries> {
    const { store, workspace, edition } = this.#deps;
    const closed = key.period === '' ? [] : [`${key.subject}@${key.period}`];
    const subjects = parseSubject(key.subject)?.kind === 'kpi' ? [key.subject, ...closed] : [key.subject];
    const query = standingEvaluations(
      { workspace, edition, before: tick.position + 1 },
      subjects,
      Date.UTC(1900, 0, 1),
      tick.recordedAt,
    );
    const rows = await store.read(query, query.shape, { lane: 'judge' });
    const evaluations = rows.map(({ evaluation }) => readStoredEvaluation(evaluation));
    const series = new AlertSeries(key);
    for (const evaluation of evaluations.sort(byInstant)) {
      const own = seriesOf(this.#fold.catalog, evaluation);
      if (own !== undefined && seriesText(own) === seriesText(key)) series.note(evaluation);
    }
    this.#series.set(seriesText(key), series);
    return series;
  }

  /** What a rule must look at: series with news, its open alerts, and the current ones when definitions were edited. */
  #keysFor(rule: CompiledRule, current: readonly SeriesKey[]): readonly SeriesKey[] {
    const keys = new Map<string, SeriesKey>();
    const add = (key: SeriesKey): void => {
      if (rule.folds(key)) keys.set(seriesText(key), key);
    };
    for (const { key } of this.#news.values()) add(key);
    for (const open of this.#open.values()) if (open.rule === rule.name) add(open.series);
    current.forEach(add);
    return [...keys.values()];
  }

  /** The series that each watched subject's latest judgement belongs to: a new rule sees at once what is bad already. */
  async #current(tick: Tick): Promise<SeriesKey[]> {
    const { catalog } = this.#fold;
    const rules = this.#compiled();
    const subjects = judgedSubjects(catalog).filter((subject) => rules.some((rule) => rule.watches(subject)));
    if (subjects.length === 0) return [];
    const { store, workspace, edition } = this.#deps;
    const query = latestEvaluations({ workspace, edition, before: tick.position + 1 }, subjects);
    const rows = await store.read(query, query.shape, { lane: 'judge' });
    return rows.flatMap(({ evaluation }) => seriesOf(catalog, readStoredEvaluation(evaluation)) ?? []);
  }

  async #step(rule: CompiledRule, key: SeriesKey, tick: Tick): Promise<Transition | undefined> {
    let series = this.#series.get(seriesText(key)) ?? (await this.#read(key, tick));
    let state = series.state(rule.name, rule.version, rule.rule);
    if (state === undefined) {
      series = await this.#read(key, tick);
      state = series.state(rule.name, rule.version, rule.rule);
    }
    if (state === undefined) return undefined;
    const alert = this.#alertOf(rule.name, key);
    const open = this.#open.get(alert) ?? null;
    const said = announce(state, open) ?? this.#reminder(open, state, tick);
    if (said === null || (said.kind === 'opened' && this.#isOver(key, series, state, tick))) return undefined;
    const evaluation = await this.#evaluationAt(key, said, series, open, tick);
    return evaluation === undefined ? undefined : this.#transition(rule, key, said, evaluation, open, tick);
  }

  /** A period of a KPI that has ended is only waiting for its close: what is corrected in it meanwhile opens nothing. */
  #isOver(key: SeriesKey, series: AlertSeries, state: AlertState, tick: Tick): boolean {
    if (state.closed || parseSubject(key.subject)?.kind !== 'kpi' || isContinuous(this.#fold.catalog, key.subject))
      return false;
    const end = series.latest?.period?.to;
    return end !== undefined && end <= tick.recordedAt;
  }

  #reminder(open: Open | null, state: AlertState, tick: Tick): Announcement | null {
    if (open === null || state.closed) return null;
    const due = this.#reminderDue(open);
    if (due === null || due > tick.recordedAt) return null;
    return { kind: 'reminder', episode: open.episode, at: state.evidence };
  }

  #reminderDue(open: Open): Instant | null {
    const spec = this.#fold.catalog.alertRules.get(open.rule)?.spec;
    const remind = spec?.remind === undefined ? undefined : parseDuration(spec.remind);
    const { suppression } = this.#fold;
    const named = `${open.alert}:${instantText(open.episode)}`;
    const acknowledged = suppression.acknowledgement(named) ?? suppression.acknowledgement(open.alert);
    const snoozed = suppression.snooze(named) ?? suppression.snooze(open.alert);
    return reminderDue(open, remind === undefined ? null : approximateMs(remind), {
      acknowledgedAt: acknowledged?.recordedAt ?? null,
      snoozedUntil: snoozed?.until ?? null,
    });
  }

  /** Alerts whose rule or subject is gone are taken back: nobody will ever say that they recovered. */
  #orphans(tick: Tick): Transition[] {
    if (this.#announcedRules === this.#fold.catalog.position) return [];
    const rules = new Map(this.#compiled().map((rule) => [rule.name, rule]));
    const transitions: Transition[] = [];
    for (const open of this.#open.values()) {
      const rule = rules.get(open.rule);
      if (rule?.watches(open.series.subject) === true && this.#exists(open.series.subject)) continue;
      const { last, alert } = open;
      const id = transitionId(alert, last.episode, 'retracted', tick.position);
      const previous = { value: last.evaluation.value, verdict: last.evaluation.verdict };
      const { position, recordedAt } = tick;
      transitions.push({ ...last, id, kind: 'retracted', position, recordedAt, previous });
    }
    return transitions;
  }

  #exists(subject: string): boolean {
    const { catalog } = this.#fold;
    const id = parseSubject(subject);
    switch (id?.kind) {
      case 'kpi':
        return catalog.kpis.has(id.name);
      case 'key_result':
        return catalog.keyResults.has(subject);
      case 'objective':
        return catalog.objectives.has(id.name);
      case 'unit':
        return catalog.unitCycles.has(subject);
      default:
        return false;
    }
  }

  /** The judgement a message shows: the one it is about, else the latest, else what the last message showed. */
  async #evaluationAt(
    key: SeriesKey,
    said: Announcement,
    series: AlertSeries,
    open: Open | null,
    tick: Tick,
  ): Promise<Evaluation | undefined> {
    const { at } = said;
    const noted = this.#news.get(seriesText(key))?.evaluations.findLast(({ asOf }) => asOf === at);
    if (noted !== undefined) return noted;
    if (at !== null) {
      const { store, workspace, edition } = this.#deps;
      const before = { workspace, edition, before: tick.position + 1 };
      const subjects = [key.subject, `${key.subject}@${key.period}`];
      const query = standingEvaluations(before, subjects, at, at);
      const rows = await store.read(query, query.shape, { lane: 'judge' });
      const found = rows
        .map(({ evaluation }) => readStoredEvaluation(evaluation))
        .filter((evaluation) => {
          const own = seriesOf(this.#fold.catalog, evaluation);
          return own !== undefined && seriesText(own) === seriesText(key);
        });
      if (found.length > 0) return found.sort(byInstant).at(-1);
    }
    return series.latest ?? open?.last.evaluation;
  }

  #transition(
    rule: CompiledRule,
    key: SeriesKey,
    said: Announcement,
    evaluation: Evaluation,
    open: Open | null,
    tick: Tick,
  ): Transition {
    const alert = this.#alertOf(rule.name, key);
    return {
      id: transitionId(alert, said.episode, said.kind, tick.position),
      alert,
      rule: rule.name,
      subject: key.subject,
      period: key.period,
      episode: said.episode,
      kind: said.kind,
      severity: rule.spec.severity ?? 'warn',
      at: said.at ?? evaluation.asOf,
      position: tick.position,
      recordedAt: tick.recordedAt,
      channels: rule.spec.channels ?? [],
      evaluation,
      previous: open === null ? null : { value: open.value, verdict: open.verdict },
    };
  }

  async #send(transitions: readonly Transition[]): Promise<void> {
    if (transitions.length === 0) return;
    const { log, store, workspace, metrics, edition, mode } = this.#deps;
    const messages = transitions.map((transition) =>
      encodeAlertRecord({ type: 'transition', workspace, transition }, { id: transition.id, source: 'processor' }),
    );
    // A replay writes its edition and nothing else: it cannot page.
    if (mode === 'live') await log.append(ALERTS_TOPIC, messages);
    const rows = transitions.map((transition, index) => ({
      workspace,
      alert: transition.alert,
      episode: transition.episode,
      position: transition.position,
      transition: transition.id,
      kind: transition.kind,
      rule: transition.rule,
      subject: transition.subject,
      period_label: transition.period,
      severity: transition.severity,
      at: transition.at,
      recorded_at: transition.recordedAt,
      edition,
      body: new TextDecoder().decode(messages[index]?.value),
    }));
    await store.insert('alert', rows);
    for (const transition of transitions) {
      this.#announced(transition);
      metrics.transitions.inc({ kind: transition.kind });
    }
  }

  #announced(transition: Transition): void {
    const { alert, kind, rule, subject, period, episode, evaluation, recordedAt } = transition;
    if (kind === 'recovered' || kind === 'retracted' || kind === 'closed') {
      this.#open.delete(alert);
      return;
    }
    const before = this.#open.get(alert);
    const worse =
      before === undefined || before.episode !== episode || rankOf(evaluation.verdict) < rankOf(before.worst);
    const worst = worse ? evaluation.verdict : before.worst;
    const { value, verdict } = evaluation;
    const series = { subject, period };
    this.#open.set(alert, { alert, rule, series, episode, worst, recordedAt, value, verdict, last: transition });
  }

  #compiled(): readonly CompiledRule[] {
    const { catalog } = this.#fold;
    if (this.#rules.position === catalog.position) return this.#rules.rules;
    const policies = new Map([...catalog.policies.values()].map((policy) => [policy.label, policy]));
    const rules = [...catalog.alertRules.values()].map((document): CompiledRule => {
      const { spec, metadata } = document;
      const watches = watcherOf(spec.watch);
      return {
        name: metadata.name,
        spec,
        rule: ruleOf(spec, (label) => (label === null ? undefined : policies.get(label))),
        // Policies are part of how a rule reads history: their margins decide what is good.
        version: `${formatPosition(catalog.position ?? 0)} ${spec.when} ${spec.for} ${spec.recover}`,
        watches,
        folds: (key) => watches(key.subject) && isFolded(catalog, spec.when, key),
      };
    });
    this.#rules = { position: catalog.position, rules };
    return rules;
  }

  #alertOf(rule: string, key: SeriesKey): string {
    return sha256(this.#deps.workspace, rule, key.subject, key.period);
  }

  #trim(): void {
    for (const series of this.#series.values()) series.trim();
    const open = new Set([...this.#open.values()].map((alert) => seriesText(alert.series)));
    for (const text of this.#series.keys()) {
      if (this.#series.size <= SERIES_MAX) return;
      if (!open.has(text)) this.#series.delete(text);
    }
  }
}

export function transitionId(alert: string, episode: Instant, kind: string, position: Position): string {
  return sha256(alert, instantText(episode), kind, formatPosition(position));
}

function sha256(...parts: readonly string[]): string {
  return createHash('sha256').update(parts.join('\n')).digest('hex');
}

/** `kpi/*` matches every KPI; a `*` stands for any text. */
