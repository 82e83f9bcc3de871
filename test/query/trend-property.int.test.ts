import {
  bucketAt,
  bucketsBetween,
  cellsFromStatements,
  compileMetric,
  coveredOfMetric,
  formatRational,
  type Grain,
  gridOf,
  type Instant,
  instantText,
  isComplete,
  labelOf,
  type Metric,
  memoryView,
  type ObservationsFact,
  plainCalendar,
  type Recorded,
  readMetric,
  statementsOf,
  type View,
  zoneOf,
} from '@paceline/domain';
import { isCompletePeriod } from '@paceline/domain/evaluate/window';
import { factsOf } from '@paceline/processor/testing/oracle';
import { randomLog, randomOf } from '@paceline/processor/testing/random-log';
import type { Store } from '@paceline/store';
import { temporaryStore } from '@paceline/store/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openWorld, type World } from './world.ts';

let store: Store;
let stopStore: () => Promise<void>;
beforeAll(async () => {
  ({ store, stop: stopStore } = await temporaryStore());
});
afterAll(() => stopStore());

interface Asked {
  readonly metric: string;
  readonly window: Grain;
  readonly timezone: string | null;
  readonly from: string;
  readonly to: string;
  readonly where: string | null;
  readonly asOf: Instant;
  readonly knownAt: Instant;
}

interface Row {
  readonly bucket: string;
  readonly value: string | null;
  readonly count: number;
  readonly final: boolean;
}

/** What the rows must be, from the facts themselves: no tables, and samples in another zone as of a metric defined there. */
function expected(facts: readonly Recorded[], view: View, metric: Metric, asked: Asked): Row[] {
  const { asOf, knownAt, where } = asked;
  const statements = facts
    .filter((record): record is Recorded<ObservationsFact> => record.fact.type === 'observations')
    .filter(({ fact, recordedAt }) => fact.metric === metric.name && recordedAt <= knownAt)
    .flatMap((record) => statementsOf(record));
  const isMoved = metric.points === 'time' && (asked.timezone !== null || asked.window === 'hour');
  const timezone = asked.timezone ?? metric.zone.name;
  const reading = isMoved ? redefined(metric, asked.window, timezone) : metric;
  const cells = cellsFromStatements(reading, statements);
  const covered = coveredOfMetric(metric, (name) => view.coverage(name));
  const grid = gridOf(plainCalendar(zoneOf(timezone)!), asked.window);
  const [from, to] = [asked.from, asked.to].map((day) => grid.zone.dayStart(dayNumber(day)));
  const windows = bucketsBetween(grid, bucketAt(grid, from!)!.from, to!).filter((window) => window.from <= asOf);
  return windows.map((window) => {
    const final = isMoved ? isComplete(metric, covered, window, asOf) : isCompletePeriod(metric, covered, window, asOf);
    const dimensions = where === null ? {} : { region: where };
    const { value, count } = readMetric(reading, () => cells, dimensions, [window], { asOf, emptyIsZero: final });
    return { bucket: labelOf(grid, window), value: value === null ? null : formatRational(value), count, final };
  });
}

function redefined(metric: Metric, grain: Grain, timezone: string): Metric {
  const { metadata, spec } = metric.document;
  const document = { ...metric.document, metadata, spec: { ...spec, grain, timezone } };
  const compiled = compileMetric(document, new Map(), new Map());
  if (!compiled.ok) throw new Error(JSON.stringify(compiled.faults));
  return compiled.value;
}

function dayNumber(day: string): number {
  return Date.parse(`${day}T00:00:00Z`) / 86_400_000;
}

function pathOf({ metric, window, timezone, from, to, where, asOf, knownAt }: Asked): string {
  const query = new URLSearchParams({
    metric,
    window,
    from,
    to,
    as_of: instantText(asOf),
    known_at: instantText(knownAt),
  });
  if (timezone !== null) query.set('timezone', timezone);
  if (where !== null) query.set('where.region', where);
  return `/v1/trend?${query}`;
}

async function factsIn(world: World): Promise<Recorded[]> {
  const records = [];
  for await (const batch of world.log.log.read(world.log.topic, { from: 0 })) records.push(...batch);
  return factsOf(records);
}

const TRENDS = 40;

describe('the trend', () => {
  it.each([11, 12])('equals what the facts say, at any position and as-of (seed %i)', async (seed) => {
    const world = await openWorld(store, { now: '2026-11-01T07:00:00Z', definitions: [] });
    try {
      await randomLog(world.log, seed, 60);
      await world.settle();
      const facts = await factsIn(world);
      const random = randomOf(seed);
      const pick = <Item>(items: readonly Item[]): Item => items[Math.floor(random() * items.length)] as Item;
      let compared = 0;
      for (let trend = 0; trend < TRENDS; trend++) {
        // Half at the end: there what was read for one range is carried over to the next.
        const { recordedAt: knownAt } = random() < 0.5 ? facts.at(-1)! : pick(facts);
        const view = memoryView(facts, knownAt);
        const metric = pick([...view.catalog.metrics.values()]);
        if (metric === undefined) continue;
        const isTime = metric.points === 'time';
        const asked: Asked = {
          metric: metric.name,
          window: pick(isTime ? ['hour', 'day', 'week', 'month'] : ['day', 'week', 'month', 'quarter']),
          timezone: isTime && random() < 0.5 ? pick(['Asia/Kolkata', 'America/New_York']) : null,
          from: `2026-11-0${1 + Math.floor(random() * 2)}`,
          to: `2026-11-${String(3 + Math.floor(random() * 19)).padStart(2, '0')}`,
          where: metric.dimensions.length > 0 && random() < 0.5 ? pick(['a', 'b', '']) : null,
          asOf: random() < 0.5 ? knownAt : pick(facts).recordedAt,
          knownAt,
        };
        const { status, body } = await world.get(pathOf(asked));
        expect([status, body.code]).toEqual([200, undefined]);
        const rows = body.data.map(({ bucket, value, count, final }: Row) => ({ bucket, value, count, final }));
        expect({ asked, rows }).toEqual({ asked, rows: expected(facts, view, metric, asked) });
        compared += rows.length;
      }
      expect(compared).toBeGreaterThan(TRENDS);
    } finally {
      await world.stop();
    }
  });
});
