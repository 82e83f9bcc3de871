import { factTypeOf } from '@paceline/events';
import type { Appended, LogMessage } from '@paceline/log';
import type { Life } from './life.ts';
import type { LogTap } from './process-log.ts';

interface Seen {
  /** Offset of the tick in flight. */
  inFlight: number | null;
  /** What this life has committed itself: the answer to an append may come after what was appended is judged. */
  committed: number;
}

/**
 * Looks over the shoulder of every append: a processor never appends a tick while one that it appended, and knows to be in the
 * log, is not judged yet.
 */
export class TickWatch implements LogTap {
  readonly faults: string[] = [];
  /** A tick that somebody asks for comes besides those that are due. */
  asked = false;
  readonly #lives = new Map<Life, Map<string, Seen>>();

  /** Of one reader: whoever has the topic when it comes back knows nothing of an append whose answer is still on its way. */
  appending(life: Life, topic: string, messages: readonly LogMessage[]): ((answer: Appended) => void) | undefined {
    if (!messages.some(({ headers }) => factTypeOf(headers) === 'tick')) return undefined;
    const seen = this.#seen(life, topic);
    return ({ baseOffset }) => {
      if (seen.inFlight !== null && !this.asked) {
        const [first, second] = [seen.inFlight, baseOffset].sort((left, right) => left - right);
        this.faults.push(
          `${topic}: two ticks in flight: ${life.name} appended one at ${second} before that at ${first} was judged`,
        );
      }
      seen.inFlight = seen.committed > baseOffset ? null : baseOffset;
    };
  }

  /** A topic that comes anew, or back, is read by somebody who knows nothing of ticks before. */
  assigned(life: Life, topic: string): void {
    this.#lives.get(life)?.delete(topic);
  }

  committed(life: Life, topic: string, next: number): void {
    const seen = this.#seen(life, topic);
    seen.committed = next;
    if (seen.inFlight !== null && next > seen.inFlight) seen.inFlight = null;
  }

  #seen(life: Life, topic: string): Seen {
    const topics = this.#lives.get(life) ?? new Map<string, Seen>();
    this.#lives.set(life, topics);
    const seen = topics.get(topic) ?? { inFlight: null, committed: 0 };
    topics.set(topic, seen);
    return seen;
  }
}
