import {
  ALERT_OK,
  type AlertRuleDocument,
  alertPoint,
  byInstant,
  type Catalog,
  compareText,
  type Evaluation,
  evolveAlert,
  type Instant,
  isFolded,
  parseSubject,
  ruleOf,
  type SeriesKey,
  seriesOf,
  type Verdict,
  watcherOf,
} from '@paceline/domain';
import { readStoredEvaluation } from '@paceline/events';
import { PacelineError } from '@paceline/runtime';
import { judgementHashesAt, judgementsAt } from '@paceline/store';
import type { QueryDeps } from './deps.ts';
import type { Knowledge, Moment } from './knowledge.ts';

/** Judgements that are read whole. */
export const BACKTESTED_MAX = 50_000;
const MICROSECOND: Instant = 0.001;
const DAY_MS = 86_400_000;
const YEAR_DAYS = 365.25;

export interface BacktestAlert {
  readonly subject: string;
  /** Label of the period; empty: one series for ever. */
  readonly period: string;
  readonly opened: Instant;
  readonly ended: Instant | null;
  readonly end: 'recovered' | 'closed' | null;
  readonly worst: Verdict;
  /** What became of the period: the alert was right where it was missed. `null`: it goes on, or has no end. */
  readonly outcome: 'missed' | 'achieved' | null;
  /** From the opening to the end of a period that was missed. */
  readonly leadDays: number | null;
}

export interface Backtest {
  readonly subjects: number;
  readonly judged: number;
  readonly perYear: number;
  readonly right: number;
  readonly wrong: number;
  /** Periods that were missed without an alert before their close. */
  readonly silent: number;
  readonly leadDaysMedian: number | null;
  /** Oldest first. */
  readonly alerts: readonly BacktestAlert[];
}

/** What a rule would have raised over the judgements that stand, by the machine that raises alerts. Nothing is sent or written. */
export async function backtest(
  deps: QueryDeps,
  knowledge: Knowledge,
  moment: Moment,
  {
    spec,
    catalog,
    from,
  }: { readonly spec: AlertRuleDocument['spec']; readonly catalog: Catalog; readonly from: Instant },
): Promise<Backtest> {
  const evaluations = moment.position < 0 ? [] : await watched(deps, knowledge, moment, { spec, catalog, from });
  const policies = new Map([...catalog.policies.values()].map((policy) => [policy.label, policy]));
  const rule = ruleOf(spec, (label) => (label === null ? undefined : policies.get(label)));
  const series = new Map<string, { key: SeriesKey; own: Evaluation[] }>();
  for (const evaluation of evaluations) {
    const key = seriesOf(catalog, evaluation);
    if (key === undefined || !isFolded(catalog, spec.when, key)) continue;
    const name = `${key.subject}\n${key.period}`;
    const known = series.get(name);
    if (known === undefined) series.set(name, { key, own: [evaluation] });
    else known.own.push(evaluation);
  }
  const alerts: BacktestAlert[] = [];
  let silent = 0;
  for (const { key, own } of series.values()) {
    const sorted = own.sort(byInstant);
    const found = alertsOf(key, sorted, (state, each) => evolveAlert(state, alertPoint(each), rule));
    alerts.push(...found);
    const isMissed = sorted.some(({ score, verdict }) => score !== null && verdict === 'missed');
    if (isMissed && !found.some(isRight)) silent += 1;
  }
  alerts.sort((left, right) => left.opened - right.opened || compareText(left.subject, right.subject));
  return { ...tally(alerts, moment.asOf - from), silent, subjects: count(series), judged: evaluations.length, alerts };
}

function count(series: ReadonlyMap<string, { readonly key: SeriesKey }>): number {
  return new Set([...series.values()].map(({ key }) => key.subject)).size;
}

async function watched(
  deps: QueryDeps,
  knowledge: Knowledge,
  moment: Moment,
  {
    spec,
    catalog,
    from,
  }: { readonly spec: AlertRuleDocument['spec']; readonly catalog: Catalog; readonly from: Instant },
): Promise<Evaluation[]> {
  const { workspace, position, asOf } = moment;
  const wanted = { workspace, edition: deps.edition, position, from, to: asOf + MICROSECOND };
  const hashes = judgementHashesAt(wanted);
  const rows = await deps.store.read(hashes, hashes.shape, knowledge.options);
  const isWatched = watcherOf(spec.watch);
  const own = rows.filter(({ subject }) => isWatched(watchedAs(subject)));
  if (own.length > BACKTESTED_MAX) {
    const message = `${own.length} judgements would be read, at most ${BACKTESTED_MAX} are; begin later with from, or watch less`;
    throw new PacelineError('too_many_rows', message);
  }
  const subjects = [...new Set(own.map(({ subject }) => subject))];
  if (subjects.length === 0) return [];
  const query = judgementsAt({ ...wanted, subjects });
  const judged = await deps.store.read(query, query.shape, knowledge.options);
  const evaluations = judged.map(({ evaluation }) => readStoredEvaluation(evaluation));
  // Subjects that are no longer defined have no rule to watch them.
  return evaluations.filter((each) => isDefined(catalog, watchedAs(each.subject)));
}

/** Rules watch a KPI, not each period that it has closed. */
function watchedAs(subject: string): string {
  const id = parseSubject(subject);
  return id?.kind === 'kpi' ? `kpi/${id.name}` : subject;
}

function isDefined(catalog: Catalog, subject: string): boolean {
  const id = parseSubject(subject);
  if (id?.kind === 'kpi') return catalog.kpis.has(id.name);
  if (id?.kind === 'key_result') return catalog.keyResults.has(subject);
  if (id?.kind === 'objective') return catalog.objectives.has(id.name);
  return catalog.unitCycles.has(subject);
}

function alertsOf(
  { subject, period }: SeriesKey,
  sorted: readonly Evaluation[],
  evolve: (state: typeof ALERT_OK, evaluation: Evaluation) => typeof ALERT_OK,
): BacktestAlert[] {
  const closing = sorted.findLast(({ score }) => score !== null);
  const outcome = closing?.verdict === 'missed' || closing?.verdict === 'achieved' ? closing.verdict : null;
  const end = closing?.period?.to ?? null;
  // The machine keeps the last fifty episodes: they are taken as they come.
  const found = new Map<Instant, BacktestAlert>();
  let state = ALERT_OK;
  for (const evaluation of sorted) {
    state = evolve(state, evaluation);
    const last = state.episodes.at(-1);
    if (last === undefined) continue;
    const leadDays = outcome === 'missed' && end !== null ? Math.max(0, (end - last.opened) / DAY_MS) : null;
    found.set(last.opened, { subject, period, ...last, outcome, leadDays });
  }
  return [...found.values()];
}

/** Before the end of a period that was missed; what opens at the close tells what everybody sees. */
function isRight({ outcome, leadDays }: BacktestAlert): boolean {
  return outcome === 'missed' && leadDays !== null && leadDays > 0;
}

function tally(alerts: readonly BacktestAlert[], rangeMs: number) {
  const years = rangeMs / DAY_MS / YEAR_DAYS;
  const right = alerts.filter(isRight);
  const lead = right.map(({ leadDays }) => leadDays ?? 0).sort((a, b) => a - b);
  return {
    perYear: years > 0 ? alerts.length / years : 0,
    right: right.length,
    wrong: alerts.filter(({ outcome }) => outcome === 'achieved').length,
    leadDaysMedian: lead.length === 0 ? null : (lead[Math.floor((lead.length - 1) / 2)] ?? null),
  };
}
