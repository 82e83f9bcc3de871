import { describe, expect, it } from 'vitest';
import { ManualClock } from './clock.ts';
import { createLifecycle, HEALTHY } from './lifecycle.ts';
import { silentLogger } from './logger.ts';

function house(stopDeadlineMs?: number) {
  const clock = new ManualClock(0);
  const done: string[] = [];
  const lifecycle = createLifecycle({
    logger: silentLogger,
    clock,
    ...(stopDeadlineMs === undefined ? {} : { stopDeadlineMs }),
  });
  const part = (name: string) => ({
    start: async () => void done.push(`start ${name}`),
    stop: async () => void done.push(`stop ${name}`),
    health: () => HEALTHY,
  });
  return { clock, done, lifecycle, part };
}

describe('a lifecycle', () => {
  it('starts parts in order and stops them in reverse', async () => {
    const { lifecycle, part, done } = house();
    lifecycle.add('log', part('log'));
    lifecycle.add('processor', part('processor'));
    await lifecycle.start();
    expect(await lifecycle.stop('test')).toEqual([]);
    expect(done).toEqual(['start log', 'start processor', 'stop processor', 'stop log']);
  });

  it('stops what had started when a part does not start, and throws its error', async () => {
    const { lifecycle, part, done } = house();
    lifecycle.add('log', part('log'));
    lifecycle.add('store', { ...part('store'), start: () => Promise.reject(new Error('folder is locked')) });
    lifecycle.add('query', part('query'));
    await expect(lifecycle.start()).rejects.toThrow('folder is locked');
    expect(done).toEqual(['start log', 'stop store', 'stop log']);
  });

  it('stops once, however often it is asked', async () => {
    const { lifecycle, part, done } = house();
    lifecycle.add('log', part('log'));
    await lifecycle.start();
    await Promise.all([lifecycle.stop('SIGTERM'), lifecycle.stop('SIGINT')]);
    await lifecycle.stopped;
    expect(done.filter((entry) => entry === 'stop log')).toHaveLength(1);
  });

  it('goes on to the next part when one does not stop within the deadline, and says so', async () => {
    const { lifecycle, part, done, clock } = house(1_000);
    lifecycle.add('log', part('log'));
    lifecycle.add('stuck', { ...part('stuck'), stop: () => new Promise(() => undefined) });
    await lifecycle.start();
    const stopping = lifecycle.stop('test');
    await clock.advance(1_000);
    expect(await stopping).toEqual(['stuck: not stopped within 1000 ms']);
    expect(done).toContain('stop log');
  });

  it('says what failed to stop', async () => {
    const { lifecycle, part } = house();
    lifecycle.add('log', { ...part('log'), stop: () => Promise.reject(new Error('disk is full')) });
    await lifecycle.start();
    expect(await lifecycle.stop('test')).toEqual(['log: disk is full']);
  });

  it('does not start what comes after a signal', async () => {
    const { lifecycle, part, done } = house();
    lifecycle.add('log', { ...part('log'), start: async () => void lifecycle.stop('SIGTERM') });
    lifecycle.add('query', part('query'));
    await lifecycle.start();
    await lifecycle.stopped;
    expect(done).toEqual(['stop log']);
  });
});

describe('health', () => {
  it('is ready only once all have started and say so, and names who is behind', async () => {
    const { lifecycle, part } = house();
    let behind = true;
    lifecycle.add('log', part('log'));
    lifecycle.add('processor', {
      ...part('processor'),
      health: () => (behind ? { live: true, ready: false, detail: 'reads', behind: { records: 12 } } : HEALTHY),
    });
    expect(lifecycle.health()).toMatchObject({ live: true, ready: false });
    await lifecycle.start();
    expect(lifecycle.health()).toMatchObject({
      ready: false,
      parts: [
        { part: 'log', ready: true },
        { part: 'processor', behind: { records: 12 } },
      ],
    });
    behind = false;
    expect(lifecycle.health().ready).toBe(true);
    await lifecycle.stop('test');
    expect(lifecycle.health()).toMatchObject({ ready: false, parts: [{ part: 'process', detail: 'stopped' }, {}, {}] });
  });

  it('is not ready, but live, when a part cannot tell', async () => {
    const { lifecycle, part } = house();
    lifecycle.add('log', {
      ...part('log'),
      health: () => {
        throw new Error('closed');
      },
    });
    await lifecycle.start();
    expect(lifecycle.health()).toEqual({
      live: true,
      ready: false,
      parts: [{ part: 'log', live: true, ready: false, detail: 'health failed: closed' }],
    });
  });

  it('is dead when a part says that only a restart helps', async () => {
    const { lifecycle, part } = house();
    lifecycle.add('log', { ...part('log'), health: () => ({ live: false, ready: false, detail: 'corrupt' }) });
    await lifecycle.start();
    expect(lifecycle.health().live).toBe(false);
  });
});
