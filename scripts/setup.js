// Plain JavaScript for any Node from 20 on, without packages: it runs before there are any. `npm start` and `npm test` call it first.
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const NODE_MAJOR_MIN = 20;
const NODE_MAJOR_PINNED = 24;

/**
 * Packages of the lock file that are absent or of another version. Optional ones are left out: which of them belong here
 * depends on the machine.
 *
 * @param {{ packages: Record<string, { version?: string, link?: boolean, optional?: boolean, peer?: boolean }> }} wanted the lock file
 * @param {{ packages: Record<string, { version?: string }> } | undefined} present what npm wrote when it last installed
 * @returns {string[]} their folders
 */
export function missingPackages(wanted, present) {
  return Object.entries(wanted.packages)
    .filter(([folder, entry]) => folder.includes('node_modules/') && !entry.link && !entry.optional)
    .filter(([folder, entry]) => present?.packages[folder]?.version !== entry.version)
    .map(([folder]) => folder);
}

/**
 * Whether something was built from just these files.
 *
 * @param {Record<string, string> | undefined} inputs what the build wrote: the digest of every file that went in, by its path
 * @param {(path: string) => string | undefined} digest of a file as it is now; `undefined` when it is gone
 */
export function isCurrent(inputs, digest) {
  const files = Object.entries(inputs ?? {});
  return files.length > 0 && files.every(([path, expected]) => digest(path) === expected);
}

function readJson(path) {
  return existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : undefined;
}

function npm(root, ...args) {
  const program = process.env.npm_execpath;
  const command = program?.endsWith('.js') ? [process.execPath, program] : ['npm'];
  const [file, ...before] = command;
  const flags = ['--no-fund', '--no-audit', '--loglevel=error'];
  return spawnSync(file, [...before, ...args, ...flags], {
    cwd: root,
    stdio: ['ignore', 2, 2],
    shell: process.platform === 'win32',
  });
}

function pinnedProgram(root) {
  return join(root, 'node_modules/node/bin', process.platform === 'win32' ? 'node.exe' : 'node');
}

/** The pinned Node's version, or `undefined` when its package could not place the program. */
function pinnedNode(root) {
  try {
    return execFileSync(pinnedProgram(root), ['--version'], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim();
  } catch {
    return undefined;
  }
}

function say(text) {
  process.stderr.write(`${text}\n`);
}

function giveUp(what, remedy) {
  say(`\nSetup failed: ${what}\n${remedy}`);
  process.exit(1);
}

function install(root) {
  const lock = readJson(join(root, 'package-lock.json'));
  if (lock === undefined) giveUp('package-lock.json is not here.', 'Run this in a whole clone of the repository.');
  const first = !existsSync(join(root, 'node_modules'));
  const missing = missingPackages(lock, readJson(join(root, 'node_modules/.package-lock.json')));
  if (missing.length === 0) return;
  say(`Installing ${missing.length} packages (about a minute, only when something is missing) …`);
  // Without a folder, exactly what is locked. With one, only what is missing, so that nothing in use is pulled away.
  if (npm(root, first ? 'ci' : 'install').status === 0) return;
  if (first) {
    say(
      'npm ci did not succeed; trying npm install, which may settle on other versions where the lock file does not fit.',
    );
    if (npm(root, 'install').status === 0) return;
  }
  giveUp(
    'npm could not install the packages; its own words are above.',
    'Check the network and the registry that npm is set to (npm config get registry), then try again.',
  );
}

/** A page that cannot be built must not keep the rest from running: the query service has a plain one. */
function buildDashboard(root) {
  const folder = join(root, 'services/dashboard');
  if (isCurrent(inputsOf(join(folder, 'dist/inputs.json')), (path) => digestOf(join(root, path)))) return;
  say('Building the dashboard (a few seconds, only when its sources have changed) …');
  const vite = join(root, 'node_modules/vite/bin/vite.js');
  const { status, error } = spawnSync(pinnedProgram(root), [vite, 'build', '--logLevel', 'warn'], {
    cwd: folder,
    stdio: ['ignore', 2, 2],
  });
  if (status === 0) return;
  const reason = error === undefined ? 'the reason is above' : error.message;
  const shown = existsSync(join(folder, 'dist/index.html')) ? 'the one built before' : 'a plain page';
  say(`The dashboard could not be built (${reason}); ${shown} is shown. Try: npm run build -w services/dashboard`);
}

function inputsOf(path) {
  try {
    return readJson(path);
  } catch {
    // Cut off while it was written: the dashboard is built anew.
    return undefined;
  }
}

function digestOf(path) {
  return existsSync(path) ? createHash('sha256').update(readFileSync(path)).digest('base64url') : undefined;
}

function main() {
  const root = dirname(dirname(fileURLToPath(import.meta.url)));
  const major = Number(process.versions.node.split('.')[0]);
  if (major < NODE_MAJOR_MIN)
    giveUp(`this is Node ${process.version}.`, `Paceline needs Node ${NODE_MAJOR_MIN} or newer to set itself up.`);
  install(root);
  if (pinnedNode(root) === undefined) {
    // Its install script places the program; npm may have been told to skip scripts.
    npm(root, 'rebuild', 'node', '--ignore-scripts=false', '--foreground-scripts');
  }
  const version = pinnedNode(root);
  if (Number(version?.slice(1).split('.')[0]) !== NODE_MAJOR_PINNED) {
    giveUp(
      `Node ${NODE_MAJOR_PINNED} was not placed by the npm package "node" (found: ${version ?? 'nothing'}).`,
      'Allow its install script (npm config get ignore-scripts) and run: npm rebuild node',
    );
  }
  buildDashboard(root);
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) main();
