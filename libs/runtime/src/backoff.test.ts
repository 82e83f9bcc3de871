import { describe, expect, it } from 'vitest';
import { backoffMs, retry } from './backoff.ts';
import { ManualClock } from './clock.ts';

describe('backoff', () => {
  const options = { firstMs: 100, maxMs: 1_000, jitter: 0 };

  it('doubles up to its bound', () => {
    expect([1, 2, 3, 4, 5, 1_000].map((attempt) => backoffMs(attempt, options))).toEqual([
      100, 200, 400, 800, 1_000, 1_000,
    ]);
  });

  it('is spread by its jitter', () => {
    expect(backoffMs(1, { ...options, jitter: 0.5 }, () => 1)).toBe(50);
    expect(backoffMs(1, { ...options, jitter: 0.5 }, () => 0)).toBe(100);
  });
});

describe('retry', () => {
  const options = (clock: ManualClock) => ({ clock, firstMs: 10, maxMs: 100, jitter: 0, attemptsMax: 3 });

  it('tries again until it succeeds', async () => {
    const clock = new ManualClock(0);
    const result = retry(async (attempt) => {
      if (attempt < 3) throw new Error(`no ${attempt}`);
      return attempt;
    }, options(clock));
    await clock.advance(100);
    expect(await result).toBe(3);
  });

  it('throws the last error when attempts are used up, and tells each wait', async () => {
    const clock = new ManualClock(0);
    const waits: [number, number][] = [];
    const failing = retry(
      async (attempt) => {
        throw new Error(`no ${attempt}`);
      },
      { ...options(clock), failed: (_error, attempt, delayMs) => void waits.push([attempt, delayMs]) },
    );
    const outcome = expect(failing).rejects.toThrow('no 3');
    await clock.advance(100);
    await outcome;
    expect(waits).toEqual([
      [1, 10],
      [2, 20],
    ]);
  });

  it('does not try again what cannot get better', async () => {
    const clock = new ManualClock(0);
    let calls = 0;
    const failing = retry(
      async () => {
        calls++;
        throw new Error('refused');
      },
      { ...options(clock), retryable: () => false },
    );
    await expect(failing).rejects.toThrow('refused');
    expect(calls).toBe(1);
  });

  it('stops waiting when aborted', async () => {
    const clock = new ManualClock(0);
    const abort = new AbortController();
    const failing = retry(
      async () => {
        throw new Error('no');
      },
      { ...options(clock), signal: abort.signal },
    );
    const outcome = expect(failing).rejects.toThrow('stopping');
    await clock.advance(1);
    abort.abort(new Error('stopping'));
    await outcome;
  });
});
