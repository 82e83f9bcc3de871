import { setTimeout as sleep } from 'node:timers/promises';

/** Where the server answers now; it moves when it is started again. */
export interface Target {
  readonly url: () => string;
}

export interface Pushed {
  /** Tries that got no answer, or one that asks to try again. */
  readonly retries: number;
}

interface Answer {
  readonly accepted: number;
  readonly rejectedCount: number;
}

const TIMEOUT_MS = 30_000;
const WAIT_MS = 100;
const GIVE_UP_MS = 300_000;

/**
 * Pushes one batch as a good client does: under its idempotency key, again and again until it is acknowledged. A lost answer leaves it
 * in doubt whether the batch was taken, and sending it again settles that.
 */
export async function pushUntilTaken(
  target: Target,
  key: string,
  body: string,
  points: number,
  signal: AbortSignal,
): Promise<Pushed> {
  const deadline = performance.now() + GIVE_UP_MS;
  for (let retries = 0; ; retries++) {
    const answer = await tryPush(target, key, body);
    if (answer !== null) {
      if (answer.accepted !== points || answer.rejectedCount !== 0)
        throw new Error(`of ${points} points ${answer.accepted} were taken and ${answer.rejectedCount} refused`);
      return { retries };
    }
    if (performance.now() > deadline) throw new Error(`batch ${key} was not taken within ${GIVE_UP_MS} ms`);
    await sleep(WAIT_MS, undefined, { signal });
  }
}

/** `null`: try again. */
async function tryPush(target: Target, key: string, body: string): Promise<Answer | null> {
  let response: Response;
  let text: string;
  try {
    response = await fetch(`${target.url()}/v1/observations`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-ndjson', 'idempotency-key': key },
      body,
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    text = await response.text();
  } catch {
    // Refused, reset or cut off: the server is gone, or was just killed.
    return null;
  }
  if (response.status === 202) return JSON.parse(text);
  if (response.status === 429 || response.status >= 500) return null;
  throw new Error(`a push was answered ${response.status}: ${text.slice(0, 500)}`);
}
