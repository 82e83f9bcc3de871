import { expect, it } from 'vitest';
import { linksOf, npmScriptsOf, pacelineCommandsOf, programsOf } from './commands.ts';

const PAGE = `
Prose may say that npm run fast is slow.
\`\`\`sh
npm start -- --fast
npm run servers -- up     # then
npx paceline status kpi/x && paceline plan
\`\`\`
Use \`npm test\`, or \`paceline check billing\`; see [the errors](docs/errors.md#loop), [home](https://example.com).
`;

it('finds scripts in code only', () => {
  expect(npmScriptsOf(PAGE)).toEqual(['start', 'servers', 'test']);
});

it('finds commands of the CLI where they begin a command', () => {
  expect(pacelineCommandsOf(PAGE)).toEqual(['status', 'plan', 'check']);
});

it('finds the programs a script runs', () => {
  expect(programsOf('UV_THREADPOOL_SIZE=16 node --disable-warning=X services/a/src/main.ts')).toEqual([
    'services/a/src/main.ts',
  ]);
});

it('finds relative links without their anchors', () => {
  expect(linksOf(PAGE)).toEqual(['docs/errors.md']);
});
