import type { Document, MetricDocument } from '@paceline/domain';

const META = { apiVersion: 'paceline/v1' } as const;
export const DAY_MS = 86_400_000;
/** Thursday; a month ends on the third day. */
export const START = Date.parse('2026-10-29T00:00:00Z');
export const DAYS = 5;

export const SOURCES = ['quick', 'slow'] as const;
export type SourceName = (typeof SOURCES)[number];
export const PUSHED = ['level', 'ping', 'orders'] as const;
export type Pushed = (typeof PUSHED)[number];

/** Of `sales` there are two feeders that lag unequally; the others are pushed. */
export function metricOf(name: 'sales' | Pushed, variant: number): MetricDocument {
  const timezone = ['UTC', 'Europe/Berlin', 'America/New_York'][variant % 3] ?? 'UTC';
  const specs: Readonly<Record<'sales' | Pushed, MetricDocument['spec']>> = {
    sales: { aggregation: 'sum', grain: 'day', settle: 'PT2H', timezone, dimensions: ['region'] },
    level: { aggregation: 'last', across: 'sum', grain: 'day', dimensions: ['region'] },
    ping: { aggregation: 'avg', points: 'time', grain: 'day', settle: 'PT1H' },
    orders: { aggregation: 'sum', grain: 'day', revisions: 'source' },
  };
  return { ...META, kind: 'Metric', metadata: { name }, spec: specs[name] };
}

export type KpiPeriod = 'month' | 'week' | 'each' | 'latest';
const PERIODS = {
  month: { toDate: 'month' },
  week: { toDate: 'week' },
  each: { each: 'day' },
  latest: 'latest',
} as const;

export function kpi(name: string, metric: string, period: KpiPeriod, target: number): Document {
  return {
    ...META,
    kind: 'Kpi',
    metadata: { name },
    spec: {
      metric,
      direction: 'higher',
      period: PERIODS[period],
      targets: [{ effectiveFrom: '2026-01-01', value: String(target) }],
    },
  };
}

export function source(workspace: string, name: SourceName): Document {
  return {
    ...META,
    kind: 'Source',
    metadata: { name },
    spec: {
      connector: `rows-${workspace}-${name}`,
      window: { period: 'P1D', lookback: 'P2D', start: '2026-10-29' },
      map: { metric: 'sales', time: 'day', value: 'value', dimensions: ['region'] },
    },
  };
}

const RULE: Document = {
  ...META,
  kind: 'AlertRule',
  metadata: { name: 'behind' },
  spec: { watch: ['*'], when: 'off_track', for: 1, severity: 'page' },
};
const MISSED: Document = {
  ...META,
  kind: 'AlertRule',
  metadata: { name: 'missed' },
  spec: { watch: ['kpi/*'], when: 'missed', severity: 'warn' },
};

/** What a workspace begins with; the variant decides which of it. */
export function firstDefinitions(workspace: string, variant: number): Document[] {
  const sold = kpi('sold', 'sales', variant % 2 === 0 ? 'each' : 'month', 60);
  const others: readonly Document[][] = [
    [kpi('kept', 'level', 'latest', 20)],
    [kpi('quick', 'ping', 'each', 40)],
    [kpi('ordered', 'orders', 'week', 150)],
  ];
  return [
    ...(['sales', 'level', 'ping', 'orders'] as const).map((name) => metricOf(name, variant)),
    sold,
    ...(others[variant % others.length] ?? []),
    ...(others[Math.floor(variant / 3) % others.length] ?? []),
    ...SOURCES.map((name) => source(workspace, name)),
    RULE,
    MISSED,
  ].filter((document, at, all) => all.findIndex((other) => nameOf(other) === nameOf(document)) === at);
}

function nameOf(document: Document): string {
  return `${document.kind}/${document.metadata.name}`;
}
