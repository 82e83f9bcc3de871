import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { MetricCells, MetricNeed } from '../cell.ts';
import type { Document } from '../document.ts';
import type { Evaluation } from '../evaluation.ts';
import type { Fact, Recorded } from '../fact.ts';
import type { Instant } from '../instant.ts';
import { memoryView } from '../memory-view.ts';
import { needsOf } from '../needs.ts';
import { position } from '../position.ts';
import { subjectsOf } from '../subjects.ts';
import { formatDate } from '../time/date.ts';
import { instantText } from '../time/instant-text.ts';
import type { View } from '../view.ts';
import { evaluateMany, evaluator } from './evaluator.ts';

const RUNS = 40;
const TIMEOUT_MS = 60_000;
const DAY_MS = 86_400_000;
const START = Date.UTC(2026, 0, 1);
const FIRST_DAY = START / DAY_MS;
const apiVersion = 'paceline/v1';

/** One definition set that has every type, period and roll-up over whatever metrics a case draws. */
function documents(aggregations: readonly string[], scale: number): Document[] {
  const n = (value: number): string => String(value * scale);
  const metrics = aggregations.map((aggregation, index) => ({
    apiVersion,
    kind: 'Metric',
    metadata: { name: `m${index}` },
    spec: {
      aggregation,
      grain: 'day',
      timezone: index === 1 ? 'Europe/Berlin' : 'UTC',
      points: aggregation === 'distinct' || index === 2 ? 'time' : 'period',
      dimensions: ['region'],
      across: aggregation === 'last' || aggregation === 'first' ? 'sum' : undefined,
      settle: index === 0 ? 'PT6H' : undefined,
    },
  }));
  const derived = {
    apiVersion,
    kind: 'Metric',
    metadata: { name: 'd' },
    spec: { derived: 'm0 + m0', grain: 'day', timezone: 'UTC' },
  };
  const cycle = (name: string, timezone: string) => ({
    apiVersion,
    kind: 'Cycle',
    metadata: { name },
    spec: { firstDay: '2026-01-10', lastDay: '2026-02-10', timezone },
  });
  const unit = { apiVersion, kind: 'Unit', metadata: { name: 'u' }, spec: { type: 'team' } };
  const cumulative = (index: number): boolean => CUMULATIVE.has(aggregations[index] ?? '');
  const reach = (index: number) => ({
    name: `reach${index}`,
    metric: `m${index}`,
    type: 'reach',
    baseline: cumulative(index) ? '0' : index === 0 ? 'start' : n(1),
    target: n(50),
    pace: index === 0 ? 'seasonal' : 'linear',
  });
  const objective = (name: string, of: string, spec: object) => ({
    apiVersion,
    kind: 'Objective',
    metadata: { name },
    spec: {
      cycle: of,
      unit: 'u',
      keyResults: [
        reach(0),
        reach(1),
        reach(2),
        { name: 'derived', metric: 'd', type: 'at_most', target: n(30), weight: 2 },
        { name: 'least', metric: 'm1', type: 'at_least', target: n(3), grain: 'week' },
        { name: 'checked', type: 'reach', baseline: 'start', target: n(20) },
        {
          name: 'steps',
          type: 'milestones',
          milestones: [
            { name: 'a', due: '2026-01-20' },
            { name: 'b', weight: 2 },
          ],
        },
      ],
      ...spec,
    },
  });
  const kpi = (name: string, metric: string, spec: object) => ({
    apiVersion,
    kind: 'Kpi',
    metadata: { name },
    spec: { metric, direction: 'higher', targets: [{ effectiveFrom: '2025-12-01', value: n(40) }], ...spec },
  });
  const kpis = [0, 1, 2].flatMap((index) => [
    kpi(`week${index}`, `m${index}`, { period: { toDate: 'week' } }),
    kpi(`each${index}`, `m${index}`, { period: { each: 'week' }, direction: 'lower' }),
    kpi(`roll${index}`, `m${index}`, { period: { rolling: { bucket: 'day', count: 3 } } }),
    kpi(`latest${index}`, `m${index}`, { period: 'latest', where: { region: 'emea' } }),
  ]);
  const made = [
    ...metrics,
    derived,
    cycle('utc', 'UTC'),
    cycle('berlin', 'Europe/Berlin'),
    unit,
    objective('o', 'utc', {}),
    objective('p', 'berlin', { parent: 'o', rollup: 'min' }),
    ...kpis,
  ];
  return JSON.parse(JSON.stringify(made));
}

const CUMULATIVE = new Set(['sum', 'count', 'counter', 'distinct']);
const AGGREGATIONS = ['sum', 'avg', 'min', 'max', 'first', 'last', 'count', 'distinct', 'median', 'p90', 'counter'];

interface Said {
  readonly metric: number;
  readonly day: number;
  readonly hour: number;
  readonly value: number | null;
  readonly region: string;
  readonly recordedAfter: number;
}
interface World {
  readonly aggregations: readonly string[];
  readonly said: readonly Said[];
  readonly checkIns: readonly { readonly day: number; readonly value: number; readonly done: boolean }[];
  readonly covered: readonly { readonly metric: number; readonly from: number; readonly to: number }[];
  readonly asOf: Instant;
}

const said = fc.record({
  metric: fc.integer({ min: 0, max: 2 }),
  day: fc.integer({ min: -25, max: 45 }),
  hour: fc.integer({ min: 0, max: 23 }),
  value: fc.oneof(
    { weight: 9, arbitrary: fc.integer({ min: -5, max: 60 }) },
    { weight: 1, arbitrary: fc.constant(null) },
  ),
  region: fc.constantFrom('emea', 'amer'),
  recordedAfter: fc.constantFrom(-6, 0, 3, 30, 200),
});
const world: fc.Arbitrary<World> = fc.record({
  aggregations: fc.tuple(
    fc.constantFrom(...AGGREGATIONS),
    fc.constantFrom(...AGGREGATIONS.filter((name) => name !== 'distinct')),
    fc.constantFrom(...AGGREGATIONS),
  ),
  said: fc.array(said, { maxLength: 25 }),
  checkIns: fc.array(
    fc.record({ day: fc.integer({ min: -5, max: 45 }), value: fc.integer({ min: -5, max: 40 }), done: fc.boolean() }),
    { maxLength: 4 },
  ),
  covered: fc.array(
    fc.record({
      metric: fc.integer({ min: 0, max: 2 }),
      from: fc.integer({ min: -30, max: 30 }),
      to: fc.integer({ min: -10, max: 45 }),
    }),
    { maxLength: 2 },
  ),
  asOf: fc.integer({ min: -5 * 24, max: 50 * 24 }).map((hours) => START + hours * 3_600_000),
});

interface Draft {
  readonly at: Instant;
  readonly fact: Fact;
}

function facts(of: World, scale = 1): Draft[] {
  const all: Draft[] = [
    {
      at: START - 400 * DAY_MS,
      fact: { type: 'definitions', command: 'c', expects: null, put: documents(of.aggregations, scale), remove: [] },
    },
  ];
  for (const { metric, from, to } of of.covered) {
    const span = { from: START + Math.min(from, to) * DAY_MS, to: START + to * DAY_MS };
    all.push({ at: span.to, fact: { type: 'covered', metric: `m${metric}`, feeder: 'push', ...span } });
  }
  for (const { day, value, done } of of.checkIns) {
    const time = START + day * DAY_MS + 9 * 3_600_000;
    all.push({
      at: time,
      fact: { type: 'check_in', subject: 'key_result/o/checked', time, value: String(value * scale) },
    });
    all.push({ at: time, fact: { type: 'check_in', subject: 'key_result/p/steps', time, milestones: { a: done } } });
  }
  for (const each of of.said) all.push(observation(of, each, scale));
  return all;
}

function observation(of: World, { metric, day, hour, value, region, recordedAfter }: Said, scale: number): Draft {
  const time = of.aggregations[metric] === 'distinct' || metric === 2;
  const at = START + day * DAY_MS + hour * 3_600_000;
  const text = value === null ? null : String(value * scale);
  const point = {
    ...(time ? { time: instantText(at), id: `${day}-${hour}` } : { period: formatDate(FIRST_DAY + day) }),
    dimensions: { region },
    value: text,
  };
  const fact: Fact = { type: 'observations', metric: `m${metric}`, feeder: 'push', points: [point] };
  return { at: (time ? at : START + (day + 1) * DAY_MS) + recordedAfter * 3_600_000, fact };
}

function log(drafts: readonly Draft[]): Recorded[] {
  return [...drafts]
    .sort((left, right) => left.at - right.at)
    .map(({ at, fact }, offset) => ({ position: position(offset), recordedAt: at, id: String(offset), fact }));
}

function evaluateAll(view: View, asOf: Instant): Evaluation[] {
  return evaluateMany(view, subjectsOf(view.catalog, asOf), [asOf]);
}

const later = (asOf: Instant): Instant => asOf + 20 * DAY_MS;
/** What does not belong to the meaning: where in the log the view stands. */
const meaning = ({ position: _, ...evaluation }: Evaluation) => evaluation;

describe('evaluations', { timeout: TIMEOUT_MS }, () => {
  it('are finite whatever was said, and never throw', () => {
    fc.assert(
      fc.property(world, (of) => {
        for (const knownAt of [of.asOf, later(of.asOf)]) {
          for (const evaluation of evaluateAll(memoryView(log(facts(of)), knownAt), of.asOf)) {
            for (const [key, value] of Object.entries(evaluation)) {
              if (typeof value === 'number') expect(Number.isFinite(value), `${evaluation.subject} ${key}`).toBe(true);
              if (typeof value === 'string') expect(value).not.toMatch(/NaN|Infinity|undefined/);
            }
            expect(evaluation.coverage).toBeGreaterThanOrEqual(0);
            expect(evaluation.coverage).toBeLessThanOrEqual(1);
          }
        }
      }),
      { numRuns: RUNS },
    );
  });

  it('do not depend on the order of statements about different points', () => {
    fc.assert(
      fc.property(world, (of) => {
        const seen = new Set<string>();
        const distinct = of.said.filter(({ metric, day, hour, region }) => {
          const key = `${metric} ${day} ${metric === 2 || of.aggregations[metric] === 'distinct' ? hour : ''} ${region}`;
          return !seen.has(key) && seen.add(key);
        });
        const drafts = facts({ ...of, said: distinct, covered: [] });
        const knownAt = START + 100 * DAY_MS;
        const together = drafts.map((draft) => ({
          ...draft,
          at: draft.fact.type === 'observations' ? knownAt - 1 : draft.at,
        }));
        const forward = evaluateAll(memoryView(log(together), knownAt), of.asOf);
        const others = together.filter(({ fact }) => fact.type !== 'observations');
        const reversed = together.filter(({ fact }) => fact.type === 'observations').toReversed();
        const backward = evaluateAll(memoryView(log([...others, ...reversed]), knownAt), of.asOf);
        expect(backward.map(meaning)).toEqual(forward.map(meaning));
      }),
      { numRuns: RUNS },
    );
  });

  it('do not change when a statement is repeated', () => {
    fc.assert(
      fc.property(world, (of) => {
        const drafts = facts(of);
        const last = log(drafts).findLast(({ fact }) => fact.type === 'observations');
        fc.pre(last !== undefined);
        const again = { at: START + 60 * DAY_MS, fact: last?.fact ?? { type: 'tick' as const, edition: 1 } };
        const knownAt = START + 100 * DAY_MS;
        const once = evaluateAll(memoryView(log(drafts), knownAt), of.asOf);
        const twice = evaluateAll(memoryView(log([...drafts, again]), knownAt), of.asOf);
        expect(twice.map(meaning)).toEqual(once.map(meaning));
      }),
      { numRuns: RUNS },
    );
  });

  it('of a mean lie between those of its members', () => {
    fc.assert(
      fc.property(world, (of) => {
        const view = memoryView(log(facts(of)), later(of.asOf));
        const { evaluate } = evaluator(view);
        const objective = evaluate('objective/o', of.asOf);
        if (objective?.progress == null || objective.score !== null) return;
        const members = [...view.catalog.keyResults.keys()]
          .filter((subject) => subject.startsWith('key_result/o/'))
          .concat('objective/p')
          .flatMap((subject) => evaluate(subject, of.asOf) ?? [])
          .flatMap(({ progress, verdict }) => (verdict === 'not_started' ? [0] : progress === null ? [] : [progress]));
        expect(objective.progress).toBeGreaterThanOrEqual(Math.min(...members) - 1e-12);
        expect(objective.progress).toBeLessThanOrEqual(Math.max(...members) + 1e-12);
      }),
      { numRuns: RUNS },
    );
  });

  it('have the same ratios when values and targets are ten times as large', () => {
    const counts = (of: World): boolean => of.aggregations.some((name) => name === 'count' || name === 'distinct');
    fc.assert(
      fc.property(
        world.filter((of) => !counts(of)),
        (of) => {
          const plain = evaluateAll(memoryView(log(facts(of)), later(of.asOf)), of.asOf);
          const tenfold = evaluateAll(memoryView(log(facts(of, 10)), later(of.asOf)), of.asOf);
          const ratios = ({
            subject,
            progress,
            progressRaw,
            elapsed,
            expected,
            coverage,
            verdict,
            score,
          }: Evaluation) => ({
            subject,
            progress,
            progressRaw,
            elapsed,
            expected,
            coverage,
            verdict,
            score,
          });
          expect(tenfold.map(ratios)).toEqual(plain.map(ratios));
        },
      ),
      { numRuns: RUNS },
    );
  });

  it('never see what was recorded after knownAt', () => {
    fc.assert(
      fc.property(world, (of) => {
        const all = log(facts(of));
        const known = all.filter(({ recordedAt }) => recordedAt <= of.asOf);
        expect(evaluateAll(memoryView(all, of.asOf), of.asOf)).toEqual(
          evaluateAll(memoryView(known, of.asOf), of.asOf),
        );
      }),
      { numRuns: RUNS },
    );
  });

  it('read nothing but what needsOf names', () => {
    fc.assert(
      fc.property(world, (of) => {
        const knownAt = later(of.asOf);
        const view = memoryView(log(facts(of)), knownAt);
        for (const subject of subjectsOf(view.catalog, of.asOf)) {
          for (const coverage of [undefined, (metric: string) => view.coverage(metric)]) {
            const needs = needsOf(view.catalog, [subject], [of.asOf], coverage);
            const narrow = narrowed(view, needs);
            expect(evaluator(narrow).evaluate(subject, of.asOf)).toEqual(evaluator(view).evaluate(subject, of.asOf));
          }
        }
      }),
      { numRuns: RUNS },
    );
  });
});

/** A view that holds what was asked for and the latest cell before, as the store answers, and refuses every other question. */
function narrowed(view: View, needs: readonly MetricNeed[]): View {
  const cells = new Map<string, MetricCells>();
  for (const { metric, from, to, running } of needs) {
    const series = view.cells(metric).series.map((each) => {
      const before = each.cells.findLast((cell) => cell.from < from && cell.count > 0);
      const within = each.cells.filter((cell) => cell.from >= from && cell.from < to);
      return {
        ...each,
        cells: before === undefined ? within : [before, ...within],
        running: (asOf: Instant) => {
          if (!running.includes(asOf))
            throw new Error(`${metric} was not to be asked inside a bucket at ${instantText(asOf)}`);
          return each.running(asOf);
        },
      };
    });
    cells.set(metric, { series });
  }
  return {
    ...view,
    catalog: view.catalog,
    position: view.position,
    knownAt: view.knownAt,
    edition: view.edition,
    coverage: (metric) => view.coverage(metric),
    checkIns: (subject) => view.checkIns(subject),
    cells: (metric) => {
      const found = cells.get(metric);
      if (found === undefined) throw new Error(`${metric} was not to be asked`);
      return found;
    },
  };
}
