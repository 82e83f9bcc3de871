import type { Health, Service } from '@paceline/runtime';
import { Publisher, type PublisherDeps } from './publisher.ts';

const RETRY_MS = 10_000;

/**
 * Database `bi` where tools speak to ClickHouse itself: only kept up, never answered from. What cannot be published (a right that
 * is missing) is said and tried again; the service answers all the same.
 */
export function createBi(deps: Omit<PublisherDeps, 'guests'>): Service {
  const publisher = new Publisher({ ...deps, guests: false });
  let timer: NodeJS.Timeout | undefined;
  let fault: string | null = null;
  let stopped = false;
  const attempt = async (): Promise<void> => {
    try {
      await publisher.start();
      fault = null;
    } catch (error) {
      fault = error instanceof Error ? error.message : String(error);
      deps.logger.warn({ err: error }, 'database bi could not be made; it is tried again');
      if (stopped) return;
      timer = setTimeout(() => void attempt(), RETRY_MS);
      timer.unref();
    }
  };
  return {
    start: attempt,
    async stop() {
      stopped = true;
      clearTimeout(timer);
      await publisher.stop();
    },
    health: (): Health => ({ live: true, ready: true, ...(fault === null ? {} : { detail: `database bi: ${fault}` }) }),
  };
}
