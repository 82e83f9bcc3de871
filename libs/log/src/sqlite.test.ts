import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describeEventLog } from './contract.ts';
import { openSqliteLog } from './sqlite.ts';

describeEventLog(
  'sqlite',
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'paceline-log-'));
    let lives = 1;
    return {
      open: (options) => openSqliteLog({ folder: join(folder, String(lives)), now: Date.now, ...options }),
      // What is on the disk at this moment is all that a killed process leaves; the next life opens exactly that.
      crash: async () => {
        cpSync(join(folder, String(lives)), join(folder, String(lives + 1)), { recursive: true });
        lives += 1;
      },
      dispose: async () => rmSync(folder, { recursive: true, force: true }),
    };
  },
  { waitMsMax: 5_000, memberIsLog: false },
);
