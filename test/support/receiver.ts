import { Webhook } from 'standardwebhooks';
import { bodyOf, type Listening, listen } from './listen.ts';

export interface Message {
  /** `webhook-id`: the idempotency key of the delivery. */
  readonly id: string;
  readonly type: string;
  readonly data: Readonly<Record<string, unknown>>;
}

/** A receiver of alerts as a user would write one: it believes only what the vendor's own library verifies. */
export interface Receiver {
  readonly url: string;
  readonly port: number;
  readonly secret: string;
  /** Every message whose signature was right and that was answered with 2xx, in order of arrival. */
  readonly taken: readonly Message[];
  /** Keys of messages that were answered with the status of `answerWith`. */
  readonly turnedAway: readonly string[];
  /** Why messages were not believed. */
  readonly refused: readonly string[];
  /** From now on every message is answered so; 204 takes it. */
  answerWith(status: number): void;
  stop(): Promise<void>;
}

export async function startReceiver(secret: string, port = 0): Promise<Receiver> {
  const webhook = new Webhook(secret);
  const taken: Message[] = [];
  const turnedAway: string[] = [];
  const refused: string[] = [];
  let status = 204;
  const server: Listening = await listen(async (request, response) => {
    const body = await bodyOf(request);
    const headers = Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name, String(value)]));
    const id = headers['webhook-id'] ?? '';
    try {
      webhook.verify(body, headers);
    } catch (error) {
      refused.push(`${id}: ${error instanceof Error ? error.message : String(error)}`);
      response.writeHead(400).end();
      return;
    }
    if (status === 204) taken.push({ id, ...JSON.parse(body) });
    else turnedAway.push(id);
    response.writeHead(status).end();
  }, port);
  return {
    url: `${server.url}/hook`,
    port: server.port,
    secret,
    taken,
    turnedAway,
    refused,
    answerWith: (next) => {
      status = next;
    },
    stop: () => server.stop(),
  };
}
