import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { OpenOptions, Paceline } from './open.ts';
import { openPaceline } from './open.ts';

export interface Served {
  readonly url: string;
  readonly paceline: Paceline;
}

/**
 * Opens a folder, listens, and leaves its address in `DIR/.paceline/server.json`, so that commands in the same folder find the
 * process that owns it.
 */
export async function serve(options: OpenOptions): Promise<Served> {
  const paceline = await openPaceline(options);
  try {
    await paceline.start();
    const url = await paceline.listen();
    const file = join(options.config.dataDir, 'server.json');
    // Whoever may read the folder owns what is in it, and needs no key of its own to ask the process that holds it.
    const key = paceline.keys?.mintOwn('owner of the folder');
    await rm(file, { force: true });
    await writeFile(file, `${JSON.stringify({ url, pid: process.pid, key })}\n`, { mode: 0o600 });
    void paceline.stopped.then(() => rm(file, { force: true }));
    return { url, paceline };
  } catch (error) {
    await paceline.stop('did not start');
    throw error;
  }
}
