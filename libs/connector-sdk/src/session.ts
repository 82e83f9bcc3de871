import type { SourceDocument } from '@paceline/domain';
import type { Budgets } from './budget.ts';
import type { Connector } from './connector.ts';
import type { Clock, ConnectorContext, Logger, ProjectFiles, RunMetrics } from './context.ts';
import type { Egress } from './egress.ts';
import { abortReason, ConnectorFault, faultFrom } from './fault.ts';
import { createHttp } from './http.ts';
import { type Redactor, redactingLogger } from './redact.ts';
import { openSecrets, type SecretsOptions } from './secrets.ts';
import { pointerOf } from './spec.ts';

/** What runs share: how the outside is reached, and what time it is. */
export interface SessionDeps {
  readonly egress: Egress;
  readonly files: ProjectFiles;
  readonly secrets: SecretsOptions;
  readonly budgets: Budgets;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** One use of a source: its configuration with secrets in it, and a context that hides them. */
export interface Session {
  readonly ctx: ConnectorContext;
  readonly config: unknown;
  readonly redactor: Redactor;
}

/** A session that is still to be started; `close` is always due. */
export interface Opened {
  /** Resolves secrets and checks the configuration. */
  start(): Promise<Session>;
  /** What may leave: redacted, a `ConnectorFault` or the abort's reason. */
  failure(error: unknown): Error;
  close(): Promise<void>;
}

export function openSession(
  deps: SessionDeps,
  source: SourceDocument,
  connector: Connector,
  signal: AbortSignal,
): Opened {
  const secrets = openSecrets(deps.secrets);
  const { redactor } = secrets;
  const logger = redactingLogger(deps.logger, redactor);
  const metrics: RunMetrics = { requests: 0, retries: 0, bytesRead: 0 };
  const { egress, clock, budgets, files } = deps;
  const http = createHttp({ egress, clock, budgets, logger, metrics, signal });
  const dial: ConnectorContext['dial'] = (options) => egress.dial(options);
  const ctx: ConnectorContext = {
    http: http.client,
    dial,
    egress,
    files,
    secrets: redactor,
    logger,
    metrics,
    clock,
    signal,
  };
  return {
    async start() {
      const config = parseConfig(connector, source, await secrets.resolve(source.spec.config ?? {}));
      return { ctx, config, redactor };
    },
    failure(error) {
      return redactor.error(signal.aborted ? abortReason(signal) : faultFrom(error, `source ${source.metadata.name}`));
    },
    close: () => http.close(),
  };
}

/** Runs `use` with a started session and closes it. Every error that leaves is redacted. */
export async function withSession<Result>(
  deps: SessionDeps,
  source: SourceDocument,
  connector: Connector,
  signal: AbortSignal,
  use: (session: Session) => Promise<Result>,
): Promise<Result> {
  const opened = openSession(deps, source, connector, signal);
  try {
    return await use(await opened.start());
  } catch (error) {
    throw opened.failure(error);
  } finally {
    await opened.close();
  }
}

function parseConfig(connector: Connector, source: SourceDocument, resolved: unknown): unknown {
  const parsed = connector.spec.config.safeParse(resolved);
  if (!parsed.success) {
    const faults = parsed.error.issues.map((issue) => `${pointerOf(issue.path) || '/'} ${issue.message}`);
    throw new ConnectorFault('config', 'invalid_config', `source ${source.metadata.name}: ${faults.join('; ')}`, {
      remedy: `Correct config of the source; ${connector.spec.id} describes its settings in docs/connectors.md.`,
    });
  }
  const stream = streamOf(source);
  const fault = connector.spec.validateStream?.(parsed.data, stream);
  if (fault === undefined) return parsed.data;
  throw new ConnectorFault('config', 'invalid_query', `source ${source.metadata.name}: ${fault}`, {
    remedy: 'Correct query of the source.',
  });
}

export function streamOf(source: SourceDocument): { readonly query?: string } {
  return source.spec.query === undefined ? {} : { query: source.spec.query };
}
