import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { importsOf } from './code.ts';

export const root: string = dirname(dirname(import.meta.dirname));

export interface Source {
  /** From the root, with forward slashes. */
  readonly path: string;
  readonly text: string;
  /** `libs/domain`, `services/cli`, `infra/local`, `test`, … */
  readonly home: string;
  readonly isTest: boolean;
  readonly imports: readonly string[];
}

/** Files that git knows or would take: what is ignored is not ours to judge. */
export function repositoryFiles(): string[] {
  const listed = execFileSync('git', ['ls-files', '-co', '--exclude-standard', '-z'], {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  });
  return listed.split('\0').filter((path) => path !== '' && existsSync(join(root, path)));
}

export function bytesOf(path: string): number {
  return statSync(join(root, path)).size;
}

export function read(path: string): string {
  return readFileSync(join(root, path), 'utf8');
}

export function sources(files: readonly string[]): Source[] {
  return files
    .filter((path) => /\.(ts|tsx|js)$/.test(path))
    .map((path) => {
      const text = read(path);
      const imports = importsOf(text);
      return { path, text, home: homeOf(path), isTest: isTest(path) || imports.includes('vitest'), imports };
    });
}

/** Tests and what only they use, by their names; contract suites beside sources are told by what they import. */
export function isTest(path: string): boolean {
  return /\.test\.ts$|\/(testing|fixtures?)[./]/.test(path) || path.startsWith('test/') || path.startsWith('bench/');
}

export function homeOf(path: string): string {
  const [first = '', second = ''] = path.split('/');
  if (second === '') return '.';
  return first === 'libs' || first === 'services' || first === 'infra' ? `${first}/${second}` : first;
}

export interface Manifest {
  readonly name: string;
  readonly dependencies: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
}

/** Packages of the repository by folder. */
export function manifests(files: readonly string[]): Map<string, Manifest> {
  const found = new Map<string, Manifest>();
  for (const path of files.filter((file) => /(^|\/)package\.json$/.test(file) && !file.includes('fixtures/'))) {
    const { name, dependencies = {}, devDependencies = {} } = JSON.parse(read(path));
    found.set(dirname(path), { name, dependencies, devDependencies });
  }
  return found;
}

/** The file an import leads to, when it is one of ours. */
export function resolveImport(
  from: string,
  specifier: string,
  packages: ReadonlyMap<string, Manifest>,
): string | undefined {
  if (specifier.startsWith('.')) return normalize(join(dirname(from), specifier));
  for (const [folder, { name }] of packages) {
    const sourcesIn = folder === 'infra/local' ? folder : `${folder}/src`;
    if (specifier === name) return `${sourcesIn}/index.ts`;
    if (specifier.startsWith(`${name}/`)) return `${sourcesIn}/${specifier.slice(name.length + 1)}.ts`;
  }
  return undefined;
}
