import { systemClock } from '@paceline/runtime';

/** A terminal sends Ctrl+C to the launcher and to us, and the launcher hands it on: what comes this close is one. */
const SAME_MS = 500;

/** The first interruption stops in good order, a second one at once. */
export function onInterrupt(stop: (signal: NodeJS.Signals) => void): void {
  let first: number | null = null;
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      const now = systemClock.monotonic();
      if (first === null) {
        first = now;
        stop(signal);
      } else if (now - first > SAME_MS) process.exit(1);
    });
  }
}
