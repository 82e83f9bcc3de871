/** `npm run docs`: writes the pages that are read off the code. `scripts/docs.test.ts` fails when one is out of step. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { GENERATED_PAGES, root } from './pages.ts';

for (const { path, text } of GENERATED_PAGES) {
  writeFileSync(join(root, path), await text());
  console.log(path);
}
