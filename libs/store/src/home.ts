import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { StoreError } from './errors.ts';

const FILE = 'home';
const TEXT = /^inode (\d{1,20}), (in use|left in good order)\n$/;

/** Who lives in a folder of the engine, so that a copy that was made while it was written is known for one. */
export interface Home {
  /** Only the owner of the folder may call it. */
  enter(): void;
  leave(): void;
}

/**
 * The engine's files are written at many places at once, and a copy of them made meanwhile opens without a word and lacks rows. A copy is
 * known by the folder's inode, which moving and renaming keep.
 * @throws {StoreError} `store_copied`
 */
export function openHome(path: string): Home {
  const file = join(path, FILE);
  const said = existsSync(file) ? TEXT.exec(readFileSync(file, 'utf8')) : null;
  const { ino } = statSync(path);
  if (said !== null && Number(said[1]) !== ino && said[2] === 'in use') {
    throw new StoreError(
      'store_copied',
      `The tables in ${path} were copied while a process wrote them, or it was killed before: remove ${path}, and they are made again from the event log`,
    );
  }
  const write = (state: 'in use' | 'left in good order'): void => {
    try {
      writeFileSync(file, `inode ${ino}, ${state}\n`);
    } catch (error) {
      // Without room nothing is known of the folder, as of one from before; it still is its owner's.
      if (!(error instanceof Error && 'code' in error && error.code === 'ENOSPC')) throw error;
    }
  };
  return { enter: () => write('in use'), leave: () => write('left in good order') };
}
