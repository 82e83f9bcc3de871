/** Parts of a measure run in processes of their own, so that what is measured does not share a thread with what loads it. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

/** Starts a file of this folder, tells it one order, and answers its one answer. */
export async function inChild<Order extends object, Answer>(file: string, order: Order): Promise<Answer> {
  const args =
    process.env.BENCH_CPU_PROF === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${process.env.BENCH_CPU_PROF}`];
  const child = fork(join(import.meta.dirname, file), {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    execArgv: ['--disable-warning=ExperimentalWarning', ...args],
  });
  try {
    child.send(order);
    const answers: Answer[] = await Promise.race([
      once(child, 'message'),
      once(child, 'exit').then(([code]) =>
        Promise.reject(new Error(`${file} ended with ${code} and without an answer`)),
      ),
    ]);
    const [answer] = answers;
    if (answer === undefined) throw new Error(`${file} said nothing`);
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    return answer;
  } finally {
    child.kill('SIGKILL');
  }
}

/** The other end: does the work once and goes. */
export function asChild<Order, Answer>(work: (order: Order) => Promise<Answer>): void {
  process.once('message', (order: Order) => {
    work(order).then(
      (answer) => process.send?.(answer, () => process.disconnect()),
      (error: unknown) => {
        console.error(error);
        process.exitCode = 1;
        process.disconnect();
      },
    );
  });
}
