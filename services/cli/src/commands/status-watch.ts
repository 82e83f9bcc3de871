import { setTimeout as pause } from 'node:timers/promises';
import type { Api } from '../api.ts';
import { Failure } from '../failure.ts';
import { csv, type Output, table } from '../output.ts';
import type { EvaluationView, StatusAnswer } from '../wire.ts';
import { lookText, statusColumns } from './status-columns.ts';

/** Freshness changes with the clock alone. */
const READ_EVERY_MS = 30_000;
/** News that come closer are shown together. */
const READ_APART_MS = 250;
const TRY_AGAIN_MS = 2_000;

/**
 * Shows the status and then whatever changes, until `signal`. The server's stream says when; what is shown is read as `status`
 * reads it, so that filters and numbers are the same. A server that goes away is waited for.
 */
export async function watchStatus(
  output: Output,
  api: Api,
  read: (signal: AbortSignal) => Promise<StatusAnswer>,
  signal: AbortSignal,
): Promise<void> {
  const view = viewFor(output, api.url ?? '');
  const news = new News();
  const ended = new AbortController();
  const either = AbortSignal.any([signal, ended.signal]);
  view.show(await read(signal));
  const following = follow(api, either, news, (text) => view.say(text)).catch((error: unknown) => news.fail(error));
  try {
    while (!signal.aborted) {
      await news.next(either, READ_EVERY_MS);
      const answer = signal.aborted ? null : await unlessGone(() => read(either));
      if (answer !== null) view.show(answer);
      await pause(READ_APART_MS, undefined, { signal: either });
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    ended.abort();
    await following;
    view.end();
  }
}

/** At most one sign that something has changed, however often it is said. */
class News {
  #said = Promise.withResolvers<void>();

  tell(): void {
    this.#said.resolve();
  }

  fail(error: unknown): void {
    this.#said.reject(error);
    // Whoever waits next is told; nobody may be waiting now.
    this.#said.promise.catch(() => undefined);
  }

  async next(signal: AbortSignal, mostMs: number): Promise<void> {
    const waited = new AbortController();
    const either = AbortSignal.any([signal, waited.signal]);
    try {
      await Promise.race([this.#said.promise, pause(mostMs, undefined, { signal: either })]);
    } finally {
      waited.abort();
    }
    this.#said = Promise.withResolvers();
  }
}

/** Tells of every event until `signal`; comes back to a server that went away. */
async function follow(api: Api, signal: AbortSignal, news: News, say: (text: string) => void): Promise<void> {
  let said = '';
  const sayOnce = (text: string): void => {
    if (text !== said) say(`${text}; trying again until it is back`);
    said = text;
  };
  while (!signal.aborted) {
    try {
      for await (const _ of api.events('/v1/status/stream', { signal })) {
        news.tell();
        said = '';
      }
      if (!signal.aborted) sayOnce('The server has closed the stream');
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof Failure && !isPassing(error)) throw error;
      sayOnce(error instanceof Failure ? error.message : 'The stream has broken off');
    }
    await pause(TRY_AGAIN_MS, undefined, { signal }).catch(() => undefined);
    news.tell();
  }
}

const PASSING: ReadonlySet<string> = new Set(['server_unreachable', 'stopping', 'rate_limited', 'store_unavailable']);

function isPassing({ code }: Failure): boolean {
  return PASSING.has(code);
}

async function unlessGone(read: () => Promise<StatusAnswer>): Promise<StatusAnswer | null> {
  try {
    return await read();
  } catch (error) {
    if (error instanceof Failure && isPassing(error)) return null;
    throw error;
  }
}

interface WatchView {
  show(answer: StatusAnswer): void;
  /** About the connection. */
  say(text: string): void;
  end(): void;
}

function viewFor(output: Output, url: string): WatchView {
  if (output.format === 'table' && output.terminal !== null) return new Screen(output, url);
  return new Lines(output);
}

/** Escape sequences every terminal of the last forty years knows. */
const [UP, CLEAR_BELOW] = [(lines: number) => `\u001b[${lines}A\r`, '\u001b[0J'];
const [NO_WRAP, WRAP] = ['\u001b[?7l', '\u001b[?7h'];
const [HIDE_CURSOR, SHOW_CURSOR] = ['\u001b[?25l', '\u001b[?25h'];

/** The table, drawn over itself. */
class Screen implements WatchView {
  readonly #output: Output;
  readonly #url: string;
  #drawn = 0;
  #last: StatusAnswer | null = null;
  #note = '';

  constructor(output: Output, url: string) {
    this.#output = output;
    this.#url = url;
  }

  show(answer: StatusAnswer): void {
    this.#last = answer;
    this.#note = '';
    this.#draw();
  }

  say(text: string): void {
    this.#note = text;
    this.#draw();
  }

  end(): void {
    this.#output.write(WRAP + SHOW_CURSOR);
  }

  #draw(): void {
    const answer = this.#last;
    if (answer === null) return;
    const whole = table(answer.data, statusColumns(this.#output, answer), this.#output).split('\n');
    // Below stand the line of the connection and the cursor's own.
    const fits = Math.max(2, (this.#output.terminal?.rows ?? whole.length + 2) - 2);
    const lines = whole.length <= fits ? whole : whole.slice(0, fits - 1);
    if (lines.length < whole.length) lines.push(`… ${whole.length - lines.length} more`);
    const said = this.#note === '' ? `${answer.meta.now} from ${this.#url}; Ctrl-C ends` : this.#note;
    const back = this.#drawn === 0 ? '' : UP(this.#drawn) + CLEAR_BELOW;
    this.#output.write(`${HIDE_CURSOR}${NO_WRAP}${back}${[...lines, said].join('\n')}\n`);
    this.#drawn = lines.length + 1;
  }
}

/** The whole once, then what changed: a line a subject, or rows of CSV, or evaluations as NDJSON. */
class Lines implements WatchView {
  readonly #output: Output;
  /** By subject, as last shown. */
  #before: ReadonlyMap<string, Shown> | null = null;

  constructor(output: Output) {
    this.#output = output;
  }

  show(answer: StatusAnswer): void {
    const before = this.#before;
    const looks = looksOf(this.#output, answer);
    const now = new Map(answer.data.map((row, at) => [row.subject, { verdict: row.verdict, look: looks[at] ?? '' }]));
    this.#before = now;
    if (before === null) {
      this.#whole(answer);
      return;
    }
    const isNews = ({ subject }: EvaluationView): boolean => before.get(subject)?.look !== now.get(subject)?.look;
    this.#changed({ ...answer, data: answer.data.filter(isNews) }, before);
    for (const subject of before.keys()) if (!now.has(subject)) this.#gone(subject, answer.meta.now);
  }

  say(text: string): void {
    this.#output.say(text);
  }

  end(): void {
    // Lines need no tidying.
  }

  #whole(answer: StatusAnswer): void {
    if (this.#output.format === 'json') for (const row of answer.data) this.#output.write(JSON.stringify(row));
    else if (this.#output.format === 'csv') this.#output.write(csv(answer.data, statusColumns(this.#output, answer)));
    else this.#output.write(table(answer.data, statusColumns(this.#output, answer), this.#output));
  }

  #changed(answer: StatusAnswer, before: ReadonlyMap<string, Shown>): void {
    if (answer.data.length === 0) return;
    if (this.#output.format === 'json') for (const row of answer.data) this.#output.write(JSON.stringify(row));
    else if (this.#output.format === 'csv') {
      const [, ...rows] = csv(answer.data, statusColumns(this.#output, answer)).split('\n');
      this.#output.write(rows.join('\n'));
    } else {
      for (const row of answer.data) {
        const was = before.get(row.subject)?.verdict;
        const turned = was === undefined || was === row.verdict ? '' : `${lookText(this.#output, was)} → `;
        const turn = `${turned}${lookText(this.#output, row.verdict)}`;
        this.#output.write(`${answer.meta.now}  ${row.subject}  ${turn}  ${row.sentence}`);
      }
    }
  }

  #gone(subject: string, now: string): void {
    if (this.#output.format === 'table') this.#output.write(`${now}  ${subject}  is not shown any more`);
    else this.#output.say(`${subject} is not shown any more`);
  }
}

interface Shown {
  readonly verdict: EvaluationView['verdict'];
  readonly look: string;
}

/** What a reader sees of each row: of two that read alike, the second is no news, though it was made at another instant. */
function looksOf(output: Output, answer: StatusAnswer): string[] {
  const plain: Output = { ...output, format: 'table', colour: false };
  const columns = statusColumns(plain, answer).filter(({ title }) => title !== 'measured');
  return answer.data.map((row) => {
    // Columns come and go with what other rows have.
    const cells = columns.map(({ title, cell }) => [title, cell(row)]).filter(([, text]) => text !== '');
    return JSON.stringify([row.verdict, row.reason, cells]);
  });
}
