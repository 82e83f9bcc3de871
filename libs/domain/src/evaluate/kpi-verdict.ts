import { inForce, nearestInForce } from '../dating.ts';
import type { BandEdge, CompiledBands, CompiledKpi } from '../definition/compiled.ts';
import type { Instant } from '../instant.ts';
import { compare, fromScaled, isPositive, multiply, type Rational, toNumber, toScaled } from '../number/rational.ts';
import { isEarly } from '../policy/judge.ts';
import { atLeast, passes } from '../policy/policy.ts';
import type { Context } from './context.ts';
import { conclude, type Draft } from './draft.ts';
import type { Measured } from './reading.ts';
import { judgeBy } from './verdict.ts';

/** What a KPI is judged by. */
export interface KpiStanding {
  readonly value: Rational;
  readonly target: Rational;
  /** X. */
  readonly expected: Rational;
  /** E*. */
  readonly share: Rational;
  readonly ratio: number | null;
  /** Against the full target; `null` where the target allows no ratio. */
  readonly final: number | null;
}

/** EVALUATION §5 and §6. */
export function judgeKpi(
  draft: Draft,
  context: Context,
  kpi: CompiledKpi,
  { missing }: Measured,
  standing: KpiStanding | null,
  closed: boolean,
): void {
  const end = draft.period?.to ?? Number.POSITIVE_INFINITY;
  if (!hasTarget(draft, kpi, end)) conclude(draft, 'no_target', 'no_target_in_force');
  else if (missing !== null) conclude(draft, missing.verdict, missing.reason);
  else if (standing === null) conclude(draft, 'no_target', 'no_target_in_force');
  else if (closed) closeKpi(draft, context, kpi, standing);
  else if (kpi.direction === 'within') judgeWithin(draft, context, kpi, standing, end);
  else {
    const bands = kpi.hasBands ? inForce(kpi.bands, draft.asOf, end) : undefined;
    if (bands === undefined) judgeByPolicy(draft, context, kpi, standing, end);
    else judgeByBands(draft, context, kpi, standing, bands);
  }
}

function hasTarget(draft: Draft, kpi: CompiledKpi, end: Instant): boolean {
  return kpi.direction === 'within'
    ? inForce(kpi.range, draft.asOf, end) !== undefined
    : inForce(kpi.target, draft.asOf, end) !== undefined;
}

function closeKpi(draft: Draft, context: Context, kpi: CompiledKpi, { value, target }: KpiStanding): void {
  const met =
    kpi.direction === 'lower'
      ? compare(value, target) <= 0
      : draft.progressRaw === null
        ? compare(value, target) >= 0
        : atLeast(draft.progressRaw, 1);
  if (kpi.direction !== 'lower' && draft.progressRaw !== null) {
    context.trace?.thresholds.push({
      verdict: 'achieved',
      measure: draft.progressRaw,
      bar: { atLeast: 1 },
      passed: met,
    });
  } else noteEdge(context, kpi, 'achieved', value, target, met);
  conclude(draft, met ? 'achieved' : 'missed', met ? 'met_at_close' : 'missed_at_close');
}

function judgeWithin(draft: Draft, context: Context, kpi: CompiledKpi, { value }: KpiStanding, end: Instant): void {
  if (draft.progressRaw === 1) {
    conclude(draft, 'on_track', 'inside_range');
    return;
  }
  const band = inForce(kpi.bands, draft.asOf, end)?.atRiskRange ?? null;
  if (band !== null && context.trace !== undefined) {
    const measure = toNumber(value);
    for (const bar of [{ atLeast: toNumber(band.low) }, { atMost: toNumber(band.high) }]) {
      context.trace.thresholds.push({ verdict: 'at_risk', measure, bar, passed: passes(measure, bar) });
    }
  }
  const near = band !== null && compare(value, band.low) >= 0 && compare(value, band.high) <= 0;
  conclude(draft, near ? 'at_risk' : 'off_track', near ? 'inside_at_risk_band' : 'outside_range');
}

/** The side of an edge that is good. */
function meets(kpi: CompiledKpi, value: Rational, edge: Rational): boolean {
  return kpi.direction === 'lower' ? compare(value, edge) <= 0 : compare(value, edge) >= 0;
}

function judgeByBands(
  draft: Draft,
  context: Context,
  kpi: CompiledKpi,
  standing: KpiStanding,
  bands: CompiledBands,
): void {
  const { value } = standing;
  const onTrack = edgeOf(bands.onTrack, kpi, standing) ?? standing.expected;
  const atRisk = edgeOf(bands.atRisk, kpi, standing);
  const green = meets(kpi, value, onTrack);
  const yellow = atRisk !== null && meets(kpi, value, atRisk);
  noteEdge(context, kpi, 'on_track', value, onTrack, green);
  if (atRisk !== null) noteEdge(context, kpi, 'at_risk', value, atRisk, yellow);
  if (green) conclude(draft, 'on_track', 'inside_on_track_band');
  else if (yellow) conclude(draft, 'at_risk', 'inside_at_risk_band');
  else conclude(draft, 'off_track', 'outside_bands');
}

/** For the explanation: a value compared with an edge, both in the metric's unit. */
function noteEdge(
  context: Context,
  kpi: CompiledKpi,
  verdict: 'on_track' | 'at_risk' | 'achieved',
  value: Rational,
  edge: Rational,
  passed: boolean,
): void {
  if (context.trace === undefined) return;
  const bar = kpi.direction === 'lower' ? { atMost: toNumber(edge) } : { atLeast: toNumber(edge) };
  context.trace.thresholds.push({ verdict, measure: toNumber(value), bar, passed });
}

/**
 * A share is of X, a plain number of the full period; both are decimals like X. Of a target of zero or less a share says
 * nothing: there only plain numbers do.
 */
function edgeOf(edge: BandEdge | null, kpi: CompiledKpi, standing: KpiStanding): Rational | null {
  if (edge === null || (edge.share && !isPositive(standing.target))) return null;
  if (edge.share) return fromScaled(toScaled(multiply(edge.value, standing.expected)));
  return kpi.cumulative ? fromScaled(toScaled(multiply(edge.value, standing.share))) : edge.value;
}

function judgeByPolicy(draft: Draft, context: Context, kpi: CompiledKpi, standing: KpiStanding, end: Instant): void {
  const policy = nearestInForce(kpi.policy, draft.asOf, end);
  const { expected, elapsed, gap } = draft;
  const bar = policy?.kind === 'final' ? standing.target : standing.expected;
  const met = meets(kpi, standing.value, bar);
  const { ratio, final } = standing;
  const noteBar = (): void => noteEdge(context, kpi, 'on_track', standing.value, bar, met);
  if (final === null || policy === undefined || expected === null || gap === null) {
    noteBar();
    conclude(draft, met ? 'on_track' : 'off_track', met ? 'meets_expected' : 'target_not_met');
    return;
  }
  const placed = { elapsed: elapsed ?? 1, expected, gap, ratio, final };
  // Without a ratio what meets the expectation is decided, but early is said before anything else.
  if (met && ratio === null && !isEarly(policy, placed)) {
    noteBar();
    conclude(draft, 'on_track', 'meets_expected');
    return;
  }
  const judgement = judgeBy(context, policy, placed);
  // Whatever the policy's arithmetic makes of it, what meets the expectation is on track.
  if (met && judgement.verdict !== 'on_track') {
    noteBar();
    conclude(draft, 'on_track', 'meets_expected');
  } else conclude(draft, judgement.verdict, judgement.reason);
}
