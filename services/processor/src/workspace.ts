import {
  type Instant,
  isObservations,
  type Position,
  pointCount,
  position,
  type Recorded,
  type TickFact,
  WorkspaceFold,
} from '@paceline/domain';
import { decodeInColumns, type Undecoded } from '@paceline/events';
import type { BatchContext, LogRecord } from '@paceline/log';
import { ObservationTexts } from '@paceline/store';
import { Breath } from './breath.ts';
import { bury } from './dead-letters.ts';
import { Judge } from './judge.ts';
import type { WorkspaceDeps } from './options.ts';
import { answerQuestions, recordedAtOf, restoreFold } from './restore.ts';
import { Serial } from './serial.ts';
import { Snapshots } from './snapshots.ts';
import { Span } from './span.ts';
import { Status } from './status.ts';
import { writePoints, writeRest } from './write-span.ts';

type Context = Pick<BatchContext, 'heartbeat' | 'commit' | 'end' | 'signal'>;

/** Records of one span at most, so that a log of tiny records is committed now and then too. */
const SPAN_RECORDS_MAX = 100_000;

/** Records between two looks at the clock, which cost as much as a fifth of a record of one point. */
const RECORDS_A_LOOK = 8;

/** A workspace that was at the head of its log this short a time ago is not behind: it is at work. */
const CURRENT_MS = 10_000;

/** What a duration counts at most when it decides how long to wait: a clock that plays years makes them long. */
export const DURATION_MS_MAX = 2_000;

export interface WorkspaceProgress {
  /** Next offset to take. */
  readonly next: number;
  readonly committed: number;
  /** Everything at or below it is in every table, status among them. */
  readonly settled: Position;
  readonly recordedAt: Instant | null;
  readonly lastTick: { readonly position: Position; readonly recordedAt: Instant } | null;
  /** The end of the log, as of the last batch. */
  readonly end: number;
  readonly doing: 'restoring' | 'reading' | 'judging' | 'waiting';
}

/** A workspace that stands still. */
export interface Held {
  readonly next: number;
  readonly recordedAt: Instant | null;
  reload(): Promise<void>;
}

/** Work that was given up because the process stops: nothing of it is committed, and the next start does it again. */
export class Abandoned extends Error {
  override readonly name = 'Abandoned';
  constructor() {
    super('given up, because the processor stops; done again at the next start');
  }
}

/** Records behind the commit were taken and could not be written: thrown, so that they are delivered again. */
class Unwritten extends Error {
  override readonly name = 'Unwritten';
  constructor(committed: number) {
    super(`what was taken behind offset ${committed} could not be written; delivered again from there`);
  }
}

/**
 * One workspace's log turned into tables. Records are taken one batch at a time, in order; while a span is being written
 * the next one is decoded; nothing is committed before everything it stands for is durable.
 */
export class Workspace {
  readonly deps: WorkspaceDeps;
  readonly serial = new Serial();
  /** Called at the head: something may be due now, and what was taken is to be written. */
  caughtUp: () => void = () => undefined;
  #fold: WorkspaceFold;
  #judge: Judge;
  #status: Status;
  #span: Span;
  /** Names repeat from span to span. */
  readonly #texts = new ObservationTexts();
  #writing: Promise<void> = Promise.resolve();
  #broken: { readonly error: unknown } | null = null;
  #loaded = false;
  #context: Context | null = null;
  #next = 0;
  #committed = 0;
  #settled: Position = -1;
  /** After a restart nobody knows which statuses the last facts had reached. */
  #refreshAll = false;
  #end = 0;
  #snapshots: Snapshots;
  #doing: WorkspaceProgress['doing'] = 'restoring';
  #stopping = false;
  /** Whether the tables, status among them, were brought up to the head since the fold was rebuilt; and when the head was last reached. */
  #began = false;
  #headAt = Number.NEGATIVE_INFINITY;
  /** How long the last tick took. */
  lastTickMs = 0;
  #ticked: { readonly position: Position; readonly recordedAt: Instant } | null = null;

  constructor(deps: WorkspaceDeps) {
    this.deps = deps;
    this.#fold = new WorkspaceFold();
    this.#judge = new Judge(deps, this.#fold);
    this.#status = new Status(deps, this.#fold, this.#judge);
    this.#span = new Span(deps.workspace, 0, this.#texts);
    this.#snapshots = new Snapshots(deps, 0);
  }

  get fold(): WorkspaceFold {
    return this.#fold;
  }

  get judge(): Judge {
    return this.#judge;
  }

  get progress(): WorkspaceProgress {
    return {
      next: this.#next,
      committed: this.#committed,
      settled: this.#settled,
      recordedAt: Number.isFinite(this.#fold.recordedAt) ? this.#fold.recordedAt : null,
      lastTick: this.#ticked,
      end: this.#end,
      doing: this.#doing,
    };
  }

  /** Whether the fold is right: what failed is taken on anew. */
  get isLoaded(): boolean {
    return this.#loaded && this.#broken === null;
  }

  /** Whether everything that the log was seen to hold is taken. */
  get isAtHead(): boolean {
    return this.isLoaded && this.#doing === 'waiting' && this.#next >= this.#end;
  }

  /** Whether all of it is in the tables too. */
  get isCaughtUp(): boolean {
    return this.isAtHead && this.#committed >= this.#next;
  }

  /** How long ago the head was last reached; Infinity before the first time. */
  get sinceHeadMs(): number {
    return this.deps.clock.monotonic() - this.#headAt;
  }

  /** Whether its tables can be shown: brought up to the head once since the start, and not behind for long. */
  get isCurrent(): boolean {
    if (!this.#loaded || this.#broken !== null || !this.#began) return false;
    return this.isCaughtUp || this.sinceHeadMs < CURRENT_MS;
  }

  /** Rebuilds the fold as it was before the record at `next`. */
  async load(next: number): Promise<void> {
    this.#loaded = false;
    this.#began = false;
    this.#doing = 'restoring';
    await this.#writing;
    this.#broken = null;
    const fold = new WorkspaceFold();
    const { clock, metrics, workspace, logger } = this.deps;
    const started = clock.monotonic();
    const { from, snapshots } = await restoreFold(fold, next, this.deps);
    this.#fold = fold;
    this.#judge = new Judge(this.deps, fold);
    this.#status = new Status(this.deps, fold, this.#judge);
    await this.#judge.load();
    this.#ticked = fold.lastTick;
    this.#span = new Span(this.deps.workspace, next, this.#texts);
    this.#next = next;
    this.#committed = next;
    this.#end = Math.max(next, this.#end);
    this.#settled = -1;
    this.#refreshAll = true;
    this.#snapshots = snapshots;
    this.#loaded = true;
    this.#doing = 'waiting';
    const tookMs = clock.monotonic() - started;
    metrics.restoreSeconds.observe({ workspace }, tookMs / 1000);
    logger.info({ workspace, next, snapshot: from, tookMs: Math.round(tookMs) }, 'workspace restored');
  }

  /** The end of the log, known before the first batch. */
  headKnown(end: number): void {
    this.#end = Math.max(this.#end, end);
    this.#countLag();
  }

  /** Takes one batch; resolves when the next may come. A throw means: deliver again from the last commit. */
  take(records: readonly LogRecord[], context: Context): Promise<void> {
    return this.serial.run(async () => {
      try {
        await this.#take(records, context);
      } catch (error) {
        // The fold may be ahead of what is written: it is rebuilt before anything else is taken.
        this.#loaded = false;
        throw error;
      } finally {
        if (this.#loaded) this.#doing = 'waiting';
      }
    });
  }

  /** Brings the status and the progress up to what was taken; answers the ms that it took, without the wait for its turn. */
  refresh(): Promise<number> {
    const { clock } = this.deps;
    return this.serial.run(async () => {
      const began = clock.monotonic();
      await this.#refresh();
      return clock.monotonic() - began;
    });
  }

  /**
   * Runs while nothing is taken, with every table, all of the status too, brought up to the record before `next`. `reload` goes
   * on with the tables as they are then, which must say the same of that record.
   */
  hold<Result>(work: (held: Held) => Promise<Result>): Promise<Result> {
    return this.serial.run(async () => {
      if (!this.#loaded || this.#broken !== null)
        throw this.#broken?.error ?? new Error('the workspace is not restored yet');
      await this.#drain();
      // Statuses are of the moment they were last touched: all must be of one to be compared.
      this.#refreshAll ||= !(await this.#status.isAt(this.#fold.position));
      if (this.#refreshAll) this.#settled = -1;
      await this.#refresh();
      const next = this.#next;
      return work({ next, recordedAt: this.progress.recordedAt, reload: () => this.#reload(next) });
    });
  }

  async #reload(next: number): Promise<void> {
    const began = this.#began;
    await this.load(next);
    this.#refreshAll = false;
    this.#settled = position(next) - 1;
    this.#began = began;
  }

  /** Gives up what is in flight, within a slice of its work; then writes what is whole and keeps the fold: the next start is quick. */
  stop(): Promise<void> {
    this.#stopping = true;
    return this.serial.run(async () => {
      if (!this.#loaded || this.#broken !== null) return;
      await this.#drain();
      const kept = this.#snapshots.take(this.#fold, this.#next, true);
      if (kept !== null) await this.#snapshots.save(kept);
    });
  }

  async #take(records: readonly LogRecord[], context: Context): Promise<void> {
    const first = records[0];
    if (first === undefined) return;
    // Whatever lies between is committed and its rows are in the tables: a fold that does not know of it would judge without them.
    const isBehind = first.offset > this.#next;
    const isBroken = !this.isLoaded;
    if (isBroken && this.#next > this.#committed && first.offset > this.#committed)
      await this.#refuseBehind(first.offset);
    if (isBroken || isBehind) await this.load(first.offset);
    this.#context = context;
    this.#end = context.end;
    this.#doing = 'reading';
    this.#countLag();
    const { clock, options } = this.deps;
    let beaten = clock.monotonic();
    const breath = new Breath(clock);
    for (const record of records) {
      if (this.#stopping) throw new Abandoned();
      // Delivered again after a rebalance, while the fold already holds it.
      if (record.offset < this.#next) continue;
      // Most need nobody: a promise for each of a million records costs more than folding it.
      const waiting = this.#record(record, context);
      if (waiting !== undefined) await waiting;
      const { rows } = this.#span.observation;
      if (rows >= options.spanPointsMax || this.#span.records >= SPAN_RECORDS_MAX) await this.#write();
      if (record.offset % RECORDS_A_LOOK !== 0) continue;
      if (breath.isDue) await breath.take();
      if (clock.monotonic() - beaten < options.sliceMs) continue;
      await context.heartbeat();
      beaten = clock.monotonic();
    }
    if (this.#next < context.end) return;
    // Somebody waits for the outcome of a command. All else is written with the status that it changes, in a moment: whoever reads
    // waits for that, and an insert costs the same for one record as for all that come meanwhile.
    if (this.#span.command.length > 0) await this.#drain();
    this.#doing = 'waiting';
    this.#headAt = clock.monotonic();
    this.caughtUp();
  }

  /**
   * What was taken at the head waits a moment before it is written. Where that failed, what follows is refused, so that all is delivered
   * again. A commit whose answer was lost is no such failure: only the log knows.
   */
  async #refuseBehind(offset: number): Promise<void> {
    const { log, options, topic } = this.deps;
    const committed = await log.committed(options.group, topic);
    if (committed < offset) throw new Unwritten(committed);
  }

  /** Folds a record and collects what is to be written of it; a promise where that takes more. */
  #record(record: LogRecord, context: Context): Promise<void> | undefined {
    const at = position(record.offset);
    const decoded = decodeInColumns(record);
    this.#next = record.offset + 1;
    if (!decoded.ok) return this.#bury(record, decoded);
    const { fact, id } = decoded;
    const recordedAt = this.#fold.nextRecordedAt(decoded.recordedAt);
    if (fact.type === 'tick') return this.#tick({ position: at, recordedAt, id, fact }, context);
    const recorded: Recorded = { position: at, recordedAt, id, fact };
    if (fact.type === 'definitions' && this.#fold.isAsking) return this.#answered().then(() => this.#apply(recorded));
    this.#apply(recorded);
    return undefined;
  }

  async #bury(record: LogRecord, { code, message }: Undecoded): Promise<void> {
    const at = position(record.offset);
    const recordedAt = this.#fold.stamp(at, recordedAtOf(record));
    this.#span.record(at, recordedAt, 1);
    const { workspace, metrics, logger } = this.deps;
    logger.warn({ workspace, offset: record.offset, code }, `put aside: ${message}`);
    const log = this.deps.mode === 'live' ? this.deps.log : null;
    const poison = { record, position: at, recordedAt, code, message };
    this.#span.deadLetter.push(await bury(poison, { log, metrics, workspace }));
  }

  async #answered(): Promise<void> {
    await this.#drain();
    await answerQuestions(this.#fold, this.#committed, true, this.deps);
  }

  #apply(record: Recorded): void {
    const { fact, position: at, recordedAt } = record;
    if (isObservations(record)) {
      const isFirst = !this.#fold.isStated(record.fact.metric);
      this.#fold.apply(record);
      const points = pointCount(record.fact);
      this.#span.record(at, recordedAt, points);
      this.#snapshots.count(points);
      this.#span.observation.add(record);
      this.#judge.cells.state(record, isFirst);
      return;
    }
    const { outcome, change } = this.#fold.apply(record);
    this.#span.record(at, recordedAt, 1);
    if (outcome !== undefined) this.#span.outcome(outcome);
    if (change !== undefined) this.#span.definitions(change);
    if (fact.type === 'check_in') this.#span.checkedIn({ ...record, fact });
  }

  /**
   * Everything before the tick becomes durable, the tick is judged on exactly that, then both are committed. What can be judged
   * from memory is judged while the last of it is still being written; nothing of the tick is, before that is.
   */
  async #tick(record: Recorded<TickFact>, context: Context): Promise<void> {
    this.#writeNext();
    if (this.#fold.questions().length > 0) await this.#answered();
    const previous = this.#fold.lastTick;
    this.#fold.apply(record);
    const recordedAt = this.#fold.recordedAt;
    this.#span.record(record.position, recordedAt, 1);
    for (const statement of this.#fold.takeResolved()) this.#span.coveredBy(statement);
    const began = this.deps.clock.monotonic();
    this.#doing = 'judging';
    const heartbeat = (): Promise<void> => this.#heartbeat(context);
    const durable = (): Promise<void> => this.#written();
    await this.#judge.tick({ position: record.position, recordedAt, previous, heartbeat, durable });
    this.#fold.judged();
    await this.#status.all({ position: record.position, recordedAt, heartbeat });
    this.#doing = 'reading';
    this.#ticked = { position: record.position, recordedAt };
    await this.#drain();
    await this.#settle();
    const { workspace, logger, metrics, clock } = this.deps;
    metrics.ticks.inc({ workspace });
    metrics.tickSeconds.observe({ workspace }, (clock.monotonic() - began) / 1000);
    this.lastTickMs = Math.min(DURATION_MS_MAX, Math.round(this.deps.clock.monotonic() - began));

    logger.debug({ workspace, position: record.position, tookMs: this.lastTickMs }, 'tick judged');
  }

  /** Starts writing what was collected, once the span before is written: one is being written while the next one is filled. */
  async #write(): Promise<void> {
    await this.#writing;
    this.#writeNext();
  }

  /** Has what was collected written after what is being written now. */
  #writeNext(): void {
    if (this.#broken !== null) throw this.#broken.error;
    if (this.#span.empty) return;
    const span = this.#span;
    // With their facts: once those are committed, nobody would write them again.
    for (const statement of this.#fold.takeResolved()) span.coveredBy(statement);
    this.#span = new Span(this.deps.workspace, this.#next, this.#texts, span);
    const kept = this.#snapshots.take(this.#fold, span.next);
    this.#writing = this.#writing
      .then(async () => {
        if (this.#broken !== null) return;
        await this.#writeSpan(span);
        // Never ahead of the commit.
        if (kept !== null) await this.#snapshots.save(kept);
      })
      .catch((error: unknown) => {
        this.#broken = { error };
      });
  }

  async #drain(): Promise<void> {
    await this.#write();
    await this.#written();
  }

  /** Resolves when what was begun to be written is durable and committed; rejects when that failed. */
  async #written(): Promise<void> {
    await this.#writing;
    if (this.#broken !== null) throw this.#broken.error;
  }

  async #writeSpan(span: Span): Promise<void> {
    const { metrics, clock, workspace } = this.deps;
    const began = clock.monotonic();
    await writePoints(span, this.deps);
    await answerQuestions(this.#fold, span.next, false, this.deps);
    for (const statement of this.#fold.takeResolved()) span.coveredBy(statement);
    await writeRest(span, this.deps);
    await this.#context?.commit(span.next);
    this.#committed = span.next;
    metrics.processedPoints.inc({ workspace }, span.observation.rows);
    metrics.batchPoints.set({ workspace }, span.observation.rows);
    metrics.batchSeconds.observe({ workspace }, (clock.monotonic() - began) / 1000);
    this.#countLag();
  }

  #countLag(): void {
    const { metrics, workspace } = this.deps;
    metrics.logLag.set({ workspace }, Math.max(0, this.#end - this.#committed));
  }

  async #refresh(): Promise<void> {
    // Whoever refreshes sees to it that what failed is delivered again, whoever began to write it.
    if (this.#broken !== null) throw this.#broken.error;
    if (!this.#loaded) return;
    await this.#drain();
    if (this.#settled >= position(this.#committed) - 1) {
      this.#atHead();
      return;
    }
    await answerQuestions(this.#fold, this.#committed, true, this.deps);
    const recordedAt = this.#fold.recordedAt;
    if (Number.isFinite(recordedAt)) {
      const heartbeat = (): Promise<void> => this.#heartbeat(this.#context);
      const moment = { position: this.#fold.position, recordedAt, heartbeat };
      await (this.#refreshAll ? this.#status.all(moment) : this.#status.touched(moment));
      this.#refreshAll = false;
    }
    await this.#settle();
  }

  /** Between slices of long work: nobody waits for the rest of it at a stop. */
  async #heartbeat(context: Context | null): Promise<void> {
    if (this.#stopping) throw new Abandoned();
    await context?.heartbeat();
  }

  /** Says how far every table has come. */
  async #settle(): Promise<void> {
    const settled = position(this.#committed) - 1;
    const recordedAt = this.#fold.recordedAt;
    if (settled > this.#settled && Number.isFinite(recordedAt)) {
      await this.deps.store.insert('progress', [
        { workspace: this.deps.workspace, position: settled, recorded_at: recordedAt },
      ]);
      this.#settled = settled;
    }
    this.#atHead();
  }

  /** The tables say what the log said when it was last looked at. */
  #atHead(): void {
    if (this.#committed < this.#end) return;
    this.#began = true;
    this.#headAt = this.deps.clock.monotonic();
  }
}
