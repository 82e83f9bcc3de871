import { describe, expect, it } from 'vitest';
import type { Verdict } from '../evaluation.ts';
import { PRESETS } from '../policy/policy.ts';
import { type Announced, announce } from './announce.ts';
import { ALERT_OK, type AlertState, evolveAlert, foldAlert, openEpisode, type RuleOf } from './machine.ts';
import type { AlertPoint } from './point.ts';

const RULE: RuleOf = { when: 'off_track', for: 1, recover: 1, policy: (label) => PRESETS.get(label ?? '') };

/**
 * One letter a grid point, a day apart: `g` on track, `r` at risk, `b` off track, `m` missed, `-` no data, `=` the same
 * measurement again, off track. A capital is the period's last word.
 */
const VERDICTS: Readonly<Record<string, Verdict>> = {
  g: 'on_track',
  r: 'at_risk',
  b: 'off_track',
  m: 'missed',
  '-': 'no_data',
  '=': 'off_track',
  M: 'missed',
  A: 'achieved',
};

function points(letters: string): AlertPoint[] {
  return [...letters].map((letter, day) => ({
    at: day,
    verdict: VERDICTS[letter] ?? 'no_data',
    reason: '',
    measuredAt: letter === '=' ? letters.slice(0, day).search(/=*$/) - 1 : day,
    closing: letter === 'M' || letter === 'A',
    pace: null,
    gap: null,
    progress: null,
    policy: null,
  }));
}

/** What is sent when a tick follows every grid point. */
function sent(letters: string, rule: Partial<RuleOf> = {}): string {
  let state = ALERT_OK;
  let announced: Announced | null = null;
  const log: string[] = [];
  for (const point of points(letters)) {
    state = evolveAlert(state, point, { ...RULE, ...rule });
    const step = tell(state, announced);
    if (step.text !== '') log.push(`${point.at} ${step.text}`);
    announced = step.announced;
  }
  return log.join(', ');
}

function tell(state: AlertState, announced: Announced | null): { text: string; announced: Announced | null } {
  const message = announce(state, announced);
  if (message === null) return { text: '', announced };
  const worst = openEpisode(state)?.worst;
  const open = message.kind === 'opened' || message.kind === 'escalated';
  const verdict = worst ?? 'on_track';
  return {
    text: message.kind,
    announced: open ? { episode: message.episode, worst: verdict, recordedAt: 0, value: null, verdict } : null,
  };
}

describe('what leaves when a tick follows every grid point', () => {
  const cases: readonly (readonly [name: string, letters: string, rule: Partial<RuleOf>, log: string])[] = [
    ['nothing while good', 'gggrg', {}, ''],
    ['opened at the first bad point, recovered at the first good one', 'gbbg', {}, '1 opened, 3 recovered'],
    ['opened only after `for` bad points', 'bbbg', { for: 3 }, '2 opened, 3 recovered'],
    ['nothing when a good point interrupts the wait', 'bbgbbg', { for: 3 }, ''],
    ['a gap neither counts nor resets the wait', 'b-b', { for: 2 }, '2 opened'],
    ['a grid point that measured nothing new counts nothing', 'b==', { for: 2 }, ''],
    ['missing data does not resolve', 'b--g', {}, '0 opened, 3 recovered'],
    ['recovers only after `recover` good points', 'bggg', { recover: 3 }, '0 opened, 3 recovered'],
    ['a bad point while recovering sends nothing and starts over', 'bgbgg', { recover: 2 }, '0 opened, 4 recovered'],
    ['escalated when the verdict worsens, once', 'rrbb', { when: 'at_risk' }, '0 opened, 2 escalated'],
    ['not escalated again after it was better for a while', 'brb', { when: 'at_risk' }, '0 opened'],
    ['at risk is not bad for a rule on off_track', 'rrr', {}, ''],
    ['a second time is a second episode', 'bgb', {}, '0 opened, 1 recovered, 2 opened'],
    ['closed with its period, achieved', 'bA', {}, '0 opened, 1 closed'],
    ['closed with its period, missed', 'bM', {}, '0 opened, 1 closed'],
    ['a target missed at the close opens', 'gM', { when: 'missed' }, '1 opened'],
    ['a period that closes well sends nothing', 'gA', {}, ''],
    ['nothing counts after the last word', 'gAbb', {}, ''],
  ];
  it.each(cases)('%s', (_name, letters, rule, log) => {
    expect(sent(letters, rule)).toBe(log);
  });
});

describe('a tick after a correction compares what is true now with what was said', () => {
  const opened: Announced = { episode: 1, worst: 'off_track', recordedAt: 0, value: null, verdict: 'off_track' };
  const cases: readonly (readonly [name: string, now: string, announced: Announced | null, kind: string | null])[] = [
    ['the bad point was corrected away', 'ggg', opened, 'retracted'],
    ['the bad point was retracted and holds no data now', 'g-', opened, 'retracted'],
    ['the bad point stands and another follows', 'gbb', opened, null],
    ['the opening moved to a later point and it still fires', 'ggb', opened, null],
    ['the opening moved to an earlier point and it still fires', 'bbb', opened, null],
    ['the opening moved and it has recovered since', 'ggbg', opened, 'recovered'],
    ['it recovered and fired again unseen: it still fires', 'gbgb', opened, null],
    ['it fired and recovered unseen', 'gbg', null, null],
    ['it worsened unseen', 'gbm', opened, 'escalated'],
    ['it closed unseen', 'gbbM', opened, 'closed'],
    ['an earlier episode is not the one that was announced', 'bgg', { ...opened, episode: 2 }, 'retracted'],
  ];
  it.each(cases)('%s', (_name, now, announced, kind) => {
    expect(announce(foldAlert(points(now), RULE), announced)?.kind ?? null).toBe(kind);
  });

  it('the message keeps the announced episode, so that it lands in the same thread', () => {
    expect(announce(foldAlert(points('gbm'), RULE), opened)).toEqual({ kind: 'escalated', episode: 1, at: 2 });
  });
});

describe('recovery asks for more than the end of bad', () => {
  const at = (pace: number, day: number): AlertPoint => ({
    at: day,
    verdict: pace >= 0.9 ? 'on_track' : pace >= 0.7 ? 'at_risk' : 'off_track',
    reason: 'at_or_above_on_track',
    measuredAt: day,
    closing: false,
    pace,
    gap: null,
    progress: null,
    policy: 'paceline',
  });
  const cases: readonly (readonly [name: string, paces: readonly number[], state: string])[] = [
    ['inside the margin it keeps firing', [0.6, 0.72], 'firing'],
    ['at the margin it recovers', [0.6, 0.75], 'ok'],
    ['a value hovering at the bar does not flap', [0.6, 0.71, 0.69, 0.72], 'firing'],
    ['no margin asks for more than the target itself', [0.6, 1], 'ok'],
  ];
  it.each(cases)('%s', (_name, paces, state) => {
    expect(foldAlert(paces.map(at), RULE).name).toBe(state);
  });

  it('while waiting to fire, any point that is not bad ends the wait', () => {
    expect(foldAlert([0.6, 0.71, 0.6].map(at), { ...RULE, for: 2 }).name).toBe('pending');
  });
});
