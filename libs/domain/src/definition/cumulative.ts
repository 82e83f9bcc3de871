import type { Aggregation, MetricDocument } from '../document.ts';
import { operandsOf } from './operands.ts';

const CUMULATIVE: ReadonlySet<Aggregation> = new Set(['sum', 'count', 'distinct', 'counter']);

/**
 * Whether the metric accumulates over a period: sums, counts, counters, distinct, and what + and − alone derive from
 * them (EVALUATION §2). Operands that are unknown or run in a loop make it a level; they are faults of their own.
 */
export function isCumulativeMetric(
  name: string,
  metrics: ReadonlyMap<string, MetricDocument>,
  above: ReadonlySet<string> = new Set(),
): boolean {
  const spec = metrics.get(name)?.spec;
  if (spec === undefined || above.has(name)) return false;
  if (spec.derived === undefined) return spec.aggregation !== undefined && CUMULATIVE.has(spec.aggregation);
  const read = operandsOf(spec.derived);
  if (!read.ok || !read.additive) return false;
  const below = new Set([...above, name]);
  return read.operands.length > 0 && read.operands.every((operand) => isCumulativeMetric(operand, metrics, below));
}
