import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { accepts, freePort, serverFolder, startServer } from './server.ts';

/** A server made of Node itself, so that the supervision is tested wherever Node runs. */
const LISTEN = "require('node:net').createServer().listen(Number(process.argv[1]), '127.0.0.1')";

async function untilGone(port: number): Promise<void> {
  for (let tries = 0; tries < 100 && (await accepts(port)); tries++) await sleep(50);
}

describe('a local server', () => {
  it('is ready once started, and leaves neither process nor folder when stopped', async () => {
    const port = await freePort();
    const dir = serverFolder('test');
    const server = await startServer({
      name: 'test',
      command: [process.execPath, '-e', LISTEN, String(port)],
      port,
      dir,
    });
    expect(await accepts(port)).toBe(true);
    await server.stop();
    expect(await accepts(port)).toBe(false);
    expect(existsSync(dir)).toBe(false);
  });

  it('keeps its folder when killed, until it is let go', async () => {
    const port = await freePort();
    const dir = serverFolder('test');
    const server = await startServer({
      name: 'test',
      command: [process.execPath, '-e', LISTEN, String(port)],
      port,
      dir,
    });
    await server.kill();
    expect(await accepts(port)).toBe(false);
    expect(existsSync(dir)).toBe(true);
    await server.stop();
    expect(existsSync(dir)).toBe(false);
  });

  it('says what the program said when it does not get ready', async () => {
    const port = await freePort();
    const dir = serverFolder('test');
    const command = [process.execPath, '-e', "console.error('no such luck'); process.exit(3)"];
    await expect(startServer({ name: 'test', command, port, dir })).rejects.toThrow(
      /ended with code 3[\s\S]*no such luck/,
    );
    expect(existsSync(dir)).toBe(false);
  });

  it('dies with whoever started it, even when that one is killed', async () => {
    const port = await freePort();
    const dir = serverFolder('test');
    const here = new URL('./server.ts', import.meta.url).href;
    const script = `
      import { startServer } from ${JSON.stringify(here)};
      await startServer({ name: 'test', command: [process.execPath, '-e', ${JSON.stringify(LISTEN)}, '${port}'], port: ${port}, dir: ${JSON.stringify(dir)} });
      process.kill(process.pid, 'SIGKILL');`;
    const starter = spawn(process.execPath, ['--input-type=module-typescript', '-e', script], { stdio: 'ignore' });
    const signal = await new Promise((resolve) => starter.once('exit', (_code, by) => resolve(by)));
    expect(signal).toBe('SIGKILL');
    await untilGone(port);
    expect(await accepts(port)).toBe(false);
    for (let tries = 0; tries < 100 && existsSync(dir); tries++) await sleep(50);
    expect(existsSync(dir)).toBe(false);
  });
});
