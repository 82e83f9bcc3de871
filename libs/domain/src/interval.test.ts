import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { contains, covers, difference, intersection, intervalsOf, union } from './interval.ts';

const span = fc
  .tuple(fc.integer({ min: 0, max: 30 }), fc.integer({ min: 0, max: 30 }))
  .map(([from, to]) => ({ from, to }));
const set = fc.array(span, { maxLength: 8 }).map(intervalsOf);
const places = Array.from({ length: 31 }, (_, index) => index);

describe('interval sets agree with sets of instants', () => {
  const property = (
    combine: (
      a: readonly { from: number; to: number }[],
      b: readonly { from: number; to: number }[],
    ) => readonly { from: number; to: number }[],
    expected: (a: boolean, b: boolean) => boolean,
  ) =>
    fc.assert(
      fc.property(set, set, (a, b) => {
        const combined = combine(a, b);
        for (const at of places) expect(contains(combined, at)).toBe(expected(contains(a, at), contains(b, at)));
        expect(intervalsOf(combined)).toEqual(combined);
      }),
    );

  test('union', () => property(union, (a, b) => a || b));
  test('intersection', () => property(intersection, (a, b) => a && b));
  test('difference', () => property(difference, (a, b) => a && !b));

  test('a span is covered when all of its instants are', () => {
    fc.assert(
      fc.property(
        set,
        span.filter(({ from, to }) => from < to),
        (a, { from, to }) => {
          expect(covers(a, { from, to })).toBe(
            places.filter((at) => at >= from && at < to).every((at) => contains(a, at)),
          );
        },
      ),
    );
  });
});

test('a set may reach back without bound', () => {
  const all = intervalsOf([{ from: Number.NEGATIVE_INFINITY, to: 10 }]);
  expect(covers(all, { from: -1e15, to: 10 })).toBe(true);
  expect(covers(all, { from: 0, to: 11 })).toBe(false);
});
