import { readFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Webhook } from 'standardwebhooks';

/** The two ends of the demo that lie outside Paceline: an API that serves unemployment by industry, and a receiver of alerts. */
export interface Outside {
  readonly feedUrl: string;
  readonly hookUrl: string;
  /** Messages received whose signature was right, by their ids: a second delivery under one id counts once. */
  readonly verified: ReadonlyMap<string, ReceivedAlert>;
  /** Messages whose signature was wrong. */
  readonly refused: number;
  /** From now on months before this day are published. */
  publish(day: string): void;
  stop(): Promise<void>;
}

export interface ReceivedAlert {
  readonly type: string;
  readonly timestamp: string;
  readonly summary: string;
}

interface UnemploymentRow {
  readonly industry: string;
  readonly year: number;
  readonly month: number;
  readonly unemployed: number;
  readonly rate: number;
}

const BODY_BYTES_MAX = 1024 * 1024;

/** `GET /unemployment?from=2008-01-01&to=2008-02-01` answers the months of that span; `POST /newsroom` verifies a Standard Webhook. */
export async function startOutside(
  dataFile: string,
  secret: string,
  received: (alert: ReceivedAlert) => void,
): Promise<Outside> {
  const rows = JSON.parse(await readFile(dataFile, 'utf8')) as readonly UnemploymentRow[];
  const webhook = new Webhook(secret);
  const verified = new Map<string, ReceivedAlert>();
  let refused = 0;
  let published = '0000';

  const feed = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://localhost');
    if (url.pathname !== '/unemployment') {
      answer(response, 404, { error: 'nothing here' });
      return;
    }
    const [from, to] = [url.searchParams.get('from') ?? '0000', url.searchParams.get('to') ?? '9999'];
    const within = rows.filter(({ year, month }) => {
      const day = `${year}-${String(month).padStart(2, '0')}-01`;
      return day >= from.slice(0, 10) && day < to.slice(0, 10) && day < published;
    });
    answer(response, 200, within);
  });
  const hook = createServer((request, response) => {
    void bodyOf(request)
      .then((body) => {
        const headers = Object.fromEntries(
          Object.entries(request.headers).map(([name, value]) => [name, String(value)]),
        );
        const message = webhook.verify(body, headers) as { type: string; timestamp: string; data: { summary: string } };
        const alert = { type: message.type, timestamp: message.timestamp, summary: message.data.summary };
        const id = headers['webhook-id'] ?? '';
        if (!verified.has(id)) received(alert);
        verified.set(id, alert);
        answer(response, 200, { ok: true });
      })
      .catch((error: unknown) => {
        refused += 1;
        answer(response, 400, { error: error instanceof Error ? error.message : String(error) });
      });
  });
  const [feedUrl, hookUrl] = [await listen(feed), await listen(hook)];
  return {
    feedUrl,
    hookUrl,
    verified,
    get refused() {
      return refused;
    },
    publish: (day) => {
      published = day;
    },
    stop: async () => {
      await Promise.all([close(feed), close(hook)]);
    },
  };
}

function answer(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(body));
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of request) {
    const bytes = part as Buffer;
    size += bytes.length;
    if (size > BODY_BYTES_MAX) throw new Error('the body is too large');
    parts.push(bytes);
  }
  return Buffer.concat(parts).toString('utf8');
}

function listen(server: Server): Promise<string> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => resolve(`http://127.0.0.1:${(server.address() as AddressInfo).port}`));
  });
}

function close(server: Server): Promise<void> {
  server.closeAllConnections();
  return new Promise((resolve) => server.close(() => resolve()));
}
