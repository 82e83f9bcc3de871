/** Writes docs/openapi.json, part of `npm run docs`. `services/standalone/src/openapi.int.test.ts` fails when it is out of step. */
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './pages.ts';

if (process.env.UV_THREADPOOL_SIZE === undefined) {
  // The engine needs more threads than Node starts with, and takes them only from the environment.
  const { status } = spawnSync(process.execPath, process.argv.slice(1), {
    env: { ...process.env, UV_THREADPOOL_SIZE: '16' },
    stdio: 'inherit',
  });
  process.exitCode = status ?? 1;
} else {
  const { openapiText } = await import('../services/standalone/src/openapi.ts');
  writeFileSync(join(root, 'docs/openapi.json'), await openapiText());
  console.log('docs/openapi.json');
}
