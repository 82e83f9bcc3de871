import { type Evaluation, openEpisode, ruleOf } from '@paceline/domain';
import { expect, test } from 'vitest';
import { AlertSeries } from './alert-series.ts';
import { AT, EVALUATION } from './testing/evaluation.ts';

const KEY = { subject: 'kpi/sold', period: '2026-10-29' };
const RULE = ruleOf({ watch: ['*'], when: 'off_track', for: 1 }, () => undefined);

/** Only what the machine reads matters here. */
function said(changes: Partial<Evaluation>): Evaluation {
  return { ...EVALUATION, ...changes };
}

const GOING = said({});
const CLOSED = said({ subject: 'kpi/sold@2026-10-29', verdict: 'missed', reason: 'missed_at_close', score: 0 });

test.each([
  ['what a period closed with follows what was said of it at the same instant', [GOING, CLOSED]],
  ['in whatever order they are noted', [CLOSED, GOING]],
  ['and stays when the other is corrected', [GOING, CLOSED, said({ value: '1' })]],
  ['and when it is corrected itself', [GOING, CLOSED, { ...CLOSED, value: '1' }]],
])('%s: an alert that was open ends with its period', (_, evaluations) => {
  const series = new AlertSeries(KEY);
  for (const evaluation of evaluations) expect(series.note(evaluation)).toBe(true);
  const state = series.state('behind', '1', RULE);
  expect(state?.closed).toBe(true);
  expect(state && openEpisode(state)).toBeUndefined();
});

test('a correction folds anew what was folded before', () => {
  const series = new AlertSeries(KEY);
  series.note(GOING);
  series.note(said({ asOf: AT + 1, measuredAt: AT + 1 }));
  expect(series.state('behind', '1', RULE)?.name).toBe('firing');
  series.note(said({ verdict: 'on_track' }));
  series.note(said({ asOf: AT + 1, measuredAt: AT + 1, verdict: 'on_track' }));
  expect(series.state('behind', '1', RULE)?.name).toBe('ok');
});
