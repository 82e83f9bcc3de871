import { position } from '@paceline/domain';
import { factsTopic } from '@paceline/events';
import { faultsOf } from './invariants.ts';
import type { Mutant } from './mutants.ts';
import { PROCESSORS, type Schedule, WORKSPACES } from './schedule.ts';
import { TickWatch } from './tick-watch.ts';
import { World } from './world.ts';

export interface Outcome {
  readonly faults: readonly string[];
  /** What the seed came to: so that a simulation in which nothing happens is noticed. */
  readonly counts: Readonly<Record<string, number>>;
}

const STUCK_MS = 600_000;

/** Plays one schedule and looks at what is left. */
export async function runSchedule(schedule: Schedule, mutant: Mutant | null = null): Promise<Outcome> {
  // Nothing below lets the event loop turn, and who plays many must still be heard.
  await new Promise((resolve) => void setImmediate(resolve));
  const undo = mutant?.patch?.();
  const watch = new TickWatch();
  const world = new World(schedule, mutant, watch);
  let stuck: string[];
  try {
    await world.begin();
    for (const step of schedule.steps) await world.perform(step);
    await world.heal();
    watch.asked = true;
    stuck = await finish(world);
  } finally {
    undo?.();
  }
  const faults = [...stuck, ...watch.faults, ...(stuck.length > 0 ? [] : await faultsOf(world))];
  world.end();
  return { faults, counts: { ...world.counts(), virtualMs: world.clock.monotonic() } };
}

/** A last tick of every workspace, judged and shown. */
async function finish(world: World): Promise<string[]> {
  for (const workspace of WORKSPACES) {
    const until = world.clock.now() + STUCK_MS;
    let at: number | undefined;
    const topic = factsTopic(workspace);
    while (world.clock.now() < until) {
      const owner = PROCESSORS.map((name) => world.processorOf(name)).find(
        (process) => process?.processor.health().workspaces[workspace] !== undefined,
      );
      if (owner !== undefined && at === undefined) {
        const settled = owner.processor.tick(workspace).then((position) => {
          at = position;
        });
        settled.catch(() => undefined);
      }
      await world.clock.advance(1_000);
      if (at !== undefined) break;
    }
    const end = await world.log.end(topic);
    if (at === undefined) return [`${workspace} is stuck: its last tick was not judged within ${STUCK_MS / 1000} s`];
    // Ticks that others appended meanwhile are judged too.
    const owner = PROCESSORS.map((name) => world.processorOf(name)).find(
      (process) => process?.processor.health().workspaces[workspace] !== undefined,
    );
    let done = false;
    void owner?.processor.settle(workspace, position(end) - 1).then(() => {
      done = true;
    });
    while (!done && world.clock.now() < until) await world.clock.advance(1_000);
    if (!done) return [`${workspace} is stuck: its status did not come to ${end} within ${STUCK_MS / 1000} s`];
  }
  return [];
}
