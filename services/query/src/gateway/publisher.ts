import type { Catalog, Grid, Instant } from '@paceline/domain';
import type { Clock, Health, Logger } from '@paceline/runtime';
import {
  type BiMetric,
  biViews,
  bucketRows,
  definitionsPosition,
  dropMetricViews,
  metricView,
  metricViewNames,
  progressOf,
  publishBi,
  publishView,
  type Row,
  readCatalog,
  type Store,
} from '@paceline/store';
import { type DefinitionRow, definitionRows } from './definition-rows.ts';
import { reachOf, readReaches, standingRows } from './publisher-sql.ts';
import { systemViewStatements } from './system-views.ts';

export interface PublisherDeps {
  readonly store: Store;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly edition: number;
  /** Whether the gateway answers guests from this engine: then what they see of its own tables is made too. */
  readonly guests: boolean;
}

interface Published {
  /** Of the last definition command that was looked at, and the day on which owners were. */
  readonly basis: string;
  readonly metrics: readonly BiMetric[];
  readonly grids: ReadonlyMap<string, Grid>;
  /** How far the facts had come when the reach of buckets was last looked at. */
  readonly position: number;
}

const POLL_MS = 5_000;
/** Within this time what was looked at counts as fresh: a dashboard's dozen queries come at once. */
const FRESH_MS = 1_000;
const DAY_MS = 86_400_000;
/** Buckets are made this far beyond now and the latest fact. */
const AHEAD_MS = 400 * DAY_MS;
const FAULTS_KEPT_MS = 60_000;

/**
 * Keeps database `bi` what the definitions say: its views, the rows that say of metrics and subjects what they are, and the
 * buckets of their grids. Several processes may do so at once; they write the same.
 */
export class Publisher {
  readonly #deps: PublisherDeps;
  readonly #workspaces = new Map<string, Published>();
  readonly #buckets = new Map<string, { from: Instant; to: Instant }>();
  #views = new Map<string, string>();
  #foreign: ReadonlySet<string> = new Set();
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> | undefined;
  #freshAt = Number.NEGATIVE_INFINITY;
  #fault: { readonly at: number; readonly error: unknown } | null = null;

  constructor(deps: PublisherDeps) {
    this.#deps = deps;
  }

  /** Databases of the engine that guests have no part in. */
  get foreign(): ReadonlySet<string> {
    return this.#foreign;
  }

  /** The views a workspace has. */
  viewsOf(workspace: string): ReadonlySet<string> {
    const { store, edition } = this.#deps;
    const own = this.#workspaces.get(workspace)?.metrics ?? [];
    const names = metricViewNames(this.#allMetrics().map(({ name }) => name));
    return new Set([
      ...biViews({ database: store.database, edition }).map(({ name }) => name),
      ...own.map(({ name }) => names.get(name) ?? ''),
    ]);
  }

  async start(): Promise<void> {
    const { store, edition, guests } = this.#deps;
    await publishBi(store, edition);
    if (guests) for (const sql of systemViewStatements()) await store.command({ sql });
    await this.#refresh();
    this.#timer = setInterval(() => {
      void this.fresh().catch((error: unknown) => this.#failed(error));
    }, POLL_MS);
    this.#timer.unref();
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#running?.catch((error: unknown) => this.#failed(error));
  }

  health(): Health {
    const fault = this.#fault;
    if (fault === null || this.#deps.clock.monotonic() - fault.at > FAULTS_KEPT_MS) return { live: true, ready: true };
    return { live: true, ready: false, detail: `database bi is not kept up: ${String(fault.error)}` };
  }

  /** Resolves once what the definitions and facts say has been published, as of a second ago at most. */
  async fresh(): Promise<void> {
    if (this.#deps.clock.monotonic() - this.#freshAt < FRESH_MS) return;
    this.#running ??= this.#refresh().finally(() => {
      this.#running = undefined;
    });
    await this.#running;
  }

  #failed(error: unknown): void {
    this.#fault = { at: this.#deps.clock.monotonic(), error };
    this.#deps.logger.warn({ err: error }, 'database bi could not be brought up to date; it is tried again');
  }

  async #refresh(): Promise<void> {
    const { store, clock } = this.#deps;
    const startedAt = clock.monotonic();
    const progress = progressOf();
    for (const { workspace, position } of await store.read(progress, progress.shape)) {
      await this.#refreshWorkspace(workspace, position);
    }
    const databases = await store.read({ sql: 'SELECT name FROM system.databases' }, { name: 'String' });
    const shown = new Set(['bi', 'bi_system', 'system', 'information_schema', 'INFORMATION_SCHEMA']);
    this.#foreign = new Set([
      ...databases.map(({ name }) => name).filter((name) => !shown.has(name)),
      'system',
      'information_schema',
      'INFORMATION_SCHEMA',
    ]);
    await this.#publishViews();
    this.#freshAt = startedAt;
    this.#fault = null;
  }

  async #refreshWorkspace(workspace: string, position: number): Promise<void> {
    const { store, clock } = this.#deps;
    const known = this.#workspaces.get(workspace);
    if (known?.position === position) return;
    const query = definitionsPosition(workspace, position);
    const [command] = await store.read(query, query.shape);
    const now = clock.now();
    const basis = `${command?.commands ?? 0} ${command?.position ?? 0} ${Math.floor(now / DAY_MS)}`;
    if (known !== undefined && known.basis === basis) {
      await this.#extendBuckets(workspace, known.grids, now);
      this.#workspaces.set(workspace, { ...known, position });
      return;
    }
    const catalog = await readCatalog(store, workspace, position);
    const { rows, grids } = definitionRows(catalog, now);
    await this.#write(workspace, rows, now);
    await this.#extendBuckets(workspace, grids, now);
    this.#workspaces.set(workspace, { basis, metrics: metricsOf(catalog), grids, position });
  }

  /** Only rows that say something else than those that stand. */
  async #write(workspace: string, rows: readonly DefinitionRow[], now: Instant): Promise<void> {
    const { store } = this.#deps;
    const query = standingRows(workspace);
    const standing = new Map((await store.read(query, query.shape)).map((row) => [row.id, row]));
    const version = Math.max(Math.floor(now), ...[...standing.values()].map((row) => row.version + 1));
    const changed: Row<'bi_definition'>[] = [];
    for (const row of rows) {
      const old = standing.get(row.id);
      standing.delete(row.id);
      const fresh = { ...row, workspace, version };
      if (old === undefined || JSON.stringify({ ...old, version }) !== JSON.stringify(shaped(fresh, old)))
        changed.push(fresh);
    }
    for (const old of standing.values()) if (!old.removed) changed.push({ ...old, workspace, version, removed: true });
    if (changed.length > 0) await store.insert('bi_definition', changed);
  }

  /** Buckets from the earliest fact to a good while after the latest; only those that are not there yet. */
  async #extendBuckets(workspace: string, grids: ReadonlyMap<string, Grid>, now: Instant): Promise<void> {
    const { store, edition } = this.#deps;
    const reaches = await readReaches(store, workspace, edition);
    const rows: Row<'bi_bucket'>[] = [];
    for (const [name, grid] of grids) {
      const key = `${workspace} ${name}`;
      const wanted = reachOf(reaches, now, AHEAD_MS);
      const made = this.#buckets.get(key);
      if (made === undefined) rows.push(...bucketRows(workspace, grid, wanted.from, wanted.to));
      else {
        if (wanted.from < made.from) rows.push(...bucketRows(workspace, grid, wanted.from, made.from));
        // Made again half a reach before it is needed, so not at every look.
        if (wanted.to - AHEAD_MS / 2 > made.to) rows.push(...bucketRows(workspace, grid, made.to, wanted.to));
      }
      const to = made !== undefined && wanted.to - AHEAD_MS / 2 <= made.to ? made.to : wanted.to;
      this.#buckets.set(key, { from: Math.min(made?.from ?? wanted.from, wanted.from), to });
    }
    if (rows.length > 0) await store.insert('bi_bucket', rows);
  }

  #allMetrics(): readonly BiMetric[] {
    const merged = new Map<string, BiMetric>();
    for (const { metrics } of this.#workspaces.values()) {
      for (const metric of metrics) {
        const known = merged.get(metric.name);
        const dimensions = [...new Set([...(known?.dimensions ?? []), ...metric.dimensions])];
        merged.set(metric.name, { name: metric.name, title: metric.title, dimensions });
      }
    }
    return [...merged.values()];
  }

  /** One view a metric; where workspaces have metrics of one name, it has the dimensions of all. */
  async #publishViews(): Promise<void> {
    const { store } = this.#deps;
    const metrics = this.#allMetrics();
    const names = metricViewNames(metrics.map(({ name }) => name));
    const wanted = new Map<string, string>();
    for (const metric of metrics) {
      const name = names.get(metric.name) ?? '';
      const text = JSON.stringify(metric);
      if (this.#views.get(name) !== text) await publishView(store, metricView(name, metric));
      wanted.set(name, text);
    }
    const isFirst = this.#freshAt === Number.NEGATIVE_INFINITY;
    if (isFirst || [...this.#views.keys()].some((name) => !wanted.has(name))) {
      await dropMetricViews(store, new Set(wanted.keys()));
    }
    this.#views = wanted;
  }
}

/** With its keys in the order of the row that stands. */
function shaped<T extends object>(row: T, like: object): object {
  return Object.fromEntries(Object.keys(like).map((key) => [key, Reflect.get(row, key)]));
}

/** Metrics with points of their own: derived ones are computed by the evaluator alone. */
function metricsOf(catalog: Catalog): readonly BiMetric[] {
  return [...catalog.metrics.values()]
    .filter(({ aggregation }) => aggregation !== null)
    .map(({ name, document, dimensions }) => ({ name, title: document.metadata.title ?? name, dimensions }));
}
