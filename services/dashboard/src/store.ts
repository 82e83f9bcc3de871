import { parsePosition } from '@paceline/domain/position';
import { type Api, ApiError } from './api.ts';
import { type Connection, followStatus } from './live.ts';
import type { Filter } from './model/filter.ts';
import { type Moment, type Place, placeFromUrl, placeToUrl } from './model/place.ts';
import { buildTree, type Node } from './model/tree.ts';
import { Trends } from './trends.ts';
import type { AlertView, Evaluation, StatusNews, TreeAnswer } from './wire.ts';

export interface State {
  readonly place: Place;
  readonly tree: TreeAnswer | null;
  readonly nodes: readonly Node[];
  /** Instant at which the numbers are looked at, in epoch milliseconds. */
  readonly now: number;
  readonly alerts: readonly AlertView[];
  /** What stands in the way; the last good answer stays in sight beside it. */
  readonly error: ApiError | null;
  readonly isLoading: boolean;
  readonly connection: Connection;
  readonly toggled: ReadonlySet<string>;
}

export interface Surroundings {
  readonly api: Api;
  /** Milliseconds that only ever grow. */
  readonly monotonic: () => number;
  readonly location: Pick<Location, 'search' | 'hash'>;
  readonly history: Pick<History, 'pushState' | 'replaceState'>;
}

/** News of one second are shown at once, and bring the alerts after them. */
const ALERTS_MS = 1_000;
/** Freshness moves with the clock though nothing happens. */
const CLOCK_MS = 20_000;

/** All that the page knows; views read `state` and are told of the next one. */
export class Store {
  readonly api: Api;
  /** Of rows. */
  readonly trends = new Trends();
  /** Of the one subject that is looked at: it must not wait for the rows. */
  readonly charts = new Trends();
  state: State;
  readonly #around: Surroundings;
  readonly #listeners = new Set<() => void>();
  /** Newer than those in the tree. */
  #evaluations = new Map<string, Evaluation>();
  /** The server's clock when it was last heard, and ours then. */
  #clock = { server: 0, own: 0 };
  #loading: AbortController | null = null;
  #stopLive: (() => void) | null = null;
  #alertsTimer: number | null = null;

  constructor(around: Surroundings) {
    this.api = around.api;
    this.#around = around;
    this.state = {
      place: placeFromUrl(around.location),
      tree: null,
      nodes: [],
      now: 0,
      alerts: [],
      error: null,
      isLoading: true,
      connection: 'connecting',
      toggled: new Set(),
    };
  }

  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  start(): void {
    void this.reload();
    this.#follow();
    window.setInterval(() => this.#tick(), CLOCK_MS);
  }

  /** Asks for everything again. Never rejects: what went wrong stands in the state. */
  async reload(): Promise<void> {
    try {
      await this.#load();
    } catch {
      // `#load` has put it into the state.
    }
  }

  /** Another moment, cycle, filter or subject; `push` leaves a step for the browser's back button. */
  go(change: Partial<Place>, how: 'push' | 'replace' = 'push'): void {
    const place = { ...this.state.place, ...change };
    const url = placeToUrl(place);
    if (how === 'push') this.#around.history.pushState(null, '', url);
    else this.#around.history.replaceState(null, '', url);
    this.#arrive(place);
  }

  /** The browser's own steps. */
  readUrl(): void {
    this.#arrive(placeFromUrl(this.#around.location));
  }

  filter(change: Partial<Filter>): void {
    this.go({ filter: { ...this.state.place.filter, ...change } }, 'replace');
  }

  toggle(ids: readonly string[]): void {
    const toggled = new Set(this.state.toggled);
    for (const id of ids) if (!toggled.delete(id)) toggled.add(id);
    this.#set({ toggled });
  }

  /** Rejects with the server's words when it does not take the key. */
  async openSession(key: string): Promise<void> {
    await this.api.openSession(key);
    void this.reload();
    this.#follow();
  }

  #arrive(place: Place): void {
    const before = this.state.place;
    this.#set({ place });
    const isElsewhere = !sameMoment(before.moment, place.moment) || before.cycle !== place.cycle;
    if (!isElsewhere) return;
    this.#evaluations = new Map();
    void this.reload();
    this.#follow();
  }

  /** News are of now; a moment of the past stands still. */
  #follow(): void {
    this.#stopLive?.();
    this.#stopLive = null;
    if (!isNow(this.state.place.moment)) return;
    this.#stopLive = followStatus(this.api, {
      onConnection: (connection) => {
        if (connection === this.state.connection) return;
        this.#set({ connection });
        // What went wrong before may be over: the answer to a fresh question says so.
        if (connection === 'live' && this.state.error !== null) void this.reload();
      },
      onNews: (news) => this.#take(news),
      poll: () => this.#load(),
    });
  }

  async #load(): Promise<void> {
    this.#loading?.abort();
    const loading = new AbortController();
    this.#loading = loading;
    const { moment, cycle } = this.state.place;
    this.#set({ isLoading: true });
    try {
      const tree = await this.api.tree(moment, cycle, loading.signal);
      if (loading.signal.aborted) return;
      this.#hear(isNow(moment) ? tree.meta.now : tree.meta.asOf);
      // News may have come while the answer was under way.
      const newer = [...this.#evaluations].filter(([, { position }]) => isAfter(position, tree.meta.position));
      this.#evaluations = new Map(newer);
      this.#set({ tree, error: null, isLoading: false });
      await this.#loadAlerts(loading.signal);
    } catch (error) {
      if (loading.signal.aborted) return;
      this.#set({ error: errorOf(error), isLoading: false });
      throw error;
    }
  }

  async #loadAlerts(signal: AbortSignal): Promise<void> {
    const { data } = await this.api.alerts(this.state.place.moment, signal);
    if (!signal.aborted) this.#set({ alerts: data });
  }

  #take({ data, removed }: StatusNews): void {
    const { tree } = this.state;
    if (tree === null) return;
    const shown = subjectsOf(this.state.nodes);
    const isOther = data.some(({ definitions }) => isAfter(definitions, tree.meta.definitionVersion));
    const isGone = removed.some((subject) => shown.has(subject));
    for (const evaluation of data) {
      if (!shown.has(evaluation.subject)) continue;
      this.#evaluations.set(evaluation.subject, evaluation);
      // The log's clock is never ahead of the server's.
      if (Date.parse(evaluation.asOf) > this.#serverNow()) this.#hear(evaluation.asOf);
    }
    this.#set({ tree });
    if (isOther || isGone) void this.reload();
    else this.#alertsSoon();
  }

  #alertsSoon(): void {
    if (this.#alertsTimer !== null) return;
    this.#alertsTimer = window.setTimeout(() => {
      this.#alertsTimer = null;
      const { signal } = this.#loading ?? new AbortController();
      this.#loadAlerts(signal).catch((error: unknown) => this.#set({ error: errorOf(error) }));
    }, ALERTS_MS);
  }

  #hear(iso: string): void {
    this.#clock = { server: Date.parse(iso), own: this.#around.monotonic() };
  }

  #serverNow(): number {
    const { server, own } = this.#clock;
    return isNow(this.state.place.moment) ? server + this.#around.monotonic() - own : server;
  }

  #tick(): void {
    if (this.state.tree !== null && isNow(this.state.place.moment)) this.#set({ tree: this.state.tree });
  }

  #set(change: Partial<State>): void {
    const state = { ...this.state, ...change };
    if (change.tree === undefined || change.tree === null) this.state = state;
    else {
      const now = this.#serverNow();
      const nodes = buildTree(change.tree.data, { evaluations: this.#evaluations, now });
      this.state = { ...state, now, nodes };
    }
    for (const listener of this.#listeners) listener();
  }
}

export function isNow({ asOf, knownAt }: Moment): boolean {
  return asOf === null && knownAt === null;
}

function sameMoment(left: Moment, right: Moment): boolean {
  return left.asOf === right.asOf && left.knownAt === right.knownAt;
}

/** Whether a position lies behind another; behind none lie all. */
export function isAfter(left: string | null, right: string | null): boolean {
  const [from, to] = [parsePosition(left ?? ''), parsePosition(right ?? '')];
  return from !== undefined && (to === undefined || from > to);
}

function subjectsOf(nodes: readonly Node[], into = new Set<string>()): Set<string> {
  for (const { id, children } of nodes) {
    into.add(id);
    subjectsOf(children, into);
  }
  return into;
}

function errorOf(error: unknown): ApiError {
  if (error instanceof ApiError) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new ApiError('internal', `This page failed: ${message}`, 'Load it again; if that does not help, report it.');
}
