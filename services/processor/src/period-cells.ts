import {
  LiveCells,
  type Metric,
  type MetricCells,
  type MetricNeed,
  type ObservationsFact,
  type PeriodSeries,
  type Position,
  type Recorded,
  type Touched,
} from '@paceline/domain';
import { type CellsNeed, readCellsSlowly, readPeriodPoints } from '@paceline/store';
import type { CellShare } from './cell-budget.ts';
import type { KeptCells, KeptNeed } from './cells.ts';
import type { WorkspaceDeps } from './options.ts';

/** Above this many buckets of a metric that must be read again, reading it anew is cheaper than patching. */
const PATCH_BUCKETS_MAX = 500;

/** A cell as an object. */
const FIXED_BYTES = 150;

/** Read in another way than by what stands of each label: nothing can be added to it. */
interface Fixed {
  readonly metric: Metric;
  readonly from: number;
  readonly cells: MetricCells;
  readonly count: number;
}

/**
 * Cells of period points. Kept up to date by the facts themselves as they are folded; the raw table is read when a metric is
 * first asked for, and for buckets of which one statement alone does not tell what stands.
 */
export class PeriodCells implements KeptCells {
  readonly #deps: WorkspaceDeps;
  readonly #durable: () => Promise<void>;
  readonly #share: CellShare;
  readonly #live = new Map<string, LiveCells>();
  readonly #fixed = new Map<string, Fixed>();

  constructor(deps: WorkspaceDeps, share: CellShare, durable: () => Promise<void>) {
    this.#deps = deps;
    this.#share = share;
    this.#durable = durable;
  }

  get metrics(): readonly string[] {
    return [...this.#live.keys(), ...this.#fixed.keys()];
  }

  cells(metric: string): MetricCells | undefined {
    return this.#live.get(metric)?.cells ?? this.#fixed.get(metric)?.cells;
  }

  drop(metric: string): void {
    const [live, fixed] = [this.#live.get(metric)?.bytes ?? 0, this.#fixed.get(metric)?.count ?? 0];
    this.#share.add(-live - fixed * FIXED_BYTES);
    this.#live.delete(metric);
    this.#fixed.delete(metric);
  }

  /** Takes a record that was folded. `isFirst`: of its metric nothing was ever stated before, so all of it is known from here. */
  state(recorded: Recorded<ObservationsFact>, metric: Metric | undefined, isFirst: boolean): void {
    const name = recorded.fact.metric;
    let live = this.#live.get(name);
    if (live === undefined) {
      if (!isFirst || metric === undefined || metric.points !== 'period' || metric.aggregation === null) return;
      live = new LiveCells(metric, Number.NEGATIVE_INFINITY);
      this.#live.set(name, live);
    }
    if (live.metric !== metric) {
      this.drop(name);
      return;
    }
    const { bytes } = live;
    const known = live.state(recorded);
    this.#share.add(live.bytes - bytes);
    if (!known || this.#share.over > 0) this.drop(name);
  }

  /** What was touched was stated as well, and another definition is another metric: both are seen by themselves. */
  invalidate(touched: Touched): void {
    for (const metric of touched.metrics.keys()) {
      if (this.#fixed.has(metric) || (this.#live.get(metric)?.unsure.size ?? 0) > PATCH_BUCKETS_MAX) this.drop(metric);
    }
  }

  async read(needs: readonly KeptNeed[], at: Position): Promise<void> {
    const wanted: CellsNeed[] = [];
    const patches: CellsNeed[] = [];
    for (const { metric, need } of needs) {
      const live = this.#live.get(metric.name);
      if (!isOf(live ?? this.#fixed.get(metric.name), metric, need))
        wanted.push({ metric, need: { ...need, to: Number.POSITIVE_INFINITY, running: [] } });
      else if (live !== undefined && live.unsure.size > 0) patches.push({ metric, need, buckets: [...live.unsure] });
    }
    for (const { metric } of wanted) this.drop(metric.name);
    await this.#put(wanted, at);
    await this.#put(patches, at);
  }

  async #put(needs: readonly CellsNeed[], at: Position): Promise<void> {
    if (needs.length === 0) return;
    const { store, workspace } = this.#deps;
    await this.#durable();
    const points = await readPeriodPoints(store, workspace, needs, at, { lane: 'judge' });
    for (const { metric, need } of needs) {
      const known = this.#live.get(metric.name);
      const live = known ?? new LiveCells(metric, need.from);
      const bytes = known?.bytes ?? 0;
      const isPatched = live.patch(points.get(metric.name) ?? NOTHING);
      this.#live.set(metric.name, live);
      this.#share.add(live.bytes - bytes);
      if (isPatched) continue;
      this.drop(metric.name);
      const cells = await readCellsSlowly(store, workspace, metric, at, { lane: 'judge' });
      const all = cells.series.reduce((sum, series) => sum + series.cells.length, 0);
      this.#fixed.set(metric.name, { metric, from: Number.NEGATIVE_INFINITY, cells, count: all });
      this.#share.add(all * FIXED_BYTES);
    }
  }
}

const NOTHING: readonly PeriodSeries[] = [];

function isOf(kept: Pick<Fixed, 'metric' | 'from'> | undefined, metric: Metric, need: MetricNeed): boolean {
  return kept !== undefined && kept.metric === metric && kept.from <= need.from;
}
