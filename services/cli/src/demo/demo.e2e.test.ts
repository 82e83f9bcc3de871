import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const PACELINE = join(import.meta.dirname, '../../bin/paceline.js');

test('what npm start plays ends with goals that were missed and achieved, alerts that were sent, and all of them verified', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'paceline-demo-'));
  try {
    const args = [PACELINE, 'demo', '--fast', '--once', '--port', '0'];
    const { stdout, stderr } = await promisify(execFile)(process.execPath, args, {
      cwd: folder,
      maxBuffer: 16 * 1024 * 1024,
    });
    expect(stderr + stdout).toMatch(/kpi\/construction left its target/);
    expect(stdout).toMatch(/objective\/keep-growing .*✖ missed/);
    expect(stdout).toMatch(/objective\/climb-back .*★ achieved/);
    expect(stderr + stdout).toMatch(/32 signed messages verified \(18 alerts opened\), 0 refused\./);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
