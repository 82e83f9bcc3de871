/**
 * `npm run bench:evaluator`: what the evaluator alone does in a second on one core, no log and no engine. The world is a year of daily values;
 * each round evaluates every subject at another morning, whole: value, pace, verdict, roll-up and sentence.
 */
import { pathToFileURL } from 'node:url';
import {
  type Document,
  evaluator,
  formatDate,
  memoryView,
  position,
  type Recorded,
  subjectsOf,
  type View,
} from '@paceline/domain';

const DAY_MS = 86_400_000;
const START = Date.UTC(2025, 0, 1);
const FIRST_DAY = START / DAY_MS;

export interface EvaluatorShape {
  readonly metrics: number;
  readonly regions: number;
  /** Days of values; the mornings that are judged are the last ones. */
  readonly days: number;
  readonly objectives: number;
  readonly keyResults: number;
}

export const EVALUATOR_SHAPE: EvaluatorShape = { metrics: 100, regions: 3, days: 400, objectives: 50, keyResults: 4 };

export interface EvaluatorMeasure {
  readonly subjects: number;
  readonly evaluations: number;
  readonly seconds: number;
  readonly evaluationsPerSecond: number;
  /** By the processor's time: what others on the machine took does not count. */
  readonly evaluationsPerCpuSecond: number;
  /** One objective with 100 key results, each over its own metric, by an evaluator that has evaluated nothing: the best of some. */
  readonly treeMs: number;
}

/** Median of `rounds` measurements of about `roundMs` each, after a warm-up of two. */
export function measureEvaluator(
  shape: EvaluatorShape = EVALUATOR_SHAPE,
  { rounds = 7, roundMs = 500 }: { readonly rounds?: number; readonly roundMs?: number } = {},
): EvaluatorMeasure {
  const view = viewOf(documentsOf(shape), shape);
  const mornings = Array.from({ length: 120 }, (_, index) => START + (shape.days - index) * DAY_MS + 6 * 3_600_000);
  const measured: Round[] = [];
  for (let round = -2; round < rounds; round += 1) {
    const one = measureRound(view, mornings, roundMs);
    if (round >= 0) measured.push(one);
  }
  const { evaluations, seconds } = medianBy(measured, (round) => round.evaluations / round.seconds);
  const byCpu = medianBy(measured, (round) => round.evaluations / round.cpuSeconds);
  return {
    subjects: subjectsOf(view.catalog, mornings[0] ?? START).length,
    evaluations,
    seconds,
    evaluationsPerSecond: Math.round(evaluations / seconds),
    evaluationsPerCpuSecond: Math.round(byCpu.evaluations / byCpu.cpuSeconds),
    treeMs: measureTree(),
  };
}

/** What others take of the machine moves rates on the clock and rates of the processor apart: each has its own median. */
function medianBy(rounds: readonly Round[], rate: (round: Round) => number): Round {
  const sorted = rounds.toSorted((left, right) => rate(left) - rate(right));
  return sorted[sorted.length >> 1] ?? NO_ROUND;
}

interface Round {
  readonly evaluations: number;
  readonly seconds: number;
  readonly cpuSeconds: number;
}

const NO_ROUND: Round = { evaluations: 0, seconds: 1, cpuSeconds: 1 };

/** As the processor does: one evaluator for a tick, all subjects at one instant after another. */
function measureRound(view: View, mornings: readonly number[], roundMs: number): Round {
  let evaluations = 0;
  let index = 0;
  const cpuBegan = process.cpuUsage();
  const began = performance.now();
  let now = began;
  while (now - began < roundMs) {
    const { evaluate } = evaluator(view);
    for (let step = 0; step < 10; step += 1) {
      const at = mornings[index++ % mornings.length] ?? START;
      for (const subject of subjectsOf(view.catalog, at)) if (evaluate(subject, at) !== undefined) evaluations += 1;
    }
    now = performance.now();
  }
  const { user, system } = process.cpuUsage(cpuBegan);
  return { evaluations, seconds: (now - began) / 1000, cpuSeconds: (user + system) / 1_000_000 };
}

/**
 * The best of many trees, each by an evaluator that has evaluated nothing yet, until one was faster than `enoughMs`, at most for
 * `withinMs`. The best, because a busy machine makes runs slower and never faster.
 */
export function measureTree({ enoughMs = 0, withinMs = 1000 } = {}): number {
  const shape = { ...EVALUATOR_SHAPE, metrics: 100, objectives: 1, keyResults: 100 };
  const view = viewOf(documentsOf(shape), shape);
  // The points are read into cells once, whoever asks first.
  evaluator(view).evaluate('objective/goal-0', START + shape.days * DAY_MS);
  let best = Number.POSITIVE_INFINITY;
  const first = performance.now();
  for (let run = 0; best > enoughMs && performance.now() - first < withinMs; run += 1) {
    const at = START + (shape.days - (run % 100)) * DAY_MS + 6 * 3_600_000;
    const began = performance.now();
    evaluator(view).evaluate('objective/goal-0', at);
    best = Math.min(best, performance.now() - began);
  }
  return best;
}

function viewOf(documents: readonly Document[], shape: EvaluatorShape): View {
  return memoryView(factsOf(documents, shape), START + 1000 * DAY_MS);
}

const AGGREGATIONS = ['sum', 'last', 'avg', 'count', 'ratio'] as const;

function documentsOf({ metrics, objectives, keyResults }: EvaluatorShape): Document[] {
  const apiVersion = 'paceline/v1' as const;
  const made: Document[] = [
    {
      apiVersion,
      kind: 'Cycle',
      metadata: { name: 'y' },
      spec: { firstDay: '2025-07-01', lastDay: '2026-06-30', timezone: 'Europe/Berlin' },
    },
  ];
  for (let index = 0; index < metrics; index += 1) {
    const aggregation = AGGREGATIONS[index % AGGREGATIONS.length] ?? 'sum';
    made.push({
      apiVersion,
      kind: 'Metric',
      metadata: { name: `m${index}` },
      spec: {
        aggregation,
        grain: 'day',
        timezone: 'Europe/Berlin',
        dimensions: ['region'],
        settle: 'PT2H',
        ...(aggregation === 'last' ? { across: 'sum' } : {}),
      },
    });
    const period = KPI_PERIODS[index % KPI_PERIODS.length] ?? { toDate: 'month' };
    made.push({
      apiVersion,
      kind: 'Kpi',
      metadata: { name: `k${index}` },
      spec: {
        metric: `m${index}`,
        direction: index % 3 === 0 ? 'lower' : 'higher',
        period,
        targets: [{ effectiveFrom: '2024-01-01', value: '12000.5' }],
      },
    });
  }
  for (let index = 0; index < objectives; index += 1) made.push(objectiveOf(index, keyResults, metrics));
  return made;
}

const KPI_PERIODS = [
  { toDate: 'month' },
  { toDate: 'quarter' },
  { rolling: { bucket: 'day', count: 28 } },
  { each: 'week' },
  'latest',
] as const;

function objectiveOf(index: number, keyResults: number, metrics: number): Document {
  return {
    apiVersion: 'paceline/v1',
    kind: 'Objective',
    metadata: { name: `goal-${index}` },
    spec: {
      cycle: 'y',
      ...(index % 5 === 0 ? {} : { parent: `goal-${index - (index % 5)}` }),
      keyResults: Array.from({ length: keyResults }, (_, at) => keyResultOf(index * keyResults + at, metrics)),
    },
  };
}

function keyResultOf(index: number, metrics: number): KeyResult {
  const name = `kr-${index}`;
  const metric = `m${index % metrics}`;
  const cumulative = ['sum', 'count'].includes(AGGREGATIONS[(index % metrics) % AGGREGATIONS.length] ?? 'sum');
  if (index % 10 === 9) return { name, metric, type: 'at_least', target: '0.5', grain: 'month' };
  const [baseline, target] = cumulative ? ['0', '550000.5'] : index % 5 === 4 ? ['0.25', '0.75'] : ['400', '2400'];
  return { name, metric, type: 'reach', baseline, target, weight: 1 + (index % 3) };
}

type KeyResult = NonNullable<Extract<Document, { kind: 'Objective' }>['spec']['keyResults']>[number];

function factsOf(documents: readonly Document[], { metrics, regions, days }: EvaluatorShape): Recorded[] {
  const facts: Recorded[] = [
    {
      position: 0,
      recordedAt: START - DAY_MS,
      id: 'definitions',
      fact: { type: 'definitions', command: 'c', expects: null, put: documents, remove: [] },
    },
  ];
  const labels = Array.from({ length: days }, (_, day) => formatDate(FIRST_DAY + day));
  for (let index = 0; index < metrics * regions; index += 1) {
    const [metric, region] = [index % metrics, Math.floor(index / metrics)];
    const ratio = AGGREGATIONS[metric % AGGREGATIONS.length] === 'ratio';
    const points = labels.map((period, day) => {
      const value = `${((metric + 1) * 37 + day * 13 + region * 101) % 997}.${(day % 9) + 1}`;
      const said = ratio ? { numerator: value, denominator: '1000' } : { value };
      return { period, ...said, dimensions: { region: `r${region}` } };
    });
    facts.push({
      position: position(index + 1),
      recordedAt: START + (days + 1) * DAY_MS + index,
      id: `${index}`,
      fact: { type: 'observations', metric: `m${metric}`, feeder: 'push', points },
    });
  }
  return facts;
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const measure = measureEvaluator();
  process.stderr.write(
    `${measure.evaluationsPerSecond.toLocaleString('en')} evaluations a second (${measure.evaluationsPerCpuSecond.toLocaleString('en')} of processor time) of ${measure.subjects} subjects; a tree of 100 key results ${measure.treeMs.toFixed(2)} ms\n`,
  );
  process.stdout.write(`${JSON.stringify(measure)}\n`);
}
