import { DEFINITION_CODES } from '@paceline/domain/definition/fault';
import { isErrorCode } from '@paceline/runtime/errors';
import { STORE_ERRORS } from '@paceline/store/errors';
import { expect, it } from 'vitest';
import { codesOf } from './tidy/codes.ts';
import { repositoryFiles, sources } from './tidy/sources.ts';

const UNKNOWN_HOW =
  'is not in the table of libs/runtime/src/codes/; add it there with status, meaning and remedy, then npm run docs';

it('every code that the code gives to a caller is in the one table', () => {
  const unknown = sources(repositoryFiles()).flatMap((source) =>
    codesOf(source)
      .filter((code) => !isErrorCode(code))
      .map((code) => `${source.path}: ${code} ${UNKNOWN_HOW}`),
  );
  expect(unknown).toEqual([]);
});

it.each([...Object.keys(DEFINITION_CODES), ...Object.keys(STORE_ERRORS)])('%s is in the one table', (code) => {
  expect(isErrorCode(code)).toBe(true);
});
