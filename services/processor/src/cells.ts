import type {
  Cell,
  Instant,
  Metric,
  MetricCells,
  MetricNeed,
  Position,
  SeriesCells,
  Touched,
  WorkspaceFold,
} from '@paceline/domain';
import { bucketAt } from '@paceline/domain/time/bucket';
import { type CellsNeed, readCells } from '@paceline/store';
import type { WorkspaceDeps } from './options.ts';

/** Above this many touched buckets of a metric, reading it anew is cheaper than patching. */
const PATCH_BUCKETS_MAX = 500;

interface Cached {
  /** Compiled once per definition: another object means that buckets may have moved. */
  readonly metric: Metric;
  readonly cuts: string;
  /** Cells from here on are held, and of each series the latest before. There is no upper end: later ones would be touched. */
  readonly from: Instant;
  series: Map<string, SeriesEntry>;
  /** Buckets, and whether the cell before the range may have changed. */
  stale: Set<Instant>;
  count: number;
  used: number;
}

interface SeriesEntry {
  readonly dimensions: Readonly<Record<string, string>>;
  readonly cells: readonly Cell[];
}

/**
 * Cells read from the raw table, kept between evaluations. The raw table stays the truth: a bucket that a fact touched is
 * read again, bounded by position, before anything is evaluated on it. Bounded; what was used longest ago goes first.
 */
export class CellCache {
  readonly #deps: WorkspaceDeps;
  readonly #fold: WorkspaceFold;
  readonly #metrics = new Map<string, Cached>();
  #uses = 0;

  constructor(deps: WorkspaceDeps, fold: WorkspaceFold) {
    this.#deps = deps;
    this.#fold = fold;
  }

  /** Marks what facts touched; called before the fold forgets it. */
  invalidate(touched: Touched): void {
    for (const [metric, { buckets }] of touched.metrics) {
      const cached = this.#metrics.get(metric);
      if (cached === undefined) continue;
      if (buckets === null || buckets.size + cached.stale.size > PATCH_BUCKETS_MAX) {
        this.#metrics.delete(metric);
        continue;
      }
      for (const from of buckets.keys()) {
        // The latest cell before the range came along with it and would be hard to find again.
        if (from < cached.from) this.#metrics.delete(metric);
        else cached.stale.add(from);
      }
    }
  }

  /** Everything the needs name, as of `at`: facts of that record and before it. */
  async read(needs: readonly MetricNeed[], at: Position): Promise<ReadonlyMap<string, MetricCells>> {
    const wanted: CellsNeed[] = [];
    const patches: CellsNeed[] = [];
    const runnings: CellsNeed[] = [];
    for (const need of needs) {
      const metric = this.#fold.catalog.metrics.get(need.metric);
      if (metric === undefined) continue;
      const cached = this.#held(metric, need);
      if (cached === undefined) wanted.push({ metric, need: { ...need, to: Number.POSITIVE_INFINITY, running: [] } });
      else if (cached.stale.size > 0) patches.push({ metric, need, buckets: [...cached.stale] });
      if (need.running.length > 0) runnings.push(runningNeed(metric, need));
    }
    await this.#load(wanted, at);
    await this.#patch(patches, at);
    const running = await this.#running(runnings, at);
    const cells = new Map(needs.map((need) => [need.metric, this.#cellsOf(need.metric, running.get(need.metric))]));
    this.#evict(new Set(needs.map(({ metric }) => metric)));
    return cells;
  }

  #held(metric: Metric, need: MetricNeed): Cached | undefined {
    const cached = this.#metrics.get(metric.name);
    if (cached === undefined) return undefined;
    cached.used = ++this.#uses;
    return cached.metric === metric && cached.from <= need.from && cached.cuts === cutsText(need) ? cached : undefined;
  }

  async #load(wanted: readonly CellsNeed[], at: Position): Promise<void> {
    if (wanted.length === 0) return;
    const read = await readCells(this.#deps.store, this.#deps.workspace, wanted, at, { lane: 'judge' });
    for (const { metric, need } of wanted) {
      const series = new Map<string, SeriesEntry>();
      let count = 0;
      for (const { key, dimensions, cells } of read.get(metric.name)?.series ?? []) {
        series.set(key, { dimensions, cells });
        count += cells.length;
      }
      const entry = { metric, cuts: cutsText(need), from: need.from, series, stale: new Set<Instant>(), count };
      this.#metrics.set(metric.name, { ...entry, used: ++this.#uses });
    }
  }

  async #patch(patches: readonly CellsNeed[], at: Position): Promise<void> {
    if (patches.length === 0) return;
    const read = await readCells(this.#deps.store, this.#deps.workspace, patches, at, { lane: 'judge' });
    for (const { metric } of patches) {
      const cached = this.#metrics.get(metric.name);
      if (cached === undefined) continue;
      const { stale } = cached;
      const fresh = new Map((read.get(metric.name)?.series ?? []).map((series) => [series.key, series]));
      const isStale = (cell: Cell): boolean => stale.has(bucketAt(metric.grid, cell.from)?.from ?? cell.from);
      for (const key of new Set([...cached.series.keys(), ...fresh.keys()])) {
        const kept = (cached.series.get(key)?.cells ?? []).filter((cell) => !isStale(cell));
        const cells = merge(kept, fresh.get(key)?.cells ?? []);
        const dimensions = cached.series.get(key)?.dimensions ?? fresh.get(key)?.dimensions ?? {};
        cached.series.set(key, { dimensions, cells });
      }
      cached.stale = new Set();
      cached.count = [...cached.series.values()].reduce((sum, { cells }) => sum + cells.length, 0);
    }
  }

  async #running(needs: readonly CellsNeed[], at: Position): Promise<ReadonlyMap<string, MetricCells>> {
    if (needs.length === 0) return new Map();
    return readCells(this.#deps.store, this.#deps.workspace, needs, at, { lane: 'judge' });
  }

  #cellsOf(metric: string, running: MetricCells | undefined): MetricCells {
    const seen = new Map((running?.series ?? []).map((series) => [series.key, series]));
    const held = this.#metrics.get(metric)?.series ?? new Map<string, SeriesEntry>();
    const series: SeriesCells[] = [...new Set([...held.keys(), ...seen.keys()])].sort().map((key) => ({
      key,
      dimensions: held.get(key)?.dimensions ?? seen.get(key)?.dimensions ?? {},
      cells: held.get(key)?.cells ?? [],
      running: (asOf) => seen.get(key)?.running(asOf),
    }));
    return { series };
  }

  #evict(keep: ReadonlySet<string>): void {
    let total = [...this.#metrics.values()].reduce((sum, { count }) => sum + count, 0);
    const oldest = [...this.#metrics].filter(([metric]) => !keep.has(metric)).sort(([, a], [, b]) => a.used - b.used);
    for (const [metric, { count }] of oldest) {
      if (total <= this.#deps.options.cellsMax) return;
      this.#metrics.delete(metric);
      total -= count;
    }
  }
}

/** Only the buckets that contain the instants, each as it was seen then. */
function runningNeed(metric: Metric, need: MetricNeed): CellsNeed {
  const buckets = new Set<Instant>();
  for (const asOf of need.running) {
    const bucket = bucketAt(metric.grid, asOf);
    if (bucket !== undefined) buckets.add(bucket.from);
  }
  return { metric, need, buckets: [...buckets] };
}

function cutsText(need: MetricNeed): string {
  return (need.cuts ?? []).join();
}

function merge(left: readonly Cell[], right: readonly Cell[]): Cell[] {
  return [...left, ...right].sort((a, b) => a.from - b.from);
}
