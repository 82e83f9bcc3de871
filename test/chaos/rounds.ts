import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { seeded } from '../support/random.ts';
import { type Serving, serve } from '../support/serve.ts';
import { pushUntilTaken } from './client.ts';
import { type Batch, definitionsOf, endOfDays, type Load, loadOf, seedOf } from './load.ts';
import { verify } from './verify.ts';

export interface ChaosOptions {
  readonly rounds: number;
  /** Of each round. */
  readonly points: number;
  readonly seed: number;
  /** Told how it goes. */
  say(line: string): void;
  /** Leaves the folder behind, to look at. */
  readonly keep?: boolean;
}

export interface ChaosResult {
  /** In words; none: all is as it must be. */
  readonly faults: readonly string[];
  readonly kills: number;
  readonly retries: number;
  readonly pointsTaken: number;
  readonly ticks: number;
  readonly judgements: number;
  readonly transitions: number;
}

const CONCURRENCY = 4;

/**
 * Kills a real `paceline serve` at a random moment of every round's push and starts it again at once, while the client goes on as clients
 * do. After the last round everything derived must be what the log says, and the log what was acknowledged.
 */
export async function runChaos(options: ChaosOptions): Promise<ChaosResult> {
  const { rounds, points, seed, say } = options;
  const dir = mkdtempSync(join(tmpdir(), 'paceline-chaos-'));
  const today = Date.now();
  const random = seeded(seed);
  writeFileSync(join(dir, 'paceline.yaml'), 'workspace: chaos\n');
  const room = new Room(dir, say);
  try {
    await room.start();
    await room.post('/v1/definitions/apply', definitionsOf(rounds, points, today), 'application/yaml');
    await room.pushAll([seedOf(rounds, today)], 1);
    const loads: Load[] = [];
    for (let round = 1; round <= rounds; round++) {
      const load = loadOf(round, points, today);
      await playRound(room, load, round, random, options);
      await room.post(
        '/v1/covered',
        JSON.stringify({ metric: load.metric, to: new Date(endOfDays(today)).toISOString() }),
      );
      loads.push(load);
    }
    const { kills, retries, pointsTaken } = room;
    const verified = await verify({ dir, room, loads, today, say });
    return { ...verified, kills, retries, pointsTaken };
  } finally {
    await room.end();
    if (options.keep === true) say(`the folder is left in ${dir}`);
    else rmSync(dir, { recursive: true, force: true });
  }
}

async function playRound(
  room: Room,
  load: Load,
  round: number,
  random: () => number,
  { rounds, say }: ChaosOptions,
): Promise<void> {
  const began = performance.now();
  const retriesBefore = room.retries;
  const batches = load.batches.length + load.corrections.length;
  // Every third kill waits until all is acknowledged: then tables are being written and judged.
  const afterBatches = random() < 0.67 ? Math.floor(random() * batches) : batches;
  const afterMs = Math.floor(random() * (afterBatches === batches ? 2_500 : 40));
  const taken = room.taken;
  const pushing = room
    .pushAll(load.batches, CONCURRENCY)
    .then(() => room.pushAll(load.corrections, CONCURRENCY))
    .then(() => performance.now() - began);
  const killing = room.killAfter(taken + afterBatches, afterMs);
  const [pushedMs, backMs] = await Promise.all([pushing, killing]);
  say(
    `round ${round}/${rounds}: killed after ${afterBatches} of ${batches} batches and ${afterMs} ms, back in ${seconds(backMs)}, ` +
      `${room.retries - retriesBefore} tries again, ${load.points.toLocaleString('en')} points taken in ${seconds(pushedMs)}`,
  );
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}

const WATCH_MS = 2;

/** A folder, the process that serves it now, and what was taken so far. */
export class Room {
  readonly dir: string;
  kills = 0;
  retries = 0;
  pointsTaken = 0;
  /** Batches acknowledged. */
  taken = 0;
  #serving: Serving | null = null;
  #url = '';
  #position = '0:0';
  readonly #stopped = new AbortController();
  readonly #say: (line: string) => void;

  constructor(dir: string, say: (line: string) => void) {
    this.dir = dir;
    this.#say = say;
  }

  get url(): string {
    return this.#url;
  }

  async start(): Promise<void> {
    this.#serving = await serve({ dir: this.dir });
    this.#url = this.#serving.url;
  }

  /** Kills the process that many milliseconds after that many batches were taken; resolves when it answers again, with how long that took. */
  async killAfter(batches: number, ms: number): Promise<number> {
    while (this.taken < batches) await sleep(WATCH_MS, undefined, { signal: this.#stopped.signal });
    await sleep(ms);
    const began = performance.now();
    await this.#serving?.kill();
    this.kills++;
    await this.start();
    return performance.now() - began;
  }

  async pushAll(batches: readonly Batch[], concurrency: number): Promise<void> {
    const queue = batches.values();
    const work = async (): Promise<void> => {
      for (const { key, body, points } of queue) {
        const { retries } = await pushUntilTaken({ url: () => this.#url }, key, body, points, this.#stopped.signal);
        this.retries += retries;
        this.taken++;
        this.pointsTaken += points;
      }
    };
    await Promise.all(Array.from({ length: concurrency }, work));
  }

  async post(path: string, body: string, type = 'application/json'): Promise<void> {
    const response = await fetch(this.#url + path, { method: 'POST', headers: { 'content-type': type }, body });
    const text = await response.text();
    if (!response.ok) throw new Error(`POST ${path} answered ${response.status}: ${text}`);
    const answer: { readonly position?: string } = JSON.parse(text);
    this.#position = answer.position ?? this.#position;
  }

  /** Reads at least what the last `post` wrote; the server is asked again while it answers that it is not that far. */
  async getSeen<T>(path: string, withinMs: number): Promise<T> {
    const deadline = performance.now() + withinMs;
    for (;;) {
      const response = await fetch(`${this.#url}${path}&min_position=${this.#position}`);
      const text = await response.text();
      if (response.ok) return JSON.parse(text);
      if (!text.includes('position_unreached') || performance.now() > deadline)
        throw new Error(`GET ${path} answered ${response.status}: ${text}`);
    }
  }

  /** Stops it in good order. */
  async stop(): Promise<void> {
    const code = await this.#serving?.stop();
    this.#serving = null;
    if (code !== 0) this.#say(`an orderly stop ended with ${code}`);
  }

  /** Whatever happened: nothing is left running. */
  async end(): Promise<void> {
    this.#stopped.abort();
    await this.#serving?.kill();
    this.#serving = null;
  }
}
