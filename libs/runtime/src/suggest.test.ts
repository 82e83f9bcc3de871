import { expect, it } from 'vitest';
import { didYouMean, editDistance } from './suggest.ts';

it.each([
  ['', '', 0],
  ['abc', 'abc', 0],
  ['abc', 'abd', 1],
  ['abc', 'acb', 1],
  ['kitten', 'sitting', 3],
  ['', 'abc', 3],
])('from %j to %j it takes %i', (a, b, steps) => {
  expect(editDistance(a, b)).toBe(steps);
  expect(editDistance(b, a)).toBe(steps);
});

it('suggests what is near, and nothing far-fetched', () => {
  expect(didYouMean('worspace', ['workspace', 'policy'])).toBe('; did you mean workspace?');
  expect(didYouMean('Prot', ['port'])).toBe('; did you mean port?');
  expect(didYouMean('banana', ['workspace', 'policy'])).toBe('');
  expect(didYouMean('anything', [])).toBe('');
});
