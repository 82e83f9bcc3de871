/** One of the threads that play seeds: a seed comes, what was found goes back. */
import { parentPort } from 'node:worker_threads';
import { MUTANTS } from './mutants.ts';
import { runSchedule } from './run.ts';
import { scheduleOf } from './schedule.ts';

parentPort?.on('message', async ({ seed, mutant }: { readonly seed: number; readonly mutant: string | null }) => {
  const { faults, counts } = await runSchedule(scheduleOf(seed), MUTANTS.find(({ name }) => name === mutant) ?? null);
  parentPort?.postMessage({ seed, faults, counts });
});
