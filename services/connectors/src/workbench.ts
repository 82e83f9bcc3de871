import {
  type CheckStage,
  type Connector,
  check,
  createBudgets,
  discover,
  type Egress,
  type Preview,
  preview,
  projectFiles,
  type SessionDeps,
  type StreamInfo,
  validateConfig,
} from '@paceline/connector-sdk';
import type { Catalog, SourceDocument } from '@paceline/domain';
import type { Clock, Logger } from '@paceline/runtime';
import { type LoadConnector, loadConnector } from './registry.ts';

export interface WorkbenchDeps {
  /** The folder of `paceline.yaml`: files of sources and `secrets/` lie below it. */
  readonly projectDir: string;
  readonly egress: Egress;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly load?: LoadConnector;
}

export interface SourceFault {
  /** JSON Pointer into the source's document. */
  readonly pointer: string;
  readonly message: string;
}

/** What can be done with a source that is only a document: nothing here needs a log, and nothing is written. */
export interface Workbench {
  readonly session: SessionDeps;
  load(source: SourceDocument): Promise<Connector>;
  /** Faults of `config` and `query`, offline and with references unresolved. */
  validate(source: SourceDocument): Promise<readonly SourceFault[]>;
  check(source: SourceDocument, metrics: Catalog['metrics'], signal: AbortSignal): AsyncIterable<CheckStage>;
  discover(source: SourceDocument, metrics: Catalog['metrics'], signal: AbortSignal): Promise<readonly StreamInfo[]>;
  preview(
    source: SourceDocument,
    metrics: Catalog['metrics'],
    options: { readonly limit: number; readonly signal: AbortSignal },
  ): Promise<Preview>;
}

export function createWorkbench(deps: WorkbenchDeps): Workbench {
  const { projectDir, egress, env, clock, logger } = deps;
  const load = deps.load ?? loadConnector;
  const session: SessionDeps = {
    egress,
    files: projectFiles(projectDir),
    secrets: { env, dir: projectDir },
    budgets: createBudgets(clock),
    clock,
    logger,
  };
  const input = async (source: SourceDocument, metrics: Catalog['metrics'], signal: AbortSignal) => ({
    ...session,
    source,
    metrics,
    signal,
    connector: await load(source.spec.connector),
  });
  return {
    session,
    load: (source) => load(source.spec.connector),
    async validate(source) {
      const { spec } = await load(source.spec.connector);
      const config = source.spec.config ?? {};
      const faults: SourceFault[] = validateConfig(spec, config).map((fault) => ({
        ...fault,
        pointer: `/spec/config${fault.pointer}`,
      }));
      const parsed = spec.config.safeParse(config);
      const stream = source.spec.query === undefined ? {} : { query: source.spec.query };
      const fault = parsed.success ? spec.validateStream?.(parsed.data, stream) : undefined;
      return fault === undefined ? faults : [...faults, { pointer: '/spec/query', message: fault }];
    },
    async *check(source, metrics, signal) {
      yield* check(await input(source, metrics, signal));
    },
    async discover(source, metrics, signal) {
      return discover(await input(source, metrics, signal));
    },
    async preview(source, metrics, { limit, signal }) {
      return preview(await input(source, metrics, signal), { limit });
    },
  };
}
