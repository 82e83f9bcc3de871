import { setTimeout as sleep } from 'node:timers/promises';
import { ask, askUntilAnswered } from './client.ts';
import type { Form } from './form.ts';
import type { Batch } from './load.ts';

interface PushAnswer {
  readonly accepted: number;
  readonly rejectedCount: number;
}

const WATCH_MS = 2;
const READ_EVERY_MS = 150;
/** What a read may be answered while something is gone; anything else is a fault of ours. */
const PASSING = /^(429|503|504): .*"code":"[a-z_]+"/s;
const UNREACHED = 'position_unreached';

/** What clients did with a form of Paceline, and what they were told. */
export class Room {
  readonly kills = new Map<string, number>();
  /** Tries again, of every kind of request. */
  retries = 0;
  reads = 0;
  pointsTaken = 0;
  /** Batches acknowledged. */
  taken = 0;
  /** Notes of check-ins that were acknowledged. */
  readonly said: string[] = [];
  /** Commands that were acknowledged. */
  readonly commanded: string[] = [];
  /** Answers that no reader should get, whatever was killed. */
  readonly oddAnswers = new Set<string>();
  readonly #form: Form;
  readonly #stopped = new AbortController();
  #position = '0:0';

  constructor(form: Form) {
    this.#form = form;
  }

  get killed(): number {
    return [...this.kills.values()].reduce((all, count) => all + count, 0);
  }

  /** Strikes once that many batches were taken and that many milliseconds have passed; resolves when it runs again. */
  async strikeAfter(batches: number, ms: number): Promise<{ readonly what: string; readonly backMs: number }> {
    while (this.taken < batches) await sleep(WATCH_MS, undefined, { signal: this.#stopped.signal });
    await sleep(ms);
    const began = performance.now();
    const { what, back } = await this.#form.strike();
    this.kills.set(what, (this.kills.get(what) ?? 0) + 1);
    await back();
    return { what, backMs: performance.now() - began };
  }

  async pushAll(batches: readonly Batch[], concurrency: number): Promise<void> {
    const queue = batches.values();
    const work = async (): Promise<void> => {
      for (const { key, body, points } of queue) {
        const { accepted, rejectedCount } = await this.post<PushAnswer>('/v1/observations', body, {
          type: 'application/x-ndjson',
          key,
        });
        if (accepted !== points || rejectedCount !== 0)
          throw new Error(`of ${points} points ${accepted} were taken and ${rejectedCount} refused`);
        this.taken++;
        this.pointsTaken += points;
      }
    };
    await Promise.all(Array.from({ length: concurrency }, work));
  }

  async checkIn(subject: string, value: number, time: number, note: string): Promise<void> {
    const body = JSON.stringify({ subject, value, time: new Date(time).toISOString(), note });
    await this.post('/v1/check-ins', body, { key: note });
    this.said.push(note);
  }

  /** Resolves once the command's outcome is known, not only its append. */
  async command(command: string, documents: readonly unknown[]): Promise<void> {
    const { data } = await this.post<{ data: { outcome: string } }>(
      '/v1/definitions/apply',
      JSON.stringify({ documents, command }),
    );
    if (data.outcome === 'conflict') throw new Error(`${command} met another command, and there is none`);
    this.commanded.push(command);
  }

  async post<Body>(
    path: string,
    body: string,
    more: { readonly type?: string; readonly key?: string } = {},
  ): Promise<Body> {
    return this.#ask<Body>({ method: 'POST', path, body, ...more });
  }

  /** Remembers the position of an answer: what is read by `getSeen` has at least seen it. */
  async postSeen(path: string, body: string, type?: string): Promise<void> {
    const { position } = await this.post<{ position?: string }>(path, body, type === undefined ? {} : { type });
    this.#position = position ?? this.#position;
  }

  /** Reads at least what the last `postSeen` wrote. */
  getSeen<Body>(path: string): Promise<Body> {
    return this.#ask<Body>({ method: 'GET', path: `${path}&min_position=${this.#position}` });
  }

  async #ask<Body>(request: Parameters<typeof ask>[1]): Promise<Body> {
    const url = (): string => this.#form.url(request.method, request.path);
    const { body, retries } = await askUntilAnswered<Body>(url, request, this.#stopped.signal);
    this.retries += retries;
    return body;
  }

  /** Reads over and over, as a dashboard does, until told to stop; what it may not see is kept as an odd answer. */
  async readUntil(done: AbortSignal, path: string, odd: (text: string) => string | null): Promise<void> {
    while (!done.aborted && !this.#stopped.signal.aborted) {
      const tried = await ask(this.#form.url('GET', path), { method: 'GET', path });
      if (tried.ok) {
        this.reads++;
        const fault = odd(tried.text);
        if (fault !== null) this.oddAnswers.add(`${path}: ${fault}`);
      } else if (!isPassing(tried.text)) this.oddAnswers.add(`${path}: ${tried.text}`);
      await sleep(READ_EVERY_MS);
    }
  }

  /** Nothing is asked any more. */
  stop(): void {
    this.#stopped.abort();
  }
}

function isPassing(text: string): boolean {
  return PASSING.test(text) || text.includes(UNREACHED) || !/^\d{3}: /.test(text);
}
