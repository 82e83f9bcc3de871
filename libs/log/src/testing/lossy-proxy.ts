import { connect, createServer, type Socket } from 'node:net';

const PRODUCE = 0;

/** A proxy in front of a broker that can lose answers to appends: the broker has the records, the client never hears. */
export interface LossyProxy {
  readonly port: number;
  /** How many answers to appends are still to be lost, each with its connection. */
  toLose: number;
  /** How many have been lost. */
  readonly lost: number;
  stop(): Promise<void>;
}

export async function startLossyProxy(targetPort: () => number): Promise<LossyProxy> {
  const sockets = new Set<Socket>();
  const state = { toLose: 0, lost: 0 };
  const server = createServer((client) => {
    const broker = connect({ host: '127.0.0.1', port: targetPort() });
    const requests = new RequestKinds();
    for (const socket of [client, broker]) {
      sockets.add(socket);
      const end = () => {
        client.destroy();
        broker.destroy();
        sockets.delete(socket);
      };
      // Connections of a test break on purpose; the other side is told by the destroyed socket.
      socket.on('error', end).on('close', end);
    }
    client.on('data', (bytes) => {
      requests.read(bytes);
      broker.write(bytes);
    });
    broker.on('data', (bytes) => {
      if (state.toLose > 0 && requests.last === PRODUCE) {
        state.toLose -= 1;
        state.lost += 1;
        client.destroy();
      } else client.write(bytes);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the proxy has no port');
  return {
    port: address.port,
    get toLose() {
      return state.toLose;
    },
    set toLose(count) {
      state.toLose = count;
    },
    get lost() {
      return state.lost;
    },
    stop: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

/** Reads the kinds of requests off a connection: frames of a length and an api key. */
class RequestKinds {
  last = -1;
  #left = 0;
  #head = Buffer.alloc(0);

  read(bytes: Buffer): void {
    let rest = bytes;
    while (rest.length > 0) {
      if (this.#left > 0) {
        const skipped = Math.min(this.#left, rest.length);
        this.#left -= skipped;
        rest = rest.subarray(skipped);
        continue;
      }
      this.#head = Buffer.concat([this.#head, rest]);
      if (this.#head.length < 6) return;
      this.last = this.#head.readInt16BE(4);
      rest = this.#head.subarray(6);
      this.#left = this.#head.readInt32BE(0) - 2;
      this.#head = Buffer.alloc(0);
    }
  }
}
