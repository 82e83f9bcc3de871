import type { Recorded } from '@paceline/domain';
import { encodeFact } from '@paceline/events';
import { expect, test, vi } from 'vitest';
import { followWorkspace } from './follow.ts';
import { lagGate } from './lag.ts';
import { openMemoryLog } from './memory.ts';

const tick = (edition: number) =>
  encodeFact('main', { type: 'tick', edition }, { id: `tick-${edition}`, source: 'test' });
const snooze = (until: number) =>
  encodeFact('main', { type: 'snooze', alert: 'a', until }, { id: `snooze-${until}`, source: 'test' });

test('a follower applies only the wanted types, in order, with times that strictly increase, and tells how far it is', async () => {
  const log = openMemoryLog({ now: () => 1_000 });
  await log.ensureTopic('facts.main');
  await log.append('facts.main', [snooze(1_000), tick(1), snooze(2_000)]);
  const seen: Recorded[] = [];
  const stop = new AbortController();
  const follower = followWorkspace(log, 'facts.main', {
    types: ['snooze'],
    apply: (fact) => void seen.push(fact),
    signal: stop.signal,
  });
  await follower.caughtUp();
  expect(seen.map((fact) => [fact.position, fact.id, fact.recordedAt])).toEqual([
    [0, 'snooze-1000', 1_000],
    [2048, 'snooze-2000', 1_000.002],
  ]);
  expect(follower.next).toBe(3);
  const reached = follower.reached(3 * 1024, 1_000);
  await log.append('facts.main', [tick(2)]);
  expect(await reached).toBe(true);
  expect(await follower.reached(9 * 1024, 10)).toBe(false);
  stop.abort();
  await follower.done;
  await log.close();
});

test('a follower waits for a topic that is not there yet and passes over what cannot be read', async () => {
  const log = openMemoryLog({ now: () => 1_000 });
  const stop = new AbortController();
  const errors: unknown[] = [];
  const poison: string[] = [];
  const seen: string[] = [];
  const follower = followWorkspace(log, 'facts.main', {
    types: ['tick'],
    apply: ({ id }) => void seen.push(id),
    signal: stop.signal,
    failed: (error) => void errors.push(error),
    undecodable: (_record, reason) => void poison.push(reason.code),
  });
  await vi.waitFor(() => expect(errors.length).toBe(1));
  await log.ensureTopic('facts.main');
  await log.append('facts.main', [{ ...tick(1), value: new TextEncoder().encode('{') }, tick(2)]);
  await vi.waitFor(() => expect(seen).toEqual(['tick-2']));
  expect(poison).toEqual(['invalid_json']);
  stop.abort();
  await follower.done;
  await log.close();
});

test('a follower stands still at a fact that cannot be applied and goes on once it can', async () => {
  const log = openMemoryLog({ now: () => 1_000 });
  await log.ensureTopic('facts.main');
  await log.append('facts.main', [tick(1), tick(2), tick(3)]);
  const stop = new AbortController();
  const tried: string[] = [];
  const follower = followWorkspace(log, 'facts.main', {
    types: ['tick'],
    apply: ({ id }) => {
      tried.push(id);
      if (id === 'tick-2' && tried.filter((one) => one === id).length < 3) throw new Error('not now');
    },
    signal: stop.signal,
    sleep: async () => undefined,
  });
  await follower.caughtUp();
  expect(tried).toEqual(['tick-1', 'tick-2', 'tick-2', 'tick-2', 'tick-3']);
  stop.abort();
  await follower.done;
  await log.close();
});

test('writers wait by points behind the commits: a backfill long before a live source, own appends count at once', async () => {
  let now = 0;
  const log = openMemoryLog({ now: () => now });
  await log.ensureTopic('facts.main');
  await log.append(
    'facts.main',
    Array.from({ length: 300 }, (_, i) => tick(i + 1)),
  );
  const gate = lagGate({ log, group: 'processor', now: () => now });
  expect(await gate.check('facts.main', 'backfill')).toEqual({ ok: true, pointsBehind: 300 });
  for (let i = 0; i < 100; i++) gate.appended('facts.main', 1, 1_000);
  expect(await gate.check('facts.main', 'backfill')).toEqual({ ok: true, pointsBehind: 100_300 });
  for (let i = 0; i < 200; i++) gate.appended('facts.main', 1, 1_000);
  const pressed = await gate.check('facts.main', 'backfill');
  expect(pressed).toMatchObject({ ok: false, pointsBehind: 300_300 });
  expect((await gate.check('facts.main', 'live')).ok).toBe(true);
  now += 1_000;
  // Read anew: the last 300 records are those that were appended here.
  expect((await gate.check('facts.main', 'live')).pointsBehind).toBe(300_000);
  await log.close();
});
