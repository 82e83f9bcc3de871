import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';

export interface Played {
  readonly seed: number;
  readonly faults: readonly string[];
  readonly counts: Readonly<Record<string, number>>;
}

export interface SeedsWanted {
  readonly first: number;
  readonly count: number;
  readonly mutant: string | null;
  /** Stop at the first seed that goes wrong. */
  readonly untilWrong: boolean;
  played?(played: Played): void;
}

export interface Summary {
  readonly played: number;
  /** Ascending by seed. */
  readonly wrong: readonly Played[];
  /** Everything that happened, added up. */
  readonly counts: Readonly<Record<string, number>>;
}

/** As many threads as the machine has cores. They stay until they are closed: to start one costs as much as some dozens of seeds. */
export class Pool {
  readonly #workers = Array.from(
    { length: availableParallelism() },
    () =>
      new Worker(new URL('./main-worker.ts', import.meta.url), {
        execArgv: ['--disable-warning=ExperimentalWarning'],
        // Nearly all that a seed makes is gone with it: the more room, the less of it is copied.
        resourceLimits: { maxYoungGenerationSizeMb: 96 },
      }),
  );

  async play(wanted: SeedsWanted): Promise<Summary> {
    const counts: Record<string, number> = {};
    const wrong: Played[] = [];
    let next = wanted.first;
    let played = 0;
    const end = wanted.first + wanted.count;
    const isOver = (): boolean => next >= end || (wanted.untilWrong && wrong.length > 0);
    const thread = async (worker: Worker): Promise<void> => {
      while (!isOver()) {
        const answer = await ask(worker, { seed: next++, mutant: wanted.mutant });
        played++;
        for (const [name, count] of Object.entries(answer.counts)) counts[name] = (counts[name] ?? 0) + count;
        if (answer.faults.length > 0) wrong.push(answer);
        wanted.played?.(answer);
      }
    };
    await Promise.all(this.#workers.map(thread));
    return { played, wrong: wrong.sort((left, right) => left.seed - right.seed), counts };
  }

  async close(): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.terminate()));
  }
}

function ask(worker: Worker, job: { readonly seed: number; readonly mutant: string | null }): Promise<Played> {
  return new Promise((resolve, reject) => {
    const failed = (error: unknown): void =>
      reject(new Error(`seed ${job.seed} could not be played`, { cause: error }));
    worker.once('message', (answer: Played) => {
      worker.off('error', failed);
      resolve(answer);
    });
    worker.once('error', failed);
    worker.postMessage(job);
  });
}
