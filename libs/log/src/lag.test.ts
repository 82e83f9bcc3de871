import { describe, expect, it } from 'vitest';
import { LAG_POINTS_MAX, lagGate } from './lag.ts';
import { openMemoryLog } from './memory.ts';

const TOPIC = 'facts.main';
const message = { key: null, value: new Uint8Array(1), headers: {} };

async function gate(records: number) {
  let now = 0;
  const log = openMemoryLog({ now: () => now });
  await log.ensureTopic(TOPIC);
  if (records > 0)
    await log.append(
      TOPIC,
      Array.from({ length: records }, () => message),
    );
  const made = lagGate({ log, group: 'processor', now: () => now });
  return {
    ...made,
    log,
    later: () => {
      now += 1_000;
    },
  };
}

describe('back-pressure', () => {
  it('counts a topic of mixed records to the point, as long as they are its own', async () => {
    const { appended, check, later } = await gate(30);
    for (let turn = 0; turn < 10; turn++) {
      appended(TOPIC, 1, 1_000);
      appended(TOPIC, 2, 0);
    }
    later();
    expect(await check(TOPIC, 'push')).toEqual({ ok: true, pointsBehind: 10_000 });
  });

  it('takes what others appended for what its own records hold', async () => {
    const { appended, check, later } = await gate(1_000);
    for (let turn = 0; turn < 200; turn++) appended(TOPIC, 1, 50);
    later();
    const { pointsBehind } = await check(TOPIC, 'push');
    expect(pointsBehind).toBeGreaterThan(49_000);
    expect(pointsBehind).toBeLessThan(51_000);
  });

  it('sees a burst between two readings, and lets go once the processor has caught up', async () => {
    const { appended, check, later, log } = await gate(1);
    expect(await check(TOPIC, 'push')).toEqual({ ok: true, pointsBehind: 1 });
    appended(TOPIC, 2_000, LAG_POINTS_MAX.push - 1);
    expect(await check(TOPIC, 'push')).toMatchObject({ ok: false, retryAfterMs: 1_000 });
    expect(await check(TOPIC, 'backfill')).toMatchObject({ ok: false, retryAfterMs: 10_000 });
    await commitAll(log);
    later();
    expect(await check(TOPIC, 'push')).toEqual({ ok: true, pointsBehind: 0 });
  });
});

async function commitAll(log: Awaited<ReturnType<typeof gate>>['log']): Promise<void> {
  const done = Promise.withResolvers<void>();
  const subscription = await log.subscribe({
    group: 'processor',
    prefix: 'facts.',
    async batch(_, context) {
      await context.commit(context.end);
      done.resolve();
    },
  });
  await done.promise;
  await subscription.stop();
}
