import { type EntryCalendar, effective } from '../dating.ts';
import type { Grain, KpiDocument } from '../document.ts';
import type { Metric } from '../metric/metric.ts';
import { compilePace } from '../pace/line.ts';
import { bucketAt, type Grid, gridOf } from '../time/bucket.ts';
import { calendarIn } from '../time/calendar.ts';
import type { Compilation } from './compile.ts';
import { dayEndIn, dayStartIn } from './compile-cycle.ts';
import type { CompiledKpi, CompiledKpiPeriod } from './compiled.ts';
import { readBands, readDecimal, readOwner, readRange } from './values.ts';

/** `undefined` where metric, cycle or calendar is missing. */
export function compileKpi(document: KpiDocument, compilation: Compilation): CompiledKpi | undefined {
  const { spec, metadata } = document;
  const metric = compilation.metrics.get(spec.metric);
  if (metric === undefined) return undefined;
  const period = compilePeriod(document, metric, compilation);
  if (period === undefined) return undefined;
  const zone = period.kind === 'cycle' ? period.cycle.zone : metric.zone;
  const calendar: EntryCalendar = { dayStart: dayStartIn(zone), periodStart: (at) => periodStart(period, metric, at) };
  const cumulative = metric.cumulative && (period.kind === 'toDate' || period.kind === 'cycle');
  const dated = <Written, Value>(
    value: Parameters<typeof effective<Written, Value>>[0],
    read: (written: Written) => Value | undefined,
  ) => effective(value, read, calendar);
  const pace = spec.pace ?? compilation.defaults.pace;
  return {
    kind: 'kpi',
    subject: `kpi/${metadata.name}`,
    name: metadata.name,
    unit: spec.unit ?? null,
    source: { metric, where: spec.where ?? {} },
    direction: spec.direction,
    period,
    cumulative,
    target: dated(spec.targets, readDecimal),
    range: dated(spec.targets, readRange),
    bands: dated(spec.bands, readBands),
    hasBands: spec.bands !== undefined,
    owner: [dated(metadata.owner, readOwner)],
    pace: compilePace(cumulative ? pace : undefined, dayEndIn(zone)),
    policy: [dated(spec.policy, (name: string) => compilation.policies.get(name)), compilation.workspacePolicy],
  };
}

function compilePeriod(document: KpiDocument, metric: Metric, compilation: Compilation): CompiledKpiPeriod | undefined {
  const { period, cycle, calendar } = document.spec;
  if (period === 'latest') return { kind: 'latest', grid: metric.grid };
  if ('toDate' in period && period.toDate === 'cycle') {
    const found = cycle === undefined ? undefined : compilation.cycles.get(cycle);
    return found === undefined ? undefined : { kind: 'cycle', cycle: found };
  }
  const named = calendar === undefined ? metric.calendar : compilation.calendars.get(calendar);
  if (named === undefined) return undefined;
  const grid = (grain: Grain): Grid => gridOf(calendarIn(named, metric.zone), grain);
  if ('toDate' in period) return period.toDate === 'cycle' ? undefined : { kind: 'toDate', grid: grid(period.toDate) };
  if ('each' in period) return { kind: 'each', grid: grid(period.each) };
  return { kind: 'rolling', grid: grid(period.rolling.bucket), count: Math.max(1, period.rolling.count) };
}

/** A retroactive entry reaches back to the start of its period; of `latest` and `rolling` to that of the metric's bucket. */
function periodStart(period: CompiledKpiPeriod, metric: Metric, at: number): number {
  if (period.kind === 'cycle') {
    const { span } = period.cycle;
    return at >= span.from && at < span.to ? span.from : at;
  }
  const grid = period.kind === 'toDate' || period.kind === 'each' ? period.grid : metric.grid;
  return bucketAt(grid, at)?.from ?? at;
}
