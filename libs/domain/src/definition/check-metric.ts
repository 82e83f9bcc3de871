import type { Grain, MetricDocument } from '../document.ts';
import { suggest } from '../metric/suggest.ts';
import type { Reporter } from './fault.ts';
import type { KnownNames } from './known.ts';
import { loopFrom } from './known.ts';
import { operandsOf } from './operands.ts';

/** Coarseness; grains of equal rank are not compared. */
const RANK: Readonly<Record<Grain, number>> = {
  hour: 0,
  day: 1,
  week: 2,
  period: 3,
  month: 3,
  quarter: 4,
  fiscal_quarter: 4,
  year: 5,
  fiscal_year: 5,
};

/** Whether buckets of `grain` are too small to hold those of `own`. */
export function isFiner(grain: string, own: string): boolean {
  const [left, right] = [rankOf(grain), rankOf(own)];
  return left !== undefined && right !== undefined && left < right;
}

function rankOf(grain: string): number | undefined {
  return Object.hasOwn(RANK, grain) ? RANK[grain as Grain] : undefined;
}

export function checkMetric(metric: MetricDocument, known: KnownNames, report: Reporter): void {
  const { spec } = metric;
  if (spec.aggregation === undefined && spec.derived === undefined) {
    report('missing_key', ['spec', 'aggregation'], 'a metric has an `aggregation`, or is `derived` from others');
  }
  if (spec.aggregation !== undefined && spec.derived !== undefined) {
    report('conflicting_keys', ['spec', 'derived'], '`aggregation` and `derived` exclude each other');
  }
  if (spec.aggregation === 'distinct' && spec.points !== 'time') {
    const at = spec.points === undefined ? 'aggregation' : 'points';
    report('distinct_on_periods', ['spec', at], '`distinct` counts different values and needs every one of them');
  }
  checkCalendar(spec.calendar, spec.grain, ['spec', 'grain'], known, report);
  if (spec.derived !== undefined) checkDerived(metric, spec.derived, known, report);
}

/** A named calendar exists, and grains that only a calendar can give have one. */
export function checkCalendar(
  calendar: string | undefined,
  grain: string,
  path: readonly (string | number)[],
  known: KnownNames,
  report: Reporter,
): void {
  const found = calendar === undefined ? undefined : known.calendars.get(calendar);
  if (calendar !== undefined && found === undefined) {
    report('unknown_reference', ['spec', 'calendar'], `there is no calendar "${calendar}"`, {
      suggestion: suggest(calendar, known.calendars.keys()),
    });
    return;
  }
  if (grain === 'period' && (found?.spec.periods ?? []).length === 0) {
    report('missing_key', path, 'the grain `period` needs a `calendar` with `periods`');
  }
}

function checkDerived(metric: MetricDocument, expression: string, known: KnownNames, report: Reporter): void {
  const path = ['spec', 'derived'] as const;
  const read = operandsOf(expression);
  if (!read.ok) {
    report('invalid_expression', path, `"${expression}": ${read.message}`);
    return;
  }
  const loop = loopFrom(metric.metadata.name, (name) => {
    const derived = known.metrics.get(name)?.spec.derived;
    const operands = derived === undefined ? undefined : operandsOf(derived);
    return operands?.ok === true ? operands.operands : [];
  });
  if (loop !== undefined) report('loop', path, `the metric is derived from itself: ${loop.join(' → ')}`);
  for (const operand of read.operands) checkOperand(metric, operand, known, report);
}

function checkOperand(metric: MetricDocument, operand: string, known: KnownNames, report: Reporter): void {
  const path = ['spec', 'derived'] as const;
  const found = known.metrics.get(operand);
  if (found === undefined) {
    report('unknown_reference', path, `there is no metric "${operand}"`, {
      suggestion: suggest(operand, known.metrics.keys()),
    });
    return;
  }
  if (found.spec.grain !== metric.spec.grain) {
    report('wrong_grain', path, `"${operand}" has the grain ${found.spec.grain}, this metric ${metric.spec.grain}`);
  }
  const zone = metric.spec.timezone;
  const other = found.spec.derived === undefined ? (found.spec.timezone ?? 'UTC') : found.spec.timezone;
  const calendars = metric.spec.calendar ?? found.spec.calendar;
  if (zone !== undefined && other !== undefined && calendars === undefined && zone !== other) {
    report('wrong_grain', path, `"${operand}" counts its buckets in ${other}, this metric in ${zone}`);
  }
}
