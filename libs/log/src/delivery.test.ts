import { expect, test } from 'vitest';
import { Delivery, type DeliverySource } from './delivery.ts';
import { sleep } from './wakes.ts';

test('a topic that is taken away before the broker said where to begin is not begun, also when it came back meanwhile', async () => {
  const answers: ((committed: number) => void)[] = [];
  const source: DeliverySource = {
    end: () => 9,
    next: async (_topic, _from, signal) => {
      await new Promise((resolve) => signal.addEventListener('abort', resolve));
      return [];
    },
    committed: () => new Promise((resolve) => void answers.push(resolve)),
    commit: async () => undefined,
    after: (_topic, _committed, next) => next,
    sleep,
  };
  const begun: number[] = [];
  const options = {
    group: 'processor',
    prefix: 'facts.',
    batch: async () => undefined,
    assigned: async (_topic: string, committed: number) => {
      begun.push(committed);
      return undefined;
    },
  };
  const lost = new Delivery('facts.one', options, source);
  await lost.end(0);
  const regained = new Delivery('facts.one', options, source);
  answers[1]?.(7);
  answers[0]?.(4);
  await lost.done;
  await expect.poll(() => begun).toEqual([7]);
  await regained.end(0);
  await regained.done;
  expect(begun).toEqual([7]);
});
