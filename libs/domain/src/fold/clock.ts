import type { Instant } from '../instant.ts';

/**
 * The next recordedAt of a workspace's log: what the log says, but at least a microsecond after the one before, because
 * records of one append share their time and clocks go back. Whole microseconds, so that every store keeps it exactly.
 */
export function nextRecordedAt(previous: Instant, appendedAt: Instant): Instant {
  const appended = Math.round(appendedAt * 1000);
  const least = previous === Number.NEGATIVE_INFINITY ? appended : Math.round(previous * 1000) + 1;
  return Math.max(appended, least) / 1000;
}
