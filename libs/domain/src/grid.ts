import type { Catalog } from './catalog.ts';
import { effectiveEdges } from './dating.ts';
import { closeOf } from './definition/compile-cycle.ts';
import type {
  CompiledKeyResult,
  CompiledKpi,
  CompiledObjective,
  CompiledSubject,
  CompiledUnitCycle,
} from './definition/compiled.ts';
import { bucketsOf } from './evaluate/window.ts';
import type { Instant, Span } from './instant.ts';
import { type Metric, settledAt, staleAt } from './metric/metric.ts';
import { closedSubject, subjectOf, subjectsAbove, subjectsReading } from './subjects.ts';
import { bucketAt, bucketsBetween, bucketUntil, type Grid, nextBucket } from './time/bucket.ts';
import { approximateMs } from './time/duration.ts';

/** An instant at which a subject is judged for history and alerts (PRODUCT, grid point). */
export interface GridPoint {
  readonly subject: string;
  readonly at: Instant;
}

/** Half-open the other way: after `after`, up to and including `upTo`, as ticks follow one another. */
export interface TickSpan {
  readonly after: Instant;
  readonly upTo: Instant;
}

/**
 * The grid points of subjects (default: all) within a span, ascending by instant, at one instant members before what they roll up into: buckets'
 * ends + settle, starts, ends and closes of cycles and periods, dates of effective entries, due milestones. The span must
 * be finite: a KPI has grid points for ever.
 */
export function gridPoints(catalog: Catalog, span: TickSpan, subjects?: Iterable<string>): GridPoint[] {
  if (!Number.isFinite(span.after) || !Number.isFinite(span.upTo)) {
    throw new RangeError('grid points are asked for between two finite instants');
  }
  const points: GridPoint[] = [];
  const cache = new Map<CompiledSubject, ReadonlySet<Instant>>();
  for (const subject of subjects ?? allSubjects(catalog)) {
    const found = subjectOf(catalog, subject);
    if (found === undefined || found.closed !== undefined) continue;
    for (const at of instantsOf(found.compiled, span, cache)) points.push({ subject, at });
    if (found.compiled.kind === 'kpi') for (const point of closedPoints(found.compiled, span)) points.push(point);
  }
  // The sort is stable, so at one instant the order of subjects stays.
  return points.sort((left, right) => left.at - right.at);
}

function* allSubjects(catalog: Catalog): Generator<string> {
  yield* catalog.keyResults.keys();
  for (const objective of catalog.objectives.values()) yield objective.subject;
  yield* catalog.unitCycles.keys();
  for (const kpi of catalog.kpis.values()) yield kpi.subject;
}

type Cache = Map<CompiledSubject, ReadonlySet<Instant>>;

function instantsOf(compiled: CompiledSubject, span: TickSpan, cache: Cache): ReadonlySet<Instant> {
  const known = cache.get(compiled);
  if (known !== undefined) return known;
  const instants = new Set<Instant>();
  const put = (at: Instant): void => {
    if (at > span.after && at <= span.upTo) instants.add(at);
  };
  if (compiled.kind === 'key_result') keyResultInstants(compiled, span, put);
  else if (compiled.kind === 'kpi') kpiInstants(compiled, span, put);
  else rollupInstants(compiled, span, cache, put);
  cache.set(compiled, instants);
  return instants;
}

function keyResultInstants(result: CompiledKeyResult, span: TickSpan, put: (at: Instant) => void): void {
  const { cycle, close, source } = result;
  for (const at of [cycle.span.from, cycle.span.to, close]) put(at);
  for (const milestone of result.milestones) if (milestone.due !== null && milestone.due <= close) put(milestone.due);
  for (const entries of [result.baseline, result.target, result.range, ...result.policy]) {
    for (const at of effectiveEdges(entries, cycle.span.from, cycle.span.to)) put(at);
  }
  const grain = source === null || isPerGrain(result) ? result.grid : source.metric.grid;
  const from = Math.max(cycle.span.from, lookBack(grain, source?.metric ?? null, span.after));
  for (const bucket of bucketsBetween(grain, from, Math.max(from, Math.min(cycle.span.to, span.upTo)))) {
    const end = source === null ? bucket.to : settledAt(source.metric, ownEnd(source.metric, bucket));
    if (end <= close) put(end);
  }
}

function isPerGrain(result: CompiledKeyResult): boolean {
  return result.type === 'at_least' || result.type === 'at_most' || result.type === 'between';
}

function kpiInstants(kpi: CompiledKpi, span: TickSpan, put: (at: Instant) => void): void {
  const { period } = kpi;
  const { metric } = kpi.source;
  if (period.kind === 'cycle') {
    const close = closeOf(period.cycle.span, kpi.source, null);
    for (const at of [period.cycle.span.from, period.cycle.span.to, close]) put(at);
    const from = Math.max(period.cycle.span.from, lookBack(metric.grid, metric, span.after));
    for (const bucket of bucketsBetween(metric.grid, from, Math.max(from, Math.min(period.cycle.span.to, span.upTo)))) {
      const end = settledAt(metric, bucket.to);
      if (end <= close) put(end);
    }
  } else {
    const own = period.kind === 'each' || period.kind === 'rolling' ? period.grid : metric.grid;
    for (const bucket of bucketsBetween(own, lookBack(own, metric, span.after), span.upTo)) {
      put(settledAt(metric, ownEnd(metric, bucket)));
    }
    if (period.kind === 'toDate') {
      for (const bucket of bucketsBetween(period.grid, span.after, span.upTo + 1)) put(bucket.from);
    }
  }
  for (const entries of [kpi.target, kpi.range, kpi.bands, ...kpi.policy]) {
    for (const at of effectiveEdges(entries, span.after, span.upTo)) put(at);
  }
}

/** Where buckets begin that may still end and settle after an instant. */
function lookBack(grid: Grid, metric: Metric | null, after: Instant): Instant {
  const settle = metric === null ? 0 : approximateMs(metric.settle) * 1.1;
  const own = metric === null ? undefined : bucketAt(metric.grid, after);
  const at = after - settle - (own === undefined ? 0 : own.to - own.from) - 2 * 86_400_000;
  return bucketAt(grid, at)?.from ?? at;
}

/** The end of a coarser bucket, or that of the last own bucket that starts in it. */
function ownEnd(metric: Metric, bucket: Span): Instant {
  return Math.max(bucket.to, bucketsOf(metric, bucket)?.to ?? bucket.to);
}

function rollupInstants(
  rollup: CompiledObjective | CompiledUnitCycle,
  span: TickSpan,
  cache: Cache,
  put: (at: Instant) => void,
): void {
  const { cycle, close } = rollup;
  for (const at of [cycle.span.from, cycle.span.to, close]) put(at);
  for (const entries of rollup.policy)
    for (const at of effectiveEdges(entries, cycle.span.from, cycle.span.to)) put(at);
  const members: readonly (CompiledKeyResult | CompiledObjective)[] =
    rollup.kind === 'unit' ? rollup.members : [...rollup.keyResults, ...rollup.children];
  for (const member of members) {
    for (const at of effectiveEdges(member.weight, cycle.span.from, cycle.span.to)) put(at);
    for (const at of instantsOf(member, span, cache)) if (at >= cycle.span.from && at <= close) put(at);
  }
}

/** The closes of a KPI's periods within a span: there `kpi/NAME@LABEL` is judged. */
function closedPoints(kpi: CompiledKpi, span: TickSpan): GridPoint[] {
  const { period } = kpi;
  if (period.kind !== 'toDate' && period.kind !== 'each') return [];
  const points: GridPoint[] = [];
  let bucket = bucketUntil(period.grid, span.upTo);
  for (; bucket !== undefined; bucket = bucketUntil(period.grid, bucket.from)) {
    const at = closeOf(bucket, kpi.source, null);
    if (at <= span.after) break;
    if (at <= span.upTo) points.push({ subject: closedSubject(kpi, bucket), at });
  }
  return points.reverse();
}

/**
 * The grid points up to `upTo` whose judgement a change of a metric's points or coverage within `touched` can move: late and
 * corrected values are re-judged exactly there. Coverage that grew counts as touched from where it grew.
 */
export function touchedGridPoints(catalog: Catalog, metric: string, touched: Span, upTo: Instant): GridPoint[] {
  const points: GridPoint[] = [];
  const affected = new Map<string, Span>();
  for (const subject of subjectsReading(catalog, metric)) {
    const found = subjectOf(catalog, subject);
    if (found === undefined) continue;
    if (found.compiled.kind === 'key_result') {
      const reach = reachOfKeyResult(found.compiled, touched, upTo);
      if (reach === undefined) continue;
      for (const above of subjectsAbove(catalog, subject)) affected.set(above, joined(affected.get(above), reach));
    }
    if (found.compiled.kind === 'kpi') affected.set(subject, reachOfKpi(found.compiled, touched, upTo));
  }
  const order = [...allSubjects(catalog)].filter((subject) => affected.has(subject));
  for (const subject of order) {
    const reach = affected.get(subject);
    if (reach === undefined || !(reach.from <= reach.to)) continue;
    const span = { after: reach.from - 0.001, upTo: Math.min(reach.to, upTo) };
    // One by one: over a hundred years of days they are more than a call takes arguments.
    for (const point of gridPoints(catalog, span, [subject])) points.push(point);
  }
  return points.sort((left, right) => left.at - right.at);
}

function joined(left: Span | undefined, right: Span): Span {
  if (left === undefined) return right;
  return { from: Math.min(left.from, right.from), to: Math.max(left.to, right.to) };
}

/** From the touched bucket's start to the close; nothing of a change after the cycle. */
function reachOfKeyResult(result: CompiledKeyResult, touched: Span, upTo: Instant): Span | undefined {
  const { span } = result.cycle;
  if (touched.from >= span.to) return undefined;
  return { from: Math.max(touched.from, span.from), to: Math.min(result.close, upTo) };
}

/**
 * A closed period is not read by later ones, except for what carries over: the last value until it is stale, a counter's
 * base, the spans of a season. `latest` has no end: it looks back as far as it must.
 */
function reachOfKpi(kpi: CompiledKpi, touched: Span, upTo: Instant): Span {
  const { period, source } = kpi;
  const { metric } = source;
  const { from } = touched;
  const looksBack = metric.aggregation === 'counter' || kpi.pace.method === 'seasonal' || period.kind === 'latest';
  if (looksBack) return { from, to: upTo };
  if (period.kind === 'cycle') {
    return { from: Math.max(from, period.cycle.span.from), to: closeOf(period.cycle.span, source, null) };
  }
  const last = bucketAt(period.grid, Math.max(touched.to - 0.001, from));
  if (last === undefined) return { from, to: upTo };
  let end = last;
  const steps = period.kind === 'rolling' ? period.count : 1;
  for (let step = 0; step < steps; step += 1) end = nextBucket(period.grid, end) ?? end;
  // The next period is the last that still shows the touched one: until it is over nothing newer is complete.
  const settled = settledAt(metric, ownEnd(metric, end));
  const carried = metric.aggregation === 'last' ? staleAt(metric, touched.to) : settled;
  return { from, to: Math.max(settled, carried) + approximateMs(metric.settle) };
}
