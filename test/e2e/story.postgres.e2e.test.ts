import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Evaluation, evaluationToJson, type Instant, instantText, type Recorded } from '@paceline/domain';
import { DEADLETTER_TOPIC } from '@paceline/events';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { POISON, playStep } from '../story/play.ts';
import { BEGINNING, STORY } from '../story/story.ts';
import { beginWorld, type World } from '../story/world.ts';
import {
  expectedJudgements,
  expectedRollups,
  expectedTransitions,
  factsOf,
  type JudgementLine,
  type RollupLine,
  statusOf,
} from '../support/oracle.ts';
import { embeddedStage, type Stage } from '../support/stage.ts';
import {
  deadLetters,
  judgementLines,
  rollupLines,
  standingPoints,
  statusTexts,
  transitionLines,
} from '../support/tables.ts';

/** Nothing is due before the first definition, and nothing was stated of earlier days. */
const FROM = Date.parse(BEGINNING);

interface Seen {
  /** Day of the tick. */
  readonly day: string;
  readonly position: number;
  readonly facts: readonly Recorded[];
  readonly status: ReadonlyMap<string, string>;
  readonly rollups: readonly RollupLine[];
}

let dir: string;
let world: World;
let stage: Stage;
let facts: readonly Recorded[];
let judgements: readonly JudgementLine[];
/** What the tables said after each step that ended in a tick. */
const seen: Seen[] = [];

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'paceline-story-'));
  world = await beginWorld(dir);
  stage = await embeddedStage({ dir, env: world.env, now: BEGINNING });
  for (const step of STORY) {
    await playStep(step, stage, world);
    if (step.acts.at(-1)?.act !== 'tick') continue;
    const known = factsOf(await stage.records('facts'));
    seen.push({
      day: step.at.slice(0, 10),
      position: known.at(-1)?.position ?? 0,
      facts: known,
      status: await statusTexts(stage.store, stage.workspace),
      rollups: await rollupLines(stage.store, stage.workspace),
    });
  }
  facts = factsOf(await stage.records('facts'));
  judgements = await judgementLines(stage.store, stage.workspace);
});
afterAll(async () => {
  await stage.stop();
  await world.stop();
  rmSync(dir, { recursive: true, force: true });
});

/** What stood of a subject and grid point after the tick of a day. */
function standing(subject: string, at: string, day: string): Evaluation & { readonly restated: boolean } {
  const until = seen.find((tick) => tick.day === day)?.position ?? -1;
  const line = judgements
    .filter((one) => one.subject === subject && one.at === Date.parse(at) && one.position <= until)
    .sort((left, right) => left.position - right.position)
    .at(-1);
  if (line === undefined) throw new Error(`nothing stood of ${subject} at ${at} on ${day}`);
  return { ...JSON.parse(line.evaluation), restated: line.restatement };
}

const byText = (lines: readonly unknown[]): string[] =>
  lines
    .map((line) => JSON.stringify(line, (_key, value) => (typeof value === 'bigint' ? String(value) : value)))
    .sort();

describe('every row is what the log says', () => {
  it('each judgement, whole, and no other', () => {
    expect(judgements.length).toBeGreaterThan(500);
    expect(byText(judgements)).toEqual(byText(expectedJudgements(facts, FROM)));
  });

  it('each transition, and no other', async () => {
    const lines = await transitionLines(stage.store, stage.workspace);
    expect(byText(lines)).toEqual(byText(expectedTransitions(facts, FROM)));
  });

  it('each status after each tick', () => {
    for (const { day, facts: known, status } of seen) {
      const expected = statusOf(known).map((evaluation) => [
        evaluation.subject,
        JSON.stringify(evaluationToJson(evaluation)),
      ]);
      expect([...status].sort(), day).toEqual(expected.sort());
    }
  });

  it('each rollup after each tick', () => {
    for (const { day, facts: known, rollups } of seen)
      expect(byText(rollups), day).toEqual(byText(expectedRollups(known)));
  });

  it('so many, that nothing is compared with nothing', () => {
    expect(seen).toHaveLength(15);
    expect(seen.at(-1)?.rollups).toHaveLength(50);
    expect(seen.at(-1)?.status.size).toBe(20);
  });
});

/**
 * Found by hand. The cycle has 14 days and an hour, 337 hours; revenue is worth 14,000 by its end, so a day's morning expects
 * 14,000 × (hours to the last midnight) / 337.
 */
describe('what was said, found by hand', () => {
  const cases: readonly (readonly [
    why: string,
    subject: string,
    at: string,
    day: string,
    said: Partial<Record<keyof Evaluation | 'restated', unknown>>,
  ])[] = [
    [
      'on the first morning it is early: 14,000 × 24 / 337 expected',
      'key_result/grow/sell',
      '2026-10-20T04:00:00Z',
      '2026-10-20',
      {
        verdict: 'on_track',
        reason: 'early',
        value: '1000',
        expectedValue: '997.03264095',
        measuredAt: '2026-10-19T22:00:00Z',
      },
    ],
    [
      'two bad days: (3,000 + 400) / (14,000 × 96 / 337) = 85 %',
      'key_result/grow/sell',
      '2026-10-23T04:00:00Z',
      '2026-10-23',
      { verdict: 'at_risk', reason: 'below_on_track', value: '3400', expectedValue: '3988.130563798' },
    ],
    [
      'a correction of 300 for the 21st arrives on the 25th: 3,700 / 3,988.13 = 92.8 %',
      'key_result/grow/sell',
      '2026-10-23T04:00:00Z',
      '2026-10-25',
      { verdict: 'on_track', reason: 'at_or_above_on_track', value: '3700', expectedValue: '3988.130563798' },
    ],
    [
      'one region is missing for the 24th',
      'key_result/grow/sell',
      '2026-10-25T04:00:00Z',
      '2026-10-25',
      { verdict: 'at_risk', value: '4400' },
    ],
    [
      'and comes a day late',
      'key_result/grow/sell',
      '2026-10-25T04:00:00Z',
      '2026-10-26',
      { verdict: 'at_risk', value: '5000' },
    ],
    [
      'the day of 25 hours counts 25: 14,000 × 169 / 337',
      'key_result/grow/sell',
      '2026-10-26T05:00:00Z',
      '2026-10-26',
      { verdict: 'at_risk', value: '6000', expectedValue: '7020.771513353', measuredAt: '2026-10-25T23:00:00Z' },
    ],
    [
      'a value taken back is gone',
      'key_result/grow/sell',
      '2026-10-28T05:00:00Z',
      '2026-10-29',
      { value: '7600', verdict: 'at_risk' },
    ],
    [
      'and another one stands in its place',
      'key_result/grow/sell',
      '2026-10-28T05:00:00Z',
      '2026-10-30',
      { value: '8050' },
    ],
    [
      'at the close 14,050 of 14,000',
      'key_result/grow/sell',
      '2026-11-02T05:00:00Z',
      '2026-11-02',
      { verdict: 'achieved', reason: 'met_at_close', value: '14050', score: 1, restated: false },
    ],
    [
      'the books say 200 less after the close: said anew, and announced as such',
      'key_result/grow/sell',
      '2026-11-02T05:00:00Z',
      '2026-11-05',
      { verdict: 'missed', reason: 'missed_at_close', value: '13850', score: 13850 / 14000, restated: true },
    ],
    [
      'from 800 + 400 to 1,220 + 540 of 2,000: (1,760 − 1,200) / 800',
      'key_result/grow/mrr',
      '2026-11-02T00:00:00Z',
      '2026-11-02',
      { verdict: 'missed', value: '1760', baseline: '1200', progress: 0.7, score: 0.7 },
    ],
    [
      'a row of the CRM was updated: 890 + 500 + 10 of the next day',
      'key_result/grow/mrr',
      '2026-10-23T00:00:00Z',
      '2026-10-24',
      { value: '1420' },
    ],
    [
      '(41 − 20) / 30, two days after the end',
      'key_result/grow/nps',
      '2026-11-03T23:00:00Z',
      '2026-11-04',
      { verdict: 'missed', value: '41', progress: 0.7 },
    ],
    [
      '12 of 14 days held, 90 % were asked for',
      'key_result/reliable/latency',
      '2026-11-02T00:00:00Z',
      '2026-11-02',
      { verdict: 'missed', progress: 12 / 14, coverage: 1 },
    ],
    [
      'on the morning on which the monitoring was down there is a grain less',
      'key_result/reliable/latency',
      '2026-10-31T00:00:00Z',
      '2026-10-31',
      { progress: 9 / 11 },
    ],
    [
      'beta is one of four',
      'key_result/reliable/launch',
      '2026-11-03T23:00:00Z',
      '2026-11-04',
      { progress: 0.25, verdict: 'missed' },
    ],
    [
      '(2 × 1 + 0.7 + 0.7) / 4',
      'objective/grow',
      '2026-11-03T23:00:00Z',
      '2026-11-04',
      { verdict: 'missed', progress: 0.8500000000000001, score: 0.8500000000000001, restated: false },
    ],
    [
      'and anew after the books: (2 × 13,850 / 14,000 + 1.4) / 4',
      'objective/grow',
      '2026-11-03T23:00:00Z',
      '2026-11-05',
      { verdict: 'missed', progress: 0.8446428571428573, restated: true },
    ],
    [
      'the company knows it, too',
      'unit/company@sprint',
      '2026-11-03T23:00:00Z',
      '2026-11-05',
      { verdict: 'missed', progress: 0.6991071428571429, restated: true },
    ],
    [
      'ten orders a day and the late one, each once',
      'kpi/orders-week@2026-W43',
      '2026-10-25T23:00:00Z',
      '2026-10-26',
      { verdict: 'achieved', value: '71' },
    ],
    [
      '13,050 of 13,000 for October',
      'kpi/revenue-month@2026-10',
      '2026-11-01T05:00:00Z',
      '2026-11-02',
      { verdict: 'achieved', value: '13050' },
    ],
    [
      'until the books are corrected',
      'kpi/revenue-month@2026-10',
      '2026-11-01T05:00:00Z',
      '2026-11-05',
      { verdict: 'missed', value: '12850', restated: true },
    ],
    [
      '400 EUR and eleven orders',
      'kpi/order-value@2026-10-22',
      '2026-10-23T04:00:00Z',
      '2026-10-23',
      { verdict: 'missed', value: '36.363636364' },
    ],
    [
      '(200 + 900) / 2 ms',
      'kpi/latency-day@2026-10-27',
      '2026-10-28T00:00:00Z',
      '2026-10-28',
      { verdict: 'missed', value: '550' },
    ],
    [
      'one of the two samples was wrong',
      'kpi/latency-day@2026-10-27',
      '2026-10-28T00:00:00Z',
      '2026-10-29',
      { verdict: 'achieved', value: '205', restated: true },
    ],
    [
      'defined on the 27th, and judged for the week before, too',
      'kpi/revenue-emea@2026-W43',
      '2026-10-26T05:00:00Z',
      '2026-10-27',
      { verdict: 'missed', value: '3800', policy: 'viva@1' },
    ],
  ];
  it.each(cases)('%s: %s at %s, on %s', (_why, subject, at, day, said) => {
    expect(standing(subject, at, day)).toMatchObject(said);
  });

  it('nothing is announced that was not, in this order', async () => {
    const lines = await transitionLines(stage.store, stage.workspace);
    const dayOf = (position: number): string => seen.find((tick) => tick.position === position)?.day ?? '?';
    const told = lines
      .sort((left, right) => left.position - right.position || (left.subject < right.subject ? -1 : 1))
      .map(({ position, kind, rule, subject, period }) =>
        [dayOf(position), kind, rule, subject, period].join(' ').trim(),
      );
    expect(told).toEqual([
      '2026-10-20 opened goals kpi/revenue-month 2026-10',
      '2026-10-24 opened behind key_result/grow/sell sprint',
      '2026-10-25 opened slow kpi/latency-day',
      '2026-10-25 opened goals objective/reliable sprint',
      '2026-10-26 recovered slow kpi/latency-day',
      '2026-10-27 recovered goals objective/reliable sprint',
      '2026-10-28 opened slow kpi/latency-day',
      // The sample was wrong, so there never was a reason.
      '2026-10-29 retracted slow kpi/latency-day',
      '2026-10-30 recovered goals kpi/revenue-month 2026-10',
      '2026-10-31 recovered behind key_result/grow/sell sprint',
      '2026-11-02 opened goals objective/reliable sprint',
      '2026-11-04 opened goals objective/grow sprint',
      '2026-11-04 closed goals objective/reliable sprint',
      '2026-11-05 opened goals kpi/revenue-month 2026-10',
    ]);
  });

  it('rollups of October add up', () => {
    const last = seen.at(-1)?.rollups ?? [];
    const october = last
      .filter(({ grain, from }) => grain === 'month' && instantText(from).startsWith('2026-09-30'))
      .map(({ metric, series, count, sum }) => `${metric} ${series} ${count} ${sum / 1_000_000_000n}`);
    // Thirteen days each. emea: 9 × 600 + 900 + 300 + 200 + 1,600 − 200; apac: 10 × 400 + 100 + 100 + 450;
    // a: 11 × 180 + 300 + 200 and the two hours of the night; b: 10 × 220 + 420 + 500 + 210.
    expect(october.sort()).toEqual([
      'latency {"host":"a"} 15 2880',
      'latency {"host":"b"} 13 3330',
      'revenue {"region":"apac"} 13 4650',
      'revenue {"region":"emea"} 13 8200',
    ]);
  });
});

describe('what came in', () => {
  it('counts once, however often it was sent', async () => {
    expect(await standingPoints(stage.store, stage.workspace, 'orders')).toEqual({
      points: 141,
      sum: 141_000_000_000n,
      // The batch of the 21st was written twice: its second sending under the same key was not.
      statements: 151,
    });
  });

  it('is put aside with its cause when it is no fact', async () => {
    expect(await deadLetters(stage.store, stage.workspace)).toEqual(
      POISON.map(({ code, payload }) => ({ code, payload })),
    );
    const letters = await stage.records(DEADLETTER_TOPIC);
    expect(letters).toHaveLength(POISON.length);
  });
});

describe('messages', () => {
  it('arrive once each, and their signatures hold', async () => {
    const lines = await transitionLines(stage.store, stage.workspace);
    const { receiver } = world;
    expect(receiver.refused).toEqual([]);
    expect(new Set(receiver.taken.map(({ id }) => id)).size).toBe(receiver.taken.length);
    const heard = receiver.taken.map(({ type, data }) => `${type} ${data.rule} ${data.subject}`);
    expect(heard.sort()).toEqual(lines.map(({ kind, rule, subject }) => `alert.${kind} ${rule} ${subject}`).sort());
  });
});

describe('answers over HTTP', () => {
  it('the status is the one of the tables', async () => {
    const { data } = (await stage.call('GET', '/v1/status')).json<{ data: { subject: string; value: string }[] }>();
    const status = seen.at(-1)?.status ?? new Map<string, string>();
    expect(data.map(({ subject }) => subject).sort()).toEqual([...status.keys()].sort());
    for (const { subject, value } of data) expect(value).toBe(JSON.parse(status.get(subject) ?? '{}').value);
  });

  it('the trend of a metric has its days, as it is and as it was known', async () => {
    const path = '/v1/trend?metric=revenue&window=day&from=2026-10-19&to=2026-11-02';
    const valuesOf = async (more: string): Promise<string[]> =>
      (await stage.call('GET', path + more)).json<{ data: { value: string }[] }>().data.map(({ value }) => value);
    const now = '1000 800 1300 400 300 1000 1000 1000 1050 1000 1000 2000 1000 1000';
    expect((await valuesOf('')).join(' ')).toBe(now);
    const then = '1000 1000 1000 400 300 400';
    expect((await valuesOf('&known_at=2026-10-25T05:00:00Z')).slice(0, 3).join(' ')).toBe('1000 1000 1000');
    expect(then.startsWith('1000 1000 1000')).toBe(true);
  });

  it('the status as it was said to be at an earlier moment', async () => {
    const at: Instant = Date.parse('2026-10-23T06:30:01Z');
    const path = `/v1/status/key_result/grow/sell?known_at=${instantText(at)}`;
    const { data } = (await stage.call('GET', path)).json<{ data: { value: string; verdict: string } }>();
    expect(data).toMatchObject({ value: '3400', verdict: 'at_risk' });
  });
});
