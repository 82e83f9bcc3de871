#!/usr/bin/env node
// Plain JavaScript on purpose: it must start on any Node from 20 on, and hands over to the Node 24 this project pins.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const main = join(here, '../src/main.ts');

function pinnedNode() {
  if (Number(process.versions.node.split('.')[0]) >= 24) return process.execPath;
  try {
    const folder = dirname(createRequire(import.meta.url).resolve('node/package.json'));
    const binary = join(folder, 'bin', process.platform === 'win32' ? 'node.exe' : 'node');
    if (existsSync(binary)) return binary;
  } catch {
    // Falls through to the message below: the package is not installed.
  }
  console.error(
    `paceline needs Node 24 and this is ${process.version}. Run \`npm install\` in the Paceline folder: it brings its own.`,
  );
  process.exit(1);
}

const child = spawn(pinnedNode(), ['--disable-warning=ExperimentalWarning', main, ...process.argv.slice(2)], {
  stdio: 'inherit',
  env: {
    // The embedded engine runs its calls on libuv's threads; four are not enough, and the size is read before start.
    UV_THREADPOOL_SIZE: '16',
    // Types are stripped once and not at every start, which halves it. Node leaves it be where it may not write.
    NODE_COMPILE_CACHE: join(here, '../../../node_modules/.cache/node'),
    ...process.env,
  },
});
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
child.on('exit', (code, signal) => {
  process.exitCode = signal === null ? (code ?? 1) : 128 + (signal === 'SIGINT' ? 2 : 15);
});
child.on('error', (error) => {
  console.error(`paceline could not start Node: ${error.message}`);
  process.exitCode = 1;
});
