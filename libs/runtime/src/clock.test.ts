import { describe, expect, it } from 'vitest';
import { ManualClock, systemClock } from './clock.ts';

describe('a manual clock', () => {
  it('stands still until told', () => {
    const clock = new ManualClock(1_000);
    expect(clock.now()).toBe(1_000);
    expect(clock.now()).toBe(1_000);
  });

  it('fires timers in order of time, then of setting, each at its own time', async () => {
    const clock = new ManualClock(0);
    const fired: [string, number][] = [];
    clock.after(20, () => fired.push(['late', clock.now()]));
    clock.after(10, () => fired.push(['first', clock.now()]));
    clock.after(10, () => fired.push(['second', clock.now()]));
    await clock.advance(50);
    expect(fired).toEqual([
      ['first', 10],
      ['second', 10],
      ['late', 20],
    ]);
    expect(clock.now()).toBe(50);
  });

  it('sees timers that are set while it moves', async () => {
    const clock = new ManualClock(0);
    const ticks: number[] = [];
    const again = (): void => {
      ticks.push(clock.now());
      if (ticks.length < 3) clock.after(10, again);
    };
    clock.after(10, again);
    await clock.advance(100);
    expect(ticks).toEqual([10, 20, 30]);
  });

  it('lets what was woken run on before the next timer', async () => {
    const clock = new ManualClock(0);
    const seen: number[] = [];
    const loop = (async () => {
      for (let round = 0; round < 3; round++) {
        await clock.sleep(10);
        seen.push(clock.now());
      }
    })();
    await clock.advance(30);
    await loop;
    expect(seen).toEqual([10, 20, 30]);
  });

  it('forgets a cancelled timer', async () => {
    const clock = new ManualClock(0);
    const timer = clock.after(10, () => expect.unreachable());
    timer.cancel();
    expect(clock.pending).toBe(0);
    await clock.advance(20);
  });

  it('tells when the next timer is due', () => {
    const clock = new ManualClock(5);
    expect(clock.nextAt).toBeNull();
    clock.after(10, () => undefined);
    expect(clock.nextAt).toBe(15);
  });
});

describe.each([
  ['manual', new ManualClock(0)],
  ['system', systemClock],
])('sleep on the %s clock', (_name, clock) => {
  it('rejects with the reason as soon as it is aborted, and leaves no timer', async () => {
    const abort = new AbortController();
    const sleeping = clock.sleep(60_000, abort.signal);
    abort.abort(new Error('enough'));
    await expect(sleeping).rejects.toThrow('enough');
    if (clock instanceof ManualClock) expect(clock.pending).toBe(0);
  });

  it('rejects at once when it was aborted before', async () => {
    await expect(clock.sleep(60_000, AbortSignal.abort(new Error('early')))).rejects.toThrow('early');
  });
});

describe('the system clock', () => {
  it('does not fire a timer of months at once', async () => {
    let fired = false;
    const timer = systemClock.after(2 ** 31 + 1_000, () => {
      fired = true;
    });
    await systemClock.sleep(20);
    timer.cancel();
    expect(fired).toBe(false);
  });

  it('measures durations that never go back', async () => {
    const start = systemClock.monotonic();
    await systemClock.sleep(5);
    expect(systemClock.monotonic()).toBeGreaterThan(start);
  });
});
