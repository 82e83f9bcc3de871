import {
  evaluator,
  type GridPoint,
  gridPoints,
  type Instant,
  type LastTick,
  needsOf,
  position,
  TICK,
  type View,
  type WorkspaceFold,
} from '@paceline/domain';
import { Alerts } from './alerts.ts';
import { Breath } from './breath.ts';
import { gridPointsToJudge, type JudgedRange, touchedFrom } from './candidates.ts';
import { CellCache } from './cells.ts';
import { CutOff, pointText } from './cut-off.ts';
import { judgementRow, type Printed, print, type Tick } from './evaluation-rows.ts';
import { JudgementInserts } from './judgement-inserts.ts';
import type { WorkspaceDeps } from './options.ts';
import { writeRollups } from './rollups.ts';
import { OneAhead } from './serial.ts';
import { judgedRanges, standingJudgements } from './sql.ts';

/** Their metrics' cells are in memory at one time. */
const SLICE_SUBJECTS = 100;

export interface TickContext extends Tick {
  readonly previous: LastTick | null;
  heartbeat(): Promise<void>;
  /** Resolves when all that was stated before the tick is in the raw table; nothing of the tick may be written before. */
  durable(): Promise<void>;
}

interface Standing {
  readonly hash: Uint8Array;
  readonly verdict: string;
  readonly score: number | null;
}

/** Makes the durable judgements of one workspace, at ticks only. */
export class Judge {
  readonly cells: CellCache;
  readonly alerts: Alerts;
  readonly #deps: WorkspaceDeps;
  readonly #fold: WorkspaceFold;
  /** A grid point after the last one judged has no judgement yet, so nothing need be looked up. */
  readonly #judged = new Map<string, JudgedRange>();
  readonly #cutOff: CutOff;

  constructor(deps: WorkspaceDeps, fold: WorkspaceFold) {
    this.#deps = deps;
    this.#fold = fold;
    this.cells = new CellCache(deps, fold);
    this.alerts = new Alerts(deps, fold);
    this.#cutOff = new CutOff(deps);
  }

  /** Reads what was judged before the fold's next record. Rows of a tick that was not committed are not looked at. */
  async load(): Promise<void> {
    const before = position(Math.floor(this.#fold.position / position(1)) + 1);
    const { store, workspace, edition } = this.#deps;
    // Nothing is before the first record: a process is given many new workspaces at once.
    if (before > 0) {
      const query = judgedRanges({ workspace, edition, before });
      for (const { subject, first, last } of await store.read(query, query.shape, { lane: 'judge' })) {
        this.#judged.set(subject, { first, last });
      }
      await this.alerts.load(before);
    }
    await this.#cutOff.load(before);
  }

  /** Whether facts touched grid points at or before the last tick: they must be judged again, or for the first time. */
  hasTouched(last: Instant): boolean {
    const { catalog } = this.#fold;
    for (const [subject, from] of this.#touchedFrom()) {
      if (from <= last && gridPoints(catalog, { after: from - TICK, upTo: last }, [subject]).length > 0) return true;
    }
    return false;
  }

  async tick(tick: TickContext): Promise<void> {
    this.invalidate();
    this.#fold.fresh.clear();
    const { catalog } = this.#fold;
    const after = tick.previous?.recordedAt ?? firstDefinition(this.#fold) ?? tick.recordedAt;
    const points = gridPointsToJudge(catalog, { after, upTo: tick.recordedAt }, this.#touchedFrom());
    this.cells.durable = () => tick.durable();
    const inserts = new OneAhead();
    const judgements = new JudgementInserts(this.#deps, inserts, () => tick.durable());
    try {
      for (const slice of slicesOf(points, this.#deps.options.sliceEvaluations)) {
        await this.#judge(slice, tick, judgements);
        await tick.heartbeat();
      }
      await judgements.write();
      await tick.durable();
      const written = await this.#cutOff.rolledUp(tick);
      this.#cutOff.done();
      // Computed while the last judgements are written, and written behind them.
      await writeRollups({ fold: this.#fold, cells: this.cells, deps: this.#deps, inserts }, tick, written);
    } finally {
      await inserts.end();
    }
    await this.alerts.announce(tick);
  }

  /** Facts since the last look make their cells stale. */
  invalidate(): void {
    this.cells.invalidate(this.#fold.fresh);
  }

  /** What the evaluator reads of the fold's present, for these subjects and instants. */
  async view(subjects: Iterable<string>, instants: readonly Instant[]): Promise<View> {
    const fold = this.#fold;
    const { catalog, position: at, recordedAt } = fold;
    const coverages = new Map<string, ReturnType<WorkspaceFold['coverage']>>();
    const coverage = (metric: string): ReturnType<WorkspaceFold['coverage']> => {
      const known = coverages.get(metric) ?? fold.coverage(metric);
      coverages.set(metric, known);
      return known;
    };
    const cells = await this.cells.read(needsOf(catalog, subjects, instants, coverage), at);
    return {
      position: at,
      knownAt: recordedAt,
      edition: this.#deps.edition,
      catalog,
      cells: (metric) => cells.get(metric) ?? { series: [] },
      coverage,
      checkIns: (subject) => fold.checkIns.of(subject),
    };
  }

  #touchedFrom(): ReadonlyMap<string, Instant> {
    return touchedFrom(this.#fold, this.#fold.touched, (subject) => this.#judged.get(subject));
  }

  /** Some rows may be on their way when it resolves, or wait for more: the next slice is evaluated meanwhile. */
  async #judge(all: readonly GridPoint[], tick: TickContext, written: JudgementInserts): Promise<void> {
    const judged = await this.#cutOff.judged(all, tick);
    const points = judged.size === 0 ? all : all.filter(({ subject, at }) => !judged.has(pointText(subject, at)));
    const instants = [...new Set(points.map(({ at }) => at))].sort((a, b) => a - b);
    const view = await this.view(new Set(points.map(({ subject }) => subject)), instants);
    const standing = await this.#standing(points, tick);
    let judgements = 0;
    let restatements = 0;
    this.alerts.note(judged.values());
    const { evaluate } = evaluator(view);
    const breath = new Breath(this.#deps.clock);
    for (const { subject, at } of points.toSorted((left, right) => left.at - right.at)) {
      if (breath.isDue) await breath.take();
      const evaluation = evaluate(subject, at);
      if (evaluation === undefined) continue;
      const printed = print(evaluation);
      const before = standing.size === 0 ? undefined : standing.get(`${subject}\n${at}`);
      if (before !== undefined && printed.hash.equals(before.hash)) continue;
      const restated = isRestatement(before, printed);
      if (restated) restatements++;
      written.add(judgementRow(this.#deps.workspace, printed, tick, restated));
      judgements++;
      this.alerts.note([evaluation]);
      if (written.isFull) await written.write();
    }
    for (const { subject, at } of all) this.#seen(subject, at);
    const { metrics, workspace } = this.#deps;
    metrics.judgements.inc({ workspace }, judgements);
    metrics.restatements.inc({ workspace }, restatements);
  }

  /** What was last said of these grid points, where anything can have been. */
  async #standing(points: readonly GridPoint[], tick: Tick): Promise<ReadonlyMap<string, Standing>> {
    const again = points.filter(
      ({ subject, at }) => at <= (this.#judged.get(subject)?.last ?? Number.NEGATIVE_INFINITY),
    );
    const standing = new Map<string, Standing>();
    if (again.length === 0) return standing;
    const { store, workspace, edition } = this.#deps;
    const subjects = [...new Set(again.map(({ subject }) => subject))];
    const from = again.reduce((least, { at }) => Math.min(least, at), Number.POSITIVE_INFINITY);
    const to = again.reduce((most, { at }) => Math.max(most, at), Number.NEGATIVE_INFINITY);
    const query = standingJudgements({ workspace, edition, before: tick.position }, subjects, from, to);
    for (const row of await store.read(query, query.shape, { lane: 'judge' })) {
      standing.set(`${row.subject}\n${row.as_of}`, row);
    }
    return standing;
  }

  #seen(subject: string, at: Instant): void {
    const range = this.#judged.get(subject);
    this.#judged.set(subject, { first: Math.min(at, range?.first ?? at), last: Math.max(at, range?.last ?? at) });
  }
}

/** A closed judgement that says another verdict or score now. Only a closed one has a score. */
function isRestatement(before: Standing | undefined, { evaluation }: Printed): boolean {
  if (before === undefined || before.score === null) return false;
  return before.verdict !== evaluation.verdict || before.score !== evaluation.score;
}

/** Before the first definition was known nothing was due. */
function firstDefinition(fold: WorkspaceFold): Instant | undefined {
  let first: Instant | undefined;
  for (const { recordedAt } of fold.documents.values()) first = Math.min(first ?? recordedAt, recordedAt);
  return first;
}

/** Slices hold all grid points of a subject where they can, so that each metric's cells are read once. */
export function* slicesOf(points: readonly GridPoint[], evaluationsMax: number): Generator<readonly GridPoint[]> {
  let slice: GridPoint[] = [];
  let subjects = 0;
  for (const own of Map.groupBy(points, ({ subject }) => subject).values()) {
    for (let from = 0; from < own.length; from += evaluationsMax) {
      const part = own.slice(from, from + evaluationsMax);
      if (slice.length > 0 && (slice.length + part.length > evaluationsMax || subjects >= SLICE_SUBJECTS)) {
        yield slice;
        slice = [];
        subjects = 0;
      }
      slice.push(...part);
      subjects++;
    }
  }
  if (slice.length > 0) yield slice;
}
