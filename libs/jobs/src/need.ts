import { openBullJobs, REFUSED } from './bullmq.ts';
import type { Jobs } from './port.ts';

/** Where Redis is, as configured. */
export interface RedisAddress {
  readonly url: string;
  readonly tls: boolean;
  readonly user: string | null;
  readonly password: string | null;
}

export interface RedisNeedOptions {
  /** In [0, 1): jitter of retries. */
  readonly random: () => number;
  /** How often schedules are looked for, in case Redis was emptied. */
  readonly reconcileMs?: number;
  readonly logger: { warn(fields: Readonly<Record<string, unknown>>, message: string): void };
}

const AWAY =
  /^(LOADING|MASTERDOWN|READONLY|CLUSTERDOWN|BUSY|OOM)|Connection is closed|connect|Reached the max retries/i;

/** Jobs on Redis as a process needs them: how they are opened, asked for, and what an error means. */
export function redisNeed(address: RedisAddress, options: RedisNeedOptions) {
  const url = new URL(address.url);
  if (address.tls) url.protocol = 'rediss:';
  const { logger, ...rest } = options;
  return {
    what: `Redis at ${url.host}`,
    open: (): Promise<Jobs> =>
      openBullJobs({
        url: url.href,
        ...(address.user === null ? {} : { username: address.user }),
        ...(address.password === null ? {} : { password: address.password }),
        reconcileMs: RECONCILE_MS,
        ...rest,
        failed: rarely((error) => logger.warn({ err: error }, 'Redis failed; it is tried again')),
      }),
    probe: async (jobs: Jobs): Promise<void> => {
      await jobs.counts(PROBED);
    },
    judge(error: unknown): 'refused' | 'away' | undefined {
      if (!(error instanceof Error)) return undefined;
      if (REFUSED.test(error.message)) return 'refused';
      const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
      return NETWORK.has(code) || AWAY.test(error.message) ? 'away' : undefined;
    },
  };
}

/** Every connection tells of every try: one in a while is enough. */
function rarely(tell: (error: unknown) => void): (error: unknown) => void {
  let last = Number.NEGATIVE_INFINITY;
  return (error) => {
    const now = performance.now();
    if (now - last < TELL_MS) return;
    last = now;
    tell(error);
  };
}

const TELL_MS = 5_000;
/** Sooner than the default, as a schedule that is missing delays numbers. */
const RECONCILE_MS = 10_000;
/** Any queue tells whether Redis answers. */
const PROBED = 'sources';
const NETWORK = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
]);
