import { type Health, type Logger, PacelineError, type Service } from '@paceline/runtime';
import { Publisher, type PublisherDeps } from './publisher.ts';

const RETRY_MS = 10_000;

/** Database `bi` where tools speak to ClickHouse itself: only kept up, never answered from. */
export function createBi(deps: Omit<PublisherDeps, 'guests'>): Service {
  return startedWhenPossible(new Publisher({ ...deps, guests: false }), deps.logger);
}

/** Whatever needs database `bi`: what cannot be published (a right that is missing) is said and tried again; the service answers all the same. */
export function startedWhenPossible(inner: Service, logger: Logger): Service {
  let timer: NodeJS.Timeout | undefined;
  let fault: string | null = null;
  let stopped = false;
  const attempt = async (): Promise<void> => {
    try {
      await inner.start();
      fault = null;
    } catch (error) {
      // A port that is taken is a fault of the start, which no waiting cures.
      if (error instanceof PacelineError) throw error;
      fault = error instanceof Error ? error.message : String(error);
      logger.warn({ err: error }, 'database bi could not be made; it is tried again');
      if (stopped) return;
      timer = setTimeout(() => void again(), RETRY_MS);
      timer.unref();
    }
  };
  const again = async (): Promise<void> => {
    await attempt().catch((error: unknown) => {
      fault = error instanceof Error ? error.message : String(error);
      logger.error({ err: error }, 'ClickHouse’s protocol cannot be answered');
    });
  };
  return {
    start: attempt,
    async stop() {
      stopped = true;
      clearTimeout(timer);
      await inner.stop();
    },
    health: (): Health => ({ live: true, ready: true, ...(fault === null ? {} : { detail: `database bi: ${fault}` }) }),
  };
}
