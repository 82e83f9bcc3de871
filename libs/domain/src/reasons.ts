/**
 * Why a verdict is what it is: one closed table. The code stands in every evaluation, meaning and remedy in the docs and
 * wherever a person asks "why not green".
 */
export const REASONS = {
  before_start: ['The cycle has not begun.', 'Nothing to do until its first day.'],
  no_target_in_force: [
    'No target is in force at this instant.',
    'Give the subject a target, or date its first entry earlier.',
  ],
  no_members: [
    'The objective has neither key results nor child objectives.',
    'Add a key result, or align an objective to it.',
  ],
  members_without_target: ['None of the members has a target.', 'Give the key results targets.'],
  members_not_started: ['None of the members has begun.', 'Nothing to do until the first one does.'],
  members_without_progress: ['None of the members has progress yet.', 'Look at the members: a source may be silent.'],
  zero_weight: ['All members have weight 0.', 'Give at least one member a weight above 0.'],
  no_observations: [
    'Nothing was ever observed.',
    'Check that the source runs and that its dimensions match the filter.',
  ],
  no_value_in_period: [
    'There are observations, but none that counts in this period.',
    'Check whether the source stopped, or delivers later than it should.',
  ],
  zero_denominator: [
    'The denominators add up to zero.',
    'Nothing to do when there was nothing to divide by; else check the source.',
  ],
  nothing_complete: [
    'Observations exist, but no bucket is complete yet.',
    'Wait for the bucket to end and settle; check that the source states what it covered.',
  ],
  empty_bucket: [
    'A bucket of the judged window holds no value.',
    'Load the missing bucket, or use a window that has data.',
  ],
  window_not_covered: ['The judged window is not wholly covered.', 'Backfill the window, or wait until it is full.'],
  several_series: [
    'Several series match and the metric does not say how to join them.',
    'Set `across` on the metric, or narrow `where` to one series.',
  ],
  no_baseline: [
    '`baseline: start` found no value before the cycle.',
    'Load history, or write the baseline as a number.',
  ],
  below_min_coverage: [
    'Too few of the members have progress.',
    'Bring the missing members in, or lower `minCoverage`.',
  ],
  met_at_close: ['The period is closed and the bar was met.', 'None.'],
  missed_at_close: ['The period is closed and the bar was not met.', 'None: the period is over.'],
  reached: ['The target is reached before the end.', 'None.'],
  members_achieved: ['Every weighted member is achieved.', 'None.'],
  early: ['Little of the period has elapsed and the gap is small.', 'None: too early to judge by pace.'],
  meets_expected: ['The value meets what is expected.', 'None.'],
  at_or_above_on_track: ['The measure is on the good side of the on-track bar.', 'None.'],
  below_on_track: ['The measure is between the two bars.', 'Look at what slows it; it is not lost.'],
  below_at_risk: ['The measure is on the bad side of the at-risk bar.', 'Act, or change the plan.'],
  nothing_expected: ['Nothing is expected yet and nothing was lost.', 'None.'],
  below_nothing_expected: [
    'Nothing is expected yet, but the value went the wrong way.',
    'Look at what moved it away from the target.',
  ],
  target_not_met: [
    'The target is zero or less, which allows no ratio, and it is not met.',
    'Add absolute bands to tell at risk from off track.',
  ],
  inside_range: ['The value lies inside the range.', 'None.'],
  outside_range: ['The value lies outside the range and its at-risk band.', 'Bring the value back into the range.'],
  inside_on_track_band: ['The value is inside the on-track band.', 'None.'],
  inside_at_risk_band: ['The value is inside the at-risk band.', 'Look at what moves it.'],
  outside_bands: ['The value is beyond the at-risk band.', 'Act, or change the plan.'],
} as const satisfies Record<string, readonly [meaning: string, remedy: string]>;

export type Reason = keyof typeof REASONS;

export function isReason(text: string): text is Reason {
  return Object.hasOwn(REASONS, text);
}
