import type { Position } from '@paceline/domain';
import { type Known, type QueryOptions, type Store, upTo } from '@paceline/store';
import { watermark } from './sql.ts';

/** How far the tables of one workspace have come. */
export interface Watermark {
  /** The last record that is whole in them; `undefined` before the first. */
  readonly known: Known | undefined;
  /** Of the last accepted definition command up to there; `null` before the first, `undefined` where a later one hides it. */
  readonly definitions: Position | null | undefined;
  /** Names the rows of the status: two that are equal are the same rows. */
  readonly status: { readonly position: Position; readonly rows: number };
}

/** Of a row what is followed here, as far as its table has it. */
export interface WrittenRow {
  readonly workspace: string;
  readonly position?: number;
  readonly recorded_at?: number;
  readonly kind?: string;
  readonly accepted?: boolean;
  readonly metric?: string;
  readonly pos?: number;
}

/** The watermark with the rows in it; `undefined`: ask. A command is written before the facts are said to have come that far. */
const FOLLOWED: Readonly<Record<string, (value: Watermark, rows: readonly WrittenRow[]) => Watermark | undefined>> = {
  progress: (value, rows) => {
    const { position, recorded_at: recordedAt } = rows.at(-1) ?? {};
    if (position === undefined || recordedAt === undefined || value.definitions === undefined) return undefined;
    if (value.known !== undefined && position < value.known.position) return undefined;
    return { ...value, known: { position, recordedAt } };
  },
  command: (value, rows) => {
    const changes = rows.some(({ kind, accepted }) => kind === 'definitions' && accepted === true);
    return changes ? { ...value, definitions: undefined } : value;
  },
  status: ({ status, ...value }, rows) => {
    const position = Math.max(status.position, ...rows.map((row) => row.position ?? 0));
    return { ...value, status: { position, rows: status.rows + rows.length } };
  },
};

/**
 * Who says that the tables have moved: `told` by whoever writes them in this process, or asked of the engine. Asked anew by every request
 * at `everyMs` 0; else in the background as long as somebody asks, so that no request waits for it.
 */
export type Refresh = 'told' | { readonly everyMs: number };

const NO_ROWS = { rows: 0, position: 0, recorded_at: 0 } as const;

/** Nobody has asked for this long: the background rests, and the next request asks by itself. */
const IDLE_MS = 10_000;
/** Further workspaces ask by themselves. */
const WORKSPACES_MAX = 200;

interface Entry {
  value: Watermark;
  usedAt: number;
  timer: NodeJS.Timeout | null;
}

/** Watermarks, kept while nothing moves: an answer that is unchanged is known to be so without the engine. */
export class Watermarks {
  readonly #store: Store;
  readonly #edition: number;
  readonly #refresh: Refresh;
  readonly #options: () => QueryOptions;
  readonly #entries = new Map<string, Entry>();
  readonly #asking = new Map<string, Promise<Watermark>>();
  #stopped = false;

  constructor(store: Store, edition: number, refresh: Refresh, options: () => QueryOptions) {
    this.#store = store;
    this.#edition = edition;
    this.#refresh = refresh;
    this.#options = options;
  }

  async at(workspace: string): Promise<Watermark> {
    const entry = this.#entries.get(workspace);
    if (entry !== undefined) {
      entry.usedAt = performance.now();
      return entry.value;
    }
    return this.#ask(workspace);
  }

  /** As the engine has it at this moment. */
  async now(workspace: string): Promise<Watermark> {
    return this.#refresh === 'told' ? this.at(workspace) : this.#ask(workspace);
  }

  /** What was written makes what is known: nobody need ask for it. */
  written(table: string, rows: readonly WrittenRow[]): void {
    const read = FOLLOWED[table];
    if (read === undefined) return;
    for (const [workspace, own] of Map.groupBy(rows, (row) => row.workspace)) {
      const entry = this.#entries.get(workspace);
      // What is being asked may have been read before.
      this.#asking.delete(workspace);
      const value = entry === undefined ? undefined : read(entry.value, own);
      if (entry !== undefined && value !== undefined) entry.value = value;
      else this.#forget(workspace);
    }
  }

  /** The tables of the workspace are others: what is known of it is out of date. */
  moved(workspace: string): void {
    this.#forget(workspace);
    this.#asking.delete(workspace);
  }

  stop(): void {
    this.#stopped = true;
    for (const workspace of [...this.#entries.keys()]) this.#forget(workspace);
  }

  /** One question at a time, and requests that come meanwhile share it only where its answer will be kept. */
  #ask(workspace: string): Promise<Watermark> {
    if (this.#refresh !== 'told' && this.#refresh.everyMs === 0) return this.#read(workspace);
    const known = this.#asking.get(workspace);
    if (known !== undefined) return known;
    const asking = this.#read(workspace)
      .then((value) => {
        // Told of news meanwhile, nobody may keep this answer.
        if (this.#asking.get(workspace) === asking) this.#keep(workspace, value);
        return value;
      })
      .finally(() => {
        if (this.#asking.get(workspace) === asking) this.#asking.delete(workspace);
      });
    this.#asking.set(workspace, asking);
    return asking;
  }

  async #read(workspace: string): Promise<Watermark> {
    const query = watermark(workspace, this.#edition);
    const rows = await this.#store.read(query, query.shape, this.#options());
    const part = (name: string) => rows.find((row) => row.part === name) ?? NO_ROWS;
    const [facts, definitions, status] = [part('facts'), part('definitions'), part('status')];
    const known = facts.rows === 0 ? undefined : { position: facts.position, recordedAt: facts.recorded_at };
    // A command is written before the facts are said to have come that far.
    const isAhead = definitions.rows > 0 && definitions.position >= upTo(known?.position ?? -1);
    return {
      known,
      definitions: isAhead ? undefined : definitions.rows === 0 ? null : definitions.position,
      status: { position: status.position, rows: status.rows },
    };
  }

  #keep(workspace: string, value: Watermark): void {
    // Names of workspaces that are none come from anybody, and are not kept.
    if (this.#stopped || value.known === undefined) return;
    const entry = this.#entries.get(workspace);
    if (entry !== undefined) {
      entry.value = value;
      return;
    }
    if (this.#entries.size >= WORKSPACES_MAX) return;
    const made: Entry = { value, usedAt: performance.now(), timer: null };
    this.#entries.set(workspace, made);
    if (this.#refresh !== 'told') this.#schedule(workspace, made, this.#refresh.everyMs);
  }

  #schedule(workspace: string, entry: Entry, everyMs: number): void {
    entry.timer = setTimeout(() => {
      if (performance.now() - entry.usedAt > IDLE_MS) {
        this.#forget(workspace);
        return;
      }
      this.#ask(workspace).then(
        () => this.#schedule(workspace, entry, everyMs),
        // Requests ask again, and tell their callers what is wrong.
        () => this.#forget(workspace),
      );
    }, everyMs);
    entry.timer.unref();
  }

  #forget(workspace: string): void {
    const timer = this.#entries.get(workspace)?.timer ?? null;
    if (timer !== null) clearTimeout(timer);
    this.#entries.delete(workspace);
  }
}
