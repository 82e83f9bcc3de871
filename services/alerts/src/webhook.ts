import { ConnectorFault, createBudgets, createHttp, type Egress, openSecrets } from '@paceline/connector-sdk';
import type { ChannelDocument } from '@paceline/domain';
import { type Clock, type Logger, systemClock } from '@paceline/runtime';
import { Webhook } from 'standardwebhooks';
import type { AlertMessage } from './message.ts';

/** What one try led to. `retry` may name a delay the receiver asked for. */
export type Sent =
  | { readonly outcome: 'delivered'; readonly status: number }
  | { readonly outcome: 'retry'; readonly status?: number; readonly message: string; readonly afterMs?: number }
  | { readonly outcome: 'failed' | 'disabled'; readonly status?: number; readonly message: string };

export interface WebhookOptions {
  readonly egress: Egress;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly projectDir?: string;
  readonly timeoutMs?: number;
}

const TIMEOUT_MS = 15_000;
const ANSWER_BYTES_MAX = 64 * 1024;
/** Answers that may turn out otherwise by waiting; every other 4xx is final. */
const TEMPORARY: readonly number[] = [408, 425, 429];

/** Sends one message per Standard Webhooks: `webhook-id`, `webhook-timestamp`, `webhook-signature` over id, time and body. */
export async function sendWebhook(
  channel: ChannelDocument,
  id: string,
  message: AlertMessage,
  options: WebhookOptions,
  signal: AbortSignal,
): Promise<Sent> {
  const secrets = openSecrets({
    env: options.env,
    ...(options.projectDir === undefined ? {} : { dir: options.projectDir }),
  });
  const body = JSON.stringify(message);
  const { client, close } = createHttp({
    egress: options.egress,
    clock: options.clock,
    logger: options.logger,
    metrics: { requests: 0, retries: 0, bytesRead: 0 },
    budgets: createBudgets(options.clock),
    signal,
    userAgent: 'paceline-alerts',
  });
  try {
    const [url, secret] = (await secrets.resolve([channel.spec.url, channel.spec.secret ?? ''])) as [string, string];
    // Receivers compare it with their own clock and refuse old messages: it is the machine's time even where ours is played.
    const sentAt = new Date(systemClock.now());
    const answer = await client.send({
      url,
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'webhook-id': id,
        'webhook-timestamp': String(Math.floor(sentAt.getTime() / 1000)),
        ...(secret === '' ? {} : { 'webhook-signature': signatures(secret, id, sentAt, body) }),
      },
      body,
      attemptsMax: 1,
      bodyBytesMax: ANSWER_BYTES_MAX,
      timeoutMs: options.timeoutMs ?? TIMEOUT_MS,
      // Every answer is read here: what a status means for a delivery is decided below, once.
      table: () => 'ok',
    });
    return judge(answer.status, answer.headers['retry-after'], options.clock.now());
  } catch (error) {
    return refusal(error, secrets.redactor.text.bind(secrets.redactor));
  } finally {
    await close();
  }
}

/** While a secret is rotated its text holds several, with spaces; one signature of each is sent. */
function signatures(secret: string, id: string, at: Date, body: string): string {
  return secret
    .trim()
    .split(/\s+/)
    .map((one) => new Webhook(one).sign(id, at, body))
    .join(' ');
}

function judge(status: number, retryAfter: string | undefined, nowMs: number): Sent {
  if (status >= 200 && status < 300) return { outcome: 'delivered', status };
  const message = `the receiver answered ${status}`;
  if (status === 410) return { outcome: 'disabled', status, message: `${message}: the endpoint is gone` };
  if (status >= 500 || TEMPORARY.includes(status)) {
    const afterMs = retryAfterDelay(retryAfter, nowMs);
    return { outcome: 'retry', status, message, ...(afterMs === undefined ? {} : { afterMs }) };
  }
  return { outcome: 'failed', status, message };
}

/** Both forms of Retry-After: seconds, or a date. At most a day, because a receiver must not silence us for ever. */
export function retryAfterDelay(text: string | undefined, nowMs: number): number | undefined {
  if (text === undefined) return undefined;
  const seconds = /^\d{1,9}$/.test(text.trim()) ? Number(text) : undefined;
  const ms = seconds === undefined ? Date.parse(text) - nowMs : seconds * 1000;
  return Number.isFinite(ms) ? Math.min(Math.max(ms, 0), 86_400_000) : undefined;
}

/** A channel that is wired wrongly cannot be cured by waiting, but its owner may repair it: it is tried again, slowly. */
function refusal(error: unknown, redact: (text: string) => string): Sent {
  if (!(error instanceof ConnectorFault)) throw error;
  const message = redact(`${error.message}${error.remedy === null ? '' : ` ${error.remedy}`}`);
  return { outcome: 'retry', message, ...(error.kind === 'config' ? { afterMs: 300_000 } : {}) };
}
