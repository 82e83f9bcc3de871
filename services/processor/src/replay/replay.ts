import { offsetOf, type Position, position, type Transition } from '@paceline/domain';
import { FACTS_PREFIX, workspaceOf } from '@paceline/events';
import { PacelineError } from '@paceline/runtime';
import type { Store } from '@paceline/store';
import type { ProcessorDeps } from '../options.ts';
import type { Held, Processor } from '../processor.ts';
import { Rebuilding } from '../rebuild.ts';
import { compareTable, type Difference, joined, type Span, type TableResult } from './compare.ts';
import { COMPARED } from './compared.ts';
import { alertsChange, retract } from './open-alerts.ts';

export interface ReplayDeps extends ProcessorDeps {
  readonly processor: Processor;
  /** The tables of another database in the same engine. */
  beside(database: string): Store;
  /** Told after a change, for whoever remembers what the tables said. */
  swapped?(workspace: string): void;
}

export interface ReplayOptions {
  /** Change over to the rebuilt edition. */
  readonly swap: boolean;
  readonly signal: AbortSignal;
  tell(event: ReplayEvent): void;
}

export type ReplayEvent =
  | { readonly type: 'progress'; readonly workspace: string; readonly done: number; readonly total: number }
  | { readonly type: 'stage'; readonly note: string };

export interface ReplayReport {
  readonly tables: readonly TableResult[];
  readonly same: boolean;
  readonly first: Difference | null;
  readonly swapped: boolean;
  readonly alerts: {
    readonly retracted: readonly AlertName[];
    /** Not sent. */
    readonly opened: readonly AlertName[];
  };
}

export interface AlertName {
  readonly workspace: string;
  readonly rule: string;
  readonly subject: string;
  readonly period: string;
}

/** Everything derived of a workspace; `bi_` tables are made from definitions by whoever publishes them. */
const EXCHANGED = [
  ...['observation', 'rollup', 'judgement', 'status', 'definition', 'command', 'check_in', 'covered', 'alert'],
  ...['dead_letter', 'snapshot', 'progress', 'timeline'],
] as const;

/**
 * Builds everything again from the logs beside the edition in use, and says whether it is the same. One at a time: the
 * database beside is one.
 */
export class Replay {
  readonly #deps: ReplayDeps;
  #running = false;

  constructor(deps: ReplayDeps) {
    this.#deps = deps;
  }

  async run(options: ReplayOptions): Promise<ReplayReport> {
    if (this.#running) throw new PacelineError('replay_running', 'a replay is under way already');
    this.#running = true;
    try {
      return await this.#run(options);
    } finally {
      this.#running = false;
    }
  }

  async #run(options: ReplayOptions): Promise<ReplayReport> {
    const { log, store, beside, processor } = this.#deps;
    const topics = await log.topics(FACTS_PREFIX);
    const workspaces = topics.flatMap((topic) => workspaceOf(topic) ?? []);
    // Refused before anything is built.
    await processor.hold(workspaces, async () => undefined);
    const database = `${store.database}_replay`;
    const drop = (): Promise<void> => store.command({ sql: `DROP DATABASE IF EXISTS \`${database}\` SYNC` });
    // Left by one that was cut off.
    await drop();
    const rebuilt = beside(database);
    try {
      await rebuilt.migrate();
      const parts = workspaces.map((workspace) => new Part(this.#deps, rebuilt, workspace));
      for (const part of parts) await part.rebuild(options);
      for (const part of parts) await part.compareFirst(options);
      options.tell({ type: 'stage', note: 'holding the workspaces to compare what came meanwhile, and the status' });
      return await processor.hold(workspaces, (held) => this.#conclude(parts, held, rebuilt, options));
    } finally {
      await rebuilt.close();
      await drop();
    }
  }

  /** While nothing is taken: the rest, the status, and the change. */
  async #conclude(
    parts: readonly Part[],
    held: ReadonlyMap<string, Held>,
    rebuilt: Store,
    options: ReplayOptions,
  ): Promise<ReplayReport> {
    const { store, log, edition } = this.#deps;
    const alerts: { retracted: AlertName[]; opened: AlertName[] } = { retracted: [], opened: [] };
    const changes: { workspace: string; retracted: readonly Transition[] }[] = [];
    for (const part of parts) {
      const { workspace } = part;
      const to = held.get(workspace)?.next ?? 0;
      await part.compareRest(to, options);
      const change = await alertsChange(store, rebuilt, { workspace, edition, before: position(to) });
      const named = ({ rule, subject, period }: Transition): AlertName => ({ workspace, rule, subject, period });
      alerts.retracted.push(...change.retracted.map(named));
      alerts.opened.push(...change.opened.map(named));
      changes.push({ workspace, retracted: change.retracted });
    }
    if (options.swap) {
      options.tell({ type: 'stage', note: 'changing over' });
      for (const { workspace, retracted } of changes) {
        const at = held.get(workspace);
        const known = { position: position(at?.next ?? 0) - 1, recordedAt: at?.recordedAt ?? this.#deps.clock.now() };
        await retract(log, workspace, retracted, known);
      }
      // One after the other, each at once: a reader finds a whole table at any moment, and what runs on an old one ends on it.
      for (const table of EXCHANGED) {
        await store.command({
          sql: `EXCHANGE TABLES \`${store.database}\`.${table} AND \`${rebuilt.database}\`.${table}`,
        });
      }
      for (const [workspace, each] of held) {
        await each.reload();
        this.#deps.swapped?.(workspace);
      }
    }
    const tables = parts.flatMap(({ results }) => results);
    const first = tables.find((result) => result.first !== null)?.first ?? null;
    const same = tables.every(({ different }) => different === 0);
    return { tables, same, first, swapped: options.swap, alerts };
  }
}

/** One workspace of a replay. */
class Part {
  readonly workspace: string;
  readonly #deps: ReplayDeps;
  readonly #rebuilt: Store;
  readonly #rebuilding: Rebuilding;
  readonly #results = new Map<string, TableResult>();
  #compared: Position = -1;

  constructor(deps: ReplayDeps, rebuilt: Store, workspace: string) {
    this.workspace = workspace;
    this.#deps = deps;
    this.#rebuilt = rebuilt;
    this.#rebuilding = new Rebuilding({ ...deps, store: rebuilt }, workspace);
  }

  get results(): readonly TableResult[] {
    return [...this.#results.values()];
  }

  async rebuild({ signal, tell }: ReplayOptions, to?: number): Promise<void> {
    const { workspace } = this;
    const progress = (done: number, total: number): void => tell({ type: 'progress', workspace, done, total });
    await this.#rebuilding.advance({ signal, progress, ...(to === undefined ? {} : { to }) });
  }

  /** What was read so far, once the running edition is as far, while it goes on. */
  async compareFirst(options: ReplayOptions): Promise<void> {
    const to = position(this.#rebuilding.next) - 1;
    await this.#deps.processor.settle(this.workspace, to);
    for (const compared of COMPARED) if (compared.latest !== true) await this.#compare(compared.table, to, options);
    this.#compared = to;
  }

  async compareRest(next: number, options: ReplayOptions): Promise<void> {
    await this.rebuild(options, next);
    const to = await this.#rebuilding.finish();
    if (offsetOf(to) + 1 !== next && next > 0)
      throw new RangeError(`rebuilt to ${offsetOf(to) + 1}, and held at ${next}`);
    for (const compared of COMPARED) {
      if (compared.latest === true || to > this.#compared) await this.#compare(compared.table, to, options);
    }
  }

  async #compare(table: string, to: Position, { signal, tell }: ReplayOptions): Promise<void> {
    signal.throwIfAborted();
    const compared = COMPARED.find((each) => each.table === table);
    if (compared === undefined) return;
    tell({ type: 'stage', note: `comparing ${this.workspace}: ${table}` });
    const { store } = this.#deps;
    const from = this.#compared + 1;
    const span: Span = {
      workspace: this.workspace,
      running: store.database,
      rebuilt: this.#rebuilt.database,
      from,
      to,
    };
    const result = await compareTable(store, compared, span);
    const before = this.#results.get(table);
    this.#results.set(table, before === undefined ? result : joined(before, result));
  }
}
