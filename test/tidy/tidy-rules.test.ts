import { describe, expect, it } from 'vitest';
import { arrowFaults } from './arrows.ts';
import { banFaults } from './bans.ts';
import { codeLines, importsOf, linesWith, strip } from './code.ts';
import { deadFiles } from './dead.ts';
import { homeOf, isTest, type Manifest, type Source } from './sources.ts';

function source(path: string, text: string): Source {
  return { path, text, home: homeOf(path), isTest: isTest(path), imports: importsOf(text) };
}

const packages = new Map<string, Manifest>(
  ['libs/domain', 'libs/log', 'libs/store', 'libs/runtime', 'services/query', 'services/alerts', 'services/cli'].map(
    (folder) => [folder, { name: `@paceline/${folder.split('/')[1]}`, dependencies: {}, devDependencies: {} }],
  ),
);

describe('reading code', () => {
  it('finds imports in all their forms, and none in comments', () => {
    const text = `
      import a from 'a';
      import {
        b,
        type C,
      } from './b.ts';
      import type { D } from "@x/d/e";
      import 'side';
      export * from './f.ts';
      export type { G } from './g.ts';
      // import h from 'h';
      const i = await import('./i.ts');
      const j = new URL('./j.js', import.meta.url);`;
    expect(importsOf(text).sort()).toEqual(
      ['./b.ts', './f.ts', './g.ts', './i.ts', './j.js', '@x/d/e', 'a', 'side'].sort(),
    );
  });

  it('does not take text, comments or regular expressions for code', () => {
    const text = [
      'const a = "Date.now()"; // Date.now()',
      'const b = /["\']Date.now/.test(c);',
      'const d = `${e} Date.now()`;',
      'Date.now();',
      'const f = `${Date.now()}`;',
    ].join('\n');
    expect(linesWith(codeLines(text), /Date\.now/)).toEqual([4, 5]);
  });

  it('keeps lines where they are', () => {
    expect(strip('/* a\nb */ c', { strings: true })).toBe('    \n     c');
  });

  it('takes a slash after a value for a division', () => {
    expect(linesWith(codeLines('const a = b / c; Date.now(); const d = e / f;'), /Date\.now/)).toEqual([1]);
  });
});

describe('arrows', () => {
  it.each([
    ['libs/domain/src/a.ts', '@paceline/log'],
    ['libs/log/src/a.ts', '@paceline/store/sql'],
    ['libs/log/src/a.ts', '@paceline/runtime'],
    ['libs/runtime/src/a.ts', '@paceline/domain'],
    ['services/query/src/a.ts', '@paceline/alerts'],
    ['libs/log/src/a.ts', '../../store/src/sql.ts'],
  ])('%s may not import %s', (path, specifier) => {
    expect(arrowFaults(source(path, `import '${specifier}';`), packages)).toHaveLength(1);
  });

  it.each([
    ['libs/log/src/a.ts', '@paceline/domain'],
    ['services/query/src/a.ts', '@paceline/runtime'],
    ['services/cli/src/a.ts', '@paceline/query'],
    ['libs/log/src/kafka.int.test.ts', '../../../infra/local/kafka.ts'],
  ])('%s may import %s', (path, specifier) => {
    expect(arrowFaults(source(path, `import '${specifier}';`), packages)).toEqual([]);
  });
});

describe('bans', () => {
  it.each([
    'Date.now()',
    'new Date()',
    'Math.random()',
    'process.env',
    'setTimeout(f, 1)',
    'date.getHours()',
    'JSON.parse(text)',
  ])('the domain may not use %s', (call) => {
    expect(banFaults(source('libs/domain/src/a.ts', `const x = ${call};`))).not.toEqual([]);
  });

  it('a date made of given milliseconds is a function of its argument', () => {
    expect(banFaults(source('libs/domain/src/a.ts', 'const x = new Date(ms).getUTCHours();'))).toEqual([]);
  });

  it('names the replacement', () => {
    expect(banFaults(source('services/query/src/a.ts', 'JSON.parse(text)'))[0]).toMatch(
      /services\/query\/src\/a\.ts:1 uses JSON\.parse; use the codec/,
    );
  });
});

describe('dead files', () => {
  const index = source('libs/log/src/index.ts', "export * from './used.ts';");
  const used = source('libs/log/src/used.ts', '');

  it('are those that nothing leads to', () => {
    const alone = source('libs/log/src/alone.ts', '');
    expect(deadFiles([index, used, alone], packages, '')).toEqual(['libs/log/src/alone.ts']);
  });

  it('are not kept alive by their own test', () => {
    const alone = source('libs/log/src/alone.ts', '');
    const test = source('libs/log/src/alone.int.test.ts', "import './alone.ts';");
    expect(deadFiles([index, used, alone, test], packages, '')).toEqual(['libs/log/src/alone.ts']);
  });

  it('are not those that another package imports by name', () => {
    const sql = source('libs/store/src/sql.ts', '');
    const main = source('services/query/src/main.ts', "import '@paceline/store/sql';");
    expect(deadFiles([main, sql], packages, '')).toEqual([]);
  });
});
