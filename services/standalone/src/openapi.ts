import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { requireConfig, silentLogger } from '@paceline/runtime';
import { openPaceline } from './open.ts';

/** The description of the whole HTTP API as a server answers it at `/openapi.json`, as text to be committed. */
export async function openapiText(): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'paceline-openapi-'));
  try {
    const config = requireConfig({ dir, env: {} });
    const paceline = await openPaceline({
      config,
      logger: silentLogger,
      env: {},
      background: false,
      tickAtStop: false,
    });
    try {
      await paceline.start();
      const { body } = await paceline.app.inject({ url: '/openapi.json', headers: { host: '127.0.0.1' } });
      return `${JSON.stringify(JSON.parse(body), null, 1)}\n`;
    } finally {
      await paceline.stop('the description is written');
    }
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}
