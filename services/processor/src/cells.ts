import type {
  Metric,
  MetricCells,
  MetricNeed,
  ObservationsFact,
  Position,
  Recorded,
  Touched,
  WorkspaceFold,
} from '@paceline/domain';
import type { CellShare } from './cell-budget.ts';
import type { WorkspaceDeps } from './options.ts';
import { PeriodCells } from './period-cells.ts';
import { TimeCells } from './time-cells.ts';

export interface KeptNeed {
  readonly metric: Metric;
  /** Its range begins nowhere where nothing was stated before it. */
  readonly need: MetricNeed;
}

/** Cells of some metrics, kept from one evaluation to the next. */
export interface KeptCells {
  /** Names of the metrics of which cells are kept. */
  readonly metrics: readonly string[];
  /** Marks what facts touched; called before the fold forgets it. */
  invalidate(touched: Touched): void;
  /** Makes the cells of the needs right as of `at`. */
  read(needs: readonly KeptNeed[], at: Position): Promise<void>;
  cells(metric: string): MetricCells | undefined;
  drop(metric: string): void;
}

const NO_CELLS: MetricCells = { series: [] };

/**
 * Cells kept between evaluations. The raw table stays the truth: what a fact touched and its word alone does not decide is read
 * again, bounded by position, before anything is evaluated on it. Bounded; what was used longest ago goes first.
 */
export class CellCache {
  readonly #fold: WorkspaceFold;
  readonly #share: CellShare;
  readonly #period: PeriodCells;
  readonly #time: TimeCells;
  /** Awaited before the raw table is read: resolves when it holds all that was stated so far. */
  durable: () => Promise<void> = async () => undefined;
  readonly #used = new Map<string, number>();
  #uses = 0;

  constructor(deps: WorkspaceDeps, fold: WorkspaceFold) {
    this.#fold = fold;
    this.#share = deps.budget.share(deps.workspace);
    const durable = (): Promise<void> => this.durable();
    this.#period = new PeriodCells(deps, this.#share, durable);
    this.#time = new TimeCells(deps, this.#share, durable);
  }

  /** A record is folded. `isFirst`: of its metric nothing was ever stated before. */
  state(recorded: Recorded<ObservationsFact>, isFirst: boolean): void {
    this.#period.state(recorded, this.#fold.catalog.metrics.get(recorded.fact.metric), isFirst);
  }

  /** Marks what facts touched; called before the fold forgets it. */
  invalidate(touched: Touched): void {
    this.#period.invalidate(touched);
    this.#time.invalidate(touched);
  }

  /** Everything the needs name, as of `at`: facts of that record and before it. */
  async read(needs: readonly MetricNeed[], at: Position): Promise<ReadonlyMap<string, MetricCells>> {
    const period: KeptNeed[] = [];
    const time: KeptNeed[] = [];
    for (const asked of needs) {
      const metric = this.#fold.catalog.metrics.get(asked.metric);
      if (metric === undefined) continue;
      this.#used.set(metric.name, ++this.#uses);
      const need = this.#isAll(asked) ? { ...asked, from: Number.NEGATIVE_INFINITY } : asked;
      (metric.points === 'period' ? period : time).push({ metric, need });
    }
    await this.#period.read(period, at);
    await this.#time.read(time, at);
    const cells = new Map<string, MetricCells>();
    for (const [keeper, part] of [[this.#period, period] as const, [this.#time, time] as const])
      for (const { metric } of part) cells.set(metric.name, keeper.cells(metric.name) ?? NO_CELLS);
    this.#evict(cells);
    return cells;
  }

  /** Nothing was stated before the range: then the engine need not look for the latest cell there, which costs as much as the range. */
  #isAll({ metric, from }: MetricNeed): boolean {
    const first = this.#fold.statedFrom(metric);
    return first !== null && first >= from;
  }

  #evict(keep: ReadonlyMap<string, unknown>): void {
    if (this.#share.over <= 0) return;
    const held = [this.#period, this.#time].flatMap((keeper) =>
      keeper.metrics.map((metric) => ({ keeper, metric, used: this.#used.get(metric) ?? 0 })),
    );
    for (const { keeper, metric } of held.sort((left, right) => left.used - right.used)) {
      if (this.#share.over <= 0) return;
      if (!keep.has(metric)) keeper.drop(metric);
    }
  }
}
