import { readdirSync, readFileSync } from 'node:fs';
import { setPriority } from 'node:os';

const TASKS = '/proc/self/task';
/** As the engine names its threads that merge parts and mutate them. */
const MERGES = 'MergeMutate';
/** Of -20 to 19; a thread that is not nice gets some nine times as much of a processor that both want. */
const NICE = 10;

/**
 * Makes the engine's merges in this process give way to what somebody waits for: on two processors they would take most of one for
 * as long as much is inserted. They go on meanwhile, only slower. The engine's own setting of the name needs a capability that
 * lowering a priority does not. Other systems than Linux have no such threads to be found; there nothing changes.
 */
export function calmMerges(): void {
  if (process.platform !== 'linux') return;
  for (const thread of readdirSync(TASKS)) {
    try {
      if (readFileSync(`${TASKS}/${thread}/comm`, 'utf8').trim() === MERGES) setPriority(Number(thread), NICE);
    } catch {
      // It ended while it was looked at, or the system keeps its priorities for itself: merges are as they were then.
    }
  }
}
