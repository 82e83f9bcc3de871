/** How much is pushed: one value of each metric, region and day. */
export interface Shape {
  readonly metrics: number;
  readonly regions: number;
  readonly days: number;
  /** Lines of one request. */
  readonly batch: number;
  /** Requests under way at a time. */
  readonly concurrency: number;
}

export const SHAPE: Shape = { metrics: 500, regions: 20, days: 100, batch: 2_000, concurrency: 4 };

const DAY_MS = 86_400_000;

export function pointsOf({ metrics, regions, days }: Shape): number {
  return metrics * regions * days;
}

export function metricName(index: number): string {
  return `metric-${String(index).padStart(3, '0')}`;
}

/** Labels of the days that end the day before `today`, ascending. */
export function dayLabels(days: number, today: number): string[] {
  const last = Math.floor(today / DAY_MS) * DAY_MS;
  return Array.from({ length: days }, (_, index) =>
    new Date(last - (days - index) * DAY_MS).toISOString().slice(0, 10),
  );
}

/** Bodies of NDJSON, day by day as they would arrive, of every metric and region. */
export function* bodiesOf({ metrics, regions, batch }: Shape, labels: readonly string[]): Generator<string> {
  let lines: string[] = [];
  for (const period of labels) {
    for (let metric = 0; metric < metrics; metric++) {
      for (let region = 0; region < regions; region++) {
        const value = `${(metric * 7 + region * 3) % 1000}.${region + 10}`;
        lines.push(
          `{"metric":"${metricName(metric)}","period":"${period}","value":"${value}","dimensions":{"region":"r${region}"}}\n`,
        );
        if (lines.length < batch) continue;
        yield lines.join('');
        lines = [];
      }
    }
  }
  if (lines.length > 0) yield lines.join('');
}

/** Each metric and a KPI on its days. */
export function definitionsOf({ metrics }: Shape, from: string): string {
  return Array.from({ length: metrics }, (_, index) => {
    const name = metricName(index);
    return `apiVersion: paceline/v1
kind: Metric
metadata: {name: ${name}}
spec: {aggregation: sum, grain: day, dimensions: [region]}
---
apiVersion: paceline/v1
kind: Kpi
metadata: {name: ${name}}
spec: {metric: ${name}, direction: higher, period: {each: day}, targets: [{effectiveFrom: ${from}, value: "5000"}]}
`;
  }).join('---\n');
}
