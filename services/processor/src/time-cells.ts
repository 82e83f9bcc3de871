import type { Cell, Instant, Metric, MetricCells, MetricNeed, Position, SeriesCells, Touched } from '@paceline/domain';
import { bucketAt, replacedCells } from '@paceline/domain';
import { type CellsNeed, readCells } from '@paceline/store';
import type { CellShare } from './cell-budget.ts';
import type { KeptCells, KeptNeed } from './cells.ts';
import type { WorkspaceDeps } from './options.ts';

/** Above this many touched buckets of a metric, reading it anew is cheaper than patching. */
const PATCH_BUCKETS_MAX = 500;

const CELL_BYTES = 150;

interface Cached {
  /** Compiled once per definition: another object means that buckets may have moved. */
  readonly metric: Metric;
  readonly cuts: string;
  /** Cells from here on are held, and of each series the latest before. There is no upper end: later ones would be touched. */
  readonly from: Instant;
  /** The same objects until they change: what the evaluator computes about a series is kept with it. */
  cells: MetricCells;
  /** Buckets, and whether the cell before the range may have changed. */
  stale: Set<Instant>;
  count: number;
}

/**
 * Cells of time points, read from the raw table and kept between evaluations: a bucket that a fact touched is read again,
 * bounded by position, before anything is evaluated on it.
 */
export class TimeCells implements KeptCells {
  readonly #deps: WorkspaceDeps;
  readonly #share: CellShare;
  readonly #durable: () => Promise<void>;
  readonly #metrics = new Map<string, Cached>();
  /** Running buckets as the present need asks for them, by metric and series. */
  readonly #running = new Map<string, ReadonlyMap<string, SeriesCells>>();

  constructor(deps: WorkspaceDeps, share: CellShare, durable: () => Promise<void>) {
    this.#deps = deps;
    this.#share = share;
    this.#durable = durable;
  }

  get metrics(): readonly string[] {
    return [...this.#metrics.keys()];
  }

  cells(metric: string): MetricCells | undefined {
    return this.#metrics.get(metric)?.cells;
  }

  drop(metric: string): void {
    this.#share.add(-(this.#metrics.get(metric)?.count ?? 0) * CELL_BYTES);
    this.#metrics.delete(metric);
  }

  invalidate(touched: Touched): void {
    for (const [metric, { buckets }] of touched.metrics) {
      const cached = this.#metrics.get(metric);
      if (cached === undefined) continue;
      if (buckets === null || buckets.size + cached.stale.size > PATCH_BUCKETS_MAX) {
        this.drop(metric);
        continue;
      }
      for (const from of buckets.keys()) {
        // The latest cell before the range came along with it and would be hard to find again.
        if (from < cached.from) this.drop(metric);
        else cached.stale.add(from);
      }
    }
  }

  async read(needs: readonly KeptNeed[], at: Position): Promise<void> {
    const wanted: CellsNeed[] = [];
    const patches: CellsNeed[] = [];
    const runnings: CellsNeed[] = [];
    for (const { metric, need } of needs) {
      const cached = this.#held(metric, need);
      if (cached === undefined) wanted.push({ metric, need: { ...need, to: Number.POSITIVE_INFINITY, running: [] } });
      else if (cached.stale.size > 0) patches.push({ metric, need, buckets: [...cached.stale] });
      if (need.running.length > 0) runnings.push(runningNeed(metric, need));
    }
    if (wanted.length + patches.length + runnings.length > 0) await this.#durable();
    await this.#load(wanted, at);
    await this.#patch(patches, at);
    await this.#run(runnings, at);
  }

  #held(metric: Metric, need: MetricNeed): Cached | undefined {
    const cached = this.#metrics.get(metric.name);
    if (cached === undefined) return undefined;
    return cached.metric === metric && cached.from <= need.from && cached.cuts === cutsText(need) ? cached : undefined;
  }

  async #load(wanted: readonly CellsNeed[], at: Position): Promise<void> {
    if (wanted.length === 0) return;
    const read = await readCells(this.#deps.store, this.#deps.workspace, wanted, at, { lane: 'judge' });
    for (const { metric, need } of wanted) {
      const series = this.#seriesIn(read, metric);
      this.drop(metric.name);
      this.#metrics.set(metric.name, {
        metric,
        cuts: cutsText(need),
        from: need.from,
        cells: { series },
        stale: new Set(),
        count: countOf(series),
      });
      this.#share.add(countOf(series) * CELL_BYTES);
    }
  }

  async #patch(patches: readonly CellsNeed[], at: Position): Promise<void> {
    if (patches.length === 0) return;
    const read = await readCells(this.#deps.store, this.#deps.workspace, patches, at, { lane: 'judge' });
    for (const { metric } of patches) {
      const cached = this.#metrics.get(metric.name);
      if (cached === undefined) continue;
      const { stale } = cached;
      const isStale = (cell: Cell): boolean => stale.has(bucketAt(metric.grid, cell.from)?.from ?? cell.from);
      cached.cells = replacedCells(cached.cells, isStale, this.#seriesIn(read, metric));
      cached.stale = new Set();
      const { count } = cached;
      cached.count = countOf(cached.cells.series);
      this.#share.add((cached.count - count) * CELL_BYTES);
    }
  }

  #seriesIn(read: ReadonlyMap<string, MetricCells>, { name }: Metric): SeriesCells[] {
    return (read.get(name)?.series ?? []).map((found) => this.#series(name, found));
  }

  #series(metric: string, { key, dimensions, cells }: SeriesCells): SeriesCells {
    const running = (asOf: Instant): Cell | undefined => this.#running.get(metric)?.get(key)?.running(asOf);
    return { key, dimensions, cells, running };
  }

  async #run(needs: readonly CellsNeed[], at: Position): Promise<void> {
    this.#running.clear();
    if (needs.length === 0) return;
    const read = await readCells(this.#deps.store, this.#deps.workspace, needs, at, { lane: 'judge' });
    for (const [metric, { series }] of read) this.#running.set(metric, new Map(series.map((each) => [each.key, each])));
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

function countOf(series: readonly SeriesCells[]): number {
  return series.reduce((sum, { cells }) => sum + cells.length, 0);
}
