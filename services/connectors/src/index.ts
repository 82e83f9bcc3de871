import type { CheckStage, Egress, Preview, RunReport, StreamInfo } from '@paceline/connector-sdk';
import { suggestion } from '@paceline/domain/metric/suggest';
import type { Jobs } from '@paceline/jobs';
import type { EventLog } from '@paceline/log';
import { lagGate } from '@paceline/log/lag';
import type { Clock, Logger, Metrics, Routes, Service } from '@paceline/runtime';
import { deadLetterRetry } from './dead-letters.ts';
import { factsWriter } from './facts-sink.ts';
import { pushRoutes } from './push/routes.ts';
import type { LoadConnector } from './registry.ts';
import { type BackfillOptions, type RunOptions, Runs, type SourceStatus } from './runs.ts';
import { Scheduler } from './scheduler.ts';
import { createWorkbench, type Workbench } from './workbench.ts';
import { type FollowedWorkspace, sourceOf, Workspaces } from './workspaces.ts';

export { CONNECTORS, type LoadConnector, loadConnector } from './registry.ts';
export type { BackfillOptions, RunOptions, SourceStatus } from './runs.ts';
export { SOURCE_QUEUE } from './scheduler.ts';
export { createWorkbench, type SourceFault, type Workbench, type WorkbenchDeps } from './workbench.ts';

export interface ConnectorsDeps {
  readonly log: EventLog;
  /** `null`: sources run only when told, as in one-shot commands. */
  readonly jobs: Jobs | null;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** Files of sources and `secrets/` lie below it. */
  readonly projectDir: string;
  /** `createEgress({ allow })` of `@paceline/connector-sdk`. */
  readonly egress: Egress;
  /** Where secrets and `${env:…}` come from. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The workspace a request means when it names none. Created at start. */
  readonly workspace: string;
  /** The processor's group, whose commits say how far behind it is. */
  readonly group?: string;
  readonly load?: LoadConnector;
}

export interface Connectors extends Service {
  readonly routes: Routes;
  readonly workbench: Workbench;
  /** Latest run of each source of a workspace. */
  status(options?: Pick<CallOptions, 'workspace'>): readonly SourceStatus[];
  check(source: string, options?: CallOptions): AsyncIterable<CheckStage>;
  discover(source: string, options?: CallOptions): Promise<readonly StreamInfo[]>;
  preview(source: string, options: CallOptions & { readonly limit: number }): Promise<Preview>;
  runOnce(source: string, options?: CallOptions & RunOptions): Promise<RunReport>;
  backfill(source: string, options: CallOptions & BackfillOptions): Promise<RunReport>;
  /** Resolves once definitions and states that are in the log now are known here. */
  caughtUp(): Promise<void>;
}

export interface CallOptions {
  /** Default: the service's own. */
  readonly workspace?: string;
  readonly signal?: AbortSignal;
}

/** The connectors service: pulls sources on schedule and on demand, and takes pushes. Its state is what it reads from the log. */
export function createConnectors(deps: ConnectorsDeps): Connectors {
  const { log, jobs, clock, logger, metrics, workspace: own } = deps;
  const gate = lagGate({ log, group: deps.group ?? 'processor', now: () => clock.now() });
  const writer = factsWriter(log, gate);
  const workbench = createWorkbench(deps);
  const runs = new Runs({ workbench, writer, gate, clock, logger, metrics });
  const workspaces: Workspaces = new Workspaces({
    log,
    logger,
    changed: (workspace) => void scheduler?.sync(workspace),
  });
  const scheduler = jobs === null ? null : new Scheduler({ jobs, runs, logger, workspaces });
  const stopping = new AbortController();

  /** Definitions are read up to the log's end first, so that a source applied a moment ago is known. */
  const current = async (options: CallOptions = {}): Promise<FollowedWorkspace> => {
    const workspace = await workspaces.find(options.workspace ?? own);
    await workspace.follower.caughtUp();
    return workspace;
  };
  const signalOf = (options: CallOptions = {}): AbortSignal =>
    options.signal === undefined ? stopping.signal : AbortSignal.any([options.signal, stopping.signal]);

  return {
    workbench,
    routes: async (app) => {
      const shared = { workspaces, writer, gate, clock, metrics, workspace: own };
      await app.register(pushRoutes(shared));
      await app.register(deadLetterRetry({ ...shared, log }));
    },
    async start() {
      await workspaces.start(own);
      await scheduler?.start();
    },
    async stop() {
      stopping.abort(new Error('the server is stopping'));
      await runs.stop();
      await scheduler?.stop();
      await workspaces.stop();
    },
    health() {
      const { troubled } = workspaces;
      if (troubled !== null) return { live: true, ready: false, detail: troubled };
      const unread = workspaces.all.filter((workspace) => !workspace.ready);
      if (unread.length > 0)
        return { live: true, ready: false, detail: `${unread.length} workspaces are still being read` };
      const failing = runs.status.filter((status) => status.outcome === 'failed');
      // A source that is down makes its numbers late; the service itself is well.
      const detail = failing
        .map((status) => `source ${status.source}: ${status.fault?.message ?? 'failed'}`)
        .join('; ');
      return { live: true, ready: true, ...(detail === '' ? {} : { detail }) };
    },
    status: (options = {}) => runs.status.filter(({ workspace }) => workspace === (options.workspace ?? own)),
    async *check(source, options) {
      const workspace = await current(options);
      yield* workbench.check(
        sourceOf(workspace, source, suggestion),
        workspace.fold.catalog.metrics,
        signalOf(options),
      );
    },
    async discover(source, options) {
      const workspace = await current(options);
      return workbench.discover(
        sourceOf(workspace, source, suggestion),
        workspace.fold.catalog.metrics,
        signalOf(options),
      );
    },
    async preview(source, options) {
      const workspace = await current(options);
      const { limit } = options;
      return workbench.preview(sourceOf(workspace, source, suggestion), workspace.fold.catalog.metrics, {
        limit,
        signal: signalOf(options),
      });
    },
    async runOnce(source, options) {
      return runs.runOnce(await current(options), source, options);
    },
    async backfill(source, options) {
      return runs.backfill(await current(options), source, options);
    },
    caughtUp: () => workspaces.caughtUp(),
  };
}
