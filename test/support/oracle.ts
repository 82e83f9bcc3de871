import {
  type Announced,
  alertPoint,
  announce,
  bucketAt,
  type Catalog,
  type Cell,
  coveredOf,
  type Evaluation,
  evaluationToJson,
  evaluator,
  foldAlert,
  gridOf,
  gridPoints,
  type Instant,
  isComplete,
  keepsValues,
  memoryView,
  type Position,
  type Recorded,
  rankOf,
  ruleOf,
  type Span,
  TICK,
} from '@paceline/domain';
import { isContinuous, type SeriesKey, seriesOf } from '@paceline/domain/alert/series';
import { seriesText } from '@paceline/processor/alert-series';
import { judgedSubjects } from '@paceline/processor/candidates';
import { factsOf, statusOf } from '@paceline/processor/testing/oracle';
import { replay } from './replay.ts';

export { factsOf, statusOf };

/** A judgement row as text: whatever is said in it must be equal. */
export interface JudgementLine {
  readonly position: number;
  readonly subject: string;
  readonly at: Instant;
  readonly verdict: string;
  readonly restatement: boolean;
  readonly evaluation: string;
}

interface Said {
  /** Of the tick. */
  readonly position: Position;
  readonly evaluation: Evaluation;
  readonly restatement: boolean;
}

/**
 * What must be in the table: at every tick everything is evaluated at every grid point since `from`, from the statements
 * themselves, and what differs from the last word is a judgement.
 */
function saidOf(facts: readonly Recorded[], from: Instant): Said[] {
  const said: Said[] = [];
  const last = new Map<string, { readonly text: string; readonly evaluation: Evaluation }>();
  for (const { tick, view } of replay(facts)) {
    const { evaluate } = evaluator(view);
    const span = { after: from - TICK, upTo: tick.recordedAt };
    for (const { subject, at } of gridPoints(view.catalog, span, judgedSubjects(view.catalog))) {
      const evaluation = evaluate(subject, at);
      if (evaluation === undefined) continue;
      const before = last.get(`${subject} ${at}`);
      // What was known when is no part of what is said.
      const text = JSON.stringify({ ...evaluation, position: 0, knownAt: 0, definitions: 0 });
      if (before?.text === text) continue;
      last.set(`${subject} ${at}`, { text, evaluation });
      said.push({ position: tick.position, evaluation, restatement: isRestated(before?.evaluation, evaluation) });
    }
  }
  return said;
}

/** A closed judgement, and only a closed one has a score, that says another verdict or score now. */
function isRestated(before: Evaluation | undefined, now: Evaluation): boolean {
  return (
    before !== undefined && before.score !== null && (before.verdict !== now.verdict || before.score !== now.score)
  );
}

/** The judgements that must be in the table, each whole, found from the log alone. */
export function expectedJudgements(facts: readonly Recorded[], from: Instant): JudgementLine[] {
  return saidOf(facts, from).map(({ position, evaluation, restatement }) => {
    const { subject, asOf, verdict } = evaluation;
    const text = JSON.stringify(evaluationToJson(evaluation));
    return { position, subject, at: asOf, verdict, restatement, evaluation: text };
  });
}

export interface TransitionLine {
  readonly position: number;
  readonly kind: string;
  readonly rule: string;
  readonly subject: string;
  readonly period: string;
  readonly episode: Instant;
  readonly at: Instant;
}

interface OpenAlert extends Announced {
  readonly key: SeriesKey;
}

/**
 * The transitions that must have been announced: at each tick every rule is folded anew over all that is judged so far, and
 * compared with what was said before. It keeps nothing between ticks but that.
 */
export function expectedTransitions(facts: readonly Recorded[], from: Instant): TransitionLine[] {
  const judgements = Map.groupBy(saidOf(facts, from), ({ position }) => position);
  const standing = new Map<string, Said>();
  const open = new Map<string, OpenAlert>();
  const lines: TransitionLine[] = [];
  for (const { tick, view } of replay(facts)) {
    for (const said of judgements.get(tick.position) ?? [])
      standing.set(`${said.evaluation.subject} ${said.evaluation.asOf}`, said);
    const { catalog } = view;
    const news = new Set(
      (judgements.get(tick.position) ?? []).flatMap(({ evaluation }) => {
        const key = seriesOf(catalog, evaluation);
        return key === undefined ? [] : [seriesText(key)];
      }),
    );
    lines.push(...stepAlerts(catalog, [...standing.values()], news, open, tick));
  }
  return lines;
}

function stepAlerts(
  catalog: Catalog,
  standing: readonly Said[],
  news: ReadonlySet<string>,
  open: Map<string, OpenAlert>,
  tick: Recorded,
): TransitionLine[] {
  const series = seriesAmong(catalog, standing);
  const policies = new Map([...catalog.policies.values()].map((policy) => [policy.label, policy]));
  const lines: TransitionLine[] = [];
  for (const { metadata, spec } of catalog.alertRules.values()) {
    const rule = ruleOf(spec, (label) => (label === null ? undefined : policies.get(label)));
    for (const [text, { key, evaluations }] of series) {
      const id = `${metadata.name}\n${text}`;
      const announced = open.get(id) ?? null;
      if (!watches(spec.watch, key.subject) || (!news.has(text) && announced === null)) continue;
      if (spec.when !== 'missed' && key.period !== '' && isContinuous(catalog, key.subject)) continue;
      const state = foldAlert(evaluations.map(alertPoint), rule);
      const said = announce(state, announced);
      const latest = evaluations.at(-1);
      if (said === null || latest === undefined) continue;
      if (said.kind === 'opened' && !state.closed && isOver(catalog, key, latest, tick.recordedAt)) continue;
      const evaluation = evaluations.findLast(({ asOf }) => asOf === said.at) ?? latest;
      const { position, recordedAt } = tick;
      const { kind, episode } = said;
      const { subject, period } = key;
      lines.push({ position, kind, rule: metadata.name, subject, period, episode, at: said.at ?? evaluation.asOf });
      if (kind === 'recovered' || kind === 'retracted' || kind === 'closed') {
        open.delete(id);
        continue;
      }
      const { value, verdict } = evaluation;
      const isWorse = announced === null || announced.episode !== episode || rankOf(verdict) < rankOf(announced.worst);
      const worst = isWorse ? verdict : announced.worst;
      open.set(id, { key, episode, worst, recordedAt, value, verdict });
    }
  }
  return lines;
}

function seriesAmong(
  catalog: Catalog,
  standing: readonly Said[],
): ReadonlyMap<string, { readonly key: SeriesKey; readonly evaluations: readonly Evaluation[] }> {
  const found = new Map<string, { readonly key: SeriesKey; readonly evaluations: Evaluation[] }>();
  for (const { evaluation } of standing) {
    const key = seriesOf(catalog, evaluation);
    if (key === undefined) continue;
    const text = seriesText(key);
    const known = found.get(text);
    if (known === undefined) found.set(text, { key, evaluations: [evaluation] });
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
function isOver(catalog: Catalog, key: SeriesKey, latest: Evaluation, now: Instant): boolean {
  const { subject } = key;
  return subject.startsWith('kpi/') && !isContinuous(catalog, subject) && (latest.period?.to ?? now + 1) <= now;
}

function watches(globs: readonly string[], subject: string): boolean {
  return globs.some((glob) => glob === subject || (glob.endsWith('*') && subject.startsWith(glob.slice(0, -1))));
}

export interface RollupLine {
  readonly metric: string;
  readonly grain: string;
  readonly series: string;
  readonly from: Instant;
  readonly to: Instant;
  readonly count: number;
  readonly sum: bigint;
  readonly min: bigint;
  readonly max: bigint;
  readonly first: bigint;
  readonly last: bigint;
}

/**
 * What the rollups must say after the last fact, which is a tick: of every bucket complete then that holds points, count and
 * aggregates of its points. Kept are the own buckets of time points, and months of finer grains.
 */
export function expectedRollups(facts: readonly Recorded[]): RollupLine[] {
  const tick = facts.at(-1);
  if (tick === undefined) return [];
  const view = memoryView(facts, tick.recordedAt);
  const lines: RollupLine[] = [];
  for (const metric of view.catalog.metrics.values()) {
    if (metric.aggregation === null || keepsValues(metric)) continue;
    const covered = coveredOf(view.coverage(metric.name));
    const complete = (bucket: Span): boolean => isComplete(metric, covered, bucket, tick.recordedAt);
    for (const { key, cells } of view.cells(metric.name).series) {
      const filled = cells.filter(({ count }) => count > 0);
      const put = (grain: string, bucket: Span, own: readonly Cell[]): void => {
        if (complete(bucket)) lines.push(rollupLine({ metric: metric.name, grain, series: key }, bucket, own));
      };
      if (metric.points === 'time') for (const cell of filled) put(metric.grain, cell, [cell]);
      if (metric.grain === 'hour' || metric.grain === 'day' || metric.grain === 'week') {
        const months = Map.groupBy(filled, ({ from }) => bucketAt(gridOf(metric.calendar, 'month'), from)?.from);
        for (const [from, own] of months) {
          const month = from === undefined ? undefined : bucketAt(gridOf(metric.calendar, 'month'), from);
          if (month !== undefined) put('month', month, own);
        }
      }
    }
  }
  return lines;
}

function rollupLine(
  place: Pick<RollupLine, 'metric' | 'grain' | 'series'>,
  { from, to }: Span,
  cells: readonly Cell[],
): RollupLine {
  const byTime = cells.toSorted((left, right) => left.from - right.from);
  const ascending = (values: readonly bigint[]): bigint[] => values.toSorted((a, b) => (a < b ? -1 : a > b ? 1 : 0));
  return {
    ...place,
    from,
    to,
    count: cells.reduce((count, cell) => count + cell.count, 0),
    sum: cells.reduce((sum, cell) => sum + cell.sum, 0n),
    min: ascending(cells.map(({ min }) => min)).at(0) ?? 0n,
    max: ascending(cells.map(({ max }) => max)).at(-1) ?? 0n,
    first: byTime.at(0)?.first ?? 0n,
    last: byTime.at(-1)?.last ?? 0n,
  };
}
