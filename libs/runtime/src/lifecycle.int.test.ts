import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, it } from 'vitest';

const here = new URL('./index.ts', import.meta.url).href;

/** A process with a server and one more part whose stop is given as code; says `up` once it serves. */
async function startProcess(stopPart: string): Promise<{ child: ChildProcess; exit: Promise<number | null> }> {
  const script = `
    import { createHttp, createLifecycle, createMetrics, httpService, silentLogger, stopOnSignals, systemClock } from ${JSON.stringify(here)};
    const lifecycle = createLifecycle({ logger: silentLogger, clock: systemClock, stopDeadlineMs: 800 });
    const app = await createHttp({ logger: silentLogger, metrics: createMetrics(), health: () => lifecycle.health(), title: 't', version: '1', bodyBytesMax: 1000, docs: false });
    lifecycle.add('part', { stop: ${stopPart} });
    lifecycle.add('http', httpService(app, { host: '127.0.0.1', port: 0, clock: systemClock }));
    stopOnSignals(lifecycle);
    await lifecycle.start();
    console.log('up');`;
  const child = spawn(process.execPath, ['--input-type=module-typescript', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exit = once(child, 'exit').then(([code]: (number | null)[]) => code ?? null);
  await once(child.stdout, 'data');
  return { child, exit };
}

it.each(['SIGTERM', 'SIGINT'] as const)('%s stops a process in good order', async (signal) => {
  const { child, exit } = await startProcess('async () => undefined');
  child.kill(signal);
  expect(await exit).toBe(0);
});

it('a part that does not stop costs its deadline, and the exit code says so', async () => {
  const { child, exit } = await startProcess('() => new Promise(() => undefined)');
  const started = performance.now();
  child.kill('SIGTERM');
  expect(await exit).toBe(1);
  expect(performance.now() - started).toBeLessThan(3_000);
});

it('a second signal ends the process at once', async () => {
  const { child, exit } = await startProcess('() => new Promise(() => undefined)');
  const started = performance.now();
  child.kill('SIGTERM');
  child.kill('SIGINT');
  expect(await exit).toBe(1);
  expect(performance.now() - started).toBeLessThan(700);
});
