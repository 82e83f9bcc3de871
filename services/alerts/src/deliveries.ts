import { randomUUID } from 'node:crypto';
import type { ChannelDocument, Instant, Position, Suppression } from '@paceline/domain';
import { ALERTS_TOPIC, type DeliveryAttempt, decodeAlertRecord, encodeAlertRecord } from '@paceline/events';
import { GiveUp, type Job, type Jobs, RetryAfter, type Worker } from '@paceline/jobs';
import type { EventLog, LogRecord, Subscription } from '@paceline/log';
import {
  type Clock,
  describeError,
  type Health,
  type Logger,
  type Metrics,
  type Service,
  Trouble,
} from '@paceline/runtime';
import { DeliveryBook, deliveryKey, type PendingDelivery } from './book.ts';
import { alertMessage, idempotencyKey } from './message.ts';
import { suppressedBy } from './suppression.ts';
import { type Sent, sendWebhook, type WebhookOptions } from './webhook.ts';

export const DELIVERY_QUEUE = 'deliveries';
const GROUP = 'alerts';
const DAY_MS = 86_400_000;
/** A job may come this much before its time, by rounding and clocks. */
const EARLY_MS = 250;
/** Until it is looked again whether the job that tries the same delivery is done. */
const TRYING_MS = 500;

/** What deliveries need of the workspaces' definitions and of what people said. */
export interface ChannelBook {
  channel(
    workspace: string,
    name: string,
  ): { readonly document: ChannelDocument; readonly recordedAt: Instant } | undefined;
  suppression(workspace: string): Suppression;
  /**
   * Whether everything that was said in a workspace up to a position has been read: before that a channel may seem to be missing.
   * Waits a moment for it.
   */
  knows(workspace: string, at: Position): Promise<boolean>;
}

export interface DeliveriesDeps {
  readonly log: EventLog;
  readonly jobs: Jobs;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly channels: ChannelBook;
  readonly webhook: Omit<WebhookOptions, 'clock' | 'logger'>;
  readonly random?: () => number;
  readonly options?: DeliveryOptions;
}

export interface DeliveryOptions {
  /** First wait between tries; it doubles. */
  readonly firstRetryMs?: number;
  readonly retryMsMax?: number;
  /** Tries end this long after the transition. */
  readonly giveUpAfterMs?: number;
  /** A transition first seen this long after it was recorded is not sent. */
  readonly expireAfterMs?: number;
  readonly concurrency?: number;
  /** How often jobs of what is owed are looked for, in case the queue was emptied. */
  readonly reconcileMs?: number;
}

const DEFAULTS: Required<DeliveryOptions> = {
  firstRetryMs: 5_000,
  retryMsMax: 3_600_000,
  giveUpAfterMs: 3 * DAY_MS,
  expireAfterMs: DAY_MS,
  concurrency: 8,
  reconcileMs: 10_000,
};

export interface Deliveries extends Service {
  readonly book: DeliveryBook;
  /** Resolves once every transition up to the log's present end has been tried at least once, or the time is over. */
  settled(timeoutMs: number): Promise<boolean>;
}

/**
 * Hands transitions to their channels. Truth is the topic `alerts`: transitions and every try stand there; jobs hold only ids and
 * are made again from it. Delivery is at least once, under one idempotency key.
 */
export function createDeliveries(deps: DeliveriesDeps): Deliveries {
  const options = { ...DEFAULTS, ...deps.options };
  const random = deps.random ?? Math.random;
  const book = new DeliveryBook();
  /** Owed at the start and not tried since. */
  const starting = new Set<string>();
  /** Being tried by a job of this process now. */
  const trying = new Set<string>();
  let subscription: Subscription | null = null;
  let worker: Worker | null = null;
  let readTo = 0;
  let live = false;
  let reconciling: NodeJS.Timeout | null = null;
  const trouble = new Trouble(deps.clock);

  const fold = (record: LogRecord): PendingDelivery[] => {
    readTo = record.offset + 1;
    const decoded = decodeAlertRecord(record);
    if (decoded.ok) return book.apply(decoded.record, decoded.recordedAt);
    deps.metrics.deadLetters.inc({ code: decoded.code });
    deps.logger.warn(
      { offset: record.offset, code: decoded.code, why: decoded.message },
      'an alert record cannot be read; it stays in the topic',
    );
    return [];
  };

  /**
   * `afresh`: at a start everything owed is tried at once, because a restart often is the cure (an address allowed, a secret
   * put in place). It is a job of its own beside the one that waits for its time.
   */
  const enqueue = async (owed: PendingDelivery, afresh = false): Promise<void> => {
    const key = deliveryKey(owed.workspace, owed.transition.id, owed.channel);
    if (afresh) starting.add(key);
    await deps.jobs.enqueue(
      DELIVERY_QUEUE,
      afresh && owed.attempts > 0 ? `${key}/${owed.attempts}` : key,
      { workspace: owed.workspace, transition: owed.transition.id, channel: owed.channel, afresh },
      // The book decides when to stop; the bound only keeps a defect from running for ever.
      { attemptsMax: 1000, backoff: { firstMs: options.firstRetryMs, maxMs: options.retryMsMax } },
    );
  };

  /** Jobs hold no truth: what the queue has lost is put back, what it has stays as it is. */
  const reconcile = async (): Promise<void> => {
    if (!live) return;
    try {
      for (const owed of [...book.pending()]) {
        // What is tried now as at every start has its own job.
        if (!starting.has(deliveryKey(owed.workspace, owed.transition.id, owed.channel))) await enqueue(owed);
      }
    } catch (error) {
      deps.logger.warn({ err: error }, 'the job queue of deliveries cannot be reached; it is tried again');
    }
  };

  const record = async (
    owed: PendingDelivery,
    attempt: Omit<DeliveryAttempt, 'transition' | 'channel' | 'at'>,
  ): Promise<void> => {
    const delivery: DeliveryAttempt = {
      transition: owed.transition.id,
      channel: owed.channel,
      at: deps.clock.now(),
      ...attempt,
    };
    const entry = { type: 'delivery', workspace: owed.workspace, delivery } as const;
    await deps.log.append(ALERTS_TOPIC, [encodeAlertRecord(entry, { id: randomUUID(), source: 'alerts' })]);
    // The subscription will read it again; folding it now keeps a second job from sending meanwhile.
    book.apply(entry, delivery.at);
    deps.metrics.deliveries.inc({ channel: 'webhook', outcome: attempt.outcome });
  };

  const run = async (job: Job): Promise<void> => {
    const { workspace, transition, channel } = job.payload;
    const key = deliveryKey(String(workspace), String(transition), String(channel));
    // The job that waited for its time and the one that tries afresh at a start may come at once: one of them sends.
    if (trying.has(key)) throw new RetryAfter(TRYING_MS, 'another job tries it now');
    trying.add(key);
    try {
      await attempt(job);
    } finally {
      trying.delete(key);
      starting.delete(key);
    }
  };

  const attempt = async (job: Job): Promise<void> => {
    const owed = book.find(String(job.payload.workspace), String(job.payload.transition), String(job.payload.channel));
    if (owed === undefined) return;
    // Another job of the same delivery has tried meanwhile and put the next try off.
    const waitMs = (owed.nextAt ?? 0) - deps.clock.now();
    if (waitMs > EARLY_MS && !(job.payload.afresh === true && job.attempt === 1)) {
      throw new RetryAfter(waitMs, 'it is tried again later');
    }
    if (!(await deps.channels.knows(owed.workspace, owed.transition.position)))
      throw new RetryAfter(500, 'definitions are still being read');
    const decided = decideWithoutSending(owed);
    if (decided !== null) {
      await record(owed, decided);
      return;
    }
    const { document } = deps.channels.channel(owed.workspace, owed.channel)!;
    const sent = await sendWebhook(
      document,
      idempotencyKey(owed.transition.id, owed.channel),
      alertMessage(owed.workspace, owed.transition),
      { ...deps.webhook, clock: deps.clock, logger: deps.logger },
      job.signal,
    );
    await settle(owed, sent);
  };

  const decideWithoutSending = (
    owed: PendingDelivery,
  ): Omit<DeliveryAttempt, 'transition' | 'channel' | 'at'> | null => {
    const now = deps.clock.now();
    if (owed.attempts === 0 && now - owed.transition.recordedAt > options.expireAfterMs) {
      return { outcome: 'expired', attempt: 0, message: 'first seen more than a day after it happened' };
    }
    const channel = deps.channels.channel(owed.workspace, owed.channel);
    if (channel === undefined) {
      return {
        outcome: 'failed',
        attempt: owed.attempts,
        message: `no channel ${owed.channel} is defined; define it or take it out of the rule`,
      };
    }
    const disabledAt = book.disabledAt(owed.workspace, owed.channel);
    if (disabledAt !== undefined && disabledAt >= channel.recordedAt) {
      return {
        outcome: 'suppressed',
        attempt: owed.attempts,
        message: 'the endpoint said it is gone (410); apply the channel anew to enable it',
      };
    }
    const why = suppressedBy(deps.channels.suppression(owed.workspace), owed.transition, now);
    return why === null ? null : { outcome: 'suppressed', attempt: owed.attempts, message: why };
  };

  const settle = async (owed: PendingDelivery, sent: Sent): Promise<void> => {
    const attempt = owed.attempts + 1;
    if (sent.outcome !== 'retry') {
      const { outcome, status } = sent;
      const message = 'message' in sent ? { message: sent.message } : {};
      await record(owed, { outcome, attempt, ...(status === undefined ? {} : { status }), ...message });
      if (outcome === 'delivered') return;
      deps.logger.error(
        { channel: owed.channel, subject: owed.transition.subject, ...message },
        'an alert could not be delivered and is not tried again',
      );
      throw new GiveUp(`${owed.channel}: ${outcome}`);
    }
    const now = deps.clock.now();
    const backoff = Math.min(options.firstRetryMs * 2 ** Math.min(attempt - 1, 30), options.retryMsMax);
    const delayMs = Math.round(Math.max(sent.afterMs ?? 0, backoff * (0.5 + random() / 2)));
    const status = sent.status === undefined ? {} : { status: sent.status };
    if (now + delayMs - owed.seenAt > options.giveUpAfterMs) {
      await record(owed, {
        outcome: 'failed',
        attempt,
        ...status,
        message: `${sent.message}; given up after ${attempt} tries`,
      });
      deps.logger.error(
        { channel: owed.channel, subject: owed.transition.subject, attempts: attempt },
        'an alert could not be delivered in time',
      );
      throw new GiveUp(`${owed.channel}: tried ${attempt} times`);
    }
    await record(owed, { outcome: 'retry', attempt, ...status, message: sent.message, nextAt: now + delayMs });
    deps.logger.warn(
      { channel: owed.channel, subject: owed.transition.subject, attempt, delayMs, why: sent.message },
      'a delivery is tried again',
    );
    throw new RetryAfter(delayMs, sent.message);
  };

  return {
    book,
    async start() {
      await deps.log.ensureTopic(ALERTS_TOPIC);
      subscription = await deps.log.subscribe({
        group: GROUP,
        prefix: ALERTS_TOPIC,
        // Whoever gets the topic reads it whole: what is owed is a fold of all of it, and only then are jobs made.
        assigned: async () => {
          const end = await deps.log.end(ALERTS_TOPIC);
          for await (const records of deps.log.read(ALERTS_TOPIC, { from: 0, to: end }))
            for (const one of records) fold(one);
          for (const owed of [...book.pending()]) await enqueue(owed, true);
          readTo = end;
          live = true;
          trouble.clear();
          return end;
        },
        revoked: async () => {
          live = false;
        },
        batch: async (records, context) => {
          for (const one of records) for (const owed of fold(one)) await enqueue(owed);
          const last = records.at(-1);
          if (last !== undefined) await context.commit(last.offset + 1);
          trouble.clear();
        },
        failed: (error) => {
          trouble.tell(describeError(error));
          deps.logger.warn({ err: error }, 'reading alerts failed; it is tried again');
        },
      });
      worker = await deps.jobs.work(DELIVERY_QUEUE, {
        concurrency: options.concurrency,
        run,
        failed: (error) => deps.logger.warn({ err: error }, 'the job queue of deliveries failed; it is tried again'),
      });
      reconciling = setInterval(() => void reconcile(), options.reconcileMs);
      reconciling.unref();
    },
    async stop() {
      if (reconciling !== null) clearInterval(reconciling);
      await worker?.stop();
      await subscription?.stop();
      worker = null;
      subscription = null;
    },
    health(): Health {
      const { message } = trouble;
      if (message !== null) return { live: true, ready: false, detail: message };
      return {
        live: true,
        ready: live,
        behind: { deliveries: book.size },
        ...(live ? {} : { detail: 'waits for its turn to read alerts' }),
      };
    },
    async settled(timeoutMs) {
      const deadline = performance.now() + timeoutMs;
      const end = await deps.log.end(ALERTS_TOPIC);
      while (!live || readTo < end || starting.size > 0 || [...book.pending()].some((owed) => owed.attempts === 0)) {
        if (performance.now() > deadline) return false;
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
      return true;
    },
  };
}
