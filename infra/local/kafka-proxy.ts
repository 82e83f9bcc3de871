import { connect, createServer, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** Kinds of requests by their number in Kafka's protocol; answers come in the order of the requests of a connection. */
const APIS = { produce: 0, fetch: 1 } as const;
export type Api = keyof typeof APIS;

/**
 * What can befall a request or its answer: the broker has taken it and the client never hears; the socket ends in the middle of the
 * request; in the middle of the answer; or nothing passes any more while both sides believe that they are connected.
 */
export const NETWORK_FAULTS = ['answer lost', 'request cut', 'answer cut', 'half open'] as const;
export type NetworkFault = (typeof NETWORK_FAULTS)[number];

interface Armed {
  readonly fault: NetworkFault;
  readonly api: Api;
}

/**
 * A network between clients and a broker that misbehaves when told. The broker advertises this proxy's port (`advertisedPort` of
 * `startKafka`), so that no client finds a way around it.
 */
export interface KafkaProxy {
  readonly port: number;
  /** The next so many requests of that kind suffer the fault, whichever connection they come by. */
  arm(fault: NetworkFault, api: Api, times?: number): void;
  /** Faults that are armed and have met no request yet. */
  readonly armed: number;
  disarm(): void;
  /** Faults that have struck, by name. */
  readonly struck: Readonly<Record<NetworkFault, number>>;
  /** How long every message waits, each way. */
  delayMs: number;
  /** From now on nothing passes on the connections that are open; new ones work. */
  silence(): void;
  /** Ends every connection at once. */
  cutAll(): void;
  stop(): Promise<void>;
}

export async function startKafkaProxy(targetPort: () => number): Promise<KafkaProxy> {
  const links = new Set<Link>();
  const rules = new Rules();
  const server = createServer((client) => {
    const link = new Link(client, connect({ host: '127.0.0.1', port: targetPort() }), rules);
    links.add(link);
    link.ended = () => links.delete(link);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the proxy has no port');
  return {
    port: address.port,
    arm: (fault, api, times = 1) => {
      for (let n = 0; n < times; n++) rules.armed.push({ fault, api });
    },
    get armed() {
      return rules.armed.length;
    },
    disarm: () => {
      rules.armed.length = 0;
    },
    struck: rules.struck,
    get delayMs() {
      return rules.delayMs;
    },
    set delayMs(ms) {
      rules.delayMs = ms;
    },
    silence: () => {
      for (const link of links) link.silence();
    },
    cutAll: () => {
      for (const link of links) link.cut();
    },
    stop: async () => {
      for (const link of links) link.cut();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

class Rules {
  readonly armed: Armed[] = [];
  readonly struck: Record<NetworkFault, number> = {
    'answer lost': 0,
    'request cut': 0,
    'answer cut': 0,
    'half open': 0,
  };
  delayMs = 0;

  /** The first fault that is armed for such a request and strikes in this direction. */
  take(api: number, faults: readonly NetworkFault[]): NetworkFault | undefined {
    const index = this.armed.findIndex((one) => APIS[one.api] === api && faults.includes(one.fault));
    const [taken] = index < 0 ? [] : this.armed.splice(index, 1);
    if (taken !== undefined) this.struck[taken.fault]++;
    return taken?.fault;
  }
}

/** One connection, by whole messages: a length of four bytes, and in requests the kind in the next two. */
class Link {
  ended: () => void = () => undefined;
  readonly #client: Socket;
  readonly #broker: Socket;
  readonly #rules: Rules;
  /** Kinds of the requests that were passed on and not answered yet. */
  readonly #waiting: number[] = [];
  #silent = false;
  #over = false;

  constructor(client: Socket, broker: Socket, rules: Rules) {
    this.#client = client;
    this.#broker = broker;
    this.#rules = rules;
    for (const socket of [client, broker]) {
      socket.setNoDelay(true);
      // Connections of a test break on purpose; the other side is told by its own socket's end, unless nothing passes.
      socket.on('error', () => this.#lost()).on('close', () => this.#lost());
    }
    void this.#pass(client, (message) => this.#request(message));
    void this.#pass(broker, (message) => this.#answer(message));
  }

  silence(): void {
    this.#silent = true;
  }

  cut(): void {
    if (this.#over) return;
    this.#over = true;
    this.#client.destroy();
    this.#broker.destroy();
    this.ended();
  }

  /** A side that is lost behind a silent network is lost without a word. */
  #lost(): void {
    if (this.#silent && !this.#client.destroyed) return;
    this.cut();
  }

  async #pass(from: Socket, each: (message: Buffer) => void): Promise<void> {
    try {
      for await (const message of messagesOf(from)) {
        if (this.#rules.delayMs > 0) await sleep(this.#rules.delayMs);
        if (this.#over) return;
        if (!this.#silent) each(message);
      }
    } catch {
      // The socket was reset: `error` has told so.
    }
  }

  #request(message: Buffer): void {
    const api = message.readInt16BE(4);
    const fault = this.#rules.take(api, ['request cut', 'half open']);
    if (fault === 'half open') {
      this.silence();
      return;
    }
    if (fault === 'request cut') {
      this.#broker.write(message.subarray(0, Math.ceil(message.length / 2)), () => this.cut());
      return;
    }
    this.#waiting.push(api);
    this.#broker.write(message);
  }

  #answer(message: Buffer): void {
    const api = this.#waiting.shift() ?? -1;
    const fault = this.#rules.take(api, ['answer lost', 'answer cut']);
    if (fault === 'answer lost') this.cut();
    else if (fault === 'answer cut')
      this.#client.write(message.subarray(0, Math.ceil(message.length / 2)), () => this.cut());
    else this.#client.write(message);
  }
}

async function* messagesOf(socket: Socket): AsyncIterable<Buffer> {
  let parts: Buffer[] = [];
  let held = 0;
  let needed = 4;
  for await (const bytes of socket) {
    parts.push(Buffer.from(bytes));
    held += parts.at(-1)?.length ?? 0;
    if (held < needed) continue;
    let rest: Buffer = Buffer.concat(parts);
    for (needed = 4; rest.length >= 4; needed = 4) {
      needed = 4 + rest.readInt32BE(0);
      if (rest.length < needed) break;
      yield rest.subarray(0, needed);
      rest = rest.subarray(needed);
    }
    parts = [rest];
    held = rest.length;
  }
}
