import type { Document } from '@paceline/domain';
import type { Store } from '@paceline/store';
import { temporaryStore } from '@paceline/store/testing';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { openWorld, positionText, type World } from './world.ts';

const DEFINITIONS: readonly Document[] = [
  {
    apiVersion: 'paceline/v1',
    kind: 'Metric',
    metadata: { name: 'sales' },
    spec: { aggregation: 'sum', grain: 'day' },
  },
  ...['one', 'two'].map(
    (name): Document => ({
      apiVersion: 'paceline/v1',
      kind: 'Kpi',
      metadata: { name },
      spec: {
        metric: 'sales',
        direction: 'higher',
        period: { each: 'day' },
        targets: [{ effectiveFrom: '2026-01-01', value: '10' }],
      },
    }),
  ),
];

interface Event {
  readonly id: string;
  readonly position: string;
  readonly data: readonly { readonly subject: string; readonly value: string | null }[];
  readonly removed: readonly string[];
}

/** Reads events of a real connection, one after another. */
class Watcher {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly #abort: AbortController;
  #text = '';

  private constructor(reader: ReadableStreamDefaultReader<Uint8Array>, abort: AbortController) {
    this.#reader = reader;
    this.#abort = abort;
  }

  static async open(url: string, headers: Record<string, string> = {}): Promise<Watcher> {
    const abort = new AbortController();
    const answer = await fetch(url, { headers, signal: abort.signal });
    expect(answer.headers.get('content-type')).toContain('text/event-stream');
    return new Watcher((answer.body as ReadableStream<Uint8Array>).getReader(), abort);
  }

  async next(): Promise<Event | null> {
    for (;;) {
      const end = this.#text.indexOf('\n\n');
      if (end >= 0) {
        const block = this.#text.slice(0, end);
        this.#text = this.#text.slice(end + 2);
        const data = /^data: (.*)$/m.exec(block)?.[1];
        if (data !== undefined) return { id: /^id: (.*)$/m.exec(block)?.[1] ?? '', ...JSON.parse(data) };
        continue;
      }
      const { done, value } = await this.#reader.read();
      if (done) return null;
      this.#text += new TextDecoder().decode(value);
    }
  }

  close(): void {
    this.#abort.abort();
  }
}

let store: Store;
let stopStore: () => Promise<void>;
let world: World;
let url: string;
const open = new Set<Watcher>();

beforeAll(async () => {
  ({ store, stop: stopStore } = await temporaryStore());
  world = await openWorld(store, { now: '2026-11-02T08:00:00Z', definitions: DEFINITIONS });
  await world.log.state('sales', { '2026-11-01': '5' });
  await world.settle();
  url = `${await world.app.listen({ host: '127.0.0.1', port: 0 })}/v1/status/stream`;
});
afterEach(() => {
  for (const watcher of open) watcher.close();
  open.clear();
});
afterAll(async () => {
  await world?.stop();
  await stopStore();
});

async function watch(headers: Record<string, string> = {}): Promise<Watcher> {
  const watcher = await Watcher.open(url, headers);
  open.add(watcher);
  return watcher;
}

const subjects = (event: Event | null) => event?.data.map(({ subject }) => subject);

describe('the stream of the status', () => {
  it('begins with the whole, then tells what changes', async () => {
    const watcher = await watch();
    const whole = await watcher.next();
    expect(subjects(whole)).toEqual(expect.arrayContaining(['kpi/one', 'kpi/two']));
    expect(whole?.id).toBe(whole?.position);
    const at = positionText(await world.log.state('sales', { '2026-11-01': '7' }));
    const news = await watcher.next();
    expect(news?.id).toBe(at);
    expect(news?.data.find(({ subject }) => subject === 'kpi/one')?.value).toBe('7');
  });

  it('goes on where a client left off', async () => {
    const first = await watch();
    const whole = await first.next();
    first.close();
    const at = positionText(await world.log.state('sales', { '2026-11-01': '8' }));
    await world.settle();
    const second = await watch({ 'last-event-id': whole?.id ?? '' });
    const missed = await second.next();
    expect(missed?.id).toBe(at);
    expect(missed?.data.find(({ subject }) => subject === 'kpi/two')?.value).toBe('8');
  });

  it('tells which subjects are gone', async () => {
    const watcher = await watch();
    await watcher.next();
    await world.log.define([], ['kpi/two']);
    const news = await watcher.next();
    expect(news?.removed).toContain('kpi/two');
  });

  it('refuses an id that is none, and ends when the server closes', async () => {
    const refused = await fetch(url, { headers: { 'last-event-id': 'yesterday' } });
    expect(refused.status).toBe(400);
    const watcher = await watch();
    await watcher.next();
    const begun = performance.now();
    await world.app.close();
    expect(await watcher.next()).toBe(null);
    expect(performance.now() - begun).toBeLessThan(1_000);
  });
});
