import { hash } from 'node:crypto';
import { type Clock, PacelineError } from '@paceline/runtime';

const KEYS_MAX = 10_000;
const KEPT_MS = 24 * 3_600_000;

interface Kept<Answer> {
  readonly digest: string;
  readonly answer: Promise<Answer>;
  readonly at: number;
}

/**
 * Answers kept by key for a day, so that a client that lost an answer gets the same one. In memory: after a restart a
 * repeated push is written again and changes nothing, because points are keyed.
 */
export class Idempotency<Answer> {
  readonly #clock: Pick<Clock, 'now'>;
  readonly #kept = new Map<string, Kept<Answer>>();

  constructor(clock: Pick<Clock, 'now'>) {
    this.#clock = clock;
  }

  /** Runs once for a key; a second call while the first runs waits for it. A failure is forgotten, because trying again is what its key is for. */
  async once(key: string, body: string, run: () => Promise<Answer>): Promise<Answer> {
    const digest = hash('sha256', body, 'base64url');
    const now = this.#clock.now();
    const known = this.#kept.get(key);
    if (known !== undefined && now - known.at < KEPT_MS) {
      if (known.digest !== digest)
        throw new PacelineError('idempotency_conflict', 'the idempotency key was used before for another body');
      return known.answer;
    }
    const answer = run();
    this.#kept.delete(key);
    this.#kept.set(key, { digest, answer, at: now });
    const oldest = this.#kept.keys().next();
    if (this.#kept.size > KEYS_MAX && oldest.done !== true) this.#kept.delete(oldest.value);
    try {
      return await answer;
    } catch (error) {
      this.#kept.delete(key);
      throw error;
    }
  }
}
