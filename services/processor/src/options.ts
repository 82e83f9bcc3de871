import { totalmem } from 'node:os';
import type { EventLog } from '@paceline/log';
import type { Clock, Logger, Metrics } from '@paceline/runtime';
import type { Store } from '@paceline/store';
import type { CellBudget } from './cell-budget.ts';

export interface ProcessorDeps {
  readonly log: EventLog;
  /** Of one edition: `store.database` holds it. */
  readonly store: Store;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** Of the evaluator, named by every tick and judgement. */
  readonly edition: number;
  readonly options?: Partial<ProcessorOptions>;
}

export interface ProcessorOptions {
  /** `scheduled`: ticks are appended when something is due or touched. `manual`: only when told. */
  readonly ticks: 'scheduled' | 'manual';
  /** Append and judge a last tick at an orderly stop, when something is due or touched. */
  readonly tickAtStop: boolean;
  /** An orderly stop takes at most this long, however much is under way; what is not finished by then is done again. */
  readonly stopMs: number;
  readonly group: string;
  /** Points of one span: what is written and committed together, unless nothing follows. */
  readonly spanPointsMax: number;
  /** Status is refreshed when nothing came for this long … */
  readonly statusIdleMs: number;
  /** … or, with the head of the log reached, when it has been out of date for this long … */
  readonly statusHeadMs: number;
  /** … or for this long behind it, since reading on matters more then … */
  readonly statusBusyMs: number;
  /** … or for this long while the head is far, where the latest status is an old one anyway. */
  readonly statusFarMs: number;
  /** A tick that only looks again at something already judged waits this long, so that a burst of late facts is one tick. */
  readonly touchedTickMs: number;
  /** Two scheduled ticks are at least this far apart. */
  readonly tickIntervalMsMin: number;
  /** The fold is kept after so many points, records or ms: what a start reads back at most, and a span. */
  readonly snapshotPoints: number;
  readonly snapshotRecords: number;
  readonly snapshotMs: number;
  /** Longest work without a heartbeat. */
  readonly sliceMs: number;
  /** Evaluations between two heartbeats of a tick, with cells at hand well below a second; and judgements of one insert. */
  readonly sliceEvaluations: number;
  /** Metrics whose cells are in memory at one time while rollups are written. */
  readonly sliceMetrics: number;
  /** What the cells of all workspaces may take that are kept in memory between evaluations: some 60 bytes each of period points, 150 of time points. */
  readonly cellBytesMax: number;
}

const MIB = 1024 * 1024;

/** Of the machine, or of the container that the process runs in. */
function memoryBytes(): number {
  const limit = process.constrainedMemory();
  return limit > 0 ? Math.min(limit, totalmem()) : totalmem();
}

export const DEFAULTS: ProcessorOptions = {
  ticks: 'scheduled',
  tickAtStop: false,
  stopMs: 2_500,
  group: 'processor',
  spanPointsMax: 100_000,
  statusIdleMs: 60,
  statusHeadMs: 100,
  statusBusyMs: 1_000,
  statusFarMs: 5_000,
  touchedTickMs: 1_000,
  tickIntervalMsMin: 1_000,
  snapshotPoints: 100_000,
  snapshotRecords: 10_000,
  snapshotMs: 300_000,
  sliceMs: 1_000,
  sliceEvaluations: 10_000,
  sliceMetrics: 100,
  cellBytesMax: Math.min(640 * MIB, 0.25 * memoryBytes()),
};

/** Everything a part of the processor needs, for one workspace. */
export interface WorkspaceDeps extends Omit<ProcessorDeps, 'options'> {
  readonly workspace: string;
  readonly topic: string;
  readonly options: ProcessorOptions;
  /** Shared by the workspaces of a process. */
  readonly budget: CellBudget;
  /** `replay` rebuilds an edition from the log: it appends nothing, announces nothing, and keeps its fold at the end alone. */
  readonly mode: 'live' | 'replay';
}
