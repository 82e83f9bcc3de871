import { readdir, readFile, stat } from 'node:fs/promises';
import { join, relative } from 'node:path';
import type { DocumentFault } from './fault.ts';
import type { SourceText } from './load.ts';
import { FILE_BYTES_MAX } from './yaml.ts';

const FILES_MAX = 5_000;
const DEPTH_MAX = 16;
/** Settings of the project, not a definition. */
const SETTINGS = 'paceline.yaml';

/**
 * The YAML files under a path, sorted by name, or the one file that it names. Hidden folders, `node_modules` and the
 * project's own `paceline.yaml` are passed over. File names in the result are relative to `from` (default: as given).
 */
export async function readTexts(
  path: string,
  from?: string,
): Promise<{ readonly texts: readonly SourceText[]; readonly faults: readonly DocumentFault[] }> {
  const texts: SourceText[] = [];
  const faults: DocumentFault[] = [];
  const shown = (file: string) => (from === undefined ? file : relative(from, file));
  const refuse = (file: string, code: string, message: string, remedy: string) =>
    faults.push({ file: shown(file), document: '', pointer: '', code, message, remedy });
  const files = await filesUnder(path, refuse);
  for (const file of files.slice(0, FILES_MAX)) {
    try {
      if ((await stat(file)).size > FILE_BYTES_MAX) {
        refuse(file, 'invalid_yaml', `longer than ${FILE_BYTES_MAX} bytes`, 'split the file');
      } else texts.push({ file: shown(file), text: await readFile(file, 'utf8') });
    } catch (cause) {
      refuse(file, 'invalid_yaml', `cannot be read: ${messageOf(cause)}`, 'check the path and its permissions');
    }
  }
  if (files.length > FILES_MAX) {
    refuse(path, 'too_many_documents', `more than ${FILES_MAX} files`, 'name the folder that holds the definitions');
  }
  return { texts, faults };
}

type Refuse = (file: string, code: string, message: string, remedy: string) => void;

async function filesUnder(path: string, refuse: Refuse): Promise<string[]> {
  try {
    if (!(await stat(path)).isDirectory()) return [path];
    const found: string[] = [];
    await walk(path, 0, found);
    return found;
  } catch (cause) {
    refuse(path, 'invalid_yaml', `cannot be read: ${messageOf(cause)}`, 'check the path and its permissions');
    return [];
  }
}

async function walk(folder: string, depth: number, found: string[]): Promise<void> {
  const entries = await readdir(folder, { withFileTypes: true });
  entries.sort((left, right) => (left.name < right.name ? -1 : 1));
  for (const entry of entries) {
    if (found.length > FILES_MAX) return;
    if (entry.name.startsWith('.') || entry.name === 'node_modules') continue;
    const path = join(folder, entry.name);
    if (entry.isDirectory()) {
      if (depth < DEPTH_MAX) await walk(path, depth + 1, found);
    } else if (/\.ya?ml$/.test(entry.name) && entry.name !== SETTINGS) found.push(path);
  }
}

function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
