import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { findProgram, NotInstalled } from './server.ts';

/** Clients that people use, unmodified: Python's in a virtual environment, Java's as jars. Nothing of it is part of Paceline. */
const FOLDER = join(import.meta.dirname, 'clients');
const MADE = join(FOLDER, '.made');
const REQUIREMENTS = join(FOLDER, 'requirements.txt');
const POM = join(FOLDER, 'pom.xml');

/** Python with clickhouse-connect, pandas, SQLAlchemy, DuckDB, polars and pyarrow. */
export const CLIENTS_PYTHON = join(MADE, 'venv/bin/python');
/** Class path with clickhouse-jdbc. */
export const CLIENTS_JARS = join(MADE, 'jars/*');

/** Why the clients cannot be used; `undefined` when they can. */
export function clientsMissing(): string | undefined {
  if (findProgram('javac') === undefined)
    return 'a JDK is not installed (Debian: apt-get install default-jdk-headless)';
  if (isMade()) return undefined;
  return 'the clients of Python and Java are not installed (npm run servers -- install clients)';
}

/** Fetches them from PyPI and Maven unless they are there (about 700 MB, once). */
export async function fetchClients(): Promise<void> {
  if (isMade()) return;
  const [python, maven] = [findProgram('python3'), findProgram('mvn')];
  if (python === undefined) throw new NotInstalled('python3', 'on Debian: apt-get install python3-venv');
  if (maven === undefined) throw new NotInstalled('mvn', 'on Debian: apt-get install maven');
  mkdirSync(MADE, { recursive: true });
  run(python, ['-m', 'venv', join(MADE, 'venv')]);
  run(CLIENTS_PYTHON, ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '-r', REQUIREMENTS]);
  run(maven, ['-q', '-B', '-f', POM, 'dependency:copy-dependencies', `-DoutputDirectory=${join(MADE, 'jars')}`]);
  writeFileSync(join(MADE, 'of'), wanted());
}

/** Made of what is asked for now: another version in the lists makes them anew. */
function isMade(): boolean {
  const of = join(MADE, 'of');
  return existsSync(of) && readFileSync(of, 'utf8') === wanted();
}

function wanted(): string {
  return readFileSync(REQUIREMENTS, 'utf8') + readFileSync(POM, 'utf8');
}

function run(program: string, args: readonly string[]): void {
  const { status, error } = spawnSync(program, args, { stdio: ['ignore', 2, 2] });
  if (status === 0) return;
  throw new Error(`${program} ${args.join(' ')} failed${error === undefined ? '' : `: ${error.message}`}`);
}
