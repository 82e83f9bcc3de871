import { expect, test } from 'vitest';
import { CellBudget } from './cell-budget.ts';

test('one workspace may take all that the others leave', () => {
  const budget = new CellBudget(100);
  const [one, other] = [budget.share('one'), budget.share('other')];
  one.add(90);
  other.add(10);
  expect([one.over, other.over].every((over) => over <= 0)).toBe(true);
  other.add(5);
  // It holds more than its half, and what is too much is five.
  expect(one.over).toBe(5);
  expect(other.over).toBeLessThanOrEqual(0);
  one.add(-5);
  expect(one.over).toBeLessThanOrEqual(0);
});

test('what a workspace held is free once it is begun anew or left', () => {
  const budget = new CellBudget(100);
  const before = budget.share('one');
  before.add(80);
  const now = budget.share('one');
  expect(budget.bytes).toBe(0);
  before.add(50);
  now.add(30);
  expect(budget.bytes).toBe(30);
  budget.leave('one');
  expect(budget.bytes).toBe(0);
});
