import { type EnqueueOptions, GiveUp, type JobPayload, JobRefused, PAYLOAD_BYTES_MAX, RetryAfter } from './port.ts';

const NAME_LENGTH_MAX = 512;
const encoder = new TextEncoder();

/** The payload's JSON. Both adapters refuse the same. */
export function payloadText(payload: JobPayload): string {
  const text = JSON.stringify(payload);
  const bytes = encoder.encode(text).byteLength;
  if (bytes > PAYLOAD_BYTES_MAX) {
    throw new JobRefused(
      'payload_too_large',
      `a job's payload of ${bytes} bytes is over the limit of ${PAYLOAD_BYTES_MAX}: give it names and identifiers, the values are in the log`,
    );
  }
  return text;
}

export function checkName(kind: 'queue' | 'key' | 'id', name: string): void {
  if (name.length > 0 && name.length <= NAME_LENGTH_MAX) return;
  throw new JobRefused(
    'name_invalid',
    `a job's ${kind} needs 1 to ${NAME_LENGTH_MAX} characters, this one has ${name.length}`,
  );
}

export function checkInterval(everyMs: number): void {
  if (Number.isSafeInteger(everyMs) && everyMs > 0) return;
  throw new JobRefused(
    'interval_invalid',
    `a schedule's interval is a whole number of milliseconds above 0, not ${everyMs}`,
  );
}

/**
 * What follows a failed attempt: the time until the next one, or `null` when there is none. Doubling from `firstMs` to
 * `maxMs` with jitter of the upper half, so that jobs that failed together do not come back together; `random` is in [0, 1).
 */
export function retryDelayMs(
  error: unknown,
  attempt: number,
  attemptsMax: number,
  backoff: NonNullable<EnqueueOptions['backoff']>,
  random: () => number,
): number | null {
  if (error instanceof GiveUp || attempt >= attemptsMax) return null;
  if (error instanceof RetryAfter) return Math.max(0, error.delayMs);
  const full = Math.min(backoff.maxMs, backoff.firstMs * 2 ** Math.min(attempt - 1, 30));
  return Math.round(full * (0.5 + 0.5 * random()));
}

/** The first run after `now` of a schedule that began at `anchor`. */
export function nextRun(anchor: number, everyMs: number, now: number): number {
  return anchor > now ? anchor : anchor + (Math.floor((now - anchor) / everyMs) + 1) * everyMs;
}
