import { randomUUID } from 'node:crypto';
import {
  type BackfillProgress,
  backfillKey,
  ConnectorFault,
  faultFrom,
  type RunReport,
  runBackfill,
  runLive,
} from '@paceline/connector-sdk';
import { type Instant, readInstant, type SourceDocument } from '@paceline/domain';
import { suggestion } from '@paceline/domain/metric/suggest';
import { parseDate } from '@paceline/domain/time/date';
import type { LagGate } from '@paceline/log/lag';
import type { Clock, Logger, Metrics } from '@paceline/runtime';
import { type FactsWriter, runSink } from './facts-sink.ts';
import type { Workbench } from './workbench.ts';
import { type FollowedWorkspace, sourceOf } from './workspaces.ts';

/** What is known of a source's latest run. */
export interface SourceStatus {
  readonly workspace: string;
  readonly source: string;
  readonly connector: string;
  readonly at: Instant;
  readonly outcome: 'ok' | 'refused_rows' | 'failed';
  readonly report: RunReport | null;
  readonly fault: {
    readonly kind: string;
    readonly code: string;
    readonly message: string;
    readonly remedy: string | null;
  } | null;
}

export interface RunOptions {
  /** State the whole window, whatever is known. */
  readonly whole?: boolean;
  /** A person's word that this run may retract in mass. Written into the log as an override. */
  readonly confirmRetraction?: boolean;
  readonly actor?: string;
  readonly signal?: AbortSignal;
}

export interface BackfillOptions {
  /** An instant, or a day as text: its start in the zone of the source's metrics. */
  readonly from: Instant | string;
  readonly to: Instant | string;
  readonly signal?: AbortSignal;
  progress?(progress: BackfillProgress): void;
  /** Told while the backfill waits for the processor. */
  paused?(pointsBehind: number): void;
}

export interface RunsDeps {
  readonly workbench: Workbench;
  readonly writer: FactsWriter;
  readonly gate: LagGate;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Metrics;
}

const DAY_MS = 86_400_000;

/** Runs of sources, at most one of a source at a time; a backfill may go beside a live run, because the greatest readAt stands. */
export class Runs {
  readonly #deps: RunsDeps;
  readonly #running = new Map<string, Promise<unknown>>();
  readonly #status = new Map<string, SourceStatus>();
  readonly #stopped = new AbortController();
  /** Backfilled since the last live run: what that run remembers may be overtaken, so it states everything. */
  readonly #overtaken = new Set<string>();

  constructor(deps: RunsDeps) {
    this.#deps = deps;
  }

  get status(): readonly SourceStatus[] {
    return [...this.#status.values()];
  }

  forget(workspace: string, source: string): void {
    this.#status.delete(keyOf(workspace, source));
  }

  isRunning(workspace: string, source: string): boolean {
    return this.#running.has(keyOf(workspace, source));
  }

  async stop(): Promise<void> {
    this.#stopped.abort(new Error('the server is stopping'));
    await Promise.allSettled(this.#running.values());
  }

  async runOnce(workspace: FollowedWorkspace, name: string, options: RunOptions = {}): Promise<RunReport> {
    const source = sourceOf(workspace, name, suggestion);
    const key = keyOf(workspace.name, name);
    return this.#alone(key, name, async () => {
      try {
        const report = await this.#live(workspace, source, options);
        this.#overtaken.delete(key);
        this.#tell(workspace, source, report);
        return report;
      } catch (error) {
        this.#told(workspace, source, error);
        throw error;
      }
    });
  }

  async backfill(workspace: FollowedWorkspace, name: string, options: BackfillOptions): Promise<RunReport> {
    const source = sourceOf(workspace, name, suggestion);
    return this.#alone(`${keyOf(workspace.name, name)}/backfill`, name, async () => {
      const { workbench, metrics } = this.#deps;
      const connector = await workbench.load(source);
      const catalog = workspace.fold.catalog;
      try {
        const report = await runBackfill({
          ...workbench.session,
          source,
          connector,
          metrics: catalog.metrics,
          sink: this.#sink(workspace, source, 'backfill', options.paused),
          signal: this.#signal(options.signal),
          run: randomUUID(),
          from: this.#instant(workspace, source, options.from),
          to: this.#instant(workspace, source, options.to),
          state: workspace.fold.sourceState(backfillKey(name))?.state,
          ...(options.progress === undefined ? {} : { progress: options.progress }),
        });
        metrics.sourceRuns.inc({ connector: connector.spec.id, outcome: 'backfilled' });
        metrics.sourcePoints.inc({ connector: connector.spec.id }, report.stated);
        return report;
      } finally {
        this.#overtaken.add(keyOf(workspace.name, name));
      }
    });
  }

  async #live(workspace: FollowedWorkspace, source: SourceDocument, options: RunOptions): Promise<RunReport> {
    const { workbench, writer, clock } = this.#deps;
    const { name } = source.metadata;
    // The state of the run before may still be on its way from the log.
    await workspace.follower.caughtUp();
    const connector = await workbench.load(source);
    const stood = workspace.fold.override(name);
    let override = stood === undefined ? undefined : { command: stood.command, until: stood.until };
    if (options.confirmRetraction === true) {
      override = { command: randomUUID(), until: clock.now() + DAY_MS };
      const actor = options.actor === undefined ? {} : { actor: options.actor };
      const fact = { type: 'override', source: name, allow: 'mass_retraction', ...override, ...actor } as const;
      await writer.append(workspace.name, workspace.topic, [fact], 'connectors');
    }
    return runLive({
      ...workbench.session,
      source,
      connector,
      metrics: workspace.fold.catalog.metrics,
      sink: this.#sink(workspace, source, 'live'),
      signal: this.#signal(options.signal),
      run: randomUUID(),
      state: workspace.fold.sourceState(name),
      override,
      whole: options.whole === true || this.#overtaken.has(keyOf(workspace.name, name)),
    });
  }

  #sink(
    workspace: FollowedWorkspace,
    source: SourceDocument,
    kind: 'live' | 'backfill',
    told?: (pointsBehind: number) => void,
  ) {
    const { writer, gate, clock, logger } = this.#deps;
    let warned = false;
    return runSink({ writer, gate, clock, workspace: workspace.name, topic: workspace.topic }, kind, (pointsBehind) => {
      told?.(pointsBehind);
      if (warned) return;
      warned = true;
      logger.warn(
        { workspace: workspace.name, source: source.metadata.name, pointsBehind },
        'a run waits for the processor to catch up',
      );
    });
  }

  #signal(own: AbortSignal | undefined): AbortSignal {
    return own === undefined ? this.#stopped.signal : AbortSignal.any([own, this.#stopped.signal]);
  }

  #instant(workspace: FollowedWorkspace, source: SourceDocument, written: Instant | string): Instant {
    if (typeof written === 'number') return written;
    const [map] = [source.spec.map].flat();
    const zone = map === undefined ? undefined : workspace.fold.catalog.metrics.get(map.metric)?.zone;
    const day = parseDate(written);
    const at = day === undefined ? readInstant(written) : zone?.dayStart(day);
    if (at !== undefined) return at;
    throw new ConnectorFault('config', 'invalid_window', `${JSON.stringify(written)} is no day and no instant`, {
      remedy: 'Write it like 2026-01-31 or 2026-01-31T00:00:00Z.',
    });
  }

  async #alone<Result>(key: string, name: string, run: () => Promise<Result>): Promise<Result> {
    if (this.#running.has(key)) {
      throw new ConnectorFault('transient', 'already_running', `source ${name} is running already`, {
        remedy: 'Wait for it to end.',
      });
    }
    const work = run();
    this.#running.set(key, work);
    try {
      return await work;
    } finally {
      this.#running.delete(key);
    }
  }

  #tell(workspace: FollowedWorkspace, source: SourceDocument, report: RunReport): void {
    const { metrics, logger } = this.#deps;
    const outcome = report.refused > 0 ? 'refused_rows' : 'ok';
    metrics.sourceRuns.inc({ connector: source.spec.connector, outcome });
    metrics.sourcePoints.inc({ connector: source.spec.connector }, report.stated);
    const known = this.#status.get(keyOf(workspace.name, source.metadata.name));
    if (known?.outcome === 'failed')
      logger.info({ workspace: workspace.name, source: source.metadata.name }, 'a source answers again');
    this.#remember(workspace, source, outcome, report, null);
    const { rows, stated, retracted, refused, refusedRows, notes } = report;
    const fields = { workspace: workspace.name, source: source.metadata.name, rows, stated, retracted, refused };
    if (refused > 0) {
      logger.error(
        { ...fields, refusedRows: refusedRows.slice(0, 3) },
        'rows of a source were refused; its window is not covered until they are right',
      );
    } else logger.info(fields, 'a source was read');
    for (const note of notes) logger.warn({ workspace: workspace.name, source: source.metadata.name }, note);
  }

  #told(workspace: FollowedWorkspace, source: SourceDocument, error: unknown): void {
    if (this.#stopped.signal.aborted) return;
    const fault = faultFrom(error, `source ${source.metadata.name}`);
    this.#deps.metrics.sourceRuns.inc({ connector: source.spec.connector, outcome: fault.kind });
    const { kind, code, message, remedy } = fault;
    this.#remember(workspace, source, 'failed', null, { kind, code, message, remedy });
    const fields = { workspace: workspace.name, source: source.metadata.name, code, remedy, err: error };
    if (kind === 'transient') this.#deps.logger.warn(fields, 'a source cannot be read; it is tried again');
    else this.#deps.logger.error(fields, 'a source cannot be read until somebody acts');
  }

  #remember(
    workspace: FollowedWorkspace,
    source: SourceDocument,
    outcome: SourceStatus['outcome'],
    report: RunReport | null,
    fault: SourceStatus['fault'],
  ): void {
    this.#status.set(keyOf(workspace.name, source.metadata.name), {
      workspace: workspace.name,
      source: source.metadata.name,
      connector: source.spec.connector,
      at: this.#deps.clock.now(),
      outcome,
      report,
      fault,
    });
  }
}

export function keyOf(workspace: string, source: string): string {
  return `${workspace}/${source}`;
}
