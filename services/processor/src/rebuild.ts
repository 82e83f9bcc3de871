import { type Position, position } from '@paceline/domain';
import { factsTopic } from '@paceline/events';
import { createMetrics } from '@paceline/runtime';
import { CellBudget } from './cell-budget.ts';
import { DEFAULTS, type ProcessorDeps, type WorkspaceDeps } from './options.ts';
import { Workspace } from './workspace.ts';

export interface RebuildOptions {
  /** Offset before which to stop; default: the end of the log when called. */
  readonly to?: number;
  readonly signal?: AbortSignal;
  /** Told after every batch. */
  progress?(done: number, of: number): void;
}

/**
 * The tables of one workspace built from its log alone, into a store that holds nothing of it yet: another edition beside
 * the one in use. Appends nothing, announces nothing, commits nothing, and counts in metrics of its own.
 */
export class Rebuilding {
  readonly #target: Workspace;
  readonly #topic: string;
  #begun = false;

  constructor(deps: ProcessorDeps, workspace: string) {
    const { options: chosen, ...ports } = deps;
    const options = { ...DEFAULTS, ...chosen };
    this.#topic = factsTopic(workspace);
    const metrics = createMetrics({ defaults: false });
    const budget = new CellBudget(options.cellBytesMax);
    const own: WorkspaceDeps = { ...ports, metrics, workspace, topic: this.#topic, options, budget, mode: 'replay' };
    this.#target = new Workspace(own);
  }

  /** Offset of the next record. */
  get next(): number {
    return this.#target.progress.next;
  }

  /** Reads on, up to `to`. */
  async advance(options: RebuildOptions = {}): Promise<void> {
    const { log } = this.#target.deps;
    if (!this.#begun) await this.#target.load(0);
    this.#begun = true;
    const to = options.to ?? (await log.end(this.#topic));
    const signal = options.signal ?? new AbortController().signal;
    const context = { end: to, signal, heartbeat: async () => signal.throwIfAborted(), commit: async () => undefined };
    if (this.next >= to) return;
    for await (const records of log.read(this.#topic, { from: this.next, to, signal })) {
      await this.#target.take(records, context);
      options.progress?.(this.next, to);
    }
    signal.throwIfAborted();
  }

  /** Brings the status up to what was read and keeps the fold, so that a processor can go on from there; answers the last position. */
  async finish(): Promise<Position> {
    await this.#target.refresh();
    await this.#target.stop();
    return position(this.next) - 1;
  }
}

/** Reads the whole log of a workspace into a store that holds nothing of it; answers the last position read. */
export async function rebuild(deps: ProcessorDeps, workspace: string, options: RebuildOptions = {}): Promise<Position> {
  const rebuilding = new Rebuilding(deps, workspace);
  await rebuilding.advance(options);
  return rebuilding.finish();
}
