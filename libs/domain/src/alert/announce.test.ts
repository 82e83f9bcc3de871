import { describe, expect, it } from 'vitest';
import { type Announced, reminderDue } from './announce.ts';

const announced: Announced = {
  episode: 0,
  worst: 'off_track',
  recordedAt: 100,
  value: null,
  verdict: 'off_track',
};

describe('when an open alert is due to be repeated', () => {
  const cases: readonly (readonly [
    name: string,
    remind: number | null,
    acknowledged: number | null,
    snoozed: number | null,
    due: number | null,
  ])[] = [
    ['never without a cadence', null, null, null, null],
    ['one cadence after the last message', 50, null, null, 150],
    ['never while acknowledged', 50, 120, null, null],
    ['again when an escalation came after the acknowledgement', 50, 90, null, 150],
    ['not before a snooze ends', 50, null, 170, 170],
    ['once when a snooze ends, without a cadence', null, null, 170, 170],
    ['a snooze that ended before the last message is over', 50, null, 90, 150],
  ];
  it.each(cases)('%s', (_name, remind, acknowledgedAt, snoozedUntil, due) => {
    expect(reminderDue(announced, remind, { acknowledgedAt, snoozedUntil })).toBe(due);
  });
});
