import { expect, it } from 'vitest';
import { isCurrent, missingPackages } from './setup.js';

const wanted = {
  packages: {
    '': { version: '0.1.0' },
    'libs/log': { version: '0.1.0' },
    'node_modules/@paceline/log': { link: true },
    'node_modules/zod': { version: '4.0.0' },
    'node_modules/pg': { version: '8.0.0' },
    'node_modules/fsevents': { version: '2.0.0', optional: true },
    'services/cli/node_modules/ms': { version: '1.0.0' },
  },
};

it('everything is missing where nothing was installed', () => {
  expect(missingPackages(wanted, undefined)).toEqual([
    'node_modules/zod',
    'node_modules/pg',
    'services/cli/node_modules/ms',
  ]);
});

it('a package of another version is missing', () => {
  const present = {
    packages: {
      'node_modules/zod': { version: '4.0.0' },
      'node_modules/pg': { version: '7.0.0' },
      'services/cli/node_modules/ms': { version: '1.0.0' },
    },
  };
  expect(missingPackages(wanted, present)).toEqual(['node_modules/pg']);
});

it('what was built still fits while every file that went in is as it was', () => {
  const now: Readonly<Record<string, string>> = { 'src/main.ts': 'a', 'node_modules/preact/index.js': 'b' };
  const digest = (path: string) => now[path];
  expect(isCurrent({ 'src/main.ts': 'a', 'node_modules/preact/index.js': 'b' }, digest)).toBe(true);
  expect(isCurrent({ 'src/main.ts': 'A', 'node_modules/preact/index.js': 'b' }, digest)).toBe(false);
  expect(isCurrent({ 'src/main.ts': 'a', 'src/gone.ts': 'c' }, digest)).toBe(false);
});

it('nothing was built where nobody wrote down from what', () => {
  expect(isCurrent(undefined, () => 'a')).toBe(false);
  expect(isCurrent({}, () => 'a')).toBe(false);
});
