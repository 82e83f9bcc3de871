import {
  type Catalog,
  compileCatalog,
  type Document,
  formatPosition,
  type Instant,
  type KnownDocument,
  type Position,
  parsePosition,
  readInstant,
} from '@paceline/domain';

import { PacelineError } from '@paceline/runtime';
import { definitionsAt, positionAt, progressOf } from '@paceline/store';
import type { QueryDeps } from './deps.ts';

/** Up to where a read looks: everything at or below `position`, known at `knownAt`, judged as of `asOf`. */
export interface Moment {
  readonly workspace: string;
  readonly position: Position;
  readonly knownAt: Instant;
  readonly asOf: Instant;
  /** Nothing was asked for: the latest evaluations as they stand are the answer. */
  readonly latest: boolean;
}

export interface MomentQuery {
  readonly workspace?: string | undefined;
  readonly as_of?: string | undefined;
  readonly known_at?: string | undefined;
  readonly min_position?: string | undefined;
}

const POLL_MS = 15;
const CATALOGS_MAX = 32;

/** What the tables say of positions and definitions; the catalogs last asked for are kept compiled. */
export class Knowledge {
  readonly #deps: QueryDeps;
  readonly #catalogs = new Map<string, Promise<Catalog>>();

  constructor(deps: QueryDeps) {
    this.#deps = deps;
  }

  /** How far the tables of a workspace have come; -1 before the first record. */
  async progress(workspace: string): Promise<{ readonly position: Position; readonly recordedAt: Instant | null }> {
    const { sql, params, shape } = progressOf(workspace);
    const [row] = await this.#deps.store.read({ sql, params }, shape);
    return row === undefined
      ? { position: -1, recordedAt: null }
      : { position: Number(row.position), recordedAt: row.recorded_at };
  }

  /** Reads the parameters that every read has, and waits for `min_position`. */
  async moment(query: MomentQuery): Promise<Moment> {
    const workspace = query.workspace ?? this.#deps.workspace;
    const least = positionOf(query.min_position);
    const knownAt = instantOf('known_at', query.known_at);
    const asOf = instantOf('as_of', query.as_of);
    const reached = await this.#reached(workspace, least);
    if (knownAt === undefined) {
      const now = reached.recordedAt ?? this.#deps.clock.now();
      return { workspace, position: reached.position, knownAt: now, asOf: asOf ?? now, latest: asOf === undefined };
    }
    const { sql, params, shape } = positionAt(workspace, knownAt);
    const [row] = await this.#deps.store.read({ sql, params }, shape);
    const position = row === undefined ? -1 : Math.min(Number(row.position), reached.position);
    return { workspace, position, knownAt, asOf: asOf ?? knownAt, latest: false };
  }

  /** The definitions in force at a position. */
  async catalog(workspace: string, position: Position): Promise<Catalog> {
    const latest = await this.#definitionsPosition(workspace, position);
    const key = `${workspace}/${latest}`;
    const known = this.#catalogs.get(key);
    if (known !== undefined) return known;
    const catalog = this.#compile(workspace, position, latest);
    this.#catalogs.set(key, catalog);
    if (this.#catalogs.size > CATALOGS_MAX) this.#catalogs.delete(this.#catalogs.keys().next().value ?? '');
    catalog.catch(() => this.#catalogs.delete(key));
    return catalog;
  }

  async #definitionsPosition(workspace: string, position: Position): Promise<Position | null> {
    const [row] = await this.#deps.store.read(
      {
        sql: 'SELECT max(position), count() FROM definition WHERE workspace = {workspace:String} AND position <= {position:UInt64}',
        params: { workspace, position: Math.max(position, 0) },
      },
      { position: 'UInt64', rows: 'UInt64' },
    );
    return row === undefined || Number(row.rows) === 0 ? null : Number(row.position);
  }

  async #compile(workspace: string, position: Position, latest: Position | null): Promise<Catalog> {
    const { sql, params, shape } = definitionsAt(workspace, Math.max(position, 0));
    const rows = await this.#deps.store.read({ sql, params }, shape);
    const documents = rows.map(
      (row): KnownDocument => ({
        // The processor wrote it from a document that was checked; it is read back as it was.
        document: JSON.parse(row.document) as Document,
        position: Number(row.position),
        recordedAt: row.recorded_at,
        shape: Number(row.shape),
      }),
    );
    return compileCatalog(documents, { position: latest, defaults: this.#deps.defaults });
  }

  async #reached(workspace: string, least: Position | undefined) {
    const deadline = performance.now() + this.#deps.limits.waitMs;
    for (;;) {
      const reached = await this.progress(workspace);
      if (least === undefined || reached.position >= least) return reached;
      if (performance.now() >= deadline) {
        throw new PacelineError(
          'position_unreached',
          `position ${formatPosition(least)} has not been reached within ${this.#deps.limits.waitMs} ms`,
          {
            retryAfterSeconds: 1,
          },
        );
      }
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  }
}

function positionOf(written: string | undefined): Position | undefined {
  if (written === undefined) return undefined;
  const at = parsePosition(written);
  if (at !== undefined) return at;
  throw new PacelineError('invalid_position', `min_position "${written.slice(0, 40)}" is no position such as 1841:0`);
}

/** A day alone means its start in UTC. */
export function instantOf(name: string, written: string | undefined): Instant | undefined {
  if (written === undefined) return undefined;
  const at = readInstant(/^\d{4}-\d{2}-\d{2}$/.test(written) ? `${written}T00:00:00Z` : written);
  if (at !== undefined) return at;
  throw new PacelineError(
    'invalid_time',
    `${name} "${written.slice(0, 40)}" is no instant such as 2026-11-22T06:00:00Z`,
    {
      faults: [{ code: 'invalid_time', message: `${name} is no instant`, parameter: name }],
    },
  );
}
