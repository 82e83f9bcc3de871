import type { Asked } from './model/asked.ts';
import type { Moment } from './model/place.ts';
import { EventReader } from './model/sse.ts';
import type { AlertsAnswer, ExplainAnswer, StatusNews, TreeAnswer, TrendAnswer } from './wire.ts';

/** What the server refused or could not do, in its own words. */
export class ApiError extends Error {
  readonly code: string;
  readonly remedy: string | null;

  constructor(code: string, message: string, remedy: string | null) {
    super(message);
    this.name = 'ApiError';
    this.code = code;
    this.remedy = remedy;
  }
}

/** The API of the server that served this page. Failures are an `ApiError`, or the signal's own reason. */
export interface Api {
  /** `cycle` `null`: the one that runs. */
  tree(moment: Moment, cycle: string | null, signal: AbortSignal): Promise<TreeAnswer>;
  trend(asked: Asked, moment: Moment, signal: AbortSignal): Promise<TrendAnswer>;
  explain(subject: string, moment: Moment, signal: AbortSignal): Promise<ExplainAnswer>;
  /** Those that are open. */
  alerts(moment: Moment, signal: AbortSignal): Promise<AlertsAnswer>;
  /** Of one subject, those that are over too. */
  alertsOf(subject: string, moment: Moment, signal: AbortSignal): Promise<AlertsAnswer>;
  /** News of the status until the server ends it or the signal stops it; `after` is the id of the last one had. */
  news(after: string | null, signal: AbortSignal, handlers: NewsHandlers): Promise<void>;
  /** Where a program finds the same. */
  address(path: string, query: Query): string;
  /** Shows a key; the server's cookie stands for it from then on, and no script keeps it. */
  openSession(key: string): Promise<void>;
}

export interface NewsHandlers {
  readonly onOpen: () => void;
  readonly onNews: (id: string | null, news: StatusNews) => void;
}

export type Query = Readonly<Record<string, string | null>>;

export function createApi(base: string): Api {
  const address: Api['address'] = (path, query) => {
    const url = new URL(path, base);
    for (const [name, value] of Object.entries(query)) if (value !== null) url.searchParams.set(name, value);
    return url.href;
  };
  const open = async (url: string, accept: string, signal: AbortSignal, extra: HeadersInit = {}): Promise<Response> => {
    const response = await ask(url, { signal, headers: { ...extra, accept } });
    if (!response.ok) throw await refusal(response);
    return response;
  };
  const get = async (path: string, query: Query, signal: AbortSignal) =>
    (await open(address(path, query), 'application/json', signal)).json();
  return {
    address,
    async openSession(key) {
      const headers = { authorization: `Bearer ${key}` };
      const response = await ask(address('v1/session', {}), { method: 'POST', headers });
      if (!response.ok) throw await refusal(response);
    },
    tree: (moment, cycle, signal) => get('v1/tree', { cycle, ...momentQuery(moment) }, signal),
    trend: ({ subject, from = null, window = null, limit }, moment, signal) =>
      get('v1/trend', { subject, from, window, limit: String(limit), ...momentQuery(moment) }, signal),
    explain: (subject, moment, signal) => get(`v1/explain/${subjectPath(subject)}`, momentQuery(moment), signal),
    alerts: (moment, signal) => get('v1/alerts', momentQuery(moment), signal),
    alertsOf: (subject, moment, signal) => get('v1/alerts', { subject, state: 'all', ...momentQuery(moment) }, signal),
    async news(after, signal, { onOpen, onNews }) {
      const ended = new AbortController();
      const extra = after === null ? {} : { 'last-event-id': after };
      const either = AbortSignal.any([signal, ended.signal]);
      try {
        const response = await open(address('v1/status/stream', {}), 'text/event-stream', either, extra);
        onOpen();
        const reader = new EventReader();
        const pieces = response.body?.pipeThrough(new TextDecoderStream()).getReader();
        for (;;) {
          const piece = await heard(pieces?.read());
          if (piece === undefined || piece.done) return;
          for (const { id, name, data } of reader.read(piece.value))
            if (name === 'status') onNews(id, JSON.parse(data));
        }
      } finally {
        ended.abort();
      }
    },
  };
}

export function momentQuery({ asOf, knownAt }: Moment): Query {
  return { as_of: asOf, known_at: knownAt };
}

/** The server says something at least every 15 seconds; a line that is dead without telling is found by its silence. */
const SILENCE_MS_MAX = 45_000;

async function heard<Piece>(reading: Promise<Piece> | undefined): Promise<Piece | undefined> {
  let timer = 0;
  const silence = new Promise<never>((_, reject) => {
    const lost = new ApiError('unreachable', 'The server fell silent.', null);
    timer = window.setTimeout(() => reject(lost), SILENCE_MS_MAX);
  });
  try {
    return await Promise.race([reading, silence]);
  } finally {
    window.clearTimeout(timer);
  }
}

/** The slashes of a subject belong to the path; anything else that means something there does not. */
export function subjectPath(subject: string): string {
  return subject.split('/').map(encodeURIComponent).join('/');
}

async function ask(url: string, init: RequestInit): Promise<Response> {
  try {
    return await fetch(url, init);
  } catch (error) {
    if (init.signal?.aborted === true) throw error;
    const remedy = 'Check that Paceline runs and that this machine reaches it; the page tries again by itself.';
    throw new ApiError('unreachable', 'The server does not answer.', remedy);
  }
}

async function refusal(response: Response): Promise<ApiError> {
  const problem = await problemOf(response);
  const message = problem.detail ?? problem.title ?? `The server answered ${response.status}.`;
  return new ApiError(problem.code ?? String(response.status), message, problem.remedy ?? null);
}

interface Problem {
  readonly code?: string;
  readonly title?: string;
  readonly detail?: string;
  readonly remedy?: string;
}

async function problemOf(response: Response): Promise<Problem> {
  try {
    return await response.json();
  } catch {
    // What stands between, a proxy for one, answers in its own way; the status is all there is to say then.
    return {};
  }
}
