import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openStore } from './connect.ts';
import { describeStore } from './contract.ts';

describeStore('on the engine in this process', async () => {
  const path = mkdtempSync(join(tmpdir(), 'paceline-store-'));
  return {
    open: (options) => openStore({ path }, options),
    stop: async () => rmSync(path, { recursive: true, force: true }),
  };
});
