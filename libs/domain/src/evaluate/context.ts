import type { Catalog } from '../catalog.ts';
import type { MetricCells } from '../cell.ts';
import type { CompiledKeyResult } from '../definition/compiled.ts';
import type { Evaluation } from '../evaluation.ts';
import type { Instant } from '../instant.ts';
import type { Intervals } from '../interval.ts';
import { coveredOfMetric, statedOfMetric } from '../metric/coverage.ts';
import type { Metric } from '../metric/metric.ts';
import type { View } from '../view.ts';
import type { GrainReading } from './per-grain.ts';
import type { Trace } from './trace.ts';

/** What evaluations of one view share: the view, what of it is expensive to ask twice, and members already evaluated. */
export class Context {
  readonly view: View;
  readonly catalog: Catalog;
  readonly trace: Trace | undefined;
  readonly cellsOf: (metric: string) => MetricCells;
  /** Evaluations at `memoAt`; an objective asks for its members' at its own instant. */
  readonly memo = new Map<string, Evaluation | undefined>();
  memoAt: Instant = Number.NaN;
  readonly #grains = new Map<CompiledKeyResult, Map<Instant, GrainReading>>();
  readonly #covered = new Map<Metric, Intervals>();
  readonly #stated = new Map<Metric, Intervals>();

  constructor(view: View, trace?: Trace) {
    this.view = view;
    this.catalog = view.catalog;
    this.trace = trace;
    this.cellsOf = (metric) => view.cells(metric);
  }

  /** Grains of at_least, at_most and between already read, by their start: a year of days is read once, not at every instant. */
  grainsOf(result: CompiledKeyResult): Map<Instant, GrainReading> {
    let grains = this.#grains.get(result);
    if (grains === undefined) {
      grains = new Map();
      this.#grains.set(result, grains);
    }
    return grains;
  }

  covered(metric: Metric): Intervals {
    let covered = this.#covered.get(metric);
    if (covered === undefined) {
      covered = coveredOfMetric(metric, (name) => this.view.coverage(name));
      this.#covered.set(metric, covered);
    }
    return covered;
  }

  /** What statements cover: it counts as observed even without a value. */
  stated(metric: Metric): Intervals {
    let stated = this.#stated.get(metric);
    if (stated === undefined) {
      stated = statedOfMetric(metric, (name) => this.view.coverage(name));
      this.#stated.set(metric, stated);
    }
    return stated;
  }
}
