import { describe, expect, it } from 'vitest';
import type { Document } from '../document.ts';
import type { Recorded } from '../fact.ts';
import { evaluationFromJson, evaluationToJson, freshnessAt } from '../json.ts';
import { memoryView } from '../memory-view.ts';
import { position } from '../position.ts';
import { isReason, REASONS } from '../reasons.ts';
import { evaluate } from './evaluator.ts';
import { explain } from './explain.ts';
import { barWords, numberWords, percentDown, percentUp, placesOf } from './words.ts';

const apiVersion = 'paceline/v1';
/** The case of the reference page, at the positions it prints. */
function surface() {
  const documents: Document[] = [
    {
      apiVersion,
      kind: 'Cycle',
      metadata: { name: '2026-q4' },
      spec: { firstDay: '2026-10-01', lastDay: '2026-12-31', timezone: 'Europe/Berlin' },
    },
    {
      apiVersion,
      kind: 'Metric',
      metadata: { name: 'mrr' },
      spec: {
        aggregation: 'last',
        across: 'sum',
        unit: 'EUR',
        grain: 'day',
        timezone: 'Europe/Berlin',
        settle: 'PT6H',
        cadence: 'P1D',
        dimensions: ['region'],
      },
    },
    {
      apiVersion,
      kind: 'Objective',
      metadata: { name: 'grow-emea' },
      spec: {
        cycle: '2026-q4',
        keyResults: [
          {
            name: 'mrr-emea',
            metric: 'mrr',
            where: { region: 'emea' },
            type: 'reach',
            baseline: '800000',
            target: '1000000',
            weight: 2,
          },
        ],
      },
    },
  ];
  const facts: Recorded[] = [
    {
      position: position(120),
      recordedAt: Date.UTC(2026, 0, 1),
      id: 'd',
      fact: { type: 'definitions', command: 'c', expects: null, put: documents, remove: [] },
    },
    {
      position: position(1841),
      recordedAt: Date.UTC(2026, 10, 21, 23, 30),
      id: 'o',
      fact: {
        type: 'observations',
        metric: 'mrr',
        feeder: 'push',
        points: [{ period: '2026-11-21', value: '912000', dimensions: { region: 'emea' } }],
      },
    },
  ];
  return { view: memoryView(facts, Date.UTC(2026, 10, 22, 6)), asOf: Date.UTC(2026, 10, 22, 6) };
}

const PRINTED = `{"subject": "key_result/grow-emea/mrr-emea", "asOf": "2026-11-22T06:00:00Z", "knownAt": "2026-11-22T06:00:00Z", "measuredAt": "2026-11-21T23:00:00Z",
 "period": {"from": "2026-09-30T22:00:00Z", "to": "2026-12-31T23:00:00Z", "label": "2026-q4"}, "position": "1841:0",
 "value": "912000", "baseline": "800000", "target": "1000000", "targetLow": null, "targetHigh": null,
 "progress": 0.56, "progressRaw": 0.56, "elapsed": 0.5654142145767316, "expected": 0.5654142145767316, "expectedValue": "913082.842915346", "pace": 0.9904243394715773, "gap": 0.005414214576731524,
 "paceMethod": "linear", "verdict": "on_track", "reason": "at_or_above_on_track", "freshness": "fresh", "lateAt": "2026-11-23T05:00:00Z", "staleAt": "2026-11-24T05:00:00Z", "lastObservedAt": "2026-11-21T23:00:00Z", "provisional": false, "carried": false, "resets": 0,
 "coverage": 1, "freshCoverage": 1, "worstChild": null, "score": null, "scoreOriginal": null, "forecast": null, "definitions": "120:0", "policy": "paceline@1", "edition": 1,
 "sentence": "912,000 of 1,000,000 EUR on 22 Nov 2026; 913,083 expected on a linear pace; 99 % of pace: on track (90 % or more)"}`;

describe('an evaluation in print', () => {
  it('is the one of the reference page, key by key and in its order', () => {
    const { view, asOf } = surface();
    const evaluation = evaluate(view, 'key_result/grow-emea/mrr-emea', asOf);
    if (evaluation === undefined) throw new Error('not evaluated');
    expect(JSON.stringify(evaluationToJson(evaluation))).toBe(JSON.stringify(JSON.parse(PRINTED)));
    expect(evaluationFromJson(JSON.parse(PRINTED))).toEqual(evaluation);
  });

  it('is refused when it names no instant, position or verdict', () => {
    const printed = JSON.parse(PRINTED);
    expect(() => evaluationFromJson({ ...printed, asOf: 'noon' })).toThrow('"noon" is no instant');
    expect(() => evaluationFromJson({ ...printed, position: '7' })).toThrow('"7" is no position');
    expect(() => evaluationFromJson({ ...printed, verdict: 'fine' })).toThrow('"fine" is no verdict');
  });

  it("turns late and stale by the reader's own clock", () => {
    const { view, asOf } = surface();
    const evaluation = evaluate(view, 'key_result/grow-emea/mrr-emea', asOf);
    if (evaluation === undefined) throw new Error('not evaluated');
    const at = (text: string) => freshnessAt(evaluation, Date.parse(text));
    expect([at('2026-11-23T05:00:00Z'), at('2026-11-23T05:00:01Z'), at('2026-11-24T05:00:01Z')]).toEqual([
      'fresh',
      'late',
      'stale',
    ]);
    // Closed: nothing ages any more.
    const closed = evaluate(memoryViewAt(Date.UTC(2027, 1, 1)), 'key_result/grow-emea/mrr-emea', Date.UTC(2027, 1, 1));
    expect([closed?.freshness, closed === undefined ? null : freshnessAt(closed, Date.UTC(2028, 0, 1))]).toEqual([
      'stale',
      'stale',
    ]);
  });

  function memoryViewAt(knownAt: number) {
    const { view } = surface();
    return {
      ...view,
      knownAt,
      catalog: view.catalog,
      position: view.position,
      edition: view.edition,
      cells: (metric: string) => view.cells(metric),
      coverage: (metric: string) => view.coverage(metric),
      checkIns: (subject: string) => view.checkIns(subject),
    };
  }
});

describe('an explanation', () => {
  const { view, asOf } = surface();
  const explained = explain(view, 'key_result/grow-emea/mrr-emea', asOf);

  it('can be recomputed from its own numbers', () => {
    const result = (name: string) => Number(explained?.formulas.find((formula) => formula.name === name)?.result);
    const window = explained?.windows[0];
    const p = (Number(window?.value) - 800000) / 200000;
    expect(p).toBe(result('P'));
    const e =
      (Date.parse(explained?.evaluation.measuredAt ?? '') - Date.parse(explained?.calendar.from ?? '')) /
      (Date.parse(explained?.calendar.to ?? '') - Date.parse(explained?.calendar.from ?? ''));
    expect(e).toBe(result('E'));
    expect(p / e).toBe(result('ratio'));
    expect(explained?.thresholds[0]).toEqual({
      verdict: 'on_track',
      measure: p / e,
      bar: { atLeast: 0.9 },
      passed: true,
    });
  });

  it('names the documents that had a say, the policy and what the reason means', () => {
    expect(explained?.definitions).toEqual(
      ['objective/grow-emea', 'cycle/2026-q4', 'metric/mrr'].map((id) => ({ id, position: '120:0' })),
    );
    expect(explained?.policy).toMatchObject({ label: 'paceline@1', kind: 'ratio' });
    expect(isReason(explained?.reason.code ?? '')).toBe(true);
    expect(explained?.sentence).toBe(explained?.evaluation.sentence);
  });

  it('of a roll-up lists its members and how they were joined', () => {
    const objective = explain(view, 'objective/grow-emea', asOf);
    expect(objective?.members).toEqual([
      {
        subject: 'key_result/grow-emea/mrr-emea',
        weight: 2,
        progress: 0.56,
        expected: 0.5654142145767316,
        coverage: 1,
        verdict: 'on_track',
      },
    ]);
    expect(objective?.formulas.find(({ name }) => name === 'P')?.filled).toBe('(2 · 0.56) / (2)');
  });

  it('of a subject that is not there is none', () => {
    expect(explain(view, 'kpi/nothing', asOf)).toBeUndefined();
  });
});

describe('words', () => {
  it('cut percentages towards the worse side of a threshold', () => {
    expect([
      percentDown(0.8957),
      percentDown(0.9),
      percentDown(0.899999999999),
      percentDown(0.36 / 0.4),
      percentDown(-0.001),
    ]).toEqual(['89', '90', '89', '90', '-1']);
    expect([percentUp(0.1), percentUp(0.1000001), percentUp(0.5 - 0.4), percentUp(0.1649, 1)]).toEqual([
      '10',
      '11',
      '10',
      '16.5',
    ]);
  });

  it('say bars as exactly as they are', () => {
    expect([
      barWords({ below: 0.165 }, 'points'),
      barWords({ above: 0.75 }, '%'),
      barWords({ atMost: 0 }, 'points'),
    ]).toEqual(['less than 16.5 points', 'more than 75 %', '0 points or less']);
    expect([placesOf(0.165), placesOf(0.9), placesOf(0.07)]).toEqual([1, 0, 0]);
  });

  it('round numbers to what is worth reading', () => {
    const shown = [
      '0',
      '-5',
      '912000',
      '1234567.25',
      '913082.842915346',
      '0.463636364',
      '0.000012345',
      '12.5',
      '99.999',
      '999.96',
      '-0.05',
      '12345678901234567890123456789',
    ].map(numberWords);
    expect(shown).toEqual([
      '0',
      '-5',
      '912,000',
      '1,234,567',
      '913,083',
      '0.464',
      '0.0000123',
      '12.5',
      '100',
      '999.96',
      '-0.05',
      '12,345,678,901,234,567,890,123,456,789',
    ]);
  });

  it('have a meaning and a remedy for every reason', () => {
    for (const [meaning, remedy] of Object.values(REASONS)) {
      expect(meaning).toMatch(/^[A-Z`].*\.$/);
      expect(remedy).toMatch(/\.$/);
    }
  });
});
