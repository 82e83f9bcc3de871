import { inForce, nearestInForce } from '../dating.ts';
import type { BandEdge, CompiledKeyResult, CompiledKpi, CompiledSubject } from '../definition/compiled.ts';
import type { Evaluation } from '../evaluation.ts';
import { formatRational, multiply } from '../number/rational.ts';
import { round12 } from '../number/round.ts';
import { barsOf } from '../policy/judge.ts';
import type { Policy } from '../policy/policy.ts';
import { isReason, REASONS } from '../reasons.ts';
import type { Zone } from '../time/zone.ts';
import {
  barWords,
  beyondWords,
  dateWords,
  numberWords,
  percentDown,
  percentUp,
  placesOf,
  targetWords,
  VERDICT_WORDS,
} from './words.ts';

type Said = Omit<Evaluation, 'sentence'>;

/**
 * The evaluation in one sentence (SURFACE): what was measured, what was expected, what was compared, the verdict and its bar.
 * Percentages are cut towards the worse side of a threshold.
 */
export function sentenceOf(compiled: CompiledSubject, said: Said): string {
  const head = headOf(compiled, said);
  const verdict = VERDICT_WORDS[said.verdict];
  if (isDataVerdict(said)) {
    const why = meaningOf(said.reason);
    return head === null ? `${verdict}: ${why}` : `${head}; ${verdict}: ${why}`;
  }
  const expected = expectedOf(compiled, said);
  const compared = comparison(compiled, said, verdict);
  if (head === null) return expected === null ? compared : `${expected}; ${compared}`;
  return expected === null ? `${head}; ${compared}` : `${head}; ${expected}; ${compared}`;
}

function isDataVerdict({ verdict }: Said): boolean {
  return (
    verdict === 'no_data' || verdict === 'no_target' || verdict === 'insufficient_data' || verdict === 'not_started'
  );
}

function meaningOf(reason: string): string {
  const meaning: string = isReason(reason) ? REASONS[reason][0] : reason;
  return meaning.charAt(0).toLowerCase() + meaning.slice(1).replace(/\.$/, '');
}

function zoneOfSubject(compiled: CompiledSubject): Zone {
  if (compiled.kind !== 'kpi') return compiled.cycle.zone;
  return compiled.period.kind === 'cycle' ? compiled.period.cycle.zone : compiled.source.metric.zone;
}

function unitOf(compiled: CompiledSubject): string {
  const unit = compiled.kind === 'kpi' || compiled.kind === 'key_result' ? compiled.source?.metric.unit : null;
  return unit === null || unit === undefined ? '' : ` ${unit}`;
}

/** What was measured; `null` without a value. */
function headOf(compiled: CompiledSubject, said: Said): string | null {
  const on = said.measuredAt === null ? '' : ` on ${dateWords(said.measuredAt, zoneOfSubject(compiled))}`;
  if (compiled.kind === 'objective' || compiled.kind === 'unit') {
    return said.progress === null ? null : `${percentDown(said.progress)} % of the way${on}`;
  }
  if (compiled.kind === 'key_result') {
    if (compiled.type === 'done')
      return said.progress === null ? null : `${said.progress >= 1 ? 'done' : 'not done'}${on}`;
    if (compiled.type === 'milestones') {
      return said.progress === null ? null : `${percentDown(said.progress)} % of the milestones done${on}`;
    }
  }
  if (said.value === null) return null;
  return `${numberWords(said.value)}${targetOf(compiled, said)}${unitOf(compiled)}${on}`;
}

function targetOf(compiled: CompiledSubject, said: Said): string {
  const { target, targetLow: low, targetHigh: high } = said;
  if (low !== null && high !== null) return `, ${targetWords(low)} to ${targetWords(high)} wanted,`;
  if (target === null) return '';
  if (compiled.kind === 'key_result' && compiled.type === 'at_least')
    return `, at least ${targetWords(target)} wanted,`;
  const most =
    (compiled.kind === 'kpi' && compiled.direction === 'lower') ||
    (compiled.kind === 'key_result' && compiled.type === 'at_most');
  return most ? `, at most ${targetWords(target)} wanted,` : ` of ${targetWords(target)}`;
}

/** `null` where the full target is expected all along. */
function expectedOf(compiled: CompiledSubject, said: Said): string | null {
  const { expected, expectedValue, paceMethod } = said;
  if (isClosed(said) || expected === null) return null;
  if (compiled.kind === 'objective' || compiled.kind === 'unit') return `${percentUp(expected)} % expected`;
  if (paceMethod === null) return null;
  if (paceMethod === 'milestones') return `${percentUp(expected)} % due`;
  const what = expectedValue === null ? `${percentUp(expected)} %` : numberWords(expectedValue);
  return `${what} expected on ${PACE_WORDS[paceMethod] ?? `a ${paceMethod} pace`}`;
}

const PACE_WORDS: Readonly<Record<string, string>> = {
  linear: 'a linear pace',
  phased: 'a phased pace',
  points: 'the agreed pace',
  seasonal: 'a seasonal pace',
};

function isClosed({ reason }: Said): boolean {
  return reason === 'met_at_close' || reason === 'missed_at_close';
}

function comparison(compiled: CompiledSubject, said: Said, verdict: string): string {
  const { reason, progress } = said;
  if (isClosed(said)) {
    const way = progress === null ? 'at the close' : `${percentDown(progress)} % at the close`;
    return `${way}: ${verdict}${closeBar(compiled)}`;
  }
  switch (reason) {
    case 'reached':
    case 'members_achieved':
    case 'inside_range':
    case 'outside_range':
    case 'nothing_expected':
    case 'below_nothing_expected':
    case 'meets_expected':
    case 'target_not_met':
      return `${verdict}: ${meaningOf(reason)}`;
    case 'inside_on_track_band':
    case 'inside_at_risk_band':
    case 'outside_bands':
      return `${verdict}${bandWords(compiled, said)}`;
    default:
      return byPolicy(compiled, said, verdict);
  }
}

function closeBar(compiled: CompiledSubject): string {
  if (compiled.kind !== 'key_result' && compiled.kind !== 'objective') return '';
  return ` (${barWords({ atLeast: compiled.bar }, '%')})`;
}

function byPolicy(compiled: CompiledSubject, said: Said, verdict: string): string {
  const end = said.period?.to ?? Number.POSITIVE_INFINITY;
  const policy = nearestInForce(compiled.policy, said.asOf, end);
  if (policy === undefined) return verdict;
  if (said.reason === 'early') {
    return `${gapWords(said.gap ?? 0, placesOf(policy.deadBand))}: ${verdict} (early: up to ${numberWords(String(round12(policy.deadBand * 100)))} points behind until ${percentUp(policy.minElapsed)} % of the time)`;
  }
  const { places, onTrack, atRisk, beyond } = wordsOf(policy);
  const words = said.verdict === 'on_track' ? onTrack : said.verdict === 'off_track' ? beyond : atRisk;
  return `${measureWords(compiled, said, policy, places)}: ${verdict} (${words})`;
}

interface PolicyWords {
  /** As many as the finest of the bars needs. */
  readonly places: number;
  readonly onTrack: string;
  readonly atRisk: string;
  readonly beyond: string;
}

const policyWords = new WeakMap<Policy, PolicyWords>();

/** What a policy says of its bars is the same in every sentence. */
function wordsOf(policy: Policy): PolicyWords {
  let words = policyWords.get(policy);
  if (words === undefined) {
    const { onTrack, atRisk } = barsOf(policy);
    const unit = policy.kind === 'gap' ? 'points' : '%';
    const bars: number[] = [...Object.values(onTrack), ...Object.values(atRisk)];
    words = {
      places: bars.reduce((most, bar) => Math.max(most, placesOf(bar)), 0),
      onTrack: barWords(onTrack, unit),
      atRisk: barWords(atRisk, unit),
      beyond: beyondWords(atRisk, unit),
    };
    policyWords.set(policy, words);
  }
  return words;
}

function measureWords(compiled: CompiledSubject, said: Said, policy: Policy, places: number): string {
  if (policy.kind === 'gap') return gapWords(said.gap ?? 0, places);
  if (policy.kind === 'final') {
    const lower = compiled.kind === 'kpi' && compiled.direction === 'lower';
    const final = lower
      ? said.progressRaw === null || said.progressRaw <= 0
        ? 1
        : Math.min(1, 1 / said.progressRaw)
      : (said.progressRaw ?? 0);
    return `${percentDown(final, places)} % of the target`;
  }
  const percent = percentDown(said.pace ?? 0, places);
  if (compiled.kind === 'key_result' && isPerGrain(compiled)) {
    const grain = `${compiled.grid.grain.replace('_', ' ')}s`;
    if (compiled.mode === 'compliance') return `${percent} % of the ${grain} met`;
    return compiled.mode === 'latest' ? `${percent} % met in the latest` : `${percent} % met at worst`;
  }
  return `${percent} % of ${compiled.kind === 'kpi' && !compiled.cumulative ? 'target' : 'pace'}`;
}

function isPerGrain({ type }: CompiledKeyResult): boolean {
  return type === 'at_least' || type === 'at_most' || type === 'between';
}

function gapWords(gap: number, places: number): string {
  if (gap > 0) return `${percentUp(gap, places)} points behind`;
  const ahead = percentDown(-gap, places);
  return ahead === '0' ? 'no gap' : `${ahead} points ahead`;
}

function bandWords(compiled: CompiledSubject, said: Said): string {
  if (compiled.kind !== 'kpi') return '';
  const bands = inForce(compiled.bands, said.asOf, said.period?.to ?? Number.POSITIVE_INFINITY);
  const range = bands?.atRiskRange ?? null;
  if (compiled.direction === 'within' && range !== null) {
    return ` (${numberWords(formatRational(range.low))} to ${numberWords(formatRational(range.high))})`;
  }
  const edge = said.verdict === 'on_track' ? bands?.onTrack : bands?.atRisk;
  if (edge === null || edge === undefined) return '';
  return ` (${edgeWords(compiled, edge, said.verdict === 'off_track')})`;
}

function edgeWords(compiled: CompiledKpi, edge: BandEdge, beyond: boolean): string {
  const value = edge.share ? multiply(edge.value, { n: 100n, d: 1n }) : edge.value;
  const text = `${numberWords(formatRational(value))}${edge.share ? ' % of what is expected' : unitOf(compiled)}`;
  const lower = compiled.direction === 'lower';
  if (beyond) return `${lower ? 'more' : 'less'} than ${text}`;
  return `${text} or ${lower ? 'less' : 'more'}`;
}
