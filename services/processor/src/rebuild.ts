import { type Position, position } from '@paceline/domain';
import { factsTopic } from '@paceline/events';
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
 * Builds the tables of one workspace from its log alone, into a store that holds nothing of it yet: another edition beside
 * the one in use. Appends nothing, announces nothing, and commits nothing; answers the last position read.
 */
export async function rebuild(deps: ProcessorDeps, workspace: string, options: RebuildOptions = {}): Promise<Position> {
  const topic = factsTopic(workspace);
  const { options: chosen, ...ports } = deps;
  const own: WorkspaceDeps = { ...ports, workspace, topic, options: { ...DEFAULTS, ...chosen }, mode: 'replay' };
  const target = new Workspace(own);
  const to = options.to ?? (await deps.log.end(topic));
  const signal = options.signal ?? new AbortController().signal;
  const context = { end: to, signal, heartbeat: async () => signal.throwIfAborted(), commit: async () => undefined };
  await target.load(0);
  for await (const records of deps.log.read(topic, { from: 0, to, signal })) {
    await target.take(records, context);
    options.progress?.(target.progress.next, to);
  }
  await target.stop();
  return position(target.progress.next) - 1;
}
