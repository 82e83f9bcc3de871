import { dirname, join, normalize } from 'node:path';
import { read } from './sources.ts';

const LINK = /\]\(([^)\s]+)\)/g;

/** Links of a page to files that the repository does not have. */
export function deadLinks(page: string, files: readonly string[]): string[] {
  const known = new Set(files.flatMap((file) => [file, ...foldersOf(file)]));
  return [...read(page).matchAll(LINK)]
    .map(([, target]) => (target ?? '').split('#')[0] ?? '')
    .filter((target) => target !== '' && !/^[a-z]+:/.test(target))
    .filter((target) => !known.has(normalize(join(dirname(page), target)).replace(/\/$/, '')))
    .map((target) => `${page} links to ${target}, which is not there`);
}

function foldersOf(file: string): string[] {
  const parts = file.split('/').slice(0, -1);
  return parts.map((_, index) => parts.slice(0, index + 1).join('/'));
}
