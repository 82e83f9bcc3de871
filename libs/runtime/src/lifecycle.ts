import type { Clock } from './clock.ts';
import { describeError } from './errors.ts';
import type { Logger } from './logger.ts';

/** How a part is doing. Live: it need not be restarted. Ready: it has caught up and can do its work. */
export interface Health {
  readonly live: boolean;
  readonly ready: boolean;
  /** What it waits for or what failed, for a person. */
  readonly detail?: string;
  /** How far behind it is, in its own unit: `{ records: 1200 }`, `{ ms: 300 }`. */
  readonly behind?: Readonly<Record<string, number>>;
}

export const HEALTHY: Health = { live: true, ready: true };

/** What every service hands to the process that runs it. `stop` finishes or abandons what is in flight; it must be safe to call twice. */
export interface Service {
  start(): Promise<void>;
  stop(): Promise<void>;
  health(): Health;
}

export interface PartHealth extends Health {
  readonly part: string;
}

export interface SystemHealth {
  readonly live: boolean;
  readonly ready: boolean;
  readonly parts: readonly PartHealth[];
}

export interface Lifecycle {
  /** Parts start in the order added and stop in the reverse order. */
  add(part: string, service: Partial<Service>): void;
  /** Starts all; when one fails, those already started are stopped and the failure is thrown. */
  start(): Promise<void>;
  /** Stops all within the deadline; a second call waits for the first. Resolves to what did not stop cleanly. */
  stop(reason: string): Promise<readonly string[]>;
  health(): SystemHealth;
  /** Resolves when `stop` has ended. */
  readonly stopped: Promise<void>;
}

export interface LifecycleOptions {
  readonly logger: Logger;
  readonly clock: Clock;
  /** For all parts together. Default 5,000. */
  readonly stopDeadlineMs?: number;
}

type State = 'new' | 'starting' | 'running' | 'stopping' | 'stopped';

export function createLifecycle(options: LifecycleOptions): Lifecycle {
  const { logger, clock } = options;
  const parts: { readonly part: string; readonly service: Partial<Service> }[] = [];
  const started: typeof parts = [];
  let state: State = 'new';
  let stopping: Promise<readonly string[]> | null = null;
  const { promise: stopped, resolve: resolveStopped } = Promise.withResolvers<void>();

  async function stopAll(reason: string): Promise<readonly string[]> {
    state = 'stopping';
    logger.info({ reason }, 'stopping');
    const deadlineAt = clock.monotonic() + (options.stopDeadlineMs ?? 5_000);
    const failed: string[] = [];
    for (const { part, service } of started.reverse()) {
      const fault = await stopWithin(service, Math.max(1, deadlineAt - clock.monotonic()), clock);
      if (fault === null) continue;
      failed.push(`${part}: ${fault}`);
      logger.error(
        { part, fault },
        'a part did not stop cleanly; what it had not finished is done again at the next start',
      );
    }
    state = 'stopped';
    logger.info({ unclean: failed.length }, 'stopped');
    resolveStopped();
    return failed;
  }

  return {
    stopped,
    add(part, service) {
      if (state !== 'new') throw new Error(`part ${part} is added after start`);
      parts.push({ part, service });
    },
    async start() {
      state = 'starting';
      for (const { part, service } of parts) {
        // A signal may arrive while parts start: what has not started then never does.
        if (stopping !== null) return;
        started.push({ part, service });
        try {
          await service.start?.();
        } catch (error) {
          logger.error({ part, err: error }, 'a part did not start');
          stopping ??= stopAll(`${part} did not start`);
          await stopping;
          throw error;
        }
      }
      if (stopping === null) state = 'running';
    },
    stop(reason) {
      stopping ??= stopAll(reason);
      return stopping;
    },
    health() {
      const reports = parts.map(({ part, service }): PartHealth => ({ part, ...reportOf(service) }));
      return {
        live: reports.every((report) => report.live),
        ready: state === 'running' && reports.every((report) => report.ready),
        parts:
          state === 'running' ? reports : [{ part: 'process', live: true, ready: false, detail: state }, ...reports],
      };
    },
  };
}

function reportOf(service: Partial<Service>): Health {
  try {
    return service.health?.() ?? HEALTHY;
  } catch (error) {
    return { live: true, ready: false, detail: `health failed: ${describeError(error)}` };
  }
}

/** `null` when it stopped, else why not. */
async function stopWithin(service: Partial<Service>, leftMs: number, clock: Clock): Promise<string | null> {
  if (service.stop === undefined) return null;
  const abort = new AbortController();
  const deadline = clock.sleep(leftMs, abort.signal).then(
    () => `not stopped within ${Math.round(leftMs)} ms`,
    () => null,
  );
  const done = service.stop().then(
    () => null,
    (error: unknown) => describeError(error),
  );
  const fault = await Promise.race([done, deadline]);
  abort.abort();
  return fault;
}

/**
 * Stops on SIGTERM and SIGINT; a second signal ends the process at once. Returns a function that takes the handlers away.
 * The exit code is set when all stopped: 0, or 1 when a part did not.
 */
export function stopOnSignals(
  lifecycle: Lifecycle,
  exit: (code: number) => void = (code) => process.exit(code),
): () => void {
  let signalled = false;
  const handler = (signal: NodeJS.Signals): void => {
    if (signalled) {
      exit(1);
      return;
    }
    signalled = true;
    void lifecycle.stop(signal).then((failed) => exit(failed.length === 0 ? 0 : 1));
  };
  process.on('SIGTERM', handler);
  process.on('SIGINT', handler);
  return () => {
    process.off('SIGTERM', handler);
    process.off('SIGINT', handler);
  };
}
