import { packageOf } from './code.ts';
import { homeOf, type Manifest, resolveImport, type Source } from './sources.ts';

const PORTS = ['libs/log', 'libs/store', 'libs/jobs', 'libs/connector-sdk'];
/** Places that put everything together. */
const COMPOSERS = ['services/standalone', 'services/cli'];

/** Homes that a file of `home` may import from, apart from its own. */
function mayImport(home: string, target: string, isTest: boolean): boolean {
  if (isTest && target === 'infra/local') return true;
  if (home === 'libs/domain' || home === 'libs/runtime') return false;
  if (home === 'libs/events') return target === 'libs/domain';
  if (PORTS.includes(home)) return target === 'libs/domain' || target === 'libs/events';
  if (home === 'infra/local') return target.startsWith('libs/');
  if (COMPOSERS.includes(home)) return target.startsWith('libs/') || target.startsWith('services/');
  if (home.startsWith('services/')) return target.startsWith('libs/');
  return true;
}

/** Built assets and documents are read as files, not imported as code. */
function isData(target: string | undefined): boolean {
  return target !== undefined && (/\/dist(\/|$)/.test(target) || /\.json$/.test(target));
}

/** `domain ← events ← {log, store, jobs, connector-sdk} ← services`; `runtime` stands alone, below services only. */
export function arrowFaults(source: Source, packages: ReadonlyMap<string, Manifest>): string[] {
  const faults: string[] = [];
  for (const specifier of source.imports) {
    const target = resolveImport(source.path, specifier, packages);
    const targetHome = target === undefined ? undefined : homeOf(target);
    if (targetHome === undefined || targetHome === source.home || isData(target)) continue;
    if (!mayImport(source.home, targetHome, source.isTest)) {
      faults.push(`${source.path} imports ${specifier}: ${source.home} may not know ${targetHome}`);
    } else if (specifier.startsWith('.') && source.path.startsWith('services/') && !source.isTest) {
      faults.push(`${source.path} imports ${specifier}: other packages are imported by name`);
    }
  }
  return faults;
}

/** Every package a file imports is a dependency of its own manifest; tests, and what has no manifest, may use any that the repository has. */
export function undeclaredImports(source: Source, packages: ReadonlyMap<string, Manifest>): string[] {
  const own = packages.get(source.home);
  const allowed = own === undefined || source.isTest ? [...packages.values()] : [own];
  const used = source.imports.filter((specifier) => !/^(\.|node:|$)/.test(specifier)).map(packageOf);
  return used
    .filter(
      (name) =>
        !allowed.some(
          (manifest) => name === manifest.name || declares(manifest, name, source.isTest || source.home === '.'),
        ),
    )
    .map((name) => `${source.path} imports ${name}, which ${source.home}/package.json does not list`);
}

function declares(manifest: Manifest, name: string, isTest: boolean): boolean {
  const listed = { ...manifest.dependencies, ...(isTest ? manifest.devDependencies : {}) };
  return Object.hasOwn(listed, name);
}

/** Dependencies that no file of the package imports. */
export function unusedDependencies(folder: string, manifest: Manifest, all: readonly Source[]): string[] {
  const used = new Set(all.filter(({ home }) => home === folder).flatMap(({ imports }) => imports.map(packageOf)));
  return Object.keys(manifest.dependencies)
    .filter((name) => !used.has(name))
    .map((name) => `${folder}/package.json lists ${name}, which nothing there imports`);
}
