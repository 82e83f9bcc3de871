import type { Document, Fact, MetricDocument, PointStatement } from '@paceline/domain';
import type { TestLog } from './log.ts';

/** Numbers that a seed decides: mulberry32. */
export function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

const DAY_MS = 86_400_000;
const START = Date.parse('2026-11-01T00:00:00Z');
const META = { apiVersion: 'paceline/v1' } as const;
const METRICS = ['sales', 'level', 'share', 'ping', 'odd'] as const;

function metricOf(name: (typeof METRICS)[number], variant: number): MetricDocument {
  const timezone = ['UTC', 'Europe/Berlin', 'America/New_York'][variant % 3] ?? 'UTC';
  const specs: Readonly<Record<string, MetricDocument['spec']>> = {
    sales: { aggregation: 'sum', grain: 'day', settle: 'PT6H', timezone, dimensions: ['region'] },
    level: { aggregation: 'last', across: 'sum', grain: 'day', timezone: 'UTC', dimensions: ['region'] },
    share: { aggregation: 'ratio', grain: 'day' },
    ping: { aggregation: 'avg', points: 'time', grain: 'day', settle: 'PT1H' },
    odd: { aggregation: 'sum', grain: 'day', revisions: 'source' },
  };
  return { ...META, kind: 'Metric', metadata: { name }, spec: specs[name] ?? { aggregation: 'sum', grain: 'day' } };
}

function kpi(name: string, metric: string, period: 'toDate' | 'each' | 'latest' | 'rolling', target: number): Document {
  const periods = {
    toDate: { toDate: 'month' },
    each: { each: 'day' },
    latest: 'latest',
    rolling: { rolling: { bucket: 'day', count: 3 } },
  } as const;
  const targets = [{ effectiveFrom: '2026-01-01', value: String(target) }];
  return {
    ...META,
    kind: 'Kpi',
    metadata: { name },
    spec: { metric, direction: 'higher', period: periods[period], targets },
  };
}

function objective(target: number): Document {
  return {
    ...META,
    kind: 'Objective',
    metadata: { name: 'grow' },
    spec: {
      cycle: 'november',
      keyResults: [
        { name: 'sell', metric: 'sales', type: 'reach', baseline: '0', target: String(target) },
        { name: 'keep', metric: 'level', type: 'at_least', target: '5' },
        { name: 'nps', type: 'reach', baseline: '20', target: '50' },
        { name: 'done', type: 'done' },
      ],
    },
  };
}

const CYCLE: Document = {
  ...META,
  kind: 'Cycle',
  metadata: { name: 'november' },
  spec: { firstDay: '2026-11-03', lastDay: '2026-11-17', timezone: 'Europe/Berlin' },
};
const RULE: Document = {
  ...META,
  kind: 'AlertRule',
  metadata: { name: 'behind' },
  spec: { watch: ['*'], when: 'off_track', for: 2, severity: 'page', remind: 'P3D' },
};

function source(name: string, metric: string): Document {
  const map = { metric, time: 'day', value: 'value' };
  return { ...META, kind: 'Source', metadata: { name }, spec: { connector: 'csv', map } };
}

/** Appends a schedule of facts about one workspace in which everything that can go wrong with data does. */
export async function randomLog(log: TestLog, seed: number, length: number): Promise<void> {
  const random = randomOf(seed);
  const pick = <Item>(items: readonly Item[]): Item => items[Math.floor(random() * items.length)] as Item;
  const whole = (max: number): number => Math.floor(random() * max);
  let now = START + 8 * 3_600_000;
  const label = (day: number): string => new Date(START + day * DAY_MS).toISOString().slice(0, 10);
  const someDay = (): number => Math.floor((now - START) / DAY_MS) - whole(random() < 0.2 ? 12 : 3);

  function point(metric: string): PointStatement {
    const revision = metric === 'odd' && random() < 0.5 ? { revision: whole(3) } : {};
    const dimensions = metric === 'sales' || metric === 'level' ? { dimensions: { region: pick(['a', 'b']) } } : {};
    const gone = random() < 0.2;
    if (metric === 'ping') {
      const time = new Date(START + someDay() * DAY_MS + whole(24) * 3_600_000).toISOString().replace('.000', '');
      return { time, id: `p${whole(4)}`, value: gone ? null : String(whole(100)) };
    }
    const period = random() < 0.03 ? '2026-11' : label(someDay());
    if (metric !== 'share') return { period, ...dimensions, ...revision, value: gone ? null : String(whole(30)) };
    return gone ? { period, value: null } : { period, numerator: String(whole(10)), denominator: String(whole(12)) };
  }

  function observations(): Fact {
    const metric = pick(METRICS);
    const points = Array.from({ length: 1 + whole(4) }, () => point(metric));
    const feeder = metric === 'sales' ? pick(['push', 'source/s', 'source/t']) : pick(['push', 'push', 'source/u']);
    const read = feeder === 'push' ? {} : { readAt: now - whole(3) * 3_600_000 };
    return { type: 'observations', metric, feeder, points, ...read };
  }

  function covered(): Fact {
    const metric = pick(METRICS);
    const feeder = metric === 'sales' ? pick(['push', 'source/s', 'source/t']) : 'push';
    const to = START + someDay() * DAY_MS;
    const from = random() < 0.5 ? {} : { from: to - whole(6) * DAY_MS };
    return { type: 'covered', metric, feeder, to, ...from };
  }

  function checkIn(): Fact {
    const time = START + someDay() * DAY_MS + whole(24) * 3_600_000;
    return random() < 0.7
      ? { type: 'check_in', subject: 'key_result/grow/nps', time, value: String(20 + whole(30)) }
      : { type: 'check_in', subject: 'key_result/grow/done', time, done: random() < 0.7 };
  }

  const changes: readonly (() => Promise<unknown>)[] = [
    () => log.define([metricOf(pick(METRICS), whole(3))]),
    () =>
      log.define([kpi(`k${whole(5)}`, pick(METRICS), pick(['toDate', 'each', 'latest', 'rolling']), 5 + whole(60))]),
    () => log.define([], [`kpi/k${whole(5)}`]),
    () => log.define([CYCLE, objective(20 + whole(200))]),
    () => log.define([source(pick(['s', 't']), 'sales')]),
    () => log.define([], [`source/${pick(['s', 't', 'u'])}`]),
    () => log.define([source('u', pick(METRICS))]),
  ];

  log.now = now;
  if (random() < 0.3) await log.append(observations());
  const first = METRICS.filter(() => random() < 0.85).map((name) => metricOf(name, 0));
  const kpis = first.map(({ metadata }, index) =>
    kpi(`k${index}`, metadata.name, pick(['toDate', 'each', 'latest', 'rolling']), 20),
  );
  await log.define([...first, ...kpis, CYCLE, objective(100), RULE]);
  for (let step = 0; step < length; step++) {
    if (random() < 0.5) now += whole(20) * 3_600_000;
    log.now = now;
    const choice = random();
    if (choice < 0.5) await log.append(observations());
    else if (choice < 0.6) await log.append(covered());
    else if (choice < 0.68) await log.append(checkIn());
    else if (choice < 0.78) await pick(changes)();
    else await log.append({ type: 'tick', edition: 1 });
  }
  await log.append({ type: 'tick', edition: 1 });
}
