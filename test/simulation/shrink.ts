import type { Mutant } from './mutants.ts';
import { runSchedule } from './run.ts';
import type { Schedule } from './schedule.ts';

/** Runs of one shrinking at most: a schedule that is short enough to read is worth more than the shortest of all. */
const RUNS_MAX = 400;

/** What kind of wrong it is: steps are taken away only as long as that stays. */
export function kindOf(fault: string): string {
  const [, said = fault] = /^(?:\w+: )?(.*)$/s.exec(fault) ?? [];
  return said.split(/[\s:]/).slice(0, 2).join(' ');
}

export interface Shrunk {
  readonly schedule: Schedule;
  readonly faults: readonly string[];
  readonly runs: number;
}

/** The shortest schedule found that goes wrong in the same way, by taking away ever smaller parts. */
export async function shrink(schedule: Schedule, faults: readonly string[], mutant: Mutant | null): Promise<Shrunk> {
  const kinds = new Set(faults.map(kindOf));
  let best = { schedule, faults };
  let runs = 0;
  for (let size = Math.ceil(schedule.steps.length / 2); size >= 1; ) {
    let removed = false;
    for (let from = 0; from < best.schedule.steps.length && runs < RUNS_MAX; ) {
      const steps = best.schedule.steps.toSpliced(from, size);
      const tried = { ...schedule, steps };
      runs++;
      const outcome = await runSchedule(tried, mutant);
      if (outcome.faults.some((fault) => kinds.has(kindOf(fault)))) {
        best = { schedule: tried, faults: outcome.faults };
        removed = true;
      } else from += size;
    }
    if (runs >= RUNS_MAX) break;
    if (size > 1) size = Math.ceil(size / 2);
    else if (!removed) break;
  }
  return { ...best, runs };
}
