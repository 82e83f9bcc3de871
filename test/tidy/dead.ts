import { type Manifest, resolveImport, type Source } from './sources.ts';

/** The other form of each port: chosen by the `main.ts` of separate services, which need not all be here. */
const ADAPTERS = ['libs/log/src/kafka.ts', 'libs/jobs/src/bullmq.ts'];

/**
 * Files that nothing leads to. Ways in are packages' entries, mains, programs, scripts, settings of tools, and tests; but the test of a
 * file does not keep that file alive, because code used by nothing but its own test is dead.
 */
export function deadFiles(all: readonly Source[], packages: ReadonlyMap<string, Manifest>, scripts: string): string[] {
  const byPath = new Map(all.map((source) => [source.path, source]));
  const isEntry = ({ path }: Source): boolean =>
    /\.test\.ts$/.test(path) ||
    /(^|\/)(main|main-[\w-]+)\.ts$/.test(path) ||
    /^(libs|services)\/[\w-]+\/src\/index\.ts$/.test(path) ||
    path === 'infra/local/index.ts' ||
    ADAPTERS.includes(path) ||
    /\/bin\/[\w-]+\.js$/.test(path) ||
    /(^|\/)[\w-]+\.config\.ts$/.test(path) ||
    path.startsWith('bench/') ||
    scripts.includes(path);
  const alive = new Set<string>();
  const queue = all.filter(isEntry);
  for (const source of queue) {
    if (alive.has(source.path)) continue;
    alive.add(source.path);
    for (const specifier of source.imports) {
      const target = resolveImport(source.path, specifier, packages);
      if (target === undefined || target === testedBy(source.path)) continue;
      const next = byPath.get(target);
      if (next !== undefined) queue.push(next);
    }
  }
  const declarations = /\.d\.ts$/;
  return all.map(({ path }) => path).filter((path) => !alive.has(path) && !declarations.test(path));
}

/** `x.ts` for `x.test.ts`, `x.int.test.ts` and the like. */
function testedBy(path: string): string {
  return path.replace(/(\.[\w-]+)*\.test\.ts$/, '.ts');
}
