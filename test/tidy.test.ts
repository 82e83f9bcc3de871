import { describe, expect, it } from 'vitest';
import { arrowFaults, undeclaredImports, unusedDependencies } from './tidy/arrows.ts';
import { banFaults, fenceFaults } from './tidy/bans.ts';
import { packageOf } from './tidy/code.ts';
import { deadFiles } from './tidy/dead.ts';
import { deadLinks } from './tidy/links.ts';
import { bytesOf, manifests, read, repositoryFiles, sources } from './tidy/sources.ts';
import { leftovers } from './tidy/texts.ts';

const files = repositoryFiles();
const all = sources(files);
const packages = manifests(files);
const TREE_BYTES_MAX = 20 * 1024 * 1024;
const FILE_BYTES_MAX = 2 * 1024 * 1024;

/** Dependencies that are used without being imported: programs, types, and tools. */
const USED_OTHERWISE = ['node', '@biomejs/biome', '@types/node', 'turbo', 'typescript'];

describe('the tree', () => {
  it('points its arrows one way', () => {
    expect(all.flatMap((source) => arrowFaults(source, packages))).toEqual([]);
  });

  it('has every import in the manifest of its package', () => {
    expect(all.flatMap((source) => undeclaredImports(source, packages))).toEqual([]);
  });

  it('lists no dependency that nothing uses', () => {
    const unused = [...packages]
      .filter(([folder]) => folder !== '.')
      .flatMap(([folder, manifest]) => unusedDependencies(folder, manifest, all));
    expect(unused).toEqual([]);
  });

  it('says of every dependency why it is there', () => {
    const page = read('docs/dependencies.md');
    const names = [...packages.values()].flatMap(({ dependencies, devDependencies }) => [
      ...Object.keys(dependencies),
      ...Object.keys(devDependencies),
    ]);
    const vendors = [...new Set(names)].filter((name) => !name.startsWith('@paceline/'));
    expect(vendors.filter((name) => !page.includes(`| \`${name}\` |`))).toEqual([]);
  });

  it('describes no dependency that is gone', () => {
    const described = [...read('docs/dependencies.md').matchAll(/^\| `([^`]+)` \|/gm)].map(([, name]) => name ?? '');
    const known = new Set(
      [...packages.values()].flatMap(({ dependencies, devDependencies }) =>
        Object.keys({ ...dependencies, ...devDependencies }),
      ),
    );
    expect(described.filter((name) => !known.has(name))).toEqual([]);
  });

  it('has no dead files', () => {
    const manifest = read('package.json') + read('infra/local/package.json');
    expect(deadFiles(all, packages, manifest)).toEqual([]);
  });

  it('has no tool at the root that nothing uses', () => {
    const tools = Object.keys(packages.get('.')?.devDependencies ?? {}).filter(
      (name) => !USED_OTHERWISE.includes(name),
    );
    const imported = [...new Set(all.flatMap(({ imports }) => imports.map(packageOf)))];
    expect(tools.filter((name) => !imported.includes(name))).toEqual([]);
  });
});

describe('the code', () => {
  it('calls nothing that is banned where it stands', () => {
    expect(all.flatMap(banFaults)).toEqual([]);
  });

  it('keeps vendor libraries behind their ports', () => {
    expect(all.flatMap(fenceFaults)).toEqual([]);
  });

  it('leaves nothing unfinished, no path of a machine and no registry behind', () => {
    expect(files.flatMap(leftovers)).toEqual([]);
  });
});

describe('the pages', () => {
  it('link to what is there', () => {
    const pages = files.filter((file) => file.endsWith('.md'));
    expect(pages.flatMap((page) => deadLinks(page, files))).toEqual([]);
  });
});

describe('the repository', () => {
  it('stays small', () => {
    const large = files.filter((path) => bytesOf(path) > FILE_BYTES_MAX);
    const total = files.reduce((sum, path) => sum + bytesOf(path), 0);
    expect(large).toEqual([]);
    expect(total).toBeLessThan(TREE_BYTES_MAX);
  });

  it('locks versions without saying where they came from', () => {
    expect(read('package-lock.json')).not.toMatch(/"resolved": "https?:/);
  });
});
