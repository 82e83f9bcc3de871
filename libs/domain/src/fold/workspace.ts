import type { KnownDocument } from '../catalog.ts';
import { DEFAULTS_ID } from '../definition/defaults.ts';
import { documentId } from '../document.ts';
import type { CoveredFact, Feeder, ObservationsFact, PointColumns, PointStatement, Recorded } from '../fact.ts';
import type { Instant, Span } from '../instant.ts';
import { difference, type Intervals } from '../interval.ts';
import { coveredByFeeder, coveredOf } from '../metric/coverage.ts';
import { futureFrom, type Metric } from '../metric/metric.ts';
import { periodValidFrom } from '../metric/statement.ts';
import { bucketAt } from '../time/bucket.ts';
import { readInstant } from '../time/instant-text.ts';
import type { FeederCoverage, MetricCoverage } from '../view.ts';
import { MetricActivity, type MetricSnapshot } from './activity.ts';
import type { Extent, ExtentQuestion, ResolvedCovered } from './coverage.ts';
import { DefinitionFold, type DefinitionFoldSnapshot, type FoldEffect } from './definition-fold.ts';
import type { DefinitionChange } from './definitions.ts';
import { Touched, type TouchedSnapshot } from './touched.ts';

export interface WorkspaceFoldSnapshot extends DefinitionFoldSnapshot {
  readonly metrics: readonly (readonly [metric: string, MetricSnapshot])[];
  readonly touched: TouchedSnapshot;
  readonly coveredAtTick: readonly (readonly [
    metric: string,
    spans: readonly (readonly [from: Instant | null, to: Instant])[],
  ])[];
}

/**
 * The whole fold of one workspace, as the processor holds it: the light fold, and who covered what, what may have
 * changed since the last tick, and which extents must be read back. Points themselves stay in the raw table.
 */
export class WorkspaceFold extends DefinitionFold {
  /** Since the last tick; cleared by whoever judged it. */
  readonly touched = new Touched();
  /** Since it was last cleared; what caches and the status must look at again. Not part of a snapshot. */
  readonly fresh = new Touched();
  readonly #metrics = new Map<string, MetricActivity>();
  readonly #resolved: ResolvedCovered[] = [];
  #feeders: ReadonlyMap<string, readonly Feeder[]> = new Map();
  #coveredAtTick = new Map<string, Intervals>();

  /** As the evaluator reads it: by every source mapped to the metric, and by push once a push was accepted. */
  coverage(metric: string): MetricCoverage {
    const activity = this.#metrics.get(metric);
    const feeders = this.#feedersOf(metric).map(
      (feeder) => activity?.feeders.get(feeder)?.coverage(activity.points) ?? uncovered(feeder),
    );
    return { feeders };
  }

  /** What every feeder covers: where buckets can be complete. */
  coveredSpans(metric: string): Intervals {
    return coveredOf(this.coverage(metric));
  }

  /** The same at the last tick. */
  coveredAtTick(metric: string): Intervals {
    return this.#coveredAtTick.get(metric) ?? [];
  }

  /** Names of the metrics about which anything was ever stated. */
  metrics(): IterableIterator<string> {
    return this.#metrics.keys();
  }

  /** The last tick has been judged: what was touched before it is dealt with. */
  judged(): void {
    this.touched.clear();
    for (const metric of this.#metrics.keys()) this.#coveredAtTick.set(metric, this.coveredSpans(metric));
  }

  /** Start of the earliest bucket of the metric about which anything was ever stated. */
  statedFrom(metric: string): Instant | null {
    return this.#metrics.get(metric)?.statedFrom ?? null;
  }

  /** Whether any point of the metric was ever stated, also under another definition. */
  isStated(metric: string): boolean {
    return this.#metrics.get(metric)?.isStated === true;
  }

  /** What must be read from the raw table before `coverage` is right; empty most of the time. */
  questions(): ExtentQuestion[] {
    const questions: ExtentQuestion[] = [];
    for (const activity of this.#metrics.values()) {
      if (activity.metric === undefined) continue;
      for (const feeder of activity.feeders.values()) {
        const question = feeder.question();
        if (question !== undefined) questions.push(question);
      }
    }
    return questions;
  }

  /**
   * Whether a statement waits for an answer. It is to be given before definitions are folded, because what a feeder covered
   * until its first statement is told by the buckets of that time.
   */
  get isAsking(): boolean {
    return this.questions().some(({ before }) => before !== null);
  }

  answer(question: ExtentQuestion, extent: Extent | null): void {
    const activity = this.#activity(question.metric);
    const feeder = activity.feeder(question.feeder);
    const before = feeder.coverage(activity.points);
    this.#resolved.push(...feeder.resolve(extent, activity.points));
    const from = firstDifference(before, feeder.coverage(activity.points));
    if (from !== null) this.#coverageMoved(activity, from);
  }

  /** The `covered` statements whose open ends became known since the last call. */
  takeResolved(): ResolvedCovered[] {
    return this.#resolved.splice(0);
  }

  override snapshot(): WorkspaceFoldSnapshot {
    return {
      ...super.snapshot(),
      metrics: [...this.#metrics].map(([metric, activity]) => [metric, activity.snapshot()] as const),
      touched: this.touched.snapshot(),
      coveredAtTick: [...this.#coveredAtTick].map(
        ([metric, spans]) => [metric, spans.map(({ from, to }) => [finite(from), to] as const)] as const,
      ),
    };
  }

  override restore(snapshot: WorkspaceFoldSnapshot): void {
    super.restore(snapshot);
    this.#feeders = mappedFeeders(this.documents);
    this.#resolved.length = 0;
    this.#metrics.clear();
    for (const [metric, state] of snapshot.metrics) {
      const activity = new MetricActivity(metric, this.catalog.metrics.get(metric));
      activity.restore(state);
      this.#metrics.set(metric, activity);
    }
    this.touched.restore(snapshot.touched);
    this.#coveredAtTick = new Map(
      snapshot.coveredAtTick.map(([metric, spans]) => [
        metric,
        spans.map(([from, to]) => ({ from: from ?? Number.NEGATIVE_INFINITY, to })),
      ]),
    );
    this.fresh.clear();
  }

  protected override fold(record: Recorded): FoldEffect {
    const effect = super.fold(record);
    if (effect.change !== undefined) this.#changed(effect.change);
    if (record.fact.type === 'check_in') {
      this.touched.subject(record.fact.subject, record.fact.time);
      this.fresh.subject(record.fact.subject, record.fact.time);
    }
    return effect;
  }

  protected override observations({ fact, recordedAt }: Recorded<ObservationsFact>): void {
    const activity = this.#activity(fact.metric);
    if (fact.feeder === 'push' && !activity.feeders.has('push')) this.#newPusher(activity);
    const feeder = activity.feeder(fact.feeder);
    const readAt = fact.readAt ?? recordedAt;
    feeder.heard(readAt);
    // With revisions of the source, an earlier statement may stand against any later one.
    const revised = activity.metric?.revisions === true;
    const before = feeder.explicit ? null : feeder.coverage(activity.points);
    const { extent } = feeder;
    for (const stated of bucketsOfRecord(activity, fact, recordedAt)) {
      const { bucket } = stated;
      this.touched.bucket(activity.name, bucket, stated.validFrom);
      this.fresh.bucket(activity.name, bucket, stated.validFrom);
      // What is stated ahead of its time covers nothing, and stands against what was read before it.
      const ahead = isAhead(activity.metric, bucket, recordedAt);
      if (stated.retracted || ahead) feeder.retracted(bucket, readAt);
      if (stated.valued && !ahead) feeder.stated(bucket, readAt, revised);
    }
    // Nearly every record lies within what was stated before, and comparing coverages costs more than the rest of the fold.
    if (before === null || feeder.extent === extent) return;
    const moved = firstDifference(before, feeder.coverage(activity.points));
    if (moved !== null) this.#coverageMoved(activity, moved);
  }

  protected override covered({ fact, position, recordedAt }: Recorded<CoveredFact>): void {
    const activity = this.#activity(fact.metric);
    if (fact.feeder === 'push' && !activity.feeders.has('push')) this.#newPusher(activity);
    const before = activity.feeder(fact.feeder).coverage(activity.points);
    const { from, to } = fact;
    const statement = { position, recordedAt, to, ...(from === undefined ? {} : { from }) };
    const resolved = activity.cover(fact.feeder, statement);
    if (resolved === undefined) return;
    this.#resolved.push(resolved);
    const moved = firstDifference(before, activity.feeder(fact.feeder).coverage(activity.points));
    if (moved !== null) this.#coverageMoved(activity, moved);
  }

  #changed(change: DefinitionChange): void {
    const feeders = this.#feeders;
    this.#feeders = mappedFeeders(this.documents);
    for (const id of [
      ...change.put.map(({ document }) => documentId(document)),
      ...change.removed.map(({ id }) => id),
      ...(change.defaults === undefined ? [] : [DEFAULTS_ID]),
    ]) {
      this.touched.document(id);
      this.fresh.document(id);
    }
    for (const activity of this.#metrics.values()) activity.redefine(this.catalog.metrics.get(activity.name));
    for (const metric of change.reshaped) {
      this.#activity(metric).reshape(this.catalog.metrics.get(metric));
      this.#whole(metric);
    }
    for (const { id, document } of change.removed) {
      if (document.document.kind !== 'Metric' || this.documents.has(id)) continue;
      this.#activity(document.document.metadata.name).reshape(undefined);
    }
    for (const metric of new Set([...feeders.keys(), ...this.#feeders.keys()])) {
      if ((feeders.get(metric) ?? []).join() !== (this.#feeders.get(metric) ?? []).join()) this.#whole(metric);
    }
  }

  /** One more feeder must cover the metric from now on, so everything that was complete may not be. */
  #newPusher(activity: MetricActivity): void {
    activity.feeder('push');
    if (this.#feeders.has(activity.name)) this.#whole(activity.name);
  }

  #whole(metric: string): void {
    this.touched.whole(metric);
    this.fresh.whole(metric);
  }

  /** Coverage decides on a bucket from the bucket's end on: only then it can be complete. */
  #coverageMoved(activity: MetricActivity, from: Instant): void {
    const bucket = Number.isFinite(from) && activity.metric ? bucketAt(activity.metric.grid, from) : undefined;
    const at = bucket?.to ?? from;
    this.touched.coverage(activity.name, at);
    this.fresh.coverage(activity.name, at);
  }

  #activity(metric: string): MetricActivity {
    let activity = this.#metrics.get(metric);
    if (activity === undefined) {
      activity = new MetricActivity(metric, this.catalog.metrics.get(metric));
      this.#metrics.set(metric, activity);
    }
    return activity;
  }

  #feedersOf(metric: string): readonly Feeder[] {
    const mapped = this.#feeders.get(metric) ?? [];
    return this.#metrics.get(metric)?.feeders.has('push') === true ? [...mapped, 'push'] : mapped;
  }
}

/** Sources by the metrics they are mapped to, ascending by name. */
export function mappedFeeders(documents: ReadonlyMap<string, KnownDocument>): ReadonlyMap<string, readonly Feeder[]> {
  const feeders = new Map<string, Set<Feeder>>();
  for (const { document } of documents.values()) {
    if (document.kind !== 'Source') continue;
    const maps = Array.isArray(document.spec.map) ? document.spec.map : [document.spec.map];
    for (const { metric } of maps) {
      const names = feeders.get(metric) ?? new Set();
      feeders.set(metric, names.add(`source/${document.metadata.name}`));
    }
  }
  return new Map([...feeders].map(([metric, names]) => [metric, [...names].sort()]));
}

/** What a record says about one bucket. */
interface Stated {
  readonly bucket: Span;
  validFrom: Instant;
  valued: boolean;
  retracted: boolean;
}

/** Points of one record share buckets: each is looked at once. Statements of another grain or shape belong to none. */
function bucketsOfRecord(activity: MetricActivity, fact: ObservationsFact, recordedAt: Instant): Iterable<Stated> {
  const { columns } = fact;
  // A ratio's points say two parts: a plain one retracts.
  if (columns !== undefined && activity.metric?.aggregation !== 'ratio')
    return bucketsOfColumns(activity, columns, recordedAt);
  const buckets = new Map<Span, Stated>();
  for (const point of fact.points) {
    const time = point.time === undefined ? null : readInstant(point.time);
    if (time === undefined) continue;
    const bucket = time === null ? activity.bucketOfPeriod(point.period ?? '') : activity.bucketOfTime(time);
    if (bucket === null) continue;
    let stated = buckets.get(bucket);
    if (stated === undefined) {
      stated = { bucket, validFrom: time ?? periodValidFrom(bucket, recordedAt), valued: false, retracted: false };
      buckets.set(bucket, stated);
    }
    if (time !== null && time < stated.validFrom) stated.validFrom = time;
    if (isRetraction(activity.metric, point)) stated.retracted = true;
    else stated.valued = true;
  }
  return buckets.values();
}

/** Nearly all records hold one bucket, or buckets in their order: only others need a set to see which are there. */
function bucketsOfColumns(activity: MetricActivity, { periods }: PointColumns, recordedAt: Instant): Stated[] {
  const buckets: Stated[] = [];
  let label: string | undefined;
  let latest = Number.NEGATIVE_INFINITY;
  let known: Set<Span> | undefined;
  for (const period of periods) {
    if (period === label) continue;
    label = period;
    const bucket = activity.bucketOfPeriod(period);
    if (bucket === null) continue;
    if (bucket.from <= latest) {
      known ??= new Set(buckets.map((stated) => stated.bucket));
      if (known.has(bucket)) continue;
    } else latest = bucket.from;
    known?.add(bucket);
    buckets.push({ bucket, validFrom: periodValidFrom(bucket, recordedAt), valued: true, retracted: false });
  }
  return buckets;
}

/** Whether the point is absent after this statement, as `saidOf` has it. */
function isRetraction(metric: Metric | undefined, point: PointStatement): boolean {
  return metric?.aggregation === 'ratio'
    ? point.numerator === undefined || point.denominator === undefined
    : point.value === undefined || point.value === null;
}

function uncovered(feeder: Feeder): FeederCoverage {
  return { feeder, statements: [], before: null, points: null };
}

/** Stated more than one grain ahead of its recording: such points never cover. */
function isAhead(metric: Metric | undefined, bucket: Span, recordedAt: Instant): boolean {
  return metric?.future === true && bucket.from >= futureFrom(metric, recordedAt);
}

/** The first instant about which two states of a feeder's coverage disagree; `null` when they are alike. */
function firstDifference(left: FeederCoverage, right: FeederCoverage): Instant | null {
  const [was, is] = [coveredByFeeder(left), coveredByFeeder(right)];
  const from = Math.min(
    difference(was, is)[0]?.from ?? Number.POSITIVE_INFINITY,
    difference(is, was)[0]?.from ?? Number.POSITIVE_INFINITY,
  );
  return from === Number.POSITIVE_INFINITY ? null : from;
}

function finite(from: Instant): Instant | null {
  return Number.isFinite(from) ? from : null;
}
