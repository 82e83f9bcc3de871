import { setTimeout as sleep } from 'node:timers/promises';

export interface Request {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly body?: string;
  readonly type?: string;
  /** Idempotency key. */
  readonly key?: string;
}

export interface Answered<Body> {
  readonly body: Body;
  /** Tries before that got no answer, or one that asks to try again. */
  readonly retries: number;
}

const TIMEOUT_MS = 30_000;
const WAIT_MS = 100;
const GIVE_UP_MS = 300_000;

/**
 * Asks as a good client does: again and again until there is an answer, a write under its idempotency key. A lost answer leaves it in
 * doubt whether a write was taken, and sending it again settles that. Where the server answers moves when it is started again.
 */
export async function askUntilAnswered<Body>(
  url: () => string,
  request: Request,
  signal: AbortSignal,
): Promise<Answered<Body>> {
  const deadline = performance.now() + GIVE_UP_MS;
  for (let retries = 0; ; retries++) {
    const tried = await ask(url(), request);
    if (tried.ok) return { body: JSON.parse(tried.text), retries };
    const what = `${request.method} ${request.path}`;
    if (!tried.again) throw new Error(`${what} was answered ${tried.text}`);
    if (performance.now() > deadline) throw new Error(`${what} got no answer within ${GIVE_UP_MS} ms: ${tried.text}`);
    await sleep(WAIT_MS, undefined, { signal });
  }
}

type Tried =
  | { readonly ok: true; readonly text: string }
  | { readonly ok: false; readonly again: boolean; readonly text: string };

/** One try. A refusal that names what is wrong with the request is not tried again; everything else may pass. */
export async function ask(url: string, { method, path, body, type, key }: Request): Promise<Tried> {
  try {
    const response = await fetch(`${url}${path}`, {
      method,
      headers: {
        ...(body === undefined ? {} : { 'content-type': type ?? 'application/json' }),
        ...(key === undefined ? {} : { 'idempotency-key': key }),
      },
      ...(body === undefined ? {} : { body }),
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    const text = await response.text();
    if (response.ok) return { ok: true, text };
    // A read that waits for a position waits only so long, and asks to be asked again.
    const again = response.status === 429 || response.status >= 500 || text.includes('"position_unreached"');
    return { ok: false, again, text: `${response.status}: ${text.slice(0, 500)}` };
  } catch (error) {
    // Refused, reset or cut off: the server is gone, or was just killed.
    return { ok: false, again: true, text: String(error) };
  }
}
