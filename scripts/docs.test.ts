import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { GENERATED_PAGES, root } from './pages.ts';

it.each(GENERATED_PAGES)('$path says what the code says (npm run docs)', async ({ path, text }) => {
  const file = join(root, path);
  expect(existsSync(file) ? readFileSync(file, 'utf8') : '').toBe(await text());
});
