import type {
  Bounds,
  Dated,
  KeyResultSpec,
  KpiDocument,
  MetricDocument,
  ObjectiveDocument,
  Pace,
} from '../document.ts';
import { suggest } from '../metric/suggest.ts';
import { parseDecimal } from '../number/decimal.ts';
import { datedEntries } from './check-dates.ts';
import { checkCalendar, isFiner } from './check-metric.ts';
import { isCumulativeMetric } from './cumulative.ts';
import type { Path, Reporter } from './fault.ts';
import { type KnownNames, loopFrom } from './known.ts';
import { NAME_PATTERN } from './names.ts';
import { checkPolicyReference, checkReference } from './references.ts';

export function checkKpi(kpi: KpiDocument, known: KnownNames, report: Reporter): void {
  const { spec } = kpi;
  checkReference('unit', spec.unit, known.units, ['spec', 'unit'], report);
  checkReference('cycle', spec.cycle, known.cycles, ['spec', 'cycle'], report);
  checkReference('metric', spec.metric, known.metrics, ['spec', 'metric'], report);
  checkPolicyReference(spec.policy, ['spec', 'policy'], known, report);
  const metric = known.metrics.get(spec.metric);
  checkWhere(spec.where, metric, ['spec', 'where'], report);
  checkKpiPeriod(kpi, metric, known, report);
  const cumulative = isCumulativeKpi(kpi, known);
  if (spec.pace !== undefined && !cumulative) {
    report('pace_on_level', ['spec', 'pace'], 'only a KPI to date on a sum, count, counter or distinct has a pace');
  }
  if (spec.bands !== undefined && spec.policy !== undefined) {
    report('bands_and_policy', ['spec', 'bands'], '`bands` replace a policy; both are given');
  }
  if (spec.direction === 'within' && cumulative) {
    report(
      'within_cumulative',
      ['spec', 'direction'],
      'the number grows through the period, so it cannot stay within a range',
    );
  }
  checkKpiValues(kpi, report);
}

function isCumulativeKpi(kpi: KpiDocument, known: KnownNames): boolean {
  const period = kpi.spec.period;
  return typeof period === 'object' && 'toDate' in period && isCumulativeMetric(kpi.spec.metric, known.metrics);
}

function checkKpiPeriod(
  kpi: KpiDocument,
  metric: MetricDocument | undefined,
  known: KnownNames,
  report: Reporter,
): void {
  const { period, cycle, calendar } = kpi.spec;
  const grain = periodGrain(period);
  checkCalendar(calendar ?? metric?.spec.calendar, grain ?? 'day', ['spec', 'period'], known, report);
  if (grain === 'cycle' && cycle === undefined) {
    report('missing_key', ['spec', 'cycle'], '`toDate: cycle` needs the name of the `cycle`');
  }
  if (grain !== undefined && metric !== undefined && isFiner(grain, metric.spec.grain)) {
    report(
      'wrong_grain',
      ['spec', 'period'],
      `the period is a ${grain}, but "${metric.metadata.name}" has one value a ${metric.spec.grain}`,
    );
  }
}

function periodGrain(period: KpiDocument['spec']['period'] | undefined): string | undefined {
  if (typeof period !== 'object' || period === null) return undefined;
  if ('toDate' in period) return period.toDate;
  if ('each' in period) return period.each;
  return period.rolling.bucket;
}

function checkKpiValues(kpi: KpiDocument, report: Reporter): void {
  const within = kpi.spec.direction === 'within';
  for (const [path, value] of datedEntries(kpi.spec.targets, ['spec', 'targets'])) {
    checkBoundsOrValue(value, within, path, report);
  }
  for (const [path, bands] of datedEntries(kpi.spec.bands, ['spec', 'bands'])) {
    const { onTrack, atRisk } = bands;
    if (within && onTrack !== undefined) {
      report('conflicting_keys', [...path, 'onTrack'], 'of `within` the target range itself is on track');
    }
    if (atRisk !== undefined) checkBoundsOrValue(atRisk, within, [...path, 'atRisk'], report);
    if (!within && onTrack !== undefined && typeof atRisk === 'string') {
      checkBandOrder(kpi.spec.direction, onTrack, atRisk, path, report);
    }
  }
}

/** A band of the same kind (both shares or both plain) must not be on the wrong side of the other. */
function checkBandOrder(direction: string, onTrack: string, atRisk: string, path: Path, report: Reporter): void {
  const [good, poor] = [String(onTrack), String(atRisk)];
  if (good.endsWith('%') !== poor.endsWith('%')) return;
  const [left, right] = [parseDecimal(good.replace('%', '')), parseDecimal(poor.replace('%', ''))];
  if (typeof left !== 'bigint' || typeof right !== 'bigint') return;
  if (direction === 'higher' ? right > left : right < left) {
    report('invalid_bounds', path, `at risk until ${poor} is better than on track until ${good}`);
  }
}

function isBounds(value: unknown): value is Bounds {
  return typeof value === 'object' && value !== null && 'low' in value && 'high' in value;
}

function checkBoundsOrValue(value: unknown, range: boolean, path: Path, report: Reporter): void {
  if (!range) {
    if (isBounds(value)) report('invalid_type', path, 'one value is needed here, not `{low, high}`');
    return;
  }
  if (!isBounds(value)) {
    report('invalid_type', path, 'a range is needed here: `{low, high}`');
    return;
  }
  const [low, high] = [parseDecimal(String(value.low)), parseDecimal(String(value.high))];
  if (typeof low === 'bigint' && typeof high === 'bigint' && low > high) {
    report('invalid_bounds', path, `low ${value.low} is above high ${value.high}`);
  }
}

function checkWhere(
  where: Readonly<Record<string, string>> | undefined,
  metric: MetricDocument | undefined,
  path: Path,
  report: Reporter,
): void {
  // A derived metric has the dimensions of its operands; a filter that one of them lacks matches nothing there.
  if (where === undefined || metric === undefined || metric.spec.derived !== undefined) return;
  const dimensions = metric.spec.dimensions ?? [];
  for (const dimension of Object.keys(where)) {
    if (dimensions.includes(dimension)) continue;
    report('unknown_dimension', [...path, dimension], `"${metric.metadata.name}" has no dimension "${dimension}"`, {
      suggestion: suggest(dimension, dimensions),
    });
  }
}

export function checkObjective(objective: ObjectiveDocument, known: KnownNames, report: Reporter): void {
  const { spec } = objective;
  checkReference('cycle', spec.cycle, known.cycles, ['spec', 'cycle'], report);
  checkReference('unit', spec.unit, known.units, ['spec', 'unit'], report);
  checkReference('objective', spec.parent, known.objectives, ['spec', 'parent'], report);
  checkPolicyReference(spec.policy, ['spec', 'policy'], known, report);
  checkWeight(spec.weight, ['spec', 'weight'], report);
  const loop = loopFrom(objective.metadata.name, (name) => {
    const parent = known.objectives.get(name)?.spec.parent;
    return parent === undefined ? [] : [parent];
  });
  if (loop !== undefined) report('loop', ['spec', 'parent'], `the objective is its own ancestor: ${loop.join(' → ')}`);
  checkReach(objective, known, report);
  checkPaceDates(spec.pace, objective, ['spec', 'pace'], known, report);
  const names = new Set<string>();
  for (const [index, result] of (spec.keyResults ?? []).entries()) {
    const path = ['spec', 'keyResults', index] as const;
    if (names.has(result.name)) {
      report('duplicate_name', [...path, 'name'], `two key results of the objective are named "${result.name}"`);
    }
    names.add(result.name);
    checkKeyResult(result, objective, path, known, report);
  }
}

/** A child whose cycle shares no day with its parent's can never move it. */
function checkReach(objective: ObjectiveDocument, known: KnownNames, report: Reporter): void {
  const parent = objective.spec.parent === undefined ? undefined : known.objectives.get(objective.spec.parent);
  const own = known.cycles.get(objective.spec.cycle)?.spec;
  const other = parent === undefined ? undefined : known.cycles.get(parent.spec.cycle)?.spec;
  if (own === undefined || other === undefined) return;
  if (own.firstDay <= other.lastDay && own.lastDay >= other.firstDay) return;
  report(
    'unreachable_cycle',
    ['spec', 'parent'],
    `cycle "${objective.spec.cycle}" has no day in common with the parent's "${parent?.spec.cycle}"`,
  );
}

function checkKeyResult(
  result: KeyResultSpec,
  objective: ObjectiveDocument,
  path: Path,
  known: KnownNames,
  report: Reporter,
): void {
  if (!NAME_PATTERN.test(String(result.name))) report('invalid_name', [...path, 'name'], `"${result.name}" is no name`);
  checkReference('metric', result.metric, known.metrics, [...path, 'metric'], report);
  const metric = result.metric === undefined ? undefined : known.metrics.get(result.metric);
  checkWhere(result.where, metric, [...path, 'where'], report);
  checkPolicyReference(result.policy, [...path, 'policy'], known, report);
  checkWeight(result.weight, [...path, 'weight'], report);
  checkPaceDates(result.pace, objective, [...path, 'pace'], known, report);
  const grain = result.grain;
  if (grain !== undefined && metric !== undefined && isFiner(grain, metric.spec.grain)) {
    report(
      'wrong_grain',
      [...path, 'grain'],
      `"${metric.metadata.name}" has one value a ${metric.spec.grain}, none a ${grain}`,
    );
  }
  for (const [at, target] of datedEntries(result.target, [...path, 'target'])) {
    checkBoundsOrValue(target, result.type === 'between', at, report);
  }
  if (result.type === 'reach') checkBaseline(result, path, known, report);
  if (result.type === 'milestones') checkMilestones(result, objective, path, known, report);
}

function checkBaseline(result: KeyResultSpec, path: Path, known: KnownNames, report: Reporter): void {
  if (result.baseline === undefined) {
    report('missing_key', [...path, 'baseline'], '`reach` needs a `baseline`: a number, or `start`');
    return;
  }
  if (result.metric === undefined || !isCumulativeMetric(result.metric, known.metrics)) return;
  for (const [at, value] of datedEntries(result.baseline, [...path, 'baseline'])) {
    if (parseDecimal(String(value)) === 0n) continue;
    report(
      'baseline_on_cumulative',
      at,
      `"${result.metric}" starts at zero with the cycle, so a baseline of ${value} has no meaning`,
    );
  }
}

function checkMilestones(
  result: KeyResultSpec,
  objective: ObjectiveDocument,
  path: Path,
  known: KnownNames,
  report: Reporter,
): void {
  const milestones = result.milestones ?? [];
  if (milestones.length === 0)
    report('missing_key', [...path, 'milestones'], '`milestones` needs a list of milestones');
  const names = new Set<string>();
  for (const [index, milestone] of milestones.entries()) {
    const at = [...path, 'milestones', index];
    if (names.has(milestone.name))
      report('duplicate_name', [...at, 'name'], `two milestones are named "${milestone.name}"`);
    names.add(milestone.name);
    if (milestone.weight !== undefined && !(Number(milestone.weight) > 0)) {
      report('negative_weight', [...at, 'weight'], `the weight ${milestone.weight} is not above zero`);
    }
    if (milestone.due !== undefined) checkDay(milestone.due, objective, [...at, 'due'], known, report);
  }
}

function checkPaceDates(
  pace: Pace | undefined,
  objective: ObjectiveDocument,
  path: Path,
  known: KnownNames,
  report: Reporter,
): void {
  if (typeof pace !== 'object' || pace === null || !('phased' in pace)) return;
  for (const [index, target] of pace.phased.targets.entries()) {
    checkDay(target.date, objective, [...path, 'phased', 'targets', index, 'date'], known, report);
  }
}

/** Only a warning: objectives of several cycles may share what was written once. */
function checkDay(day: string, objective: ObjectiveDocument, path: Path, known: KnownNames, report: Reporter): void {
  const cycle = known.cycles.get(objective.spec.cycle)?.spec;
  if (cycle === undefined || (day >= cycle.firstDay && day <= cycle.lastDay)) return;
  report(
    'date_outside_cycle',
    path,
    `${day} is not in cycle "${objective.spec.cycle}" (${cycle.firstDay} to ${cycle.lastDay})`,
    { warning: true },
  );
}

function checkWeight(weight: Dated<number> | undefined, path: Path, report: Reporter): void {
  for (const [at, value] of datedEntries(weight, path)) {
    if (Number(value) < 0) report('negative_weight', at, `the weight ${value} is below zero`);
  }
}
