/**
 * The README's commands are the ones that run: every `npm …` it names is a script of package.json whose program exists,
 * every `paceline …` is a command of the CLI, and every path it links to is there. Prints each fault; exit code 1 when there is one.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { linksOf, npmScriptsOf, pacelineCommandsOf, programsOf } from './commands.ts';
import { root } from './pages.ts';

const PAGES = ['README.md', 'CONTRIBUTING.md', 'ARCHITECTURE.md'];
/** The two commands of a fresh clone: the README must show them. */
const MUST_SHOW = ['npm start', 'npm test'];

function scripts(): Record<string, string> {
  const manifest: { scripts: Record<string, string> } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  return manifest.scripts;
}

/** Commands as the CLI itself lists them for shell completion and help. */
function cliCommands(): Set<string> {
  const help = execFileSync(process.execPath, [join(root, 'services/cli/bin/paceline.js'), '--help'], {
    encoding: 'utf8',
    timeout: 60_000,
  });
  const section = help.split(/^Commands:$/m)[1] ?? '';
  return new Set([...section.matchAll(/^ {2}([a-z][a-z-]*)/gm)].map(([, name]) => name ?? ''));
}

function faultsOf(page: string, known: Record<string, string>, commands: Set<string>): string[] {
  const text = readFileSync(join(root, page), 'utf8');
  const faults: string[] = [];
  for (const script of npmScriptsOf(text)) {
    const command = known[script];
    if (command === undefined) faults.push(`${page}: npm run ${script} is no script of package.json`);
    for (const program of programsOf(command ?? '')) {
      if (!existsSync(join(root, program)))
        faults.push(`${page}: npm run ${script} runs ${program}, which does not exist`);
    }
  }
  for (const command of pacelineCommandsOf(text)) {
    if (!commands.has(command))
      faults.push(`${page}: paceline ${command} is no command; known are ${[...commands].join(', ')}`);
  }
  for (const link of linksOf(text)) {
    if (!existsSync(join(root, link))) faults.push(`${page}: the link to ${link} leads nowhere`);
  }
  return faults;
}

function main(): number {
  const known = scripts();
  const commands = cliCommands();
  const faults = PAGES.flatMap((page) =>
    existsSync(join(root, page)) ? faultsOf(page, known, commands) : [`${page} is missing`],
  );
  const readme = existsSync(join(root, 'README.md')) ? readFileSync(join(root, 'README.md'), 'utf8') : '';
  for (const command of MUST_SHOW) if (!readme.includes(command)) faults.push(`README.md does not show ${command}`);
  for (const fault of faults) console.error(fault);
  if (faults.length === 0) console.log(`the commands of ${PAGES.join(', ')} are the ones that run`);
  return faults.length === 0 ? 0 : 1;
}

process.exitCode = main();
