const DAY_MS = 86_400_000;
const REGIONS = ['emea', 'apac', 'amer', 'latam'] as const;
const DAYS = 28;
const BATCH_POINTS = 1_000;
/** The first so many points of a round are stated again at its end, with another value. */
const CORRECTED = 0.05;

/** The channel of all alerts. */
export const CHANNEL = 'hook';
/** The key result that only check-ins feed. */
export const SAID = 'key_result/survive/said';

export interface Batch {
  readonly key: string;
  readonly body: string;
  readonly points: number;
}

/** What a client sends in one round: events of one metric over four weeks that have ended, and corrections of the first. */
export interface Load {
  readonly metric: string;
  readonly batches: readonly Batch[];
  /** Sent once all others are taken. */
  readonly corrections: readonly Batch[];
  readonly points: number;
  /** What their values add up to once all is taken, exact. */
  readonly sum: bigint;
  /** The same by day, UTC. */
  readonly sumByDay: ReadonlyMap<string, bigint>;
}

export function metricOf(round: number): string {
  return `load-${round}`;
}

/** The first of the days that are stated, from the day on which the rounds run. */
export function firstDay(today: number): number {
  return Math.floor(today / DAY_MS) * DAY_MS - 40 * DAY_MS;
}

/** The end of the last one. */
export function endOfDays(today: number): number {
  return firstDay(today) + DAYS * DAY_MS;
}

/** Values are whole, so that adding them is exact in any order, and large, so that a float would not do. */
function amountOf(round: number, n: number, isCorrected: boolean): bigint {
  return BigInt(round) * 1_000_003n + BigInt(n) * 7_919n + (isCorrected ? 13n : 0n) + 9_007_199_254_740_993n;
}

export function loadOf(round: number, points: number, today: number): Load {
  const metric = metricOf(round);
  const from = firstDay(today);
  const corrected = Math.floor(points * CORRECTED);
  const sumByDay = new Map<string, bigint>();
  let sum = 0n;
  const line = (n: number, isCorrected: boolean): string => {
    const time = new Date(from + (n % DAYS) * DAY_MS + ((n * 997) % 86_400) * 1_000).toISOString();
    const region = REGIONS[n % REGIONS.length];
    const value = String(amountOf(round, n, isCorrected));
    return `${JSON.stringify({ metric, time, value, id: `${round}-${n}`, dimensions: { region } })}\n`;
  };
  for (let n = 0; n < points; n++) {
    const value = amountOf(round, n, n < corrected);
    const day = new Date(from + (n % DAYS) * DAY_MS).toISOString().slice(0, 10);
    sum += value;
    sumByDay.set(day, (sumByDay.get(day) ?? 0n) + value);
  }
  return {
    metric,
    points,
    sum,
    sumByDay,
    batches: batchesOf(`${metric}/first`, points, (n) => line(n, false)),
    corrections: batchesOf(`${metric}/corrected`, corrected, (n) => line(n, true)),
  };
}

function batchesOf(name: string, points: number, line: (n: number) => string): Batch[] {
  const batches: Batch[] = [];
  for (let from = 0; from < points; from += BATCH_POINTS) {
    const size = Math.min(BATCH_POINTS, points - from);
    const body = Array.from({ length: size }, (_, n) => line(from + n)).join('');
    batches.push({ key: `${name}/${from}`, body, points: size });
  }
  return batches;
}

/** A point of every metric on the first day, so that all are judged from there on whatever comes first afterwards. */
export function seedOf(rounds: number, today: number): Batch {
  const time = new Date(firstDay(today)).toISOString();
  const lines = Array.from({ length: rounds }, (_, index) => {
    const dimensions = { region: REGIONS[0] };
    return `${JSON.stringify({ metric: metricOf(index + 1), time, value: '0', id: 'seed', dimensions })}\n`;
  });
  return { key: 'seed', body: lines.join(''), points: rounds };
}

/**
 * Definitions for as many rounds: each round's metric with a KPI and a key result, an objective and alerts over all. Targets are what
 * a whole round adds up to, so that half of it is off track, and all of it is not.
 */
export function definitionsOf(rounds: number, points: number, today: number, hook: string): string {
  const from = new Date(firstDay(today)).toISOString().slice(0, 10);
  const to = new Date(firstDay(today) + (DAYS - 1) * DAY_MS).toISOString().slice(0, 10);
  const whole = BigInt(points) * amountOf(0, 0, false);
  const all = Array.from({ length: rounds }, (_, index) => index + 1);
  const metrics = all.map(
    (round) => `apiVersion: paceline/v1
kind: Metric
metadata: {name: ${metricOf(round)}}
spec: {aggregation: sum, points: time, grain: day, dimensions: [region]}
---
apiVersion: paceline/v1
kind: Kpi
metadata: {name: day-${round}}
spec:
  metric: ${metricOf(round)}
  direction: higher
  period: {each: day}
  targets: [{effectiveFrom: ${from}, value: "${whole / BigInt(DAYS)}"}]
---
apiVersion: paceline/v1
kind: Kpi
metadata: {name: never-${round}, description: Always off track}
spec:
  metric: ${metricOf(round)}
  direction: higher
  period: {each: day}
  targets: [{effectiveFrom: ${from}, value: "${whole}"}]
---
`,
  );
  const keyResults = all.map(
    (round) =>
      `    - {name: load-${round}, metric: ${metricOf(round)}, type: reach, baseline: "0", target: "${whole}"}`,
  );
  return `${metrics.join('')}apiVersion: paceline/v1
kind: Cycle
metadata: {name: chaos}
spec: {firstDay: ${from}, lastDay: ${to}, timezone: UTC}
---
apiVersion: paceline/v1
kind: Objective
metadata: {name: survive}
spec:
  cycle: chaos
  keyResults:
    - {name: said, type: reach, baseline: "0", target: "${rounds * 10}"}
${keyResults.join('\n')}
---
apiVersion: paceline/v1
kind: Channel
metadata: {name: ${CHANNEL}}
spec: {type: webhook, url: "${hook}", secret: "\${secret:hook#whsec}"}
---
apiVersion: paceline/v1
kind: AlertRule
metadata: {name: low}
spec: {watch: ["kpi/*", "key_result/*", "objective/*"], when: at_risk, for: 2, recover: 1, severity: info, channels: [${CHANNEL}]}
`;
}

/** What a round applies while it runs: another target of its KPI, from its first day on, which judges all its days again. */
export function targetOf(round: number, points: number, today: number): unknown {
  const from = new Date(firstDay(today)).toISOString().slice(0, 10);
  const value = String((BigInt(points) * amountOf(round, 0, false)) / BigInt(2 * DAYS));
  return {
    apiVersion: 'paceline/v1',
    kind: 'Kpi',
    metadata: { name: `day-${round}` },
    spec: {
      metric: metricOf(round),
      direction: 'higher',
      period: { each: 'day' },
      targets: [{ effectiveFrom: from, value, reason: 'changed while the round ran' }],
    },
  };
}
