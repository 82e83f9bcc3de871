import { inForce, nearestInForce, original } from '../dating.ts';
import type { CompiledKeyResult } from '../definition/compiled.ts';
import type { Instant } from '../instant.ts';
import { latestBucket, readMetric } from '../metric/aggregate.ts';
import { formatDecimal } from '../number/decimal.ts';
import { alongScaled, compare, divide, ONE, type Rational, subtract, toNumber, ZERO } from '../number/rational.ts';
import type { CheckIn } from '../view.ts';
import { checkInsWithin, checkInValue, lastCheckIn } from './check-in.ts';
import type { Context } from './context.ts';
import { blank, clamp, conclude, type Draft, definedText, textOf } from './draft.ts';
import { expectedByPace, noteExpected, seasonsOfCycle } from './expected.ts';
import { measureMilestones, shareWords, weightOf } from './milestones.ts';
import { evaluatePerGrain, type PerGrain } from './per-grain.ts';
import {
  carryRule,
  type Measured,
  NOTHING,
  note,
  observe,
  observeCheckIn,
  readCumulative,
  readLevel,
  wholeBy,
} from './reading.ts';
import { judgeResult } from './verdict.ts';

/** What the type of a key result makes of its points or check-ins. */
export interface Progress {
  readonly measured: Measured;
  /** Exact P, raw; `null` without a value or a target. */
  readonly progress: Rational | null;
  /** The same against the first target ever set. */
  readonly original: Rational | null;
  readonly coverage: number;
  /** Of `reach`: from where to where. */
  readonly way?: { readonly baseline: Rational; readonly target: Rational };
}

export function evaluateKeyResult(context: Context, result: CompiledKeyResult, asOf: Instant): Draft {
  const draft = blank(context, result.subject, asOf);
  const { span, name } = result.cycle;
  draft.period = { from: span.from, to: span.to, label: name };
  draft.policy = nearestInForce(result.policy, asOf, span.to)?.label ?? null;
  putTarget(draft, result);
  if (asOf < span.from) {
    conclude(draft, 'not_started', 'before_start');
    draft.elapsed = 0;
    draft.coverage = 1;
    return draft;
  }
  const checkIns = result.source === null ? checkInsWithin(context, result.subject, span, asOf) : [];
  freshen(draft, context, result, checkIns);
  const progress = measure(context, draft, result, checkIns);
  const { measured } = progress;
  draft.value = textOf(measured.value);
  draft.measuredAt = measured.measuredAt;
  draft.carried = measured.carried;
  draft.resets = measured.resets;
  const ended = asOf >= span.to;
  draft.provisional = measured.provisional || (ended && asOf < result.close);
  const at = ended ? span.to : measured.measuredAt;
  draft.elapsed = at === null ? null : context.elapsed(span, at).number;
  if (progress.progress !== null) putProgress(draft, context, result, progress, progress.progress, at ?? asOf);
  draft.coverage = progress.progress === null ? 0 : progress.coverage;
  draft.freshCoverage = draft.freshness === 'fresh' ? draft.coverage : 0;
  judgeResult(draft, context, result, measured);
  if (draft.verdict === 'achieved' || draft.verdict === 'missed') {
    if (asOf >= result.close) putScore(draft, progress);
  }
  return draft;
}

function putTarget(draft: Draft, result: CompiledKeyResult): void {
  const { asOf } = draft;
  const end = result.cycle.span.to;
  if (result.type === 'between') {
    const range = inForce(result.range, asOf, end);
    draft.targetLow = definedText(range?.low);
    draft.targetHigh = definedText(range?.high);
  } else if (result.type !== 'milestones' && result.type !== 'done') {
    draft.target = definedText(inForce(result.target, asOf, end));
  }
}

function freshen(draft: Draft, context: Context, result: CompiledKeyResult, checkIns: readonly CheckIn[]): void {
  const { source, close, cycle } = result;
  if (source !== null) {
    const { edge } = source.metric.rhythm.ownBuckets(cycle.span);
    observe(draft, context, source, { before: result.cumulative ? edge : cycle.span.to, edge, close });
  } else observeCheckIn(draft, lastCheckIn(checkIns, result.type)?.time, cycle, close);
}

function measure(context: Context, draft: Draft, result: CompiledKeyResult, checkIns: readonly CheckIn[]): Progress {
  switch (result.type) {
    case 'reach':
      return reach(context, draft, result, checkIns);
    case 'milestones':
      return measureMilestones(context, result, checkIns, draft.asOf);
    case 'done': {
      const done = checkIns.findLast((checkIn) => checkIn.done !== undefined)?.done === true;
      const progress = done ? ONE : ZERO;
      const measured = { ...NOTHING, measuredAt: draft.asOf, missing: null };
      return { measured, progress, original: progress, coverage: 1 };
    }
    default:
      return perGrain(evaluatePerGrain(context, result, checkIns, draft.asOf));
  }
}

function perGrain({ measured, progress, original: first, coverage }: PerGrain): Progress {
  return { measured, progress, original: first, coverage };
}

function reach(context: Context, draft: Draft, result: CompiledKeyResult, checkIns: readonly CheckIn[]): Progress {
  const { asOf } = draft;
  const { span } = result.cycle;
  const measured = readReach(context, result, checkIns, asOf);
  const written = inForce(result.baseline, asOf, span.to) ?? (result.cumulative ? ZERO : undefined);
  const baseline = written === 'start' ? baselineAtStart(context, result, asOf) : written;
  draft.baseline = written === 'start' ? textOf(baseline) : definedText(written);
  const nothing = { measured, progress: null, original: null, coverage: 1 };
  if (measured.value === null) return nothing;
  if (baseline === undefined || baseline === null) {
    return { ...nothing, measured: { ...measured, missing: { verdict: 'insufficient_data', reason: 'no_baseline' } } };
  }
  const target = inForce(result.target, asOf, span.to);
  const first = original(result.target);
  if (target === undefined || first === undefined) return nothing;
  const progress = reached(measured.value, baseline, target, result.direction);
  return {
    measured,
    progress,
    original: first === target ? progress : reached(measured.value, baseline, first, result.direction),
    coverage: 1,
    way: { baseline, target },
  };
}

function readReach(context: Context, result: CompiledKeyResult, checkIns: readonly CheckIn[], asOf: Instant): Measured {
  const { source, cycle, close } = result;
  if (source !== null) {
    return result.cumulative
      ? readCumulative(context, source, cycle.span, asOf)
      : readLevel(context, source, cycle.span, asOf, close);
  }
  const last = checkIns.findLast((checkIn) => checkIn.value !== undefined);
  if (last === undefined) {
    return { ...NOTHING, missing: { verdict: 'no_data', reason: 'no_observations' } };
  }
  return { ...NOTHING, value: checkInValue(last), measuredAt: last.time, missing: null };
}

/** (v − b) / (t − b); where baseline and target are one, met or not. */
function reached(value: Rational, baseline: Rational, target: Rational, direction: 'higher' | 'lower'): Rational {
  const share = divide(subtract(value, baseline), subtract(target, baseline));
  if (share !== null) return share;
  const order = compare(value, target);
  return (direction === 'lower' ? order <= 0 : order >= 0) ? ONE : ZERO;
}

/** The aggregate of the last bucket with data that starts before the cycle, or the last check-in before it. */
function baselineAtStart(context: Context, result: CompiledKeyResult, asOf: Instant): Rational | null {
  const { source, subject, cycle } = result;
  const start = cycle.span.from;
  if (source === null) {
    const earlier = context.view.checkIns(subject).findLast(({ time, value }) => time < start && value !== undefined);
    return earlier === undefined ? null : checkInValue(earlier);
  }
  const { metric, where } = source;
  const isWhole = wholeBy(context, metric, asOf);
  const carry = carryRule(context, metric, start, start);
  for (let before = start; ; ) {
    const bucket = latestBucket(metric, context.cellsOf, where, before, asOf, isWhole);
    if (bucket === undefined) return null;
    const window = { from: bucket.from, to: Math.min(bucket.to, start) };
    const emptyIsZero = metric.expression !== null && isWhole(bucket);
    const options = { asOf, carry, emptyIsZero, asOne: context.asOne };
    const reading = readMetric(metric, context.cellsOf, where, [window], options);
    note(context, 'baseline', source, [window], asOf, reading);
    // A bucket whose denominators add up to zero is empty: the one before it may have data.
    if (reading.reason !== 'zero_denominator') return reading.value;
    before = bucket.from;
  }
}

function putProgress(
  draft: Draft,
  context: Context,
  result: CompiledKeyResult,
  { way }: Progress,
  exact: Rational,
  at: Instant,
): void {
  const raw = toNumber(exact);
  draft.progressRaw = raw;
  draft.progress = clamp(raw);
  const expected = expectedShare(draft, context, result, way, at);
  draft.expected = toNumber(expected);
  draft.gap = draft.expected - raw;
  draft.pace = draft.expected > 0 ? raw / draft.expected : null;
  if (way !== undefined) draft.expectedValue = formatDecimal(alongScaled(way.baseline, way.target, expected));
}

/** E*: by pace, by what is due, or 1 where every grain has to be met. */
function expectedShare(
  draft: Draft,
  context: Context,
  result: CompiledKeyResult,
  way: Progress['way'],
  at: Instant,
): Rational {
  const { span } = result.cycle;
  if (result.type === 'at_least' || result.type === 'at_most' || result.type === 'between') {
    if (context.trace !== undefined) noteExpected(context, { formula: '1', filled: '1' }, ONE);
    return ONE;
  }
  if (result.type === 'milestones' && result.milestones.some(({ due }) => due !== null)) {
    draft.paceMethod = 'milestones';
    return dueShare(context, result, Math.min(draft.asOf, span.to));
  }
  if (result.pace.method === 'linear' && context.trace === undefined) {
    draft.paceMethod = 'linear';
    return context.elapsed(span, at).share;
  }
  const course = { period: span, baseline: way?.baseline ?? ZERO, target: way?.target ?? ONE };
  const { source } = result;
  const seasonal = source === null ? null : { source, seasons: seasonsOfCycle(result.cycle), asOf: draft.asOf };
  const { share, method } = expectedByPace(context, result.pace, course, at, seasonal);
  draft.paceMethod = method;
  return share;
}

/** The weight due by an instant over all; a milestone without a date is due at the end of the cycle. */
function dueShare(context: Context, result: CompiledKeyResult, at: Instant): Rational {
  const due = result.milestones.filter((milestone) => (milestone.due ?? result.cycle.span.to) <= at);
  const share = divide(weightOf(due), weightOf(result.milestones)) ?? ZERO;
  if (context.trace !== undefined) {
    const filled = shareWords(due, result.milestones);
    noteExpected(context, { formula: 'Σ weight due / Σ weight', filled }, share);
  }
  return share;
}

function putScore(draft: Draft, progress: Progress): void {
  draft.score = draft.progress;
  draft.scoreOriginal = progress.original === null ? null : clamp(toNumber(progress.original));
}
