import { createReadStream } from 'node:fs';
import { glob, realpath, stat } from 'node:fs/promises';
import path from 'node:path';
import type { ProjectFiles } from './context.ts';
import { abortReason, ConnectorFault, codeOf } from './fault.ts';

const FILES_MAX = 10_000;
/** Folders of the project that hold its secrets and its own data. */
const CLOSED = new Set(['.paceline', 'secrets', '.git', 'node_modules']);

/** Files below `dir` only: an absolute path, a way up, or a link that leads out is refused. */
export function projectFiles(dir: string): ProjectFiles {
  return {
    async glob(pattern) {
      const parts = partsOf(pattern);
      const plain = parts.join('/');
      if (!/[*?[{]/.test(plain)) {
        await inside(dir, plain);
        return [plain];
      }
      const found: string[] = [];
      for await (const file of glob(plain, { cwd: dir, exclude: (name) => CLOSED.has(path.basename(name)) })) {
        const relative = file.split(path.sep).join('/');
        if (CLOSED.has(relative.split('/')[0] ?? '')) continue;
        const status = await stat(await inside(dir, relative));
        if (status.isFile()) found.push(relative);
        if (found.length > FILES_MAX) throw refused(pattern, `it fits more than ${FILES_MAX} files`);
      }
      return found.sort();
    },
    async fingerprint(file) {
      const { size, mtimeNs, ino } = await stat(await inside(dir, partsOf(file).join('/')), { bigint: true });
      return `${file} ${size} ${mtimeNs} ${ino}`;
    },
    async *read(file, signal) {
      const full = await inside(dir, partsOf(file).join('/'));
      try {
        for await (const chunk of createReadStream(full, { signal, highWaterMark: 256 * 1024 })) {
          yield chunk instanceof Uint8Array ? chunk : Buffer.from(String(chunk));
        }
      } catch (error) {
        if (signal.aborted) throw abortReason(signal);
        throw unreadable(file, error);
      }
    },
  };
}

function partsOf(pattern: string): string[] {
  const parts = pattern
    .replaceAll('\\', '/')
    .split('/')
    .filter((part) => part !== '' && part !== '.');
  if (path.isAbsolute(pattern) || /^[a-zA-Z]:/.test(pattern)) throw refused(pattern, 'it is absolute');
  if (parts.includes('..')) throw refused(pattern, 'it leads up');
  if (parts.length === 0) throw refused(pattern, 'it is empty');
  if (CLOSED.has(parts[0] ?? '')) throw refused(pattern, `${parts[0]} is closed to sources`);
  return parts;
}

async function inside(dir: string, relative: string): Promise<string> {
  let root: string;
  let real: string;
  try {
    root = await realpath(dir);
    real = await realpath(path.join(dir, relative));
  } catch (error) {
    throw unreadable(relative, error);
  }
  const below = path.relative(root, real);
  if (below === '' || below.startsWith('..') || path.isAbsolute(below))
    throw refused(relative, 'it leads out of the project folder');
  if (CLOSED.has(below.split(path.sep)[0] ?? '')) throw refused(relative, 'it leads into a folder closed to sources');
  return real;
}

function refused(file: string, why: string): ConnectorFault {
  return new ConnectorFault('config', 'file_refused', `the file ${file} is not read: ${why}`, {
    remedy: 'Give a path relative to the project folder, such as data/*.csv.',
  });
}

function unreadable(file: string, error: unknown): ConnectorFault {
  if (codeOf(error) === 'ENOENT') {
    return new ConnectorFault('config', 'file_missing', `the file ${file} does not exist in the project folder`, {
      remedy: 'Check the path; it is relative to the folder of paceline.yaml.',
    });
  }
  return new ConnectorFault(
    'config',
    'file_unreadable',
    `the file ${file} cannot be read (${codeOf(error) ?? 'unknown'})`,
    {
      cause: error,
      remedy: 'Let the user that runs Paceline read it.',
    },
  );
}
