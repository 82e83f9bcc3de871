import { expect, test } from 'vitest';
import { GiveUp, RetryAfter } from './port.ts';
import { nextRun, retryDelayMs } from './rules.ts';

const backoff = { firstMs: 1_000, maxMs: 60_000 };

test('retries double up to a limit, jitter takes at most half away', () => {
  const delays = (random: number) =>
    [1, 2, 3, 10].map((attempt) => retryDelayMs(new Error('x'), attempt, 20, backoff, () => random));
  expect(delays(1)).toEqual([1_000, 2_000, 4_000, 60_000]);
  expect(delays(0)).toEqual([500, 1_000, 2_000, 30_000]);
});

test('the last attempt and GiveUp have no next one, RetryAfter says when', () => {
  expect(retryDelayMs(new Error('x'), 5, 5, backoff, () => 0)).toBeNull();
  expect(retryDelayMs(new GiveUp('x'), 1, 5, backoff, () => 0)).toBeNull();
  expect(retryDelayMs(new RetryAfter(7, 'x'), 1, 5, backoff, () => 0)).toBe(7);
  expect(retryDelayMs(new RetryAfter(7, 'x'), 5, 5, backoff, () => 0)).toBeNull();
});

test('a rhythm keeps its beat however long it was not looked at', () => {
  expect(nextRun(1_000, 300, 500)).toBe(1_000);
  expect(nextRun(1_000, 300, 1_000)).toBe(1_300);
  expect(nextRun(1_000, 300, 1_299)).toBe(1_300);
  expect(nextRun(1_000, 300, 1_900)).toBe(2_200);
});
