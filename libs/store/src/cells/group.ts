import type { Metric } from '@paceline/domain';
import { keepsValues } from '@paceline/domain';
import type { TimeCellsWanted } from './sql.ts';

/** Metrics one query reads: enough to make queries few, few enough to keep its memory and its text bounded. */
const METRICS_MAX = 500;

/** Splits into groups of equal key, each of at most 500. */
export function grouped<Item>(items: Iterable<Item>, keyOf: (item: Item) => string): Item[][] {
  const groups = new Map<string, Item[]>();
  const full: Item[][] = [];
  for (const item of items) {
    const key = keyOf(item);
    const group = groups.get(key) ?? [];
    group.push(item);
    groups.set(key, group);
    if (group.length < METRICS_MAX) continue;
    full.push(group);
    groups.delete(key);
  }
  return [...full, ...groups.values()];
}

export function extraOf(metric: Metric): TimeCellsWanted['extra'] {
  if (keepsValues(metric)) return 'values';
  return metric.aggregation === 'counter' ? 'counter' : 'none';
}

/** Grids that cut time alike have equal keys. */
export function gridKey({ grain, zone, calendar }: Metric): string {
  const table = grain === 'period' ? JSON.stringify(calendar.periods) : '';
  return `${grain} ${zone.name} ${calendar.weekStart} ${calendar.fiscalYearStart} ${table}`;
}

/** How points of a metric are read alike: by the same columns and the same rule of standing. */
export function readingKey(metric: Metric): string {
  return `${metric.aggregation === 'ratio'} ${metric.revisions} ${metric.points === 'time' ? extraOf(metric) : ''}`;
}
