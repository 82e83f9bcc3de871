import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import type { MetricDocument } from '../document.ts';
import type { Fact, PointStatement, Recorded } from '../fact.ts';
import { extentsOf } from '../metric/cells.ts';
import { pointsCoverage } from '../metric/coverage.ts';
import { statementsOf } from '../metric/statement.ts';
import { position } from '../position.ts';
import { WorkspaceFold } from './workspace.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const START = Date.UTC(2026, 10, 1);
const FEEDERS = ['push', 'source/a', 'source/b'];

type Spec = MetricDocument['spec'];

const specs: fc.Arbitrary<Spec> = fc
  .record({
    aggregation: fc.constantFrom('sum', 'last', 'ratio'),
    points: fc.constantFrom('period', 'time'),
    grain: fc.constantFrom('day', 'week'),
    revised: fc.boolean(),
    future: fc.boolean(),
  })
  .map(({ revised, ...spec }) => (revised ? { ...spec, revisions: 'source' } : spec));

interface Said {
  readonly day: number;
  readonly region: string;
  readonly kind: 'value' | 'retraction' | 'parts';
  readonly revision: number;
}

type Step =
  | { readonly do: 'state'; readonly feeder: string; readonly points: readonly Said[]; readonly lagHours: number }
  | { readonly do: 'cover'; readonly feeder: string; readonly day: number }
  | { readonly do: 'define'; readonly spec: Spec }
  | { readonly do: 'remove' }
  | { readonly do: 'ask' };

const said: fc.Arbitrary<Said> = fc.record({
  day: fc.integer({ min: 0, max: 16 }),
  region: fc.constantFrom('x', 'y'),
  kind: fc.constantFrom('value', 'value', 'value', 'retraction', 'parts'),
  revision: fc.integer({ min: 0, max: 2 }),
});
const state: fc.Arbitrary<Step> = fc.record({
  do: fc.constant('state'),
  feeder: fc.constantFrom(...FEEDERS),
  points: fc.array(said, { minLength: 1, maxLength: 3 }),
  lagHours: fc.integer({ min: 0, max: 60 }),
});
const step: fc.Arbitrary<Step> = fc.oneof(
  { arbitrary: state, weight: 8 },
  { arbitrary: fc.record({ do: fc.constant('ask') }), weight: 2 },
  { arbitrary: fc.record({ do: fc.constant('define'), spec: specs }), weight: 1 },
  { arbitrary: fc.record({ do: fc.constant('remove') }), weight: 1 },
  {
    arbitrary: fc.record({
      do: fc.constant('cover'),
      feeder: fc.constantFrom(...FEEDERS),
      day: fc.integer({ min: 0, max: 16 }),
    }),
    weight: 1,
  },
);

const VALUES = { value: { value: '1' }, retraction: { value: null }, parts: { numerator: '1', denominator: '2' } };

function pointOf(spec: Spec, { day, region, kind, revision }: Said): PointStatement {
  const time = START + day * DAY_MS + 9 * HOUR_MS;
  const label = new Date(time).toISOString().slice(0, 10);
  const weeks = `2026-W${44 + Math.floor((day + 6) / 7)}`;
  const when =
    spec.points === 'time'
      ? { time: new Date(time).toISOString(), id: region }
      : { period: spec.grain === 'day' ? label : weeks };
  const revised = spec.revisions === undefined ? {} : { revision };
  return { ...when, ...revised, dimensions: { region }, ...VALUES[kind] };
}

/** A log played into a fold; questions are answered from the statements themselves. */
class Played {
  fold = new WorkspaceFold();
  readonly facts: Recorded[] = [];
  spec: Spec = { aggregation: 'sum', grain: 'day' };

  apply(fact: Fact): void {
    const index = this.facts.length;
    const record = { position: position(index), recordedAt: START + index * 9 * HOUR_MS, id: String(index), fact };
    if (fact.type === 'definitions' && this.fold.isAsking) this.answer();
    this.facts.push(record);
    this.fold.apply(record);
  }

  /** Goes on from what a snapshot kept. */
  restart(): void {
    const kept = JSON.stringify(this.fold.snapshot());
    this.fold = new WorkspaceFold();
    this.fold.restore(JSON.parse(kept));
  }

  take(step: Step): void {
    const expects = this.fold.definitions.position;
    const command = `command-${this.facts.length}`;
    if (step.do === 'ask') this.answer();
    if (step.do === 'remove') this.apply({ type: 'definitions', command, expects, put: [], remove: ['metric/m'] });
    if (step.do === 'cover')
      this.apply({ type: 'covered', metric: 'm', feeder: step.feeder, to: START + step.day * DAY_MS });
    if (step.do === 'define') {
      this.spec = step.spec;
      const put = [{ apiVersion: 'paceline/v1', kind: 'Metric', metadata: { name: 'm' }, spec: step.spec }] as const;
      this.apply({ type: 'definitions', command, expects, put, remove: [] });
    }
    if (step.do === 'state') {
      const { feeder, lagHours } = step;
      const points = step.points.map((each) => pointOf(this.spec, each));
      const readAt = START + (this.facts.length * 9 - lagHours) * HOUR_MS;
      const read = feeder === 'push' ? {} : { readAt };
      this.apply({ type: 'observations', metric: 'm', feeder, points, ...read });
    }
  }

  answer(): void {
    for (const question of this.fold.questions()) {
      const extents = this.#extents(question.before ?? Number.POSITIVE_INFINITY);
      this.fold.answer(question, extents.get(question.feeder) ?? null);
    }
  }

  /** What every feeder that never stated its coverage covers by its points, as text. */
  folded(): string[] {
    const { feeders } = this.fold.coverage('m');
    return feeders.map(({ feeder, points }) => `${feeder} ${JSON.stringify(points)}`);
  }

  read(): string[] {
    const metric = this.fold.catalog.metrics.get('m');
    const extents = this.#extents(Number.POSITIVE_INFINITY);
    const explicit = new Set(this.facts.flatMap(({ fact }) => (fact.type === 'covered' ? fact.feeder : [])));
    return this.fold.coverage('m').feeders.map(({ feeder }) => {
      const extent = extents.get(feeder);
      const points =
        metric === undefined || extent === undefined || explicit.has(feeder)
          ? null
          : pointsCoverage(metric, extent.first, extent.last);
      return `${feeder} ${JSON.stringify(points)}`;
    });
  }

  #extents(before: number) {
    const metric = this.fold.catalog.metrics.get('m');
    if (metric === undefined) return new Map();
    const own = this.facts.filter(({ fact, position: at }) => fact.type === 'observations' && at < before);
    return extentsOf(
      metric,
      own.flatMap((record) =>
        record.fact.type === 'observations' ? statementsOf({ ...record, fact: record.fact }) : [],
      ),
    );
  }
}

const SOURCES = ['a', 'b'].map((name) => ({
  apiVersion: 'paceline/v1' as const,
  kind: 'Source' as const,
  metadata: { name },
  spec: { connector: 'csv', map: { metric: 'm', time: 'day', value: 'value' } },
}));

const logs = fc.record({ spec: specs, late: fc.boolean(), steps: fc.array(step, { maxLength: 25 }) });

function play({ spec, late, steps }: { spec: Spec; late: boolean; steps: readonly Step[] }, cut = -1): Played {
  const played = new Played();
  played.apply({ type: 'definitions', command: 'sources', expects: null, put: SOURCES, remove: [] });
  if (late) played.spec = spec;
  else played.take({ do: 'define', spec });
  for (const [index, each] of steps.entries()) {
    played.take(each);
    if (index === cut) played.restart();
  }
  if (late) played.take({ do: 'define', spec });
  played.answer();
  return played;
}

const runs = { numRuns: Number(process.env.PACELINE_PROPERTY_RUNS ?? 500) };

test('how far each of several feeders covers by its points is what its own statements say, whatever came between', () => {
  fc.assert(
    fc.property(logs, (log) => {
      const played = play(log);
      expect(played.folded()).toEqual(played.read());
    }),
    runs,
  );
});

test('a fold that goes on from a snapshot taken anywhere is the fold that never stopped', () => {
  fc.assert(
    fc.property(logs, fc.nat({ max: 24 }), (log, cut) => {
      expect(play(log, cut).fold.snapshot()).toEqual(play(log).fold.snapshot());
    }),
    runs,
  );
});

test('when the raw table is asked does not matter: coverage is the same as when it is asked at the end alone', () => {
  fc.assert(
    fc.property(logs, (log) => {
      const unasked = { ...log, steps: log.steps.filter((each) => each.do !== 'ask') };
      const [asked, once] = [play(log).fold, play(unasked).fold];
      expect(asked.coverage('m')).toEqual(once.coverage('m'));
      expect(asked.questions()).toEqual(once.questions());
    }),
    runs,
  );
});

test('two feeders that state one point both cover it, whichever of them is believed', () => {
  const played = new Played();
  const days = (from: number, to: number): Said[] =>
    Array.from({ length: to - from + 1 }, (_, index) => ({
      day: from + index,
      region: 'x',
      kind: 'value',
      revision: 0,
    }));
  played.apply({ type: 'definitions', command: 'sources', expects: null, put: SOURCES, remove: [] });
  played.take({ do: 'define', spec: { aggregation: 'sum', grain: 'day' } });
  played.take({ do: 'state', feeder: 'source/a', points: days(0, 4), lagHours: 5 });
  played.take({ do: 'state', feeder: 'source/b', points: days(0, 4), lagHours: 0 });
  expect(played.fold.questions()).toEqual([]);
  expect(played.fold.coveredSpans('m')).toEqual([{ from: START, to: START + 5 * DAY_MS }]);
});
