import {
  type Catalog,
  compileCatalog,
  formatPosition,
  type Instant,
  type Metric,
  type MetricCells,
  offsetOf,
  type Position,
  parsePosition,
  position,
  readInstant,
  subjectOf,
  subjectsOf,
  suggestion,
} from '@paceline/domain';
import { PacelineError } from '@paceline/runtime';
import {
  type CellsNeed,
  definitionsPosition,
  type Known,
  type KnownCoverage,
  knownPosition,
  type QueryOptions,
  readCatalog,
} from '@paceline/store';
import type { QueryDeps } from './deps.ts';
import { MetricMemory, Written } from './metric-memory.ts';
import type { Watermarks, WrittenRow } from './watermarks.ts';

/** Up to where a read looks: everything at or below `position`, known at `knownAt`, judged as of `asOf`. */
export interface Moment {
  readonly workspace: string;
  /** -1 before the first record. */
  readonly position: Position;
  readonly knownAt: Instant;
  readonly asOf: Instant;
  /** Neither instant was asked for: the latest evaluations as they stand are the answer. */
  readonly latest: boolean;
  /** What the answer must at least hold. */
  readonly least: Position | undefined;
}

export interface MomentQuery {
  readonly workspace?: string | undefined;
  readonly as_of?: string | undefined;
  readonly known_at?: string | undefined;
  readonly min_position?: string | undefined;
}

const POLL_MS = 15;
const CATALOGS_MAX = 32;
const POSITIONS_MAX = 1_000;

/** What the tables say of positions and definitions; the catalogs last asked for are kept compiled. */
export class Knowledge {
  readonly #deps: QueryDeps;
  /** By workspace and position of the last definition command. */
  readonly #catalogs = new Map<string, Promise<Catalog>>();
  /** By workspace and any position: an answer at a position is the same for ever. */
  readonly #positions = new Map<string, Promise<Catalog>>();
  readonly #written: Written | null;
  #memory: MetricMemory;
  readonly #watermarks: Watermarks;
  #tables = 0;

  constructor(deps: QueryDeps, watermarks: Watermarks) {
    this.#deps = deps;
    this.#watermarks = watermarks;
    this.#written = deps.refresh === 'told' ? new Written() : null;
    this.#memory = this.#emptyMemory();
  }

  /** How often the tables became others: part of what an answer is a function of. */
  get tables(): number {
    return this.#tables;
  }

  /** The tables are others now, and may say otherwise of a position that was read before. */
  moved(): void {
    this.#tables++;
    for (const cache of [this.#catalogs, this.#positions]) cache.clear();
    // What is being read of the old tables ends in the old memory.
    this.#memory = this.#emptyMemory();
  }

  /** Whoever writes the tables in this process says so here. */
  written(table: string, rows: readonly WrittenRow[]): void {
    this.#written?.put(table, rows);
  }

  #emptyMemory(): MetricMemory {
    return new MetricMemory(this.#deps.store, this.#written, () => this.options);
  }

  get options(): QueryOptions {
    return { lane: 'read', timeoutMs: this.#deps.limits.queryMs };
  }

  /** Reads the parameters that every read has, and waits for `min_position`. */
  async moment(query: MomentQuery): Promise<Moment> {
    const workspace = query.workspace ?? this.#deps.workspace;
    const least = positionOf('min_position', query.min_position);
    const knownAt = instantOf('known_at', query.known_at);
    const asOf = instantOf('as_of', query.as_of);
    const reached = await this.#reached(workspace, least);
    if (reached === undefined && workspace !== this.#deps.workspace) {
      throw new PacelineError('unknown_workspace', `there is no workspace ${workspace}`);
    }
    const latest = asOf === undefined && knownAt === undefined;
    const now = reached?.recordedAt ?? this.#deps.clock.now();
    const known =
      knownAt === undefined || reached === undefined || knownAt >= reached.recordedAt
        ? reached
        : await knownPosition(this.#deps.store, workspace, knownAt, this.options);
    // Whole records are known or not; `1841:0` names all of one.
    const at = known === undefined ? -1 : position(offsetOf(known.position));
    const base = { workspace, position: at, latest, least };
    return { ...base, knownAt: knownAt ?? now, asOf: asOf ?? knownAt ?? now };
  }

  /** The definitions in force at a moment's position. */
  async catalog({ workspace, position }: Pick<Moment, 'workspace' | 'position'>): Promise<Catalog> {
    if (position < 0) return compileCatalog([]);
    return remembered(this.#positions, `${workspace}/${position}`, POSITIONS_MAX, async () => {
      const { known, definitions } = await this.#watermarks.at(workspace);
      if (known !== undefined && definitions !== undefined && offsetOf(known.position) === offsetOf(position))
        return this.#compiled(workspace, position, definitions ?? 'none');
      const query = definitionsPosition(workspace, position);
      const [command] = await this.#deps.store.read(query, query.shape, this.options);
      const last = command === undefined || command.commands === 0 ? 'none' : command.position;
      return this.#compiled(workspace, position, last);
    });
  }

  /** `last`: of the definition commands known at the position. */
  #compiled(workspace: string, at: Position, last: Position | 'none'): Promise<Catalog> {
    return remembered(this.#catalogs, `${workspace}/${last}`, CATALOGS_MAX, () =>
      readCatalog(this.#deps.store, workspace, at, this.options),
    );
  }

  /** Who covers what of metrics with points of their own. */
  async coverage(
    moment: Moment,
    catalog: Catalog,
    metrics: readonly string[],
  ): Promise<ReadonlyMap<string, KnownCoverage>> {
    if (moment.position < 0) return new Map();
    const found = await Promise.all(
      metrics.map(async (metric) => [metric, await this.#memory.coverage(moment, catalog, metric)] as const),
    );
    return new Map(found.flatMap(([metric, coverage]) => (coverage === undefined ? [] : [[metric, coverage]])));
  }

  /** The cells of metrics with points of their own. */
  cells(moment: Moment, catalog: Catalog, needs: readonly CellsNeed[]): Promise<ReadonlyMap<string, MetricCells>> {
    return this.#memory.cells(moment, catalog, needs);
  }

  async #reached(workspace: string, least: Position | undefined): Promise<Known | undefined> {
    const { clock, limits } = this.#deps;
    const deadline = clock.monotonic() + limits.waitMs;
    let { known: reached } = await this.#watermarks.at(workspace);
    for (;;) {
      if (least === undefined || (reached !== undefined && reached.position >= least)) return reached;
      if (clock.monotonic() >= deadline) {
        const far = reached === undefined ? 'nothing has' : `${formatPosition(reached.position)} has`;
        const message = `position ${formatPosition(least)} was not reached within ${limits.waitMs} ms; ${far} been read`;
        throw new PacelineError('position_unreached', message, { retryAfterSeconds: 1 });
      }
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
      reached = (await this.#watermarks.now(workspace)).known;
    }
  }
}

/** Computed once per key; what failed is not kept, and of too many the oldest goes. */
function remembered<Value>(
  cache: Map<string, Promise<Value>>,
  key: string,
  max: number,
  compute: () => Promise<Value>,
): Promise<Value> {
  const known = cache.get(key);
  if (known !== undefined) return known;
  const made = compute();
  cache.set(key, made);
  if (cache.size > max) cache.delete(cache.keys().next().value ?? '');
  made.catch(() => cache.delete(key));
  return made;
}

/** The metric of a name, or `unknown_metric` with the nearest one. */
export function metricOf(catalog: Catalog, name: string): Metric {
  const metric = catalog.metrics.get(name);
  if (metric !== undefined) return metric;
  throw refused('unknown_metric', 'metric', `there is no metric ${name}${suggestion(name, catalog.metrics.keys())}`);
}

/** Throws `unknown_subject` with the nearest one, unless the definitions have it. */
export function requireSubject(catalog: Catalog, subject: string, at: Instant): void {
  if (subjectOf(catalog, subject) !== undefined) return;
  const near = suggestion(subject, subjectsOf(catalog, at));
  throw refused('unknown_subject', 'subject', `there is no subject ${subject}${near}`);
}

export function positionOf(name: string, written: string | undefined): Position | undefined {
  if (written === undefined) return undefined;
  const at = parsePosition(written);
  if (at !== undefined) return at;
  throw refused('invalid_position', name, `${name} "${written.slice(0, 40)}" is no position such as 1841:0`);
}

/** A day alone means its start in UTC. */
export function instantOf(name: string, written: string | undefined): Instant | undefined {
  if (written === undefined) return undefined;
  const at = readInstant(/^\d{4}-\d{2}-\d{2}$/.test(written) ? `${written}T00:00:00Z` : written);
  if (at !== undefined) return at;
  throw refused('invalid_time', name, `${name} "${written.slice(0, 40)}" is no instant such as 2026-11-22T06:00:00Z`);
}

/** A refusal of one parameter. */
export function refused(
  code: ConstructorParameters<typeof PacelineError>[0],
  parameter: string,
  message: string,
): PacelineError {
  return new PacelineError(code, message, { faults: [{ code, message, parameter }] });
}
