import { type Effective, inForce, original } from '../dating.ts';
import type { CompiledKeyResult, Range, Source } from '../definition/compiled.ts';
import type { Instant, Span } from '../instant.ts';
import { readMetric } from '../metric/aggregate.ts';
import { compare, ONE, type Rational, rational, toNumber, ZERO } from '../number/rational.ts';
import { bucketsBetween } from '../time/bucket.ts';
import type { CheckIn } from '../view.ts';
import { checkInValue } from './check-in.ts';
import type { Context } from './context.ts';
import { type Measured, type Missing, NOTHING, note, nothingComplete, SEVERAL_SERIES } from './reading.ts';
import { bucketsOf } from './window.ts';

export interface PerGrain {
  readonly measured: Measured;
  readonly progress: Rational | null;
  readonly original: Rational | null;
  /** Grains with data over complete grains. */
  readonly coverage: number;
}

interface Grain {
  readonly span: Span;
  readonly value: Rational;
  /** `undefined` where no bound was in force at the grain's last instant: such a grain is not judged. */
  readonly met: boolean | undefined;
  /** By the first bound ever set. */
  readonly metOriginal: boolean;
}

/** What a complete grain says; it stays the same for every later instant of one view. */
export interface GrainReading {
  readonly grain: Grain | null;
  readonly severalSeries: boolean;
  readonly resets: number;
}

interface Grains {
  readonly complete: number;
  readonly withData: readonly Grain[];
  readonly resets: number;
  readonly missing: Missing | null;
}

/** at_least, at_most, between: the complete grains that lie wholly in the cycle, each judged by the bound of its own last instant. */
export function evaluatePerGrain(
  context: Context,
  result: CompiledKeyResult,
  checkIns: readonly CheckIn[],
  asOf: Instant,
): PerGrain {
  const grains =
    result.source === null ? grainsOfCheckIns(result, checkIns, asOf) : grainsOfMetric(context, result, asOf);
  const coverage = grains.complete === 0 ? 0 : grains.withData.length / grains.complete;
  if (grains.missing !== null) {
    return { measured: { ...NOTHING, missing: grains.missing }, progress: null, original: null, coverage };
  }
  const judged = grains.withData.filter(({ met }) => met !== undefined);
  const last = judged.at(-1) ?? grains.withData.at(-1);
  const measured: Measured = {
    ...NOTHING,
    value: last?.value ?? null,
    measuredAt: last?.span.to ?? null,
    resets: grains.resets,
    missing: judged.length === 0 ? { verdict: 'insufficient_data', reason: 'nothing_complete' } : null,
  };
  const progress = share(result, judged, ({ met }) => met === true);
  noteShare(context, result, judged, progress);
  return {
    measured,
    progress,
    original: share(result, grains.withData, ({ metOriginal }) => metOriginal),
    coverage,
  };
}

/** For the explanation: how many grains were met of those judged. */
function noteShare(
  context: Context,
  { mode }: CompiledKeyResult,
  judged: readonly Grain[],
  progress: Rational | null,
): void {
  if (context.trace === undefined || progress === null) return;
  const met = judged.filter((grain) => grain.met === true).length;
  const last = judged.at(-1)?.met === true ? 1 : 0;
  const words = {
    compliance: { formula: 'grains met / complete grains with data', filled: `${met} / ${judged.length}` },
    latest: { formula: 'the last grain met ? 1 : 0', filled: `${last}` },
    worst: { formula: 'all grains met ? 1 : 0', filled: `floor(${met} / ${judged.length})` },
  };
  context.trace.formulas.push({ name: 'P', ...words[mode], result: String(toNumber(progress)) });
}

function share(result: CompiledKeyResult, grains: readonly Grain[], isMet: (grain: Grain) => boolean): Rational | null {
  const last = grains.at(-1);
  if (last === undefined) return null;
  if (result.mode === 'latest') return isMet(last) ? ONE : ZERO;
  let met = 0;
  for (const grain of grains) if (isMet(grain)) met += 1;
  if (result.mode === 'worst') return met === grains.length ? ONE : ZERO;
  return rational(BigInt(met), BigInt(grains.length));
}

function grainOf(result: CompiledKeyResult, span: Span, value: Rational): Grain {
  const first = { target: original(result.target), range: original(result.range) };
  return { span, value, met: metBy(result, span, value), metOriginal: meets(result, value, first) };
}

type Bound = { readonly target: Rational | undefined; readonly range: Range | undefined };

function metBy(result: CompiledKeyResult, span: Span, value: Rational): boolean | undefined {
  const at = <Value>(entries: Effective<Value>): Value | undefined => inForce(entries, span.to, span.to);
  const bound = { target: at(result.target), range: at(result.range) };
  if ((result.type === 'between' ? bound.range : bound.target) === undefined) return undefined;
  return meets(result, value, bound);
}

function meets({ type, exclusive }: CompiledKeyResult, value: Rational, { target, range }: Bound): boolean {
  const above = (low: Rational): boolean => (exclusive ? compare(value, low) > 0 : compare(value, low) >= 0);
  const below = (high: Rational): boolean => (exclusive ? compare(value, high) < 0 : compare(value, high) <= 0);
  if (type === 'between') return range !== undefined && above(range.low) && below(range.high);
  if (target === undefined) return false;
  return type === 'at_least' ? above(target) : below(target);
}

function grainsWithin(result: CompiledKeyResult, asOf: Instant): readonly Span[] {
  const { span } = result.cycle;
  return bucketsBetween(result.grid, span.from, Math.max(span.from, Math.min(span.to, asOf))).filter(
    (grain) => grain.to <= span.to && grain.to <= asOf,
  );
}

function grainsOfMetric(context: Context, result: CompiledKeyResult, asOf: Instant): Grains {
  const { source } = result;
  if (source === null) return { complete: 0, withData: [], resets: 0, missing: null };
  const { metric } = source;
  const runs = context.metric(metric).runs(result.cycle.span, asOf);
  const own = result.grid === metric.grid;
  const readings = context.grainsOf(result);
  const withData: Grain[] = [];
  let complete = 0;
  let resets = 0;
  for (const span of grainsWithin(result, asOf)) {
    const window = own ? span : bucketsOf(metric, span);
    if (window === undefined || !runs.some((run) => run.from <= window.from && run.to >= window.to)) continue;
    complete += 1;
    let reading = readings.get(span.from);
    if (reading === undefined) {
      reading = readGrain(context, result, source, span, window);
      readings.set(span.from, reading);
    }
    if (reading.severalSeries) return { complete, withData: [], resets, missing: SEVERAL_SERIES };
    resets += reading.resets;
    if (reading.grain !== null) withData.push(reading.grain);
  }
  const missing = withData.length === 0 ? nothingComplete(context, source, result.cycle.span.to, asOf) : null;
  return { complete, withData, resets, missing };
}

/** A complete grain has ended, so all its points are valid at every instant at which it is read. */
function readGrain(
  context: Context,
  result: CompiledKeyResult,
  source: Source,
  span: Span,
  window: Span,
): GrainReading {
  const asOf = Math.max(span.to, window.to);
  const options = { asOf, emptyIsZero: true, asOne: context.asOne };
  const reading = readMetric(source.metric, context.cellsOf, source.where, [window], options);
  note(context, 'grain', source, [window], asOf, reading);
  return {
    grain: reading.value === null ? null : grainOf(result, span, reading.value),
    severalSeries: reading.reason === 'several_series',
    resets: reading.resets,
  };
}

/** Of check-ins the last in each grain counts. */
function grainsOfCheckIns(result: CompiledKeyResult, checkIns: readonly CheckIn[], asOf: Instant): Grains {
  const withData: Grain[] = [];
  const grains = grainsWithin(result, asOf);
  for (const span of grains) {
    const last = checkIns.findLast(({ time, value }) => value !== undefined && time >= span.from && time < span.to);
    const value = last === undefined ? null : checkInValue(last);
    if (value !== null) withData.push(grainOf(result, span, value));
  }
  const observed = checkIns.some(({ value }) => value !== undefined);
  const missing: Missing | null =
    withData.length > 0
      ? null
      : observed
        ? { verdict: 'insufficient_data', reason: 'nothing_complete' }
        : { verdict: 'no_data', reason: 'no_observations' };
  return { complete: grains.length, withData, resets: 0, missing };
}
