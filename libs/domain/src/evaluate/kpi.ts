import { inForce, nearestInForce } from '../dating.ts';
import { closeOf } from '../definition/compile-cycle.ts';
import type { CompiledKpi, Source } from '../definition/compiled.ts';
import type { Instant, Span } from '../instant.ts';
import { isFilled, latestBucket, readMetric } from '../metric/aggregate.ts';
import type { Metric } from '../metric/metric.ts';
import { formatDecimal } from '../number/decimal.ts';
import {
  alongScaled,
  compare,
  divide,
  fromScaled,
  isPositive,
  ONE,
  type Rational,
  toNumber,
  toScaled,
  ZERO,
} from '../number/rational.ts';
import { type Bucket, bucketAt, bucketEdge, bucketsBetween, type Grid } from '../time/bucket.ts';
import { labelOf, rollingLabel } from '../time/label.ts';
import type { Context } from './context.ts';
import { blank, clamp, conclude, type Draft, definedText, textOf } from './draft.ts';
import { expectedByPace, seasonsOfCycle } from './expected.ts';
import { judgeKpi, type KpiStanding } from './kpi-verdict.ts';
import {
  type Measured,
  missingOf,
  NOTHING,
  note,
  nothingComplete,
  observe,
  readCumulative,
  readLevel,
  SEVERAL_SERIES,
  wholeBy,
} from './reading.ts';
import { bucketsOf, type CompleteWindow, isCompletePeriod, lastCompleteWindow } from './window.ts';

/** The judged period and what it is called. */
interface KpiWindow {
  readonly span: Span | CompleteWindow;
  readonly label: string;
  /** The period is over and settled: it is judged as achieved or missed. */
  readonly closed: boolean;
  readonly close: Instant;
}

/** `closed`: the period of `kpi/NAME@LABEL`; without it the KPI's own, open one. */
export function evaluateKpi(
  context: Context,
  kpi: CompiledKpi,
  asOf: Instant,
  subject: string,
  closed?: Bucket,
): Draft {
  const draft = blank(context, subject, asOf);
  const window = closed === undefined ? windowAt(context, kpi, asOf) : closedWindow(kpi, closed, asOf);
  const end = window?.span.to ?? Number.POSITIVE_INFINITY;
  if (window !== undefined) draft.period = { from: window.span.from, to: window.span.to, label: window.label };
  putTarget(draft, kpi, end);
  if (window !== undefined && asOf < window.span.from) {
    conclude(draft, 'not_started', 'before_start');
    draft.elapsed = 0;
    draft.coverage = 1;
    return draft;
  }
  const capped = closed !== undefined || kpi.period.kind === 'cycle';
  // A level to date is cut at its period's edges; everything else takes the buckets that start before its end.
  const whole = kpi.cumulative || kpi.period.kind === 'each';
  if (capped && window !== undefined) {
    const { edge } = kpi.source.metric.rhythm.ownBuckets(window.span);
    observe(draft, context, kpi.source, { before: whole ? edge : end, edge, close: window.close });
  } else observe(draft, context, kpi.source, UNBOUNDED);
  const measured =
    window === undefined ? withoutWindow(context, kpi, asOf) : read(context, kpi, window, asOf, closed !== undefined);
  putMeasured(draft, context, measured, window);
  const standing = stand(draft, context, kpi, measured, window);
  draft.coverage = standing === null ? 0 : 1;
  draft.freshCoverage = draft.freshness === 'fresh' ? draft.coverage : 0;
  judgeKpi(draft, context, kpi, measured, standing, window?.closed === true);
  if (draft.verdict === 'achieved' || draft.verdict === 'missed') putScore(draft, kpi, measured);
  return draft;
}

const UNBOUNDED = {
  before: Number.POSITIVE_INFINITY,
  edge: Number.POSITIVE_INFINITY,
  close: Number.POSITIVE_INFINITY,
} as const;

function windowAt(context: Context, kpi: CompiledKpi, asOf: Instant): KpiWindow | undefined {
  const { period, source } = kpi;
  const { metric } = source;
  switch (period.kind) {
    case 'cycle': {
      const { span, name } = period.cycle;
      const close = closeOf(span, source, null);
      return { span, label: name, closed: asOf >= close, close };
    }
    case 'toDate': {
      const bucket = bucketAt(period.grid, asOf);
      return bucket === undefined ? undefined : open(bucket, labelOf(period.grid, bucket));
    }
    case 'latest': {
      const isWhole = wholeBy(context, metric, asOf);
      const span = latestBucket(metric, context.cellsOf, source.where, Number.POSITIVE_INFINITY, asOf, isWhole);
      return span === undefined ? undefined : open(span, labelIn(metric.grid, span));
    }
    case 'each': {
      const span = lastCompleteWindow(metric, context.metric(metric).allRuns(asOf), period.grid, 1, asOf);
      return span === undefined ? undefined : open(span, labelIn(period.grid, span));
    }
    case 'rolling': {
      const runs = context.metric(metric).allRuns(asOf);
      const span = lastCompleteWindow(metric, runs, period.grid, period.count, asOf);
      const first = span === undefined ? undefined : bucketAt(period.grid, span.from);
      if (span === undefined || first === undefined) return undefined;
      return open(span, rollingLabel(period.grid, first, period.count));
    }
  }
}

function open(span: Span, label: string): KpiWindow {
  return { span, label, closed: false, close: Number.POSITIVE_INFINITY };
}

function labelIn(grid: Grid, span: Span): string {
  const bucket = bucketAt(grid, span.from);
  return bucket === undefined ? '' : labelOf(grid, bucket);
}

function closedWindow(kpi: CompiledKpi, span: Bucket, asOf: Instant): KpiWindow {
  const { period, source } = kpi;
  const label = period.kind === 'toDate' || period.kind === 'each' ? labelOf(period.grid, span) : '';
  const close = closeOf(span, source, null);
  return { span, label, closed: asOf >= close, close };
}

function putTarget(draft: Draft, kpi: CompiledKpi, end: Instant): void {
  if (kpi.direction === 'within') {
    const range = inForce(kpi.range, draft.asOf, end);
    draft.targetLow = definedText(range?.low);
    draft.targetHigh = definedText(range?.high);
    return;
  }
  draft.target = definedText(inForce(kpi.target, draft.asOf, end));
  const bands = kpi.hasBands && inForce(kpi.bands, draft.asOf, end) !== undefined;
  if (!bands) draft.policy = nearestInForce(kpi.policy, draft.asOf, end)?.label ?? null;
}

function withoutWindow(context: Context, kpi: CompiledKpi, asOf: Instant): Measured {
  const missing = nothingComplete(context, kpi.source, Number.POSITIVE_INFINITY, asOf);
  // No bucket has both sides of a formula: a missing side is no data, not a bucket to wait for.
  const sided = kpi.period.kind === 'latest' && missing.verdict === 'insufficient_data';
  return { ...NOTHING, missing: sided ? { verdict: 'no_data', reason: 'no_value_in_period' } : missing };
}

function read(context: Context, kpi: CompiledKpi, window: KpiWindow, asOf: Instant, closed: boolean): Measured {
  const { source, period } = kpi;
  if (period.kind === 'each' || period.kind === 'rolling') {
    return readBuckets(context, kpi, period.grid, window.span, asOf);
  }
  if (kpi.cumulative) return readCumulative(context, source, window.span, asOf);
  const close = closed || period.kind === 'cycle' ? window.close : Number.POSITIVE_INFINITY;
  return readLevel(context, source, window.span, asOf, close);
}

/** Complete buckets only, none of them empty; the value is the whole window's. */
function readBuckets(
  context: Context,
  kpi: CompiledKpi,
  grid: Grid,
  span: Span | CompleteWindow,
  asOf: Instant,
): Measured {
  const { source } = kpi;
  const { metric, where } = source;
  const own = grid === metric.grid ? span : bucketsOf(metric, span);
  const empty = (reason: 'window_not_covered' | 'empty_bucket'): Measured => {
    const observed = nothingComplete(context, source, bucketEdge(metric.grid, span.to), asOf);
    return {
      ...NOTHING,
      missing: observed.verdict === 'no_data' ? observed : { verdict: 'insufficient_data', reason },
    };
  };
  const count = kpi.period.kind === 'rolling' ? kpi.period.count : 1;
  if (own === undefined || !isWhole(context, metric, grid, span, count, asOf)) return empty('window_not_covered');
  const { asOne } = context;
  const reading = readMetric(metric, context.cellsOf, where, [own], { asOf, emptyIsZero: true, asOne });
  note(context, 'value', source, [own], asOf, reading);
  if (reading.reason === 'several_series') return { ...NOTHING, missing: SEVERAL_SERIES };
  if (reading.reason === 'zero_denominator')
    return { ...NOTHING, missing: missingOf(context, source, reading, span.to, asOf) };
  if (reading.value === null || hasHole(context, source, grid, span, count, asOf)) return empty('empty_bucket');
  return {
    value: reading.value,
    measuredAt: span.to,
    carried: false,
    resets: reading.resets,
    provisional: false,
    missing: null,
  };
}

function isWhole(
  context: Context,
  metric: Metric,
  grid: Grid,
  span: Span | CompleteWindow,
  count: number,
  asOf: Instant,
): boolean {
  if ('whole' in span && span.whole) return span.buckets === count;
  const buckets = bucketsBetween(grid, span.from, span.to);
  const covered = context.covered(metric);
  return buckets.length === count && buckets.every((bucket) => isCompletePeriod(metric, covered, bucket, asOf));
}

/** Whether one of the window's complete buckets says nothing. */
function hasHole(
  context: Context,
  { metric, where }: Source,
  grid: Grid,
  span: Span,
  count: number,
  asOf: Instant,
): boolean {
  // Of these a complete bucket without points is zero.
  if (metric.expression === null && metric.zeroWhenEmpty) return false;
  if (grid === metric.grid && isFilled(metric, context.cellsOf, where, span, count)) return false;
  const options = { asOf, emptyIsZero: true, asOne: true };
  return bucketsBetween(grid, span.from, span.to).some((bucket) => {
    const part = bucketsOf(metric, bucket);
    return part === undefined || readMetric(metric, context.cellsOf, where, [part], options).value === null;
  });
}

function putMeasured(draft: Draft, context: Context, measured: Measured, window: KpiWindow | undefined): void {
  draft.value = textOf(measured.value);
  draft.measuredAt = measured.measuredAt;
  draft.carried = measured.carried;
  draft.resets = measured.resets;
  if (window === undefined) return;
  const { span, close } = window;
  const ended = draft.asOf >= span.to;
  const settling = Number.isFinite(close) && ended && !window.closed;
  draft.provisional = measured.provisional || settling;
  const at = ended && Number.isFinite(close) ? span.to : measured.measuredAt;
  draft.elapsed = at === null ? null : context.elapsed(span, at).number;
}

const NONE = fromScaled(0n);

/** Progress, expectation and ratio; `null` without a value or a target. */
function stand(
  draft: Draft,
  context: Context,
  kpi: CompiledKpi,
  { value, measuredAt, missing }: Measured,
  window: KpiWindow | undefined,
): KpiStanding | null {
  if (value === null || window === undefined || missing !== null) return null;
  const { asOf } = draft;
  const end = window.span.to;
  if (kpi.direction === 'within') return standWithin(draft, kpi, value, end);
  const target = inForce(kpi.target, asOf, end);
  if (target === undefined) return null;
  const at = asOf >= end ? end : (measuredAt ?? asOf);
  const share = kpi.cumulative ? paced(draft, context, kpi, target, window.span, at) : ONE;
  const expected = share === ONE ? toScaled(target) : alongScaled(NONE, target, share);
  draft.expected = toNumber(share);
  draft.expectedValue = formatDecimal(expected);
  const x = fromScaled(expected);
  const standing = { value, target, expected: x, share };
  if (!isPositive(target)) return { ...standing, ratio: null, final: null };
  const progress = divide(value, target) ?? ZERO;
  const raw = toNumber(progress);
  draft.progressRaw = raw;
  draft.progress = clamp(raw);
  const lower = kpi.direction === 'lower';
  draft.gap = lower ? raw - draft.expected : draft.expected - raw;
  const ratio = lower ? lowerRatio(x, value) : isPositive(x) ? divide(value, x) : null;
  draft.pace = ratio === null ? null : toNumber(ratio);
  const final = lower ? finalOfLower(target, value) : raw;
  return { ...standing, ratio: draft.pace, final };
}

/** X / v; a value of zero or less is met and has no ratio, and neither has an expectation of nothing. */
function lowerRatio(expected: Rational, value: Rational): Rational | null {
  return isPositive(value) && isPositive(expected) ? divide(expected, value) : null;
}

function finalOfLower(target: Rational, value: Rational): number {
  if (!isPositive(value)) return 1;
  const share = divide(target, value);
  return share === null ? 1 : Math.min(1, toNumber(share));
}

function standWithin(draft: Draft, kpi: CompiledKpi, value: Rational, end: Instant): KpiStanding | null {
  const range = inForce(kpi.range, draft.asOf, end);
  if (range === undefined) return null;
  const inside = compare(value, range.low) >= 0 && compare(value, range.high) <= 0;
  draft.progressRaw = inside ? 1 : 0;
  draft.progress = draft.progressRaw;
  draft.expected = 1;
  draft.gap = 1 - draft.progress;
  return { value, target: range.high, expected: range.high, share: ONE, ratio: null, final: draft.progress };
}

function paced(draft: Draft, context: Context, kpi: CompiledKpi, target: Rational, span: Span, at: Instant): Rational {
  const { period, source } = kpi;
  if (kpi.pace.method === 'linear' && context.trace === undefined) {
    draft.paceMethod = 'linear';
    return context.elapsed(span, at).share;
  }
  const seasons =
    period.kind === 'cycle'
      ? seasonsOfCycle(period.cycle)
      : { zone: source.metric.zone, periods: period.kind === 'toDate' ? period.grid : null };
  const course = { period: span, baseline: ZERO, target };
  const { share, method } = expectedByPace(context, kpi.pace, course, at, { source, seasons, asOf: draft.asOf });
  draft.paceMethod = method;
  return share;
}

function putScore(draft: Draft, kpi: CompiledKpi, { value }: Measured): void {
  draft.score = draft.progress;
  if (kpi.direction === 'within') {
    const first = kpi.range[0]?.value;
    if (first === undefined || value === null) return;
    draft.scoreOriginal = compare(value, first.low) >= 0 && compare(value, first.high) <= 0 ? 1 : 0;
    return;
  }
  const first = kpi.target[0]?.value;
  if (first === undefined || value === null || !isPositive(first)) return;
  draft.scoreOriginal = clamp(toNumber(divide(value, first) ?? ZERO));
}
