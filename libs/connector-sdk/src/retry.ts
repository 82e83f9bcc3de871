/** What to do with one response. A connector may replace the table for its API's own habits. */
export type RetryAction = 'ok' | 'fail' | 'retry' | 'ignore' | 'rate_limited' | 'refresh_token' | 'reset_pagination';

export interface ResponseHead {
  readonly status: number;
  /** Lower-case names; repeated headers joined by comma. */
  readonly headers: Readonly<Record<string, string>>;
}

export type RetryTable = (head: ResponseHead) => RetryAction;

const RETRIED = new Set([408, 425, 500, 502, 503, 504, 520, 521, 522, 523, 524]);

/** 2xx is an answer, 429 (and 503 that says when) waits, 5xx and time-outs are tried again, the rest is for a person. */
export const defaultRetryTable: RetryTable = ({ status, headers }) => {
  if (status >= 200 && status < 300) return 'ok';
  if (status === 429) return 'rate_limited';
  if (status === 503 && headers['retry-after'] !== undefined) return 'rate_limited';
  return RETRIED.has(status) ? 'retry' : 'fail';
};

/** Milliseconds to wait from `Retry-After`, whose value is whole seconds or an HTTP date; `undefined` when it says nothing readable. */
export function retryAfterMs(header: string | undefined, now: number): number | undefined {
  if (header === undefined) return undefined;
  const text = header.trim();
  if (/^\d{1,9}$/.test(text)) return Number(text) * 1000;
  if (!/^[A-Za-z]{3,9},? /.test(text)) return undefined;
  const at = Date.parse(text);
  return Number.isNaN(at) ? undefined : Math.max(0, at - now);
}

/** Delay before the `attempt`-th retry (1 for the first): doubles from half a second to half a minute, spread downwards by half. */
export function retryDelayMs(attempt: number, random: () => number = Math.random): number {
  const full = Math.min(30_000, 500 * 2 ** Math.min(attempt - 1, 20));
  return Math.round(full * (1 - 0.5 * random()));
}
