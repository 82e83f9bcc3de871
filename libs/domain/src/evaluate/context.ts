import type { Catalog } from '../catalog.ts';
import type { MetricCells } from '../cell.ts';
import type { CompiledKeyResult, CompiledSubject } from '../definition/compiled.ts';
import type { Evaluation } from '../evaluation.ts';
import type { Instant, Span } from '../instant.ts';
import type { Intervals } from '../interval.ts';
import { coveredOfMetric, statedOfMetric } from '../metric/coverage.ts';
import type { Metric } from '../metric/metric.ts';
import { type Rational, toNumber } from '../number/rational.ts';
import { elapsedShare } from '../pace/elapsed.ts';
import { subjectOf } from '../subjects.ts';
import type { Bucket } from '../time/bucket.ts';
import type { View } from '../view.ts';
import { MetricState } from './metric-state.ts';
import type { GrainReading } from './per-grain.ts';
import type { EvaluateMember } from './rollup.ts';
import type { Trace } from './trace.ts';

/** E, exact and as the double it is printed as. */
export interface Elapsed {
  readonly at: Instant;
  readonly share: Rational;
  readonly number: number;
}

/** A subject, and what it was evaluated to at the last instant: an objective asks for its members' at its own. */
export interface FoundSubject {
  readonly compiled: CompiledSubject;
  readonly closed: Bucket | undefined;
  at: Instant;
  evaluation: Evaluation | undefined;
}

/** Closed periods are subjects too: over years of grid points there is no end of them. */
const KEPT_MAX = 100_000;

/** What evaluations of one view share: the view, what of it is expensive to ask twice, and members already evaluated. */
export class Context {
  readonly view: View;
  readonly catalog: Catalog;
  readonly trace: Trace | undefined;
  /** Only an explanation says how many series a value was made of. */
  readonly asOne: boolean;
  readonly cellsOf: (metric: string) => MetricCells;
  /** Evaluates a member for what it rolls up into, in this context. */
  evaluate: EvaluateMember | undefined;
  readonly #subjects = new Map<string, FoundSubject>();
  readonly #grains = new Map<CompiledKeyResult, Map<Instant, GrainReading>>();
  readonly #metrics = new Map<Metric, MetricState>();
  readonly #elapsed = new Map<Span, Elapsed>();

  constructor(view: View, trace?: Trace) {
    this.view = view;
    this.catalog = view.catalog;
    this.trace = trace;
    this.asOne = trace === undefined;
    this.cellsOf = (metric) => view.cells(metric);
  }

  subject(id: string): FoundSubject | undefined {
    const known = this.#subjects.get(id);
    if (known !== undefined) return known;
    const found = subjectOf(this.catalog, id);
    if (found === undefined) return undefined;
    if (this.#subjects.size >= KEPT_MAX) this.#subjects.clear();
    const { compiled, closed } = found;
    const kept: FoundSubject = { compiled, closed, at: Number.NaN, evaluation: undefined };
    this.#subjects.set(id, kept);
    return kept;
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

  metric(metric: Metric): MetricState {
    let state = this.#metrics.get(metric);
    if (state === undefined) {
      const coverage = (name: string) => this.view.coverage(name);
      state = new MetricState(metric, coveredOfMetric(metric, coverage), statedOfMetric(metric, coverage));
      this.#metrics.set(metric, state);
    }
    return state;
  }

  covered(metric: Metric): Intervals {
    return this.metric(metric).covered;
  }

  /** E of a period: most of what shares a cycle was measured at one instant. */
  elapsed(period: Span, at: Instant): Elapsed {
    let elapsed = this.#elapsed.get(period);
    if (elapsed === undefined || elapsed.at !== at) {
      if (this.#elapsed.size >= KEPT_MAX) this.#elapsed.clear();
      const share = elapsedShare(period, at);
      elapsed = { at, share, number: toNumber(share) };
      this.#elapsed.set(period, elapsed);
    }
    return elapsed;
  }
}
