import type { Store } from '../port.ts';
import { alertHistory, definitions, kpiTrend, statusHistory } from './history-views.ts';
import { metricTrend } from './metric-trend.ts';
import { statusViews } from './status-views.ts';
import {
  type BiScope,
  type BiView,
  column,
  createView,
  decimalColumns,
  INSTANT,
  quotedName,
  quotedText,
} from './view.ts';

export { bucketRows, gridName } from './grid.ts';
export type { BiColumn, BiScope, BiView } from './view.ts';

/** Database of the views for people and their tools; it shows one edition, whichever database that lies in. */
export const BI_DATABASE = 'bi';

/** The documented, stable views. */
export function biViews(scope: BiScope): readonly BiView[] {
  return [
    definitions(scope),
    metricTrend(scope),
    kpiTrend(scope),
    ...statusViews(scope),
    statusHistory(scope),
    alertHistory(scope),
  ];
}

const PREFIX = 'metric_';

export interface BiMetric {
  readonly name: string;
  readonly title: string;
  readonly dimensions: readonly string[];
}

/**
 * Names of the views of single metrics, by metric: `metric_web_visits` for `web-visits`, because tools would have to quote a
 * hyphen. Where two come to one name, or to that of a fixed view, the later in the alphabet gets an underscore more.
 */
export function metricViewNames(metrics: Iterable<string>): ReadonlyMap<string, string> {
  const names = new Map<string, string>();
  const taken = new Set<string>(['metric_trend']);
  for (const metric of [...new Set(metrics)].sort()) {
    let name = `${PREFIX}${metric.replaceAll('-', '_')}`;
    while (taken.has(name)) name += '_';
    taken.add(name);
    names.set(metric, name);
  }
  return names;
}

/** A metric with a column for each of its dimensions. */
export function metricView(name: string, metric: BiMetric): BiView {
  const own = new Set([
    'workspace',
    'bucket',
    'bucket_from',
    'bucket_to',
    'value',
    'points',
    'numerator',
    'denominator',
    'ended',
  ]);
  const dimensions = metric.dimensions.map((dimension) => {
    const plain = dimension.replaceAll('-', '_');
    const isTaken = own.has(plain) || plain.endsWith('_float');
    return { dimension, own: isTaken ? `dimension_${plain}` : plain };
  });
  const items = dimensions.map(
    (each) => `JSONExtractString(series, ${quotedText(each.dimension)}) AS ${quotedName(each.own)}, `,
  );
  return {
    name,
    comment: `Values of ${metric.title}, one row a bucket and combination of dimensions.`,
    columns: [
      column('workspace', 'LowCardinality(String)', 'Workspace'),
      column('bucket', 'String', 'Label of the bucket'),
      column('bucket_from', INSTANT, 'Start of the bucket'),
      column('bucket_to', INSTANT, 'End of the bucket, exclusive'),
      ...dimensions.map((each) => column(each.own, 'String', `Dimension ${each.dimension}, empty without`)),
      ...decimalColumns('value', 'Value in the bucket'),
      column('points', 'UInt64', 'Points that stand in the bucket'),
      ...decimalColumns('numerator', 'Ratios: sum of the numerators'),
      ...decimalColumns('denominator', 'Ratios: sum of the denominators'),
      column('ended', 'Bool', 'The bucket has ended by the engine’s clock'),
    ],
    select: `SELECT workspace, bucket, bucket_from, bucket_to, ${items.join('')}value, value_float, points,
  numerator, numerator_float, denominator, denominator_float, ended
FROM ${quotedName(BI_DATABASE)}.metric_trend WHERE metric = ${quotedText(metric.name)}`,
  };
}

/** Makes database `bi` show a store's edition; what is there is replaced, so it may be said at every start. */
export async function publishBi(store: Store, edition: number): Promise<void> {
  const scope = { database: store.database, edition };
  await store.command({ sql: `CREATE DATABASE IF NOT EXISTS ${quotedName(BI_DATABASE)}` });
  for (const view of biViews(scope)) await publishView(store, view);
}

export async function publishView(store: Store, view: BiView): Promise<void> {
  await store.command({ sql: createView(BI_DATABASE, view) });
}

/** Drops the views of metrics that are no longer there. */
export async function dropMetricViews(store: Store, keep: ReadonlySet<string>): Promise<void> {
  const rows = await store.read(
    {
      sql: 'SELECT name FROM system.tables WHERE database = {database:String} AND startsWith(name, {prefix:String})',
      params: { database: BI_DATABASE, prefix: PREFIX },
    },
    { name: 'String' },
    { lane: 'write' },
  );
  for (const { name } of rows)
    if (name !== 'metric_trend' && !keep.has(name))
      await store.command({ sql: `DROP VIEW IF EXISTS ${quotedName(BI_DATABASE)}.${quotedName(name)}` });
}
