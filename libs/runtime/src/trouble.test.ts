import { expect, test } from 'vitest';
import { ManualClock } from './clock.ts';
import { Trouble } from './trouble.ts';

test('what failed is told while it comes back, and forgotten when it stays away or is cleared', async () => {
  const clock = new ManualClock(0);
  const trouble = new Trouble(clock);
  expect(trouble.message).toBeNull();
  trouble.tell('the broker is gone');
  await clock.advance(10_000);
  trouble.tell('the broker is gone still');
  await clock.advance(14_999);
  expect(trouble.message).toBe('the broker is gone still');
  await clock.advance(1);
  expect(trouble.message).toBeNull();
  trouble.tell('again');
  trouble.clear();
  expect(trouble.message).toBeNull();
});
