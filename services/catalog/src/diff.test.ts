import { describe, expect, it } from 'vitest';
import { fieldChanges } from './diff.ts';

describe('fields that differ are named as a person would', () => {
  it.each([
    ['nothing', { a: 1, b: [1, 2] }, { b: [1, 2], a: 1 }, []],
    ['a value', { a: { b: 1 } }, { a: { b: 2 } }, [['a.b', 1, 2]]],
    ['a key that came', { a: {} }, { a: { b: null } }, []],
    ['a key that came with a value', {}, { a: 'x' }, [['a', null, 'x']]],
    ['a key that went', { a: 'x' }, {}, [['a', 'x', null]]],
    ['a list without names, as a whole', { d: ['a'] }, { d: ['a', 'b'] }, [['d', ['a'], ['a', 'b']]]],
    [
      'an item by its name',
      {
        k: [
          { name: 'x', v: 1 },
          { name: 'y', v: 1 },
        ],
      },
      {
        k: [
          { name: 'x', v: 1 },
          { name: 'y', v: 2 },
        ],
      },
      [['k[y].v', 1, 2]],
    ],
    [
      'an item that came',
      { k: [{ name: 'x' }] },
      { k: [{ name: 'x' }, { name: 'y' }] },
      [['k[y]', null, { name: 'y' }]],
    ],
    [
      'an entry by its date',
      { targets: [{ effectiveFrom: '2026-01-01', value: '1' }] },
      { targets: [{ effectiveFrom: '2026-01-01', value: '2' }] },
      [['targets[2026-01-01].value', '1', '2']],
    ],
    [
      'the order of named items',
      { k: [{ name: 'x' }, { name: 'y' }] },
      { k: [{ name: 'y' }, { name: 'x' }] },
      [['k', ['x', 'y'], ['y', 'x']]],
    ],
    [
      'a plain value that becomes dated',
      { o: 'ada' },
      { o: [{ effectiveFrom: '2026-01-01', value: 'bob' }] },
      [['o', 'ada', [{ effectiveFrom: '2026-01-01', value: 'bob' }]]],
    ],
  ])('%s', (_title, before, after, changes) => {
    expect(fieldChanges(before, after).map(({ field, before, after }) => [field, before, after])).toEqual(changes);
  });
});
