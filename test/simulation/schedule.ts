import { seeded } from '../support/random.ts';
import { DAY_MS, DAYS, type KpiPeriod, PUSHED, type Pushed, SOURCES, type SourceName, START } from './definitions.ts';
import type { Ambush } from './life.ts';

export type WorkspaceName = 'one' | 'two' | 'three';
export const WORKSPACES: readonly WorkspaceName[] = ['one', 'two', 'three'];
export type ProcessorName = 'p1' | 'p2';
export type ProcessName = ProcessorName | 'catalog1' | 'catalog2' | 'feeder1' | 'feeder2';
export const PROCESSORS: readonly ProcessorName[] = ['p1', 'p2'];
export const PROCESSES: readonly ProcessName[] = [...PROCESSORS, 'catalog1', 'catalog2', 'feeder1', 'feeder2'];
export type FeederName = 'feeder1' | 'feeder2';

export interface PushedPoint {
  readonly day: number;
  /** `null` retracts. */
  readonly value: string | null;
  readonly hour: number;
  readonly id: number;
  readonly region: 'a' | 'b';
  readonly revision: number;
}

/** One thing that happens. `at` is milliseconds after the start of the world. */
export type Step = { readonly at: number } & (
  | {
      readonly do: 'push';
      readonly workspace: WorkspaceName;
      readonly by: FeederName;
      readonly metric: Pushed;
      readonly points: readonly PushedPoint[];
    }
  | {
      readonly do: 'cover';
      readonly workspace: WorkspaceName;
      readonly by: FeederName;
      readonly metric: Pushed;
      /** Its start is the end of what is covered. */
      readonly day: number;
    }
  | {
      readonly do: 'change';
      readonly workspace: WorkspaceName;
      readonly source: SourceName;
      readonly day: number;
      readonly region: 'a' | 'b';
      readonly value: string | null;
    }
  | {
      readonly do: 'pull';
      readonly workspace: WorkspaceName;
      readonly by: FeederName;
      readonly source: SourceName;
      readonly slowMs: number;
    }
  | {
      readonly do: 'define';
      readonly workspace: WorkspaceName;
      readonly by: 'catalog1' | 'catalog2' | 'both';
      readonly what: Change;
    }
  | { readonly do: 'tick'; readonly workspace: WorkspaceName }
  | { readonly do: 'poison'; readonly workspace: WorkspaceName }
  | { readonly do: 'crash'; readonly process: ProcessName; readonly hops: number; readonly downMs: number }
  | { readonly do: 'restart'; readonly process: ProcessorName; readonly downMs: number }
  | { readonly do: 'sleep'; readonly process: ProcessName; readonly forMs: number; readonly lapses: boolean }
  | { readonly do: 'revoke'; readonly workspace: WorkspaceName }
  | { readonly do: 'slow'; readonly process: ProcessorName; readonly forMs: number; readonly factor: number }
  | { readonly do: 'fault'; readonly process: ProcessName; readonly ambush: Ambush }
  | { readonly do: 'clock'; readonly of: 'log' | ProcessorName; readonly byMs: number }
  | { readonly do: 'power'; readonly downMs: number }
);

export type Change =
  | { readonly kind: 'target'; readonly period: KpiPeriod; readonly target: number }
  | { readonly kind: 'zone'; readonly variant: number }
  | { readonly kind: 'source'; readonly source: SourceName; readonly removed: boolean };

export interface Schedule {
  readonly seed: number;
  /** Which definitions each workspace begins with. */
  readonly variants: Readonly<Record<WorkspaceName, number>>;
  readonly steps: readonly Step[];
}

const HOUR_MS = 3_600_000;
/** Trouble comes in spells: so many steps of it on average, among so many of data. */
const STEPS_PER_DAY = 18;
/** Share of steps that are sieges. */
const SIEGES = 0.025;
/** Share of pushes whose sender says at once how far it covers; from then on the metric's points say nothing of that. */
const COVERS = 0.1;

/** Makes the schedule of a seed. */
export function scheduleOf(seed: number): Schedule {
  const maker = new Maker(seed);
  return maker.make();
}

class Maker {
  readonly #seed: number;
  readonly #random: () => number;
  #values = 0;
  #now = 0;

  constructor(seed: number) {
    this.#seed = seed;
    this.#random = seeded(seed);
  }

  make(): Schedule {
    const variants = { one: this.#whole(18), two: this.#whole(18), three: this.#whole(18) };
    const steps: Step[] = [];
    for (const workspace of WORKSPACES) for (const name of SOURCES) steps.push(this.#change(workspace, name, 0));
    const end = DAYS * DAY_MS;
    this.#now = HOUR_MS;
    while (this.#now < end) {
      // Things come in bursts: many within seconds, then hours of nothing.
      const burst = 1 + this.#whole(8);
      for (let left = burst; left > 0; left--) {
        if (this.#random() < SIEGES) steps.push(...this.#siege());
        else steps.push(...this.#withCover(this.#step()));
        this.#now += this.#random() < 0.7 ? this.#whole(300) : this.#whole(20_000);
      }
      this.#now += Math.round((this.#random() * 2 * burst * DAY_MS) / STEPS_PER_DAY);
    }
    return { seed: this.#seed, variants, steps };
  }

  #step(): Step {
    const at = this.#now;
    const workspace = this.#pick(WORKSPACES);
    const choice = this.#random();
    if (choice < 0.25) return this.#push(at, workspace);
    if (choice < 0.37) return this.#change(workspace, this.#pick(SOURCES), at);
    if (choice < 0.57) return this.#pull(at, workspace);
    if (choice < 0.62) return this.#define(at, workspace);
    if (choice < 0.65) return { at, do: 'tick', workspace };
    if (choice < 0.66) return { at, do: 'poison', workspace };
    return this.#trouble(at, workspace);
  }

  /**
   * Both processors crawl; values come, a tick, more values; the one that judges it is left for dead in the middle, and goes on when
   * the other has long been further, or is dead.
   */
  #siege(): Step[] {
    const workspace = this.#pick(WORKSPACES);
    const start = this.#now;
    const [slower, other] = this.#random() < 0.5 ? PROCESSORS : PROCESSORS.toReversed();
    const steps: Step[] = [
      { at: start, do: 'slow', process: slower ?? 'p1', forMs: 40_000, factor: 10 + this.#whole(60) },
      { at: start, do: 'slow', process: other ?? 'p2', forMs: 40_000, factor: 1 + this.#whole(5) },
    ];
    const then = (step: (at: number) => Step, withinMs: number): void => {
      this.#now += this.#whole(withinMs);
      steps.push(step(this.#now));
    };
    then((at) => this.#push(at, workspace), 100);
    if (this.#random() < 0.5) {
      const said = { workspace, by: this.#feeder(), metric: this.#pick(PUSHED) };
      then((at) => this.#cover(at, said), 50);
    }
    then((at) => ({ at, do: 'tick', workspace }), 200);
    then((at) => {
      const process = slower ?? 'p1';
      if (this.#random() < 0.3) return { at, do: 'crash', process, hops: this.#whole(20), downMs: this.#whole(20_000) };
      return { at, do: 'sleep', process, forMs: 8_000 + this.#whole(20_000), lapses: true };
    }, 4_000);
    for (let left = 1 + this.#whole(3); left > 0; left--) then((at) => this.#push(at, workspace), 3_000);
    if (this.#random() < 0.5) then((at) => ({ at, do: 'tick', workspace }), 3_000);
    this.#now += this.#whole(20_000);
    return steps;
  }

  #push(at: number, workspace: WorkspaceName): Step {
    const metric = this.#pick(PUSHED);
    const points = Array.from(
      { length: 1 + this.#whole(3) },
      (): PushedPoint => ({
        day: this.#day(at),
        value: this.#random() < 0.15 ? null : this.#value(),
        hour: this.#whole(24),
        id: this.#whole(4),
        region: this.#pick(['a', 'b'] as const),
        revision: this.#whole(3),
      }),
    );
    return { at, do: 'push', workspace, by: this.#feeder(), metric, points };
  }

  /** While what was pushed is not yet written, how far the points came may be unknown: then the statement waits for that. */
  #withCover(step: Step): Step[] {
    if (step.do !== 'push' || this.#random() >= COVERS) return [step];
    this.#now += this.#whole(100);
    return [step, this.#cover(this.#now, step)];
  }

  /** Of all days that are over. */
  #cover(at: number, { workspace, by, metric }: Omit<Extract<Step, { do: 'cover' }>, 'at' | 'do' | 'day'>): Step {
    return { at, do: 'cover', workspace, by, metric, day: Math.floor(at / DAY_MS) };
  }

  #change(workspace: WorkspaceName, source: SourceName, at: number): Step {
    const value = this.#random() < 0.15 ? null : this.#value();
    return { at, do: 'change', workspace, source, day: this.#day(at), region: this.#pick(['a', 'b'] as const), value };
  }

  #pull(at: number, workspace: WorkspaceName): Step {
    // The one feeder is read twice as often, and some readers take so long that another one overtakes them.
    const source = this.#random() < 0.65 ? 'quick' : 'slow';
    const slowMs = this.#random() < 0.2 ? this.#whole(6) * 1_000 : 0;
    return { at, do: 'pull', workspace, by: this.#feeder(), source, slowMs };
  }

  #define(at: number, workspace: WorkspaceName): Step {
    const by = this.#pick(['catalog1', 'catalog2', 'both'] as const);
    const choice = this.#random();
    const period = this.#pick(['each', 'month', 'week'] as const);
    const what: Change =
      choice < 0.6
        ? { kind: 'target', period, target: 10 + this.#whole(150) }
        : choice < 0.8
          ? { kind: 'zone', variant: this.#whole(3) }
          : { kind: 'source', source: this.#pick(SOURCES), removed: this.#random() < 0.5 };
    return { at, do: 'define', workspace, by, what };
  }

  #trouble(at: number, workspace: WorkspaceName): Step {
    const processor = this.#pick(PROCESSORS);
    const process = this.#random() < 0.7 ? processor : this.#pick(PROCESSES);
    const choice = this.#random();
    if (choice < 0.3) {
      const downMs = this.#random() < 0.8 ? this.#whole(10_000) : this.#whole(6 * HOUR_MS);
      return { at, do: 'crash', process, hops: this.#whole(60), downMs };
    }
    if (choice < 0.38) return { at, do: 'restart', process: processor, downMs: this.#whole(10_000) };
    if (choice < 0.52) {
      return { at, do: 'sleep', process, forMs: 500 + this.#whole(15_000), lapses: this.#random() < 0.7 };
    }
    if (choice < 0.58) return { at, do: 'revoke', workspace };
    if (choice < 0.68) {
      return { at, do: 'slow', process: processor, forMs: this.#whole(60_000), factor: 10 + this.#whole(200) };
    }
    if (choice < 0.92) return { at, do: 'fault', process, ambush: this.#ambush() };
    if (choice < 0.97) {
      const of = this.#random() < 0.5 ? 'log' : processor;
      return { at, do: 'clock', of, byMs: Math.round((this.#random() - 0.5) * 4 * HOUR_MS) };
    }
    return { at, do: 'power', downMs: this.#whole(60_000) };
  }

  #ambush(): Ambush {
    const call = this.#pick(['append', 'commit', 'insert', 'insert', 'query'] as const);
    const kinds: Readonly<Record<Ambush['call'], readonly Ambush['kind'][]>> = {
      append: ['failed', 'ambiguous'],
      commit: ['failed', 'ambiguous'],
      insert: ['busy', 'memory', 'timeout', 'failed', 'ambiguous', 'partial'],
      query: ['busy', 'memory', 'timeout', 'failed'],
    };
    return { call, kind: this.#pick(kinds[call]), skip: this.#whole(6) };
  }

  /** Mostly of today or yesterday, at times late. */
  #day(at: number): number {
    const today = Math.floor(at / DAY_MS);
    return Math.max(0, today - (this.#random() < 0.2 ? this.#whole(4) : this.#whole(2)));
  }

  /** No two values are equal, so that each statement can be told from all others. */
  #value(): string {
    this.#values += 1;
    return `${this.#whole(60)}.${String(this.#values).padStart(6, '0')}1`;
  }

  #feeder(): FeederName {
    return this.#pick(['feeder1', 'feeder2'] as const);
  }

  #pick<Item>(items: readonly Item[]): Item {
    const item = items[this.#whole(items.length)];
    if (item === undefined) throw new RangeError('there is nothing to pick from');
    return item;
  }

  #whole(below: number): number {
    return Math.floor(this.#random() * below);
  }
}

/** A schedule as a person reads it: one line a step. */
export function describeSchedule({ seed, variants, steps }: Schedule): string {
  const lines = steps.map((step) => {
    const { at, do: what, ...rest } = step;
    return `  ${new Date(START + at).toISOString().slice(5, 23)} ${what} ${JSON.stringify(rest)}`;
  });
  return `seed ${seed}, variants ${JSON.stringify(variants)}, ${steps.length} steps:\n${lines.join('\n')}`;
}
