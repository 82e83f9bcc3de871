import { type Api, ApiError } from './api.ts';
import type { StatusNews } from './wire.ts';

/** `live`: news come as they happen; `polling`: they are asked for; `lost`: the server does not answer. */
export type Connection = 'connecting' | 'live' | 'polling' | 'lost';

export interface LiveHandlers {
  readonly onConnection: (connection: Connection) => void;
  readonly onNews: (news: StatusNews) => void;
  /** Asks for everything again; rejects when the server does not answer. */
  readonly poll: () => Promise<void>;
}

const POLL_MS = 10_000;
const RETRY_MS_MIN = 1_000;
const RETRY_MS_MAX = 30_000;

/**
 * Follows the status by server-sent events. While the stream cannot be had, everything is asked for every ten seconds, and
 * the stream is tried again, less and less often. Returns how to stop.
 */
export function followStatus(api: Api, handlers: LiveHandlers): () => void {
  const stopped = new AbortController();
  const { signal } = stopped;
  let last: string | null = null;
  let isOpen = false;

  const stream = async (): Promise<void> => {
    let retryMs = RETRY_MS_MIN;
    while (!signal.aborted) {
      try {
        await api.news(last, signal, {
          onOpen() {
            isOpen = true;
            retryMs = RETRY_MS_MIN;
            handlers.onConnection('live');
          },
          onNews(id, news) {
            last = id;
            handlers.onNews(news);
          },
        });
      } catch (error) {
        // Why there is no stream is told by what polling meets: the same server, asked plainly.
        if (!signal.aborted && error instanceof ApiError && error.code === 'invalid_position') last = null;
      }
      isOpen = false;
      if (signal.aborted) return;
      await pause(retryMs, signal);
      retryMs = Math.min(RETRY_MS_MAX, retryMs * 2);
    }
  };

  const poll = async (): Promise<void> => {
    while (!signal.aborted) {
      await pause(POLL_MS, signal);
      if (signal.aborted || isOpen || document.hidden) continue;
      try {
        await handlers.poll();
        if (!isOpen) handlers.onConnection('polling');
      } catch (error) {
        if (!signal.aborted)
          handlers.onConnection(error instanceof ApiError && error.code === 'unreachable' ? 'lost' : 'polling');
      }
    }
  };

  handlers.onConnection('connecting');
  void stream();
  void poll();
  return () => stopped.abort();
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = window.setTimeout(resolve, ms);
    signal.addEventListener('abort', () => {
      window.clearTimeout(timer);
      resolve();
    });
  });
}
