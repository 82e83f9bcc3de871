import { expect, test } from 'vitest';
import { describeEventLog, message } from './contract.ts';
import { type FaultOutcome, type MemoryLog, memoryDisk, openMemoryLog } from './memory.ts';

describeEventLog(
  'memory',
  async () => {
    const disk = memoryDisk();
    const logs = new Map<unknown, MemoryLog>();
    let now = 1_790_000_000_000;
    return {
      open: async (options) => {
        const log = openMemoryLog({ disk, now: () => now++, ...options });
        logs.set(log, log);
        return log;
      },
      crash: async (log) => logs.get(log)?.crash(),
      dispose: async () => undefined,
    };
  },
  { waitMsMax: 5_000, memberIsLog: false },
);

test('an append whose answer is lost is in the log, one that failed is not', async () => {
  const outcomes: FaultOutcome[] = ['failed', 'ambiguous', 'done'];
  const log = openMemoryLog({ now: () => 1, faults: { append: () => outcomes.shift() ?? 'done' } });
  await log.ensureTopic('facts.a');
  const settled = await Promise.allSettled(['0', '1', '2'].map((body) => log.append('facts.a', [message(body)])));
  expect(settled.map((one) => one.status)).toEqual(['rejected', 'rejected', 'fulfilled']);
  expect(await log.end('facts.a')).toBe(2);
  await log.close();
});

test('a fault injector cuts batches otherwise and delivers again, and a revoked topic comes back from its commit', async () => {
  let redelivered = 0;
  const log = openMemoryLog({
    now: () => 1,
    faults: {
      cut: (_topic, available) => Math.min(available, 2),
      redeliver: (_topic, committed, next) => (next === 4 && redelivered++ === 0 ? committed : next),
    },
  });
  await log.ensureTopic('facts.a');
  await log.append(
    'facts.a',
    ['0', '1', '2', '3', '4'].map((body) => message(body)),
  );
  const offsets: number[] = [];
  const events: string[] = [];
  const subscription = await log.subscribe({
    group: 'g',
    prefix: 'facts.',
    assigned: async (topic, committed) => void events.push(`assigned ${topic} ${committed}`),
    revoked: async (topic) => void events.push(`revoked ${topic}`),
    batch: async (records, context) => {
      offsets.push(...records.map((record) => record.offset));
      if (records.at(-1)?.offset === 1) await context.commit(2);
    },
  });
  await expect.poll(() => offsets).toEqual([0, 1, 2, 3, 2, 3, 4]);
  await log.revoke('g', 'facts.a');
  await expect.poll(() => offsets).toEqual([0, 1, 2, 3, 2, 3, 4, 2, 3, 4]);
  expect(events).toEqual(['assigned facts.a 0', 'revoked facts.a', 'assigned facts.a 2']);
  await subscription.stop();
  await log.close();
});
